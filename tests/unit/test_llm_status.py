"""What users see of their providers, of other servers, and in one line."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiex_lsp.config.settings import RateLimits, Settings, TaskSettings
from aiex_lsp.errors import FailureKind, ProviderError, StateError, UsageError
from aiex_lsp.events.bus import EventBus
from aiex_lsp.events.types import CircuitChanged
from aiex_lsp.llm.health import HealthMonitor
from aiex_lsp.llm.measured import Board
from aiex_lsp.llm.overview import Overview
from aiex_lsp.llm.peers import Peers
from aiex_lsp.llm.scope import circuit_names, scope_of, window_name
from aiex_lsp.llm.status_json import iso, payload, read_payload, status_json
from aiex_lsp.llm.summary import Active, active_of, dollars, in_use, summary
from aiex_lsp.llm.types import CircuitStatus, LimitStatus, ProviderStatus
from aiex_lsp.state.types import Ceiling, CircuitPolicy, Member, Row, WindowLimits
from tests.probed import (
    DOWN,
    REFUSED,
    Clock,
    Providers,
    Team,
    provider,
    settings,
    settle,
    started,
)

STATUS_KEYS = [
    *("provider", "type", "local", "status", "responseTimeMs", "lastCheck", "error", "circuit"),
    *("rateLimit", "model", "inFlight", "requestCount", "lastSelected"),
]
"""The contract's `ProviderStatus`, in its order."""

TOLD = """{"provider": "a", "type": "openai", "local": false, "status": "healthy",
"responseTimeMs": 120, "lastCheck": "2027-01-15T08:00:00.000Z", "error": null,
"circuit": {"state": "closed", "failureCount": 0, "lastFailure": null, "retryAt": null},
"rateLimit": {"requests": {"current": 1, "limit": 50, "remaining": 49},
"tokens": {"current": 0, "limit": null, "remaining": null}}, "model": "big", "inFlight": 0,
"requestCount": 3, "lastSelected": null}"""


class Server:
    def __init__(
        self, held: Settings, clock: Clock | None = None, store: Team | None = None, **parts: Any
    ) -> None:
        self.held = held
        self.clock = clock or Clock()
        self.store = store or Team(self.clock, "one")
        self.providers = Providers()
        self.bus = EventBus()
        self.board = Board(self.clock, Random(1))
        self.monitor = HealthMonitor(
            self.providers.pool,
            self.store,
            self.bus,
            lambda: self.held,
            now=self.clock,
            random=Random(2),
            sleep=self.clock.sleep,
        )
        self.overview = Overview(
            self.providers.pool,
            self.store,
            self.board,
            self.monitor,
            self.bus,
            lambda: self.held,
            Peers(self.store, self.board),
            now=self.clock,
            sleep=self.clock.sleep,
            **parts,
        )

    def scope(self, name: str) -> str:
        return scope_of(self.held.providers[name])

    async def status(self, name: str) -> dict[str, Any]:
        return next(one for one in await self.overview.providers() if one["provider"] == name)

    async def fail(self, name: str, model: str | None = None, times: int = 5) -> None:
        circuit = circuit_names(self.scope(name), model)[-1]
        for _ in range(times):
            await self.store.record({circuit: "failure"}, "call", CircuitPolicy(jitter=0))


# -- one provider -----------------------------------------------------------------------------


async def test_a_provider_nobody_has_asked_yet():
    found = (await Server(settings(provider("a"))).overview.providers())[0]
    assert list(found) == STATUS_KEYS
    assert found == {
        "provider": "a",
        "type": "probed",
        "local": False,
        "status": "unknown",
        "responseTimeMs": None,
        "lastCheck": None,
        "error": None,
        "circuit": {"state": "closed", "failureCount": 0, "lastFailure": None, "retryAt": None},
        "rateLimit": {
            "requests": {"current": 0, "limit": 50, "remaining": 50},
            "tokens": {"current": 0, "limit": 100_000, "remaining": 100_000},
        },
        "model": None,
        "inFlight": 0,
        "requestCount": 0,
        "lastSelected": None,
    }


async def test_what_was_checked_called_and_used_up_is_told():
    server = Server(settings(provider("a")))
    server.clock.now = 1_800_000_000.25
    await server.overview.check_health()
    window, limits = window_name(server.scope("a")), WindowLimits(50, 100_000)
    await server.store.reserve(window, Row("r", 0, 1200), limits)
    server.board.started(server.scope("a"), "big")
    found = await server.status("a")
    assert (found["status"], found["responseTimeMs"]) == ("healthy", 120)
    assert found["lastCheck"] == "2027-01-15T08:00:00.250Z"
    assert found["rateLimit"]["requests"] == {"current": 1, "limit": 50, "remaining": 49}
    assert found["rateLimit"]["tokens"] == {"current": 1200, "limit": 100_000, "remaining": 98_800}
    assert found["model"] == "big"  # the check learned it
    assert (found["inFlight"], found["requestCount"]) == (1, 1)
    assert found["lastSelected"] == "2027-01-15T08:00:00.250Z"


async def test_what_the_provider_itself_says_is_left_lowers_what_remains():
    server = Server(settings(provider("a"), provider("b", rate_limits=RateLimits())))
    for name in ("a", "b"):
        ceiling = Ceiling(requests=3, requests_reset=60, tokens=500_000, tokens_reset=60)
        await server.store.lower(window_name(server.scope(name)), ceiling)
    found = await server.status("a")
    assert found["rateLimit"]["requests"]["remaining"] == 3
    assert found["rateLimit"]["tokens"]["remaining"] == 100_000
    unlimited = await server.status("b")
    assert unlimited["rateLimit"]["requests"] == {"current": 0, "limit": None, "remaining": 3}


async def test_the_circuit_is_the_worst_of_the_providers_and_its_models():
    server = Server(settings(provider("a"), provider("b")))
    server.bus.publish(started(server.clock, "a", "big"))
    await server.fail("a", times=2)
    assert (await server.status("a"))["circuit"]["failureCount"] == 2
    await server.fail("a", "big")
    circuit = (await server.status("a"))["circuit"]
    assert (circuit["state"], circuit["failureCount"]) == ("open", 5)
    assert circuit["lastFailure"] == iso(server.clock.now)
    assert circuit["retryAt"] == iso(server.clock.now + 60)
    assert (await server.status("b"))["circuit"]["state"] == "closed"


async def test_times_are_told_on_this_machines_clock():
    clock = Clock()
    server = Server(settings(provider("a")), clock)
    await server.fail("a")
    ahead = Server(settings(provider("a")), Clock(clock.now - 3600), server.store)
    assert (await ahead.status("a"))["circuit"]["retryAt"] == iso(clock.now - 3600 + 60)


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"agreed": False, "configured": False}, "unknown", "not agreed to yet"),
        ({"type": "anthropic", "configured": False}, "unknown", "no API key is set"),
        ({"type": "anthropic"}, "error", "no API key is set"),
    ],
)
async def test_who_cannot_be_asked_says_why(changes, status, error):
    found = await Server(settings(provider("a", **changes))).status("a")
    assert (found["status"], found["error"]) == (status, error)


async def test_who_is_switched_off_is_not_told():
    server = Server(settings(provider("a", enabled=False), provider("b")))
    assert [one["provider"] for one in await server.overview.providers()] == ["b"]


async def test_an_unhealthy_provider_tells_no_time_but_its_error():
    server = Server(settings(provider("a")))
    server.providers["a"].health = DOWN
    found = (await server.overview.check_health("a"))[0]
    assert (found["status"], found["responseTimeMs"]) == ("unhealthy", None)
    assert found["error"] == "it is not reachable"


async def test_a_lost_store_leaves_what_is_known_without_it():
    server = Server(settings(provider("a")))
    await server.overview.check_health()

    async def lost(*_: object) -> Any:
        raise StateError("lost")

    for name in ("get", "now", "usage", "circuits"):
        setattr(server.store, name, lost)
    found = await server.status("a")
    assert (found["status"], found["circuit"]["state"]) == ("healthy", "closed")


async def test_a_provider_that_lists_no_models_is_still_healthy():
    server = Server(settings(provider("a")))
    server.providers["a"].models = ProviderError(FailureKind.TRANSIENT, "x", provider="a")
    found = (await server.overview.check_health())[0]
    assert (found["status"], found["model"]) == ("healthy", None)


# -- circuits ---------------------------------------------------------------------------------


async def test_a_reset_closes_the_circuits_of_a_provider_and_all_its_known_models():
    server = Server(settings(provider("a"), provider("b")))
    server.bus.publish(started(server.clock, "a", "big"))
    changes: list[Any] = []
    server.bus.subscribe(changes.append)
    for name, model in (("a", None), ("a", "big"), ("b", None)):
        await server.fail(name, model)
    found = await server.overview.reset_circuit("a")
    assert found["circuit"] == {
        "state": "closed",
        "failureCount": 0,
        "lastFailure": None,
        "retryAt": None,
    }
    assert (await server.status("b"))["circuit"]["state"] == "open"
    told = [one for one in changes if isinstance(one, CircuitChanged)]
    assert [(one.provider, one.before, one.after) for one in told] == [("a", "open", "closed")]


async def test_a_reset_forgets_what_the_provider_said_is_left():
    server = Server(settings(provider("a")))
    await server.store.lower(window_name(server.scope("a")), Ceiling(0, 50.0, 0, 50.0))
    assert (await server.status("a"))["rateLimit"]["requests"]["remaining"] == 0
    found = await server.overview.reset_circuit("a")
    assert found["rateLimit"]["requests"]["remaining"] == 50
    assert found["rateLimit"]["tokens"]["remaining"] == 100_000


@pytest.mark.parametrize("method", ["reset_circuit", "check_health"])
async def test_an_unknown_provider_is_named_with_the_nearest_right_name(method):
    server = Server(settings(provider("anthropic")))
    with pytest.raises(UsageError) as caught:
        await getattr(server.overview, method)("antropic")
    assert "'antropic' is not configured. Did you mean anthropic?" in str(caught.value)
    with pytest.raises(UsageError) as caught:
        await getattr(server.overview, method)("zzz")
    assert "Known are anthropic" in str(caught.value)


# -- the team ---------------------------------------------------------------------------------


async def test_servers_see_each_other_and_what_each_sees():
    clock = Clock()
    one = Server(settings(provider("a")), clock, Team(clock, "one"))
    two = Server(settings(provider("b")), clock, Team(clock, "two", one.store))
    two.board.started(two.scope("b"), "big")
    one.overview.start()
    two.overview.start()
    await clock.pass_(12)
    found = await one.overview.cluster_health()
    assert found["backend"] == "sqlite"
    assert "degraded" not in found
    members = {member["id"]: member for member in found["members"]}
    assert set(members) == {"one", "two"}
    assert members["two"]["host"] == "host-two"
    assert members["two"]["lastSeen"] == iso(clock.now - 2)
    other = members["two"]["providers"][0]
    assert list(other) == STATUS_KEYS
    assert (other["provider"], other["inFlight"]) == ("b", 1)
    # What a peer has in flight counts here too.
    assert one.board.view(two.scope("b"), "big").in_flight == 1
    await two.overview.aclose()
    assert len((await one.overview.cluster_health())["members"]) == 1
    await one.overview.aclose()
    await one.overview.aclose()


async def test_a_degraded_state_says_why():
    server = Server(settings(provider("a")))
    server.store.degraded = "the file is locked"
    assert (await server.overview.cluster_health())["degraded"] == "the file is locked"


async def test_starting_twice_probes_once_and_closing_ends_all():
    server = Server(settings(provider("a")))
    before = asyncio.all_tasks()
    server.overview.start()
    server.overview.start()
    await server.clock.pass_(2)
    assert server.providers["a"].checks == 1
    await server.overview.aclose()
    assert asyncio.all_tasks() == before


async def test_a_peer_that_tells_nonsense_harms_nobody():
    clock = Clock()
    server = Server(settings(provider("a")), clock)
    for number, text in enumerate(["", "[1]", "{" * 5000, '{"providers": 1, "board": []}', "nul"]):
        await server.store.beat(Member(f"m{number}", "h", payload=text))
    server.overview.start()
    await clock.pass_(1)
    found = await server.overview.cluster_health()
    assert [m["providers"] for m in found["members"] if m["id"].startswith("m")] == [[]] * 5
    await server.overview.aclose()


def test_a_payload_is_read_as_it_was_written():
    status = ProviderStatus("a", "openai", False, "healthy", 119.6, 1_800_000_000.0, model="big")
    told = payload([status], {"x": 1})
    view = read_payload(told)
    assert view.board == {"x": 1}
    assert view.providers == (status_json(status),)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys([*STATUS_KEYS, "other"], json_values),
    )
)
def test_whatever_another_server_says_has_the_contracts_shape_afterwards(raw):
    view = read_payload(json.dumps({"providers": [raw, {**json.loads(TOLD), **raw}]}))
    for one in view.providers:
        assert list(one) == STATUS_KEYS
        assert one["status"] in ("healthy", "unhealthy", "error", "unknown")
        assert one["circuit"]["state"] in ("closed", "open", "half_open")
        for text in (one["provider"], one["type"], one["error"], one["model"]):
            assert text is None or (len(text) <= 300 and "\n" not in text)
        json.dumps(one, allow_nan=False)


@given(st.text(max_size=200))
def test_any_text_is_a_payload(text):
    read_payload(text)


def test_other_servers_cannot_flood_this_one():
    many = json.dumps({"providers": [json.loads(TOLD)] * 1000})
    assert len(read_payload(many).providers) in (0, 100)
    assert read_payload('{"board": "' + "x" * 300_000 + '"}').board == {}


def test_times_no_calendar_has_are_null():
    assert iso(None) is None
    assert iso(1e300) is None
    assert iso(float("nan")) is None


# -- one line ---------------------------------------------------------------------------------


def status(name: str, **changes: Any) -> ProviderStatus:
    given = ProviderStatus(
        name,
        "probed",
        False,
        "healthy",
        120.0,
        1.0,
        requests=LimitStatus(2, 50, 48),
        tokens=LimitStatus(0, None, None),
        model="big",
    )
    return replace(given, **changes)


OPEN = CircuitStatus("open", 5, 1.0, 2.0)


@pytest.mark.parametrize(
    ("statuses", "severity", "text"),
    [
        ([status("a"), status("b")], "ok", "a · big · $0.12"),
        ([status("a"), status("b", status="unhealthy")], "warning", "a · big · $0.12"),
        ([status("a", circuit=OPEN), status("b")], "warning", "a ⚠ circuit open"),
        ([status("a", circuit=OPEN), status("b", status="error")], "error", "a ⚠ circuit open"),
        ([status("a", status="unhealthy"), status("b")], "warning", "a ⚠ not reachable"),
        ([status("a", requests=LimitStatus(50, 50, 0)), status("b")], "warning", "a ⚠ no requests"),
        ([status("a", in_flight=1), status("b", circuit=OPEN)], "busy", "a · big · $0.12"),
    ],
)
def test_the_line_of_a_status_bar(statuses, severity, text):
    held = settings(provider("a"), provider("b"))
    found = summary(held, statuses, Active("a", "big", "random"), 0.12)
    assert found.severity == severity
    assert found.text.startswith(text)


def test_the_tooltip_has_one_line_a_provider():
    held = settings(provider("a"), provider("b"))
    statuses = [
        status("a"),
        status(
            "b",
            status="unhealthy",
            response_time_ms=None,
            circuit=OPEN,
            error="b is not reachable",
            tokens=LimitStatus(1, 100_000, 99_999),
        ),
    ]
    found = summary(held, statuses, Active("a", None, "random"), None)
    assert found.text == "a"
    assert found.tooltip.splitlines() == [
        "a: healthy, 120 ms, 48 of 50 requests left this minute",
        "b: unhealthy, circuit open, 48 of 50 requests and 99,999 of 100,000 tokens left this "
        "minute (b is not reachable)",
    ]


def test_a_pinned_provider_that_does_not_exist_is_an_error():
    held = Settings(default_provider="b", providers={"a": provider("a")})
    active = active_of(held, [status("a", last_selected=5.0)])
    assert active.provider == "b"
    found = summary(held, [status("a")], active, None)
    assert (found.text, found.severity) == ("b ⚠ does not exist", "error")


def test_nothing_configured_is_no_trouble_while_this_machine_can_answer():
    built_in = provider("embedded", configured=False, is_local=True)
    cloud = provider("cloud", agreed=False, configured=False)
    held = settings(cloud, built_in)
    found = summary(held, [status("cloud"), status("embedded")], Active(None, None, "x"), None)
    assert (found.text, found.severity) == ("aiex", "ok")
    assert "cloud" not in found.tooltip


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, ["a", "b", "c"]),
        ({"default_provider": "b"}, ["b"]),
        ({"default_provider": "b", "fallback_providers": ("c", "gone")}, ["b", "c"]),
        ({"default_provider": "b", "tasks": {"explain": TaskSettings("d")}}, ["b", "d"]),
        ({"tasks": {"x": TaskSettings(fallback_providers=("d",))}}, ["a", "b", "c", "d"]),
    ],
)
def test_who_is_in_use(changes, names):
    every = [provider(name) for name in "abc"]
    held = settings(*every, provider("d", configured=False), **changes)
    assert [one.name for one in in_use(held)] == names


@pytest.mark.parametrize(
    ("cost", "text"), [(0, "$0"), (0.0012, "$0.0012"), (0.123, "$0.12"), (12.5, "$12.50")]
)
def test_dollars(cost, text):
    assert dollars(cost) == text


# -- what watchers are told -------------------------------------------------------------------


async def test_a_report_has_everything_a_status_bar_shows():
    async def cost() -> float:
        return 0.12

    server = Server(settings(provider("a"), default_provider="a"), today_cost=cost)
    await server.overview.check_health()
    found = await server.overview.report()
    assert found["summary"] == {
        "text": "a · big · $0.12",
        "tooltip": "a: healthy, 120 ms, 50 of 50 requests and 100,000 of 100,000 tokens left "
        "this minute",
        "severity": "ok",
    }
    assert found["active"] == {"provider": "a", "model": "big", "strategy": "load_balanced"}
    assert found["todayCost"] == 0.12
    assert list(found["providers"][0]) == STATUS_KEYS
    json.dumps(found, allow_nan=False)


async def test_the_active_provider_without_a_pinned_one_is_the_last_chosen_or_the_first_well():
    server = Server(settings(provider("a"), provider("b"), provider("c")))
    server.providers["a"].health = REFUSED
    await server.overview.check_health()
    assert (await server.overview.report())["active"]["provider"] == "b"
    server.board.started(server.scope("c"), "m")
    server.board.finished(server.scope("c"), "m", ok=True)
    assert (await server.overview.report())["active"]["provider"] == "c"


async def test_the_days_cost_is_not_asked_for_at_every_report():
    asked: list[float] = []

    async def cost() -> float:
        asked.append(1)
        return 0.5

    server = Server(settings(provider("a")), today_cost=cost)
    for _ in range(5):
        await server.overview.report()
    assert len(asked) == 1
    await server.clock.pass_(2)
    await server.overview.report()
    assert len(asked) == 2


async def test_watchers_hear_of_calls_checks_and_circuits_until_they_end():
    server = Server(settings(provider("a")))
    heard: list[int] = []
    end = server.overview.watch(lambda: heard.append(1))
    server.bus.publish(started(server.clock, "a"))
    assert len(heard) == 1
    await server.overview.check_health()
    assert len(heard) == 2
    end()
    end()
    server.bus.publish(started(server.clock, "a"))
    assert len(heard) == 2


async def test_what_other_servers_changed_is_looked_at_now_and_then():
    server = Server(settings(provider("a"), interval=0))
    heard: list[int] = []
    server.overview.watch(lambda: heard.append(1))
    server.overview.start()
    await server.clock.pass_(25)
    assert len(heard) == 3
    await server.overview.aclose()


async def test_the_doctors_report_is_passed_on():
    async def diagnose() -> dict[str, Any]:
        return {"ok": True, "checks": []}

    server = Server(settings(provider("a")), diagnose=diagnose)
    assert await server.overview.diagnose() == {"ok": True, "checks": []}
    await settle()
