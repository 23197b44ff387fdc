"""In which order strategies ask, and that they lose nobody, whatever they are given."""

import asyncio
import logging
import math
import sys
import threading
import time
import types
from dataclasses import replace
from importlib.metadata import EntryPoint
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiex_lsp.errors import UsageError
from aiex_lsp.llm.selection_custom import StrategyLoader
from aiex_lsp.llm.strategies import NAMES, STRATEGIES, CandidateView, LoadBalanced, Ranked
from aiex_lsp.llm.strategies_example import ByKind
from aiex_lsp.llm.types import RequestFacts

FACTS = RequestFacts("explain", input_tokens=2000, max_tokens=1000)
WELL = CandidateView("well", first_token=1.0, tokens_per_second=50.0, trust=1.0, calls=50)


def like(name: str, **changes: object) -> CandidateView:
    return replace(WELL, name=name, **changes)


def order(strategy: str, *candidates: CandidateView, facts: RequestFacts = FACTS) -> list[str]:
    ranked = STRATEGIES[strategy](Random(1)).rank(candidates, facts)
    return [one.candidate.name for one in ranked if not one.left_out]


def firsts(strategy: str, *candidates: CandidateView) -> set[str]:
    made = STRATEGIES[strategy](Random(1))
    return {made.rank(candidates, FACTS)[0].candidate.name for _ in range(50)}


@pytest.mark.parametrize("what", ["random", "round_robin", "load_balanced", "cost_optimized"])
def test_where_nothing_is_known_each_may_come_first(what):
    unknown = [CandidateView(name) for name in "abc"]
    assert firsts(what, *unknown) == {"a", "b", "c"}


def test_round_robin_asks_the_one_whose_turn_is_longest_ago():
    candidates = [like("a", turn=7), like("b", turn=3), like("c", turn=0)]
    assert order("round_robin", *candidates) == ["c", "b", "a"]


@pytest.mark.parametrize(
    "worse",
    [
        {"first_token": 9.0},
        {"tokens_per_second": 5.0},
        {"success": 0.3},
        {"in_flight": 2},
        {"limit_wait": 30.0},
        {"limit_wait": math.inf},
        {"health": "unhealthy"},
    ],
)
def test_load_balanced_asks_whoever_is_expected_to_have_answered_first(worse):
    assert order("load_balanced", like("a", **worse), like("b")) == ["b", "a"]


def test_a_dear_one_has_to_be_much_faster():
    cheap = like("cheap", cost=0.001)
    dear = like("dear", cost=0.1)
    assert order("load_balanced", dear, cheap) == ["cheap", "dear"]
    fast = replace(dear, first_token=0.2, tokens_per_second=200.0)
    assert order("load_balanced", fast, cheap) == ["dear", "cheap"]
    unknown = like("unknown", cost=None)
    assert order("load_balanced", dear, unknown, cheap)[0] == "cheap"


def test_equals_take_turns():
    close = like("b", first_token=1.4, turn=3)
    assert order("load_balanced", like("a", turn=4), close) == ["b", "a"]


def test_one_not_measured_yet_is_tried_and_an_old_measurement_again():
    slow = like("slow", first_token=40.0)
    assert order("load_balanced", slow, WELL)[0] == "well"
    assert order("load_balanced", slow, WELL, CandidateView("new"))[0] == "new"
    asked = CandidateView("new", turn=9)
    assert order("load_balanced", slow, WELL, asked)[0] == "well"
    assert "slow" in firsts("load_balanced", replace(slow, trust=0.001), WELL)


def test_local_affinity_leaves_this_machine_only_where_nobody_local_is():
    local = like("slow-local", is_local=True, first_token=60.0)
    assert order("local_affinity", WELL, local) == ["slow-local"]
    assert order("local_affinity", WELL) == ["well"]


def test_cost_optimized_asks_the_cheapest_local_ones_are_free_and_unknown_prices_last():
    candidates = [
        like("unknown"),
        like("dear", cost=0.2),
        like("cheap", cost=0.01),
        like("local", is_local=True),
    ]
    assert order("cost_optimized", *candidates) == ["local", "cheap", "dear", "unknown"]
    busy = like("busy", cost=0.01, in_flight=3)
    assert order("cost_optimized", busy, candidates[2]) == ["cheap", "busy"]


NUMBERS = st.floats(0, 1e6) | st.none()
VIEWS = st.builds(
    CandidateView,
    name=st.text(min_size=1, max_size=4),
    is_local=st.booleans(),
    cost=NUMBERS,
    first_token=NUMBERS,
    tokens_per_second=NUMBERS,
    success=st.floats(0, 1),
    trust=st.floats(0, 1),
    in_flight=st.integers(0, 1000),
    calls=st.integers(0, 10_000),
    turn=st.integers(0, 10_000),
    limit_wait=st.floats(0, 1e9) | st.just(math.inf),
    health=st.sampled_from(["healthy", "unhealthy", "error", "unknown"]),
)
CANDIDATES = st.lists(VIEWS, max_size=6, unique_by=lambda one: one.name)


@pytest.mark.parametrize("name", [*NAMES, "example"])
@given(candidates=CANDIDATES, sensitive=st.booleans(), seed=st.integers())
def test_no_strategy_loses_or_doubles_a_candidate(name, candidates, sensitive, seed):
    made = ByKind() if name == "example" else STRATEGIES[name](Random(seed))
    facts = replace(FACTS, sensitive=("a password, line 3",) if sensitive else ())
    ranked = list(made.rank(candidates, facts))
    assert sorted(one.candidate.name for one in ranked) == sorted(one.name for one in candidates)
    assert all(one.score is None or not math.isnan(one.score) for one in ranked)


class TestTheExample:
    LOCAL = like("local", is_local=True, first_token=20.0, cost=0.0)
    FAST = like("fast", first_token=0.2, cost=0.5)
    CHEAP = like("cheap", first_token=9.0, cost=0.01)
    SECRET = replace(FACTS, sensitive=("AWS access key, line 12",))

    def asked(self, facts: RequestFacts, *candidates: CandidateView) -> list[str]:
        ranked = ByKind().rank(candidates, facts)
        return [one.candidate.name for one in ranked if not one.left_out]

    def test_sensitive_code_goes_to_local_providers_and_to_nobody_else(self):
        everybody = (self.FAST, self.LOCAL, self.CHEAP)
        assert self.asked(self.SECRET, *everybody) == ["local"]
        assert self.asked(self.SECRET, self.FAST) == []

    def test_quick_tasks_go_to_the_fastest(self):
        quick = replace(FACTS, max_tokens=400, input_tokens=20_000)
        assert self.asked(quick, self.CHEAP, self.LOCAL, self.FAST)[0] == "fast"

    def test_large_contexts_go_to_the_cheapest(self):
        large = replace(FACTS, input_tokens=10_001)
        assert self.asked(large, self.FAST, self.CHEAP)[0] == "cheap"

    def test_all_else_is_balanced(self):
        assert self.asked(FACTS, self.CHEAP, self.FAST)[0] == "fast"


class Reversed:
    """A strategy of a user's own that works."""

    def rank(self, candidates, request):
        return [Ranked(one, note="as I like it") for one in reversed(candidates)]


class Raising:
    def rank(self, candidates, request):
        raise KeyError("sk-secret")


class Exiting:
    def rank(self, candidates, request):
        raise SystemExit(3)


class NotEvenOnce:
    def __init__(self):
        raise ValueError("sk-secret")


class Nothing:
    def rank(self, candidates, request):
        return None


class Strange:
    def rank(self, candidates, request):
        stranger = replace(candidates[0], name="stranger")
        return [
            Ranked(candidates[1], score="much", note=7),
            Ranked(stranger),
            Ranked(candidates[1]),
            candidates[0],
            None,
        ]


class Endless:
    def rank(self, candidates, request):
        while True:
            yield Ranked(candidates[-1])


class Coroutine:
    async def rank(self, candidates, request):
        return []


class NoMethod:
    pass


class Forever:
    release = threading.Event()

    def rank(self, candidates, request):
        self.release.wait(20)
        return []


class Counted:
    made = 0

    def __init__(self):
        Counted.made += 1

    def rank(self, candidates, request):
        return [Ranked(one) for one in candidates]


THREE = (WELL, like("b", first_token=30.0), like("c", first_token=60.0))
"""Candidates in the order of load_balanced."""


def loader(**how: object) -> StrategyLoader:
    return StrategyLoader(Random(1), **{"rank_seconds": 5.0, "points": dict, **how})


async def names(which: StrategyLoader, strategy: str) -> list[str]:
    return [one.candidate.name for one in await which.ranked(strategy, THREE, FACTS)]


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Make the strategies of this file importable as a user's module."""
    module = types.ModuleType("my_strategies")
    module.__dict__.update(globals())
    monkeypatch.setitem(sys.modules, "my_strategies", module)


async def test_a_strategy_by_dotted_path_decides(caplog):
    assert await names(loader(), "my_strategies:Reversed") == ["c", "b", "well"]
    assert told(caplog) == []


async def test_a_strategy_by_entry_point_decides():
    point = EntryPoint("mine", "my_strategies:Reversed", "aiex_lsp.strategies")
    assert await names(loader(points=lambda: {"mine": point}), "mine") == ["c", "b", "well"]


async def test_the_example_can_be_named_in_the_configuration():
    ranked = await names(loader(), "aiex_lsp.llm.strategies_example:ByKind")
    assert ranked == ["well", "b", "c"]


@pytest.mark.parametrize(
    ("strategy", "warning"),
    [
        ("Raising", "raised KeyError"),
        ("Exiting", "raised SystemExit"),
        ("Nothing", "raised TypeError"),
        ("Coroutine", "raised TypeError"),
        ("NotEvenOnce", "cannot be loaded (ValueError)"),
        ("NoMethod", "cannot be loaded (TypeError)"),
        ("Missing", "cannot be loaded (AttributeError)"),
    ],
)
async def test_where_it_fails_load_balanced_decides_and_one_warning_says_so(
    strategy, warning, caplog
):
    which = loader()
    for _ in range(3):
        assert await names(which, f"my_strategies:{strategy}") == ["well", "b", "c"]
    assert len(told(caplog)) == 1
    assert warning in told(caplog)[0]
    assert "sk-secret" not in caplog.text


async def test_a_module_that_is_not_there_is_told(caplog):
    assert await names(loader(), "no_such_module_of_ours:X") == ["well", "b", "c"]
    assert "cannot be loaded (ModuleNotFoundError)" in told(caplog)[0]


async def test_what_it_ranked_well_is_used_and_the_rest_added(caplog):
    which = loader()
    for _ in range(2):
        ranked = await which.ranked("my_strategies:Strange", THREE, FACTS)
        assert [one.candidate.name for one in ranked] == ["b", "well", "c"]
        assert (ranked[0].score, ranked[0].note) == (None, "")
    causes = [text.partition(";")[0].partition("Strange ")[2] for text in told(caplog)]
    assert sorted(causes) == [
        "does not rank every candidate",
        "returned a candidate twice",
        "returned a provider that is no candidate",
        "returned something that is no Ranked",
    ]


async def test_one_that_never_stops_yielding_is_cut(caplog):
    assert await names(loader(), "my_strategies:Endless") == ["c", "well", "b"]


async def test_one_that_takes_too_long_is_not_waited_for_and_its_threads_do_not_pile_up(caplog):
    which, began = loader(rank_seconds=0.05), time.monotonic()
    for _ in range(20):
        assert await names(which, "my_strategies:Forever") == ["well", "b", "c"]
    assert time.monotonic() - began < 2
    assert len(told(caplog)) == 1
    assert "takes longer than 0.05 s" in told(caplog)[0]
    assert sum(one.name == "strategy" for one in threading.enumerate()) == 1
    Forever.release.set()


async def test_it_is_made_once_however_many_calls_come_at_once():
    which = loader()
    await asyncio.gather(*(names(which, "my_strategies:Counted") for _ in range(5)))
    assert Counted.made == 1


@pytest.mark.parametrize(("name", "hint"), [("load_balance", "load_balanced"), ("x", "random")])
async def test_an_unknown_name_is_the_callers_mistake(name, hint):
    with pytest.raises(UsageError, match=hint):
        await names(loader(), name)


def test_strategies_of_users_may_build_on_the_built_in_ones():
    assert [one.candidate.name for one in LoadBalanced().rank(THREE, FACTS)] == ["well", "b", "c"]
