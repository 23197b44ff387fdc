"""When providers are probed, when not, and what follows from what was found."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiex_lsp.config.settings import (
    CircuitBreakerSettings,
    HealthSettings,
    Secret,
    Settings,
)
from aiex_lsp.errors import ConfigError, FailureKind, StateError
from aiex_lsp.events.bus import EventBus
from aiex_lsp.events.types import CircuitChanged, Event, HealthChecked
from aiex_lsp.llm.health import IDLE, HealthMonitor
from aiex_lsp.llm.health_record import HealthRecord, read_record
from aiex_lsp.llm.scope import circuit_names, health_key, scope_of
from aiex_lsp.state.memory import MemoryStore
from aiex_lsp.state.types import CircuitPolicy
from tests.probed import (
    DOWN,
    REFUSED,
    WELL,
    Clock,
    Providers,
    answered,
    failed,
    provider,
    settings,
    settle,
    started,
)

FIRST = 1.1
"""Seconds until the first round at the latest: one, and up to a tenth of jitter."""

ROUND = 33.0


class Server:
    """One server's monitor; several may share a clock and a store."""

    def __init__(
        self, held: Settings, clock: Clock | None = None, store: MemoryStore | None = None
    ) -> None:
        self.held = held
        self.clock = clock or Clock()
        self.store = store or MemoryStore(self.clock, Random(1))
        self.providers = Providers()
        self.bus = EventBus()
        self.events: list[Event] = []
        self.bus.subscribe(self.events.append)
        self.monitor = HealthMonitor(
            self.providers.pool,
            self.store,
            self.bus,
            lambda: self.held,
            now=self.clock,
            random=Random(2),
            sleep=self.clock.sleep,
            holder="me",
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        task = asyncio.create_task(self.monitor.run())
        try:
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def known(self, name: str) -> HealthRecord | None:
        return self.monitor.known(scope_of(self.held.providers[name]))

    async def circuit(self, name: str, model: str | None = None) -> Any:
        names = circuit_names(scope_of(self.held.providers[name]), model)
        return (await self.store.circuits(names))[-1]

    def told(self) -> list[tuple[str, str, str]]:
        return [
            (e.provider, e.before, e.status) for e in self.events if isinstance(e, HealthChecked)
        ]


async def test_each_provider_is_probed_after_a_second_and_then_every_thirty():
    server = Server(settings(provider("a"), provider("b")))
    async with server.running():
        await server.clock.pass_(0.9)
        assert server.providers["a"].checks == 0
        await server.clock.pass_(0.2)
        assert (server.providers["a"].checks, server.providers["b"].checks) == (1, 1)
        await server.clock.pass_(29)
        assert server.providers["a"].checks == 1
        await server.clock.pass_(4)
        assert (server.providers["a"].checks, server.providers["b"].checks) == (2, 2)
    assert server.known("a") == HealthRecord(
        "healthy", 120.0, pytest.approx(server.known("a").last_check)
    )
    assert server.told()[0] == ("a", "unknown", "healthy")


async def test_slow_providers_are_probed_at_the_same_time():
    server = Server(settings(provider("a"), provider("b")))
    gate = asyncio.Event()
    server.providers["a"].gate = server.providers["b"].gate = gate
    async with server.running():
        await server.clock.pass_(FIRST)
        assert (server.providers["a"].checks, server.providers["b"].checks) == (1, 1)
        gate.set()
        await settle()
    assert server.known("a").status == server.known("b").status == "healthy"


@pytest.mark.parametrize(
    "changes",
    [
        {"enabled": False},
        {"agreed": False},
        {"type": "anthropic"},
        {"configured": False, "is_local": True},
    ],
)
async def test_who_may_not_be_asked_or_is_not_configured_is_not_probed(changes):
    server = Server(settings(provider("a", **changes), provider("b")))
    async with server.running():
        await server.clock.pass_(120)
    assert server.providers["a"].checks == 0
    assert server.providers["b"].checks > 0


async def test_an_interval_of_zero_switches_probes_off_until_it_changes():
    server = Server(settings(provider("a"), interval=0))
    async with server.running():
        await server.clock.pass_(120)
        assert server.providers["a"].checks == 0
        server.held = settings(provider("a"), interval=5)
        await server.clock.pass_(40)
    assert server.providers["a"].checks > 0


# -- what tells already -----------------------------------------------------------------------


async def test_nobody_is_probed_whose_answers_tell_already():
    server = Server(settings(provider("a"), provider("b")))
    async with server.running():
        await server.clock.pass_(FIRST)
        for _ in range(20):
            await server.clock.pass_(10)
            server.bus.publish(started(server.clock, "a"))
            server.bus.publish(answered(server.clock, "a", 2.0, first_token=0.3))
    assert server.providers["a"].checks == 1
    assert server.providers["b"].checks > 4
    assert (server.known("a").status, server.known("a").response_time_ms) == ("healthy", 300)


async def test_a_cached_answer_says_nothing_of_its_provider():
    server = Server(settings(provider("a")))
    server.bus.publish(answered(server.clock, "a", cached=True))
    assert server.known("a") is None


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (FailureKind.CONNECT, "unhealthy"),
        (FailureKind.CONNECT_TIMEOUT, "unhealthy"),
        (FailureKind.FIRST_TOKEN_TIMEOUT, "unhealthy"),
        (FailureKind.OVERLOADED, "unhealthy"),
        (FailureKind.TRANSIENT, "unhealthy"),
        (FailureKind.CREDENTIALS, "error"),
        (FailureKind.QUOTA, "error"),
        (FailureKind.RATE_LIMITED, None),
        (FailureKind.CONTENT_FILTER, None),
        (FailureKind.CONTEXT_TOO_LONG, None),
        (FailureKind.CANCELLED, None),
    ],
)
async def test_what_a_failed_call_says(kind, status):
    server = Server(settings(provider("a")))
    server.bus.publish(failed(server.clock, "a", kind))
    found = server.known("a")
    assert (found.status if found else None) == status
    assert found is None or found.error == "a failed"


async def test_calls_of_a_provider_that_is_gone_from_the_settings_are_ignored():
    server = Server(settings(provider("a")))
    server.bus.publish(started(server.clock, "gone"))
    server.bus.publish(answered(server.clock, "gone"))
    assert server.known("a") is None


async def test_one_of_several_servers_probes_for_all():
    clock = Clock()
    store = MemoryStore(clock, Random(1))
    held = settings(provider("a"))
    servers = [Server(held, clock, store) for _ in range(4)]
    async with contextlib.AsyncExitStack() as stack:
        for server in servers:
            await stack.enter_async_context(server.running())
            await clock.pass_(3)
        for one in servers:
            one.providers["a"].checks = 0
        await clock.pass_(280)
    total = sum(server.providers["a"].checks for server in servers)
    assert 6 <= total <= 10  # one a round, where four alone would make 36
    assert all(server.known("a").status == "healthy" for server in servers)


async def test_what_calls_told_one_server_is_shared_with_the_others():
    clock = Clock()
    store = MemoryStore(clock, Random(1))
    held = settings(provider("a"))
    busy, other = Server(held, clock, store), Server(held, clock, store)
    async with busy.running():
        await clock.pass_(FIRST)
        await clock.pass_(20)
        busy.bus.publish(failed(clock, "a", FailureKind.CONNECT))
        await clock.pass_(20)
    async with other.running():
        await clock.pass_(FIRST)
    assert other.providers["a"].checks == 0
    assert other.known("a").status == "unhealthy"


async def test_a_record_from_a_clock_that_is_ahead_is_not_believed_for_ever():
    server = Server(settings(provider("a")))
    key = health_key(scope_of(server.held.providers["a"]))
    record = HealthRecord("healthy", 1.0, server.clock.now + 86_400)
    await server.store.put(key, record.to_json(), 100_000)
    async with server.running():
        await server.clock.pass_(FIRST)
        assert server.known("a").last_check <= server.clock.now


@pytest.mark.parametrize("text", ["", "{}", "nonsense", '{"status": "fine", "lastCheck": 1}', "[]"])
async def test_a_broken_record_of_another_server_is_probed_over(text):
    server = Server(settings(provider("a")))
    await server.store.put(health_key(scope_of(server.held.providers["a"])), text, 1000)
    async with server.running():
        await server.clock.pass_(FIRST)
    assert server.known("a").status == "healthy"


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists))
def test_reading_a_record_never_raises(value):
    for text in (json.dumps(value), json.dumps({"status": "error", "lastCheck": value})):
        found = read_record(text)
        assert found is None or found.status == "error"


def test_a_record_is_read_as_it_was_written():
    record = HealthRecord("unhealthy", None, 1_800_000_000.25, "down")
    assert read_record(record.to_json()) == record


# -- idle servers -----------------------------------------------------------------------------


async def test_an_idle_server_leaves_remote_providers_alone_and_local_ones_nearly():
    local = provider("here", is_local=True, base_url="http://127.0.0.1:1")
    server = Server(settings(provider("cloud"), local))
    async with server.running():
        await server.clock.pass_(IDLE + 60)
        for adapter in server.providers.adapters.values():
            adapter.checks = 0
        await server.clock.pass_(8 * 3600)
        assert server.providers["cloud"].checks == 0
        assert 80 <= server.providers["here"].checks <= 96


async def test_a_call_wakes_an_idle_server_at_once():
    server = Server(settings(provider("a"), provider("b")))
    async with server.running():
        await server.clock.pass_(3600)
        before = server.providers["b"].checks
        server.bus.publish(started(server.clock, "a"))
        await settle()
        assert server.providers["b"].checks == before + 1
        await server.clock.pass_(ROUND)
        assert server.providers["b"].checks == before + 2


# -- breakers ---------------------------------------------------------------------------------


async def test_bad_probes_open_the_circuit_and_a_good_one_only_lets_it_be_tried():
    held = settings(
        provider("a"),
        circuit_breaker=CircuitBreakerSettings(3, open_seconds=600, max_open_seconds=600),
    )
    server = Server(held)
    server.providers["a"].health = DOWN
    async with server.running():
        await server.clock.pass_(FIRST + 2 * ROUND)
        circuit = await server.circuit("a")
        assert (circuit.state, circuit.failure_count) == ("open", 3)
        assert circuit.retry_at > server.clock.now + 500
        server.providers["a"].health = WELL
        await server.clock.pass_(ROUND)
        circuit = await server.circuit("a")
        assert circuit.state == "open"
        assert circuit.retry_at <= server.clock.now
    changes = [e for e in server.events if isinstance(e, CircuitChanged)]
    assert [(e.provider, e.model, e.before, e.after) for e in changes] == [
        ("a", "", "closed", "open")
    ]


async def test_a_good_probe_lets_the_circuits_of_models_be_tried_too():
    server = Server(settings(provider("a")))
    scope = scope_of(server.held.providers["a"])
    server.bus.publish(started(server.clock, "a", "big"))
    name = circuit_names(scope, "big")[1]
    for _ in range(5):
        await server.store.record({name: "failure"}, "call", CircuitPolicy())
    assert (await server.circuit("a", "big")).retry_at > server.clock.now + 50
    await server.monitor.check("a")
    assert (await server.circuit("a", "big")).retry_at <= server.clock.now


async def test_a_refused_key_opens_no_circuit():
    server = Server(settings(provider("a")))
    server.providers["a"].health = REFUSED
    for _ in range(10):
        await server.monitor.check()
    circuit = await server.circuit("a")
    assert (circuit.state, circuit.failure_count) == ("closed", 0)
    assert server.known("a").error == "it refused the API key"


# -- explicit checks --------------------------------------------------------------------------


async def test_a_check_probes_now_also_whom_the_rounds_leave_out():
    local = provider("here", configured=False, is_local=True)
    server = Server(settings(provider("a"), local, provider("b", agreed=False)))
    found = await server.monitor.check()
    assert {name: record.status for name, record in found.items()} == {
        "a": "healthy",
        "here": "healthy",
    }
    assert list(await server.monitor.check("here")) == ["here"]
    assert server.providers["a"].checks == 1


async def test_checks_join_a_probe_under_way():
    server = Server(settings(provider("a")))
    gate = server.providers["a"].gate = asyncio.Event()
    async with server.running():
        await server.clock.pass_(FIRST)
        checks = [asyncio.create_task(server.monitor.check("a")) for _ in range(5)]
        await settle()
        gate.set()
        found = await asyncio.gather(*checks)
    assert server.providers["a"].checks == 1
    assert all(one["a"].status == "healthy" for one in found)


async def test_a_cancelled_check_ends_its_probe_but_not_that_of_another():
    server = Server(settings(provider("a")))
    gate = server.providers["a"].gate = asyncio.Event()
    first = asyncio.create_task(server.monitor.check("a"))
    second = asyncio.create_task(server.monitor.check("a"))
    await settle()
    first.cancel()
    await settle()
    assert first.cancelled()
    assert server.providers["a"].cancelled == 0
    second.cancel()
    await settle()
    assert server.providers["a"].cancelled == 1
    gate.set()
    assert (await server.monitor.check("a"))["a"].status == "healthy"


async def test_closing_ends_probes_and_stops_listening():
    server = Server(settings(provider("a")))
    server.providers["a"].gate = asyncio.Event()
    async with server.running():
        await server.clock.pass_(FIRST)
    server.monitor.close()
    await settle()
    assert server.providers["a"].cancelled == 1
    server.bus.publish(answered(server.clock, "a"))
    assert server.known("a") is None


async def test_a_provider_that_is_silent_is_unhealthy_after_its_time():
    server = Server(replace(settings(provider("a")), health=HealthSettings(timeout=0.01)))
    server.providers["a"].gate = asyncio.Event()
    found = await server.monitor.check("a")
    assert found["a"].status == "unhealthy"
    assert found["a"].error == "a did not answer a health check within 0.01 s."


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (RuntimeError("secret detail"), "adapter of a failed inside (RuntimeError)"),
        (ConfigError("No provider type 'x' is known", "Use openai"), "No provider type 'x'"),
    ],
)
async def test_an_adapter_that_breaks_its_promise_is_an_error_not_a_crash(failure, words):
    server = Server(settings(provider("a"), provider("b")))
    server.providers["a"].health = failure
    async with server.running():
        await server.clock.pass_(FIRST + ROUND)
    assert server.known("a").status == "error"
    assert words in server.known("a").error
    assert "secret" not in server.known("a").error
    assert server.providers["b"].checks == 2


class Lost(MemoryStore):
    """A store that has been lost."""

    async def _no(self, *_: object) -> Any:
        raise StateError("The state is lost")

    get = put = record = permit = now = _no  # type: ignore[assignment]


async def test_a_lost_store_hides_no_health():
    clock = Clock()
    server = Server(settings(provider("a"), provider("b")), clock, Lost(clock, Random(1)))
    server.providers["b"].health = DOWN
    async with server.running():
        await clock.pass_(FIRST + ROUND)
    assert (server.known("a").status, server.known("b").status) == ("healthy", "unhealthy")


async def test_names_of_one_account_share_one_probe():
    key = Secret("k")
    same = [provider(n, base_url="https://x.example", api_key=key) for n in ("a", "b")]
    server = Server(settings(*same))
    found = await server.monitor.check()
    assert set(found) == {"a", "b"}
    assert server.providers["a"].checks + server.providers["b"].checks == 1


def test_settings_with_unknown_models_do_not_grow_without_end():
    server = Server(settings(provider("a")))
    for number in range(100):
        server.bus.publish(started(server.clock, "a", f"m{number}"))
    server.bus.publish(started(server.clock, "a", "m90"))
    known = server.monitor.models(scope_of(server.held.providers["a"]))
    assert len(known) == 20
    assert known[-1] == "m90"


class Jumping(Clock):
    """A clock that is set while time passes as always."""

    set_by = 0.0

    def __call__(self) -> float:
        return self.now + self.set_by


async def test_a_clock_set_back_does_not_end_the_probes():
    server = Server(settings(provider("a", is_local=True)), Jumping())
    async with server.running():
        await server.clock.pass_(2)
        before = server.providers["a"].checks
        server.clock.set_by = -3600.0
        await server.clock.pass_(2 * ROUND)
        assert server.providers["a"].checks > before
        record = read_record(
            await server.store.get(health_key(scope_of(server.held.providers["a"])))
        )
        assert record is not None
        assert 0 <= server.clock() - record.last_check <= ROUND
