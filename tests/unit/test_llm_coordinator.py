"""Who may be asked, in which order, and what is told of those who may not."""

import asyncio
import logging
import math
import threading
from collections.abc import Mapping
from dataclasses import replace
from random import Random

import pytest

from aiex_lsp.config.settings import ProviderSettings, Secret, Settings, TaskSettings
from aiex_lsp.errors import ConfigError, NoProviderError, UsageError
from aiex_lsp.events.bus import EventBus
from aiex_lsp.events.types import Selected
from aiex_lsp.llm.coordinator import Choice, ModelCoordinator
from aiex_lsp.llm.measured import Board
from aiex_lsp.llm.scope import scope_of
from aiex_lsp.llm.types import (
    CircuitStatus,
    CompletionRequest,
    NotBefore,
    Price,
    RequestFacts,
    Standing,
)

FACTS = RequestFacts("explain", input_tokens=2000, least_tokens=500, max_tokens=600)
OPEN = Standing(CircuitStatus("open", 5, 990.0, 1042.0), retry_in=41.2)
SECRETS = replace(FACTS, sensitive=("AWS access key, line 12",))


def provider(name: str, **changes: object) -> ProviderSettings:
    made = ProviderSettings(name, "openai", agreed=True, configured=True)
    return replace(made, **{"base_url": f"http://{name}/v1", **changes})


def settings(*providers: ProviderSettings, **changes: object) -> Settings:
    return replace(Settings(providers={p.name: p for p in providers}), **changes)


class Rig:
    """A coordinator with standings by provider name."""

    def __init__(
        self,
        standings: Mapping[str, Standing] | None = None,
        prices: Mapping[str, Price] | None = None,
        answering: tuple[str, ...] = (),
        seed: int = 1,
    ) -> None:
        self.now = 1000.0
        self.standings = dict(standings or {})
        self.asked_standing: list[tuple[str, str | None]] = []
        self.prices = dict(prices or {})
        self.board = Board(lambda: self.now, Random(seed))
        self.bus = EventBus()
        self.events: list[Selected] = []
        self.bus.subscribe(self.events.append)

        async def probe(one: ProviderSettings) -> bool:
            return one.name in answering

        async def standing(one, model, facts, held) -> Standing:
            self.asked_standing.append((one.name, model))
            return self.standings.get(one.name, Standing())

        self.coordinator = ModelCoordinator(
            probe,
            lambda one, _model: self.prices.get(one.name),
            Random(seed),
            board=self.board,
            standing=standing,
            bus=self.bus,
            now=lambda: self.now,
        )

    def measure(self, one: ProviderSettings, first_token: float, calls: int = 20) -> None:
        for _ in range(calls):
            self.board.started(scope_of(one), "m")
            self.board.finished(scope_of(one), "m", ok=True, first_token=first_token)

    async def choose(
        self, held: Settings, facts: RequestFacts | None = FACTS, **request: object
    ) -> Choice:
        made = CompletionRequest(**{"task": "explain", "prompt": None, **request})
        return await self.coordinator.choose(made, held, facts, call_id="call-1")

    async def names(self, held: Settings, facts: RequestFacts | None = FACTS, **request: object):
        return [one.provider.name for one in (await self.choose(held, facts, **request)).candidates]

    async def refused(
        self, held: Settings, facts: RequestFacts | None = FACTS, **request: object
    ) -> NoProviderError:
        with pytest.raises(NoProviderError) as caught:
            await self.choose(held, facts, **request)
        assert len(str(caught.value)) <= 200
        return caught.value


A, B, C = provider("a"), provider("b"), provider("c")
MINE = provider("mine", is_local=True)
THREE = settings(A, B, C)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"enabled": False}, "switched off"),
        ({"enabled": False, "wrong_address": True}, "its base_url cannot be used"),
        ({"agreed": False}, "not agreed to yet"),
        ({"base_url": "https://api.openai.com/v1"}, "no key"),
    ],
)
async def test_who_the_settings_rule_out_is_left_out(changes, reason):
    choice = await Rig().choose(settings(replace(A, **changes), B))
    assert [one.provider.name for one in choice.candidates] == ["b"]
    assert choice.left_out == {"a": reason}


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (OPEN, "left alone after 5 failures, tried again in 42 s"),
        (
            Standing(not_before=NotBefore(1020, "rate_limited", hard=True), not_before_in=19.5),
            "asked to be left alone for 20 s more: rate_limited",
        ),
        (
            Standing(not_before=NotBefore(5000, "overloaded", hard=True), not_before_in=400),
            "asked to be left alone for 7 min more: overloaded",
        ),
    ],
)
async def test_who_is_to_be_left_alone_is_until_then(standing, reason):
    rig = Rig({"a": standing})
    choice = await rig.choose(settings(A, B))
    assert choice.left_out == {"a": reason}
    assert choice.report.left_out == choice.left_out
    error = await rig.refused(settings(A))
    assert error.reasons == {"a": reason}
    assert reason in str(error)
    assert "Ask again in" in str(error)


async def test_an_open_circuit_whose_time_has_come_may_be_probed():
    assert await Rig({"a": replace(OPEN, retry_in=0.0)}).names(settings(A)) == ["a"]


async def test_a_named_provider_left_alone_says_until_when_and_how_to_reset_it():
    error = await Rig({"a": OPEN}).refused(THREE, provider="a")
    assert str(error) == (
        "a cannot be asked: left alone after 5 failures, tried again in 42 s. "
        "Ask again in 42 s, or reset its circuit (aiex/resetCircuit)."
    )


async def test_where_nobody_is_left_the_message_begins_with_who_may_be_asked_first():
    off = [provider(f"off-{number}", enabled=False) for number in range(9)]
    hold = Standing(not_before=NotBefore(1009, "rate_limited", hard=True), not_before_in=9)
    error = await Rig({"a": OPEN, "b": hold}).refused(settings(*off, A, B))
    assert "(b: asked to be left alone for 9 s more" in str(error)
    assert str(error).endswith("Ask again in 9 s, or reset its circuit (aiex/resetCircuit).")
    assert set(error.reasons) == {"a", "b", *(one.name for one in off)}


async def test_a_fallback_takes_the_place_of_a_named_provider_left_alone():
    held = settings(A, B, C, fallback_providers=("c", "b"))
    choice = await Rig({"a": OPEN}).choose(held, provider="a", model="m9")
    assert [one.provider.name for one in choice.candidates] == ["c", "b"]
    assert choice.candidates[0].model is None
    assert choice.reason == (
        "a is named, but left out: left alone after 5 failures, tried again in 42 s"
    )


class TestWindows:
    LARGE = replace(FACTS, least_tokens=11_700)

    async def test_one_too_small_is_left_out(self):
        choice = await Rig({"a": Standing(window=8192)}).choose(settings(A, B), self.LARGE)
        assert choice.left_out == {"a": "its window of 8,192 tokens is too small for about 12,000"}

    async def test_where_all_are_much_too_small_the_next_step_says_so(self):
        rig = Rig({"a": Standing(window=4096)})
        error = await rig.refused(settings(A), self.LARGE)
        assert "larger window" in str(error)

    async def test_one_that_may_just_be_large_enough_is_asked_where_there_is_no_other(self):
        assert await Rig({"a": Standing(window=10_000)}).names(settings(A), self.LARGE) == ["a"]

    async def test_an_unknown_window_is_no_reason(self):
        assert len(await Rig().names(THREE, self.LARGE)) == 3

    async def test_without_facts_it_is_not_looked_at(self):
        assert await Rig({"a": Standing(window=100)}).names(settings(A), None) == ["a"]


class TestSecrets:
    WHY = "the text holds secrets (AWS access key, line 12), which stay on this machine"

    @pytest.mark.parametrize(
        "policy",
        [
            {"secrets": "local_only"},
            {"tasks": {"explain": TaskSettings(secrets="local_only")}},
        ],
    )
    async def test_they_stay_on_this_machine(self, policy):
        choice = await Rig().choose(settings(A, MINE, **policy), SECRETS)
        assert [one.provider.name for one in choice.candidates] == ["mine"]
        assert choice.left_out == {"a": self.WHY}

    async def test_also_where_the_call_names_a_remote_provider(self):
        held = settings(A, B, MINE, secrets="local_only", fallback_providers=("b", "mine"))
        assert await Rig().names(held, SECRETS, provider="a") == ["mine"]
        error = await Rig().refused(settings(A, secrets="local_only"), SECRETS, provider="a")
        assert error.reasons == {"a": self.WHY}
        assert "start a local model" in str(error)

    async def test_a_local_server_that_is_not_configured_is_used(self):
        ollama = replace(MINE, configured=False)
        rig = Rig(answering=("mine",))
        choice = await rig.choose(settings(A, ollama, secrets="local_only"), SECRETS)
        assert [one.provider.name for one in choice.candidates] == ["mine"]
        assert choice.reason.startswith("the text may not leave this machine")

    async def test_block_asks_nobody(self):
        error = await Rig().refused(settings(A, MINE, secrets="block"), SECRETS)
        assert "AWS access key, line 12" in str(error)
        assert set(error.reasons) == {"a", "mine"}

    async def test_many_are_counted(self):
        facts = replace(FACTS, sensitive=tuple(f"password, line {n}" for n in range(9)))
        error = await Rig().refused(settings(A, secrets="block"), facts)
        assert "password, line 2 and 6 more" in error.what

    @pytest.mark.parametrize("sensitive", [None, ()])
    async def test_where_none_were_found_all_may_be_asked(self, sensitive):
        facts = replace(FACTS, sensitive=sensitive)
        assert await Rig().names(settings(A, secrets="local_only"), facts) == ["a"]


class TestModels:
    KNOWN = Standing(known_models=("gpt-5", "claude-4-20260101", "llama3:latest"))

    async def test_who_is_known_not_to_have_the_named_model_is_left_out(self):
        rig = Rig({"a": Standing(known_models=("gpt-5",)), "b": Standing(known_models=("gpt-6",))})
        choice = await rig.choose(settings(A, B), model="gpt-6")
        assert [(one.provider.name, one.model) for one in choice.candidates] == [("b", "gpt-6")]
        assert choice.left_out == {"a": "it has no model 'gpt-6', but 'gpt-5'"}

    @pytest.mark.parametrize("model", ["gpt-5", "claude-4", "claude-4-latest", "llama3"])
    async def test_aliases_are_not_taken_for_other_models(self, model):
        choice = await Rig({"a": self.KNOWN}).choose(settings(A, B), model=model)
        assert not choice.left_out

    async def test_the_only_one_is_asked_all_the_same(self):
        choice = await Rig({"a": self.KNOWN}).choose(settings(A), model="new")
        assert choice.candidates[0].model == "new"


async def test_who_is_slower_than_the_time_left_is_left_out_unless_all_are():
    rig, hurried = Rig(), replace(FACTS, seconds_left=12.0)
    rig.measure(A, 40.0)
    choice = await rig.choose(settings(A, B), hurried)
    assert choice.left_out == {"a": "its first token takes about 40 s, and 12 s are left"}
    assert await rig.names(settings(A), hurried) == ["a"]
    assert await rig.names(settings(A, B), hurried, provider="a") == ["a"]


HOLD = Standing(not_before=NotBefore(2000, "quota"), not_before_in=1000.0)


@pytest.mark.parametrize(
    ("standing", "note"),
    [
        (HOLD, "after the others: quota, tried again in 17 min"),
        (Standing(limit_wait=8.0), "after the others: its limit has room in 8 s"),
        (Standing(limit_wait=math.inf), "larger than its limit of a minute"),
        (Standing(CircuitStatus("half_open")), "after the others: it is being tried again"),
        (Standing(ramp=0.0), "after the others: recovering, it gets 0% of its calls"),
    ],
)
@pytest.mark.parametrize("pinned", [True, False])
async def test_who_had_better_wait_is_asked_after_the_others(standing, note, pinned):
    rig = Rig({"a": standing})
    held = settings(A, B, C, fallback_providers=("b", "c"))
    held = replace(held, default_provider="a" if pinned else None)
    for _ in range(5):
        choice = await rig.choose(held)
        assert choice.candidates[-1].provider.name == "a"
        assert note in choice.report.candidates[-1].note
        assert not choice.left_out
    assert await rig.names(settings(A)) == ["a"]


async def test_a_short_wait_for_a_limit_is_waited():
    rig = Rig({"a": Standing(limit_wait=1.0)})
    held = settings(A, B, default_provider="a", fallback_providers=("b",))
    assert await rig.names(held) == ["a", "b"]


async def test_a_recovering_provider_gets_its_share():
    rig = Rig({"a": Standing(ramp=0.25)})
    held = settings(A, B, default_provider="a", fallback_providers=("b",))
    firsts = [(await rig.names(held))[0] for _ in range(400)]
    assert 60 < firsts.count("a") < 140
    assert (await rig.names(held, provider="a"))[0] == "a"


async def test_named_providers_keep_their_order_and_local_ones_stay_local():
    held = settings(A, B, MINE, default_provider="mine", fallback_providers=("a", "b"))
    choice = await Rig().choose(held)
    assert [one.provider.name for one in choice.candidates] == ["mine"]
    assert choice.left_out["a"] == "remote, and the call is meant for a local provider"
    assert choice.strategy == "named"
    assert await Rig().names(held, provider="b") == ["b", "a"]


async def test_local_affinity_sends_nothing_elsewhere_during_a_local_outage():
    held = settings(A, MINE, strategy="local_affinity")
    assert await Rig().names(held) == ["mine"]
    error = await Rig({"mine": OPEN}).refused(held)
    assert error.reasons["a"] == "remote, and local_affinity stays on this machine"


async def test_an_unconfigured_local_server_is_left_alone_too():
    ollama = replace(MINE, configured=False)
    embedded = replace(provider("embedded", is_local=True, configured=False), type="embedded")
    rig = Rig({"mine": OPEN}, answering=("mine",))
    assert await rig.names(settings(ollama, embedded)) == ["embedded"]


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"provider": "aa"}, UsageError),
        ({"provider": "off"}, ConfigError),
        ({"strategy": "nonsense"}, UsageError),
    ],
)
async def test_wrong_names_are_the_callers_mistake(request_, error):
    with pytest.raises(error):
        await Rig().choose(settings(A, B, provider("off", enabled=False)), **request_)


@pytest.mark.parametrize(
    "changes", [{"default_provider": "aa"}, {"tasks": {"explain": TaskSettings(provider="aa")}}]
)
async def test_a_configured_provider_that_does_not_exist_is_no_reason_to_ask_another(changes):
    held = replace(settings(A, B), **changes)
    with pytest.raises(ConfigError) as caught:
        await Rig().choose(held, task="explain")
    assert str(caught.value) == (
        "The configured provider 'aa' does not exist, and nobody else is asked in its place. "
        "Did you mean a?"
    )
    # Whoever names another one, or a strategy, has chosen anew.
    assert await Rig().names(held, task="explain", provider="b") == ["b"]
    assert await Rig().names(held, task="explain", strategy="local_affinity") == ["a", "b"]


class TestStrategies:
    async def test_the_measured_one_comes_first_and_the_report_says_why(self):
        rig = Rig()
        rig.measure(A, 5.0)
        rig.measure(B, 0.5)
        choice = await rig.choose(settings(A, B))
        assert [one.provider.name for one in choice.candidates] == ["b", "a"]
        assert choice.strategy == choice.report.strategy == "load_balanced"
        first, second = choice.report.candidates
        assert first.score < second.score
        assert "first token 0.5 s" in first.note

    async def test_the_cheapest_comes_first(self):
        prices = {"a": Price(0.01, 0.03), "b": Price(0.001, 0.002)}
        rig = Rig(prices=prices)
        assert await rig.names(THREE, strategy="cost_optimized") == ["b", "a", "c"]

    async def test_prices_are_looked_up_once_and_off_the_loop(self):
        threads = []

        def price(one, model):
            threads.append(threading.current_thread())
            return None

        rig = Rig()
        coordinator = ModelCoordinator(lambda _p: None, price, Random(1))
        for _ in range(3):
            await coordinator.choose(CompletionRequest("explain", None), THREE, FACTS)
        assert len(threads) == 3
        assert threading.main_thread() not in threads
        assert await rig.names(settings(A)) == ["a"]

    async def test_calls_that_come_at_once_do_not_all_go_to_the_same(self):
        rig = Rig()
        for one in (A, B, C):
            rig.measure(one, 1.0)
        chosen = await asyncio.gather(*(rig.names(THREE) for _ in range(6)))
        firsts = [names[0] for names in chosen]
        assert {name: firsts.count(name) for name in "abc"} == {"a": 2, "b": 2, "c": 2}

    async def test_round_robin_takes_turns_also_before_calls_begin(self):
        rig = Rig()
        firsts = [(await rig.names(THREE, strategy="round_robin"))[0] for _ in range(6)]
        assert sorted(firsts[:3]) == sorted(firsts[3:]) == ["a", "b", "c"]

    async def test_a_preview_changes_nothing(self):
        rig = Rig()
        made = CompletionRequest("explain", None, strategy="round_robin")
        seen = [
            (await rig.coordinator.choose(made, settings(A), FACTS, preview=True)).candidates
            for _ in range(3)
        ]
        assert len(seen) == 3
        assert not rig.events
        assert rig.board.view(scope_of(A), None).in_flight == 0

    async def test_a_strategy_of_a_users_own_may_keep_text_here(self):
        example = "aiex_lsp.llm.strategies_example:ByKind"
        choice = await Rig().choose(settings(A, MINE), SECRETS, strategy=example)
        assert [one.provider.name for one in choice.candidates] == ["mine"]
        assert choice.left_out == {"a": "remote, and the text holds AWS access key, line 12"}
        error = await Rig().refused(settings(A), SECRETS, strategy=example)
        assert "AWS access key" in str(error)

    async def test_the_named_model_goes_to_whoever_is_asked_first(self):
        choice = await Rig().choose(THREE, model="m2")
        assert [one.model for one in choice.candidates] == ["m2", None, None]


async def test_a_choice_is_told_on_the_bus_and_in_the_log(caplog):
    caplog.set_level(logging.DEBUG, "aiex_lsp")
    rig = Rig({"c": OPEN})
    rig.measure(A, 1.0)
    await rig.choose(THREE)
    event = rig.events[0]
    assert (event.timestamp, event.call_id, event.strategy) == (1000.0, "call-1", "load_balanced")
    assert set(event.candidates) == {"a", "b"} == set(event.scores)
    assert event.left_out == {"c": "left alone after 5 failures, tried again in 42 s"}
    line = caplog.records[-1].getMessage()
    assert "load_balanced" in line
    assert "first token 1 s" in line
    assert "left out: c: left alone after 5 failures" in line


async def test_where_standings_cannot_be_read_all_are_asked_and_it_is_said_once(caplog):
    async def broken(*_args: object) -> Standing:
        raise RuntimeError("the store is gone")

    coordinator = ModelCoordinator(lambda _p: None, lambda *_a: None, Random(1), standing=broken)
    for _ in range(3):
        choice = await coordinator.choose(CompletionRequest("explain", None), THREE, FACTS)
        assert len(choice.candidates) == 3
    assert sum("not known how providers stand" in one.getMessage() for one in caplog.records) == 1


async def test_standings_are_asked_for_at_once():
    waiting, everybody = 0, asyncio.Event()

    async def slow(*_args: object) -> Standing:
        nonlocal waiting
        waiting += 1
        if waiting == 3:
            everybody.set()
        await everybody.wait()
        return Standing()

    coordinator = ModelCoordinator(lambda _p: None, lambda *_a: None, Random(1), standing=slow)
    choice = await coordinator.choose(CompletionRequest("explain", None), THREE, FACTS)
    assert len(choice.candidates) == 3


async def test_a_key_never_shows_in_a_choice(caplog):
    caplog.set_level(logging.DEBUG, "aiex_lsp")
    keyed = replace(A, api_key=Secret("sk-very-secret"))
    rig = Rig({"a": OPEN})
    choice = await rig.choose(settings(keyed, B))
    error = await rig.refused(settings(keyed))
    assert "sk-very" not in repr((choice, error, rig.events)) + caplog.text
