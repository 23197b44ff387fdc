"""Orders of preference among the providers that may answer a call.

A strategy of your own is a class with a `rank` method, named in the configuration as
`strategy = "package.module:Class"`, or by the name of an entry point in the group
`aiex_lsp.strategies`::

    [project.entry-points."aiex_lsp.strategies"]
    office_hours = "my_package.strategies:OfficeHours"

It is made once in a process, without arguments. `rank` is given the candidates and what is known
of the request (never its text) and returns them best first, each in a `Ranked`; it runs in a
thread of its own and has 100 ms. Mistakes lose no call: what was ranked well is used, the built-in
`load_balanced` adds the rest, and a warning is logged once. `strategies_example.py` is a
complete one: sensitive code to local providers, quick tasks to the fastest, large contexts to the
cheapest. Providers that may not be asked (no key, an open circuit, too small a window) are no
candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, Protocol

from aiex_lsp.llm.types import RequestFacts

NAMES = ("random", "round_robin", "load_balanced", "local_affinity", "cost_optimized")

ANSWER_SHARE = 0.5
"""Answers end before the most tokens they may take: about half is expected."""

PRICE_WEIGHT = 0.5
"""The dearest candidate counts as half as slow again as a free one."""

PRICE_PRUDENCE = 6.0
"""Calls after which the price counts by half: at first, every provider is to be measured."""

EQUAL_WITHIN = 0.2
"""Scores this close count as equal: models differ more from one answer to the next."""

UNKNOWN_SECONDS = 1.0
"""Expected of all where nobody was measured; any value does, they are only compared."""

LEAST_SUCCESS = 0.05
MOST_SECONDS = 1e6
"""Bounds of a success rate and of an expected time, so that scores stay finite."""

UNHEALTHY = 2.0
"""A provider whose last health check failed counts as so many times slower."""


@dataclass(frozen=True, slots=True)
class CandidateView:
    """Everything a strategy may look at of one candidate. Times in seconds, prices in USD.

    `cost` is the estimate for this request, None where the price is unknown. `first_token`,
    `tokens_per_second` and `success` (0 to 1) are measured, `trust` (0 to 1) says how much they
    should count: little after few calls, less the longer ago. `in_flight` counts calls running at
    the provider, here and at peers; `calls` those measured; `turn` is larger the more recently
    this server asked it, 0 if never. None of `window`, `requests_left`, `tokens_left` is
    unknown, unlimited, unlimited. `ramp` below 1: it has just recovered and should have that share
    of its calls.
    """

    name: str
    type: str = ""
    model: str | None = None
    is_local: bool = False
    window: int | None = None
    input_price: float | None = None
    output_price: float | None = None
    cost: float | None = None
    first_token: float | None = None
    tokens_per_second: float | None = None
    success: float = 1.0
    trust: float = 0.0
    in_flight: int = 0
    calls: int = 0
    turn: int = 0
    requests_left: int | None = None
    tokens_left: int | None = None
    limit_wait: float = 0.0
    circuit: Literal["closed", "open", "half_open"] = "closed"
    ramp: float = 1.0
    health: Literal["healthy", "unhealthy", "error", "unknown"] = "unknown"


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate in its place. The smaller `score`, the better, None where there is none.

    `note` tells users why it stands there. `left_out`: it must not be asked at all, for the
    reason in `note`.
    """

    candidate: CandidateView
    score: float | None = None
    note: str = ""
    left_out: bool = False


class Strategy(Protocol):
    """Ranks candidates; each once, none lost."""

    def rank(self, candidates: Sequence[CandidateView], request: RequestFacts) -> Sequence[Ranked]:
        """Return the candidates, the best first. Blocks for nothing."""
        ...


class RandomOrder:
    """Any order."""

    def __init__(self, random: Random | None = None) -> None:
        self._random = random or Random()

    def rank(self, candidates: Sequence[CandidateView], request: RequestFacts) -> list[Ranked]:
        """Return the candidates in random order."""
        return [Ranked(one) for one in _shuffled(candidates, self._random)]


class RoundRobin:
    """Each in its turn."""

    def __init__(self, random: Random | None = None) -> None:
        self._random = random or Random()

    def rank(self, candidates: Sequence[CandidateView], request: RequestFacts) -> list[Ranked]:
        """Return the candidates, the one whose last call is longest ago first."""
        return [
            Ranked(one, note="not asked yet" if one.turn == 0 else "")
            for one in sorted(_shuffled(candidates, self._random), key=lambda one: one.turn)
        ]


class LoadBalanced:
    """The one that is expected to have answered first, dear ones counted as slower.

    The score is the expected seconds of the whole answer, (first token + tokens / throughput) /
    success rate, times the calls that share the provider, plus the wait for its limits, weighted
    by price. A measurement counts by its trust: without any a candidate is expected to be as good
    as the best known, so that each is tried, and tried again. Candidates within `EQUAL_WITHIN`
    of the best take turns, in random order at first, so that servers starting together do not all
    run to the same one.
    """

    def __init__(self, random: Random | None = None, price_weight: float = PRICE_WEIGHT) -> None:
        self._random = random or Random()
        self._price_weight = price_weight

    def rank(self, candidates: Sequence[CandidateView], request: RequestFacts) -> list[Ranked]:
        """Return the candidates by score."""
        scores = self.scores(candidates, request)
        ranked = [
            Ranked(one, scores[one.name], _measured_note(one))
            for one in _shuffled(candidates, self._random)
        ]
        bound = min(scores.values(), default=0.0) * (1 + EQUAL_WITHIN)
        equal = [one for one in ranked if scores[one.candidate.name] <= bound]
        worse = [one for one in ranked if scores[one.candidate.name] > bound]
        equal.sort(key=lambda one: one.candidate.turn)
        return equal + sorted(worse, key=lambda one: scores[one.candidate.name])

    def scores(
        self, candidates: Sequence[CandidateView], request: RequestFacts
    ) -> dict[str, float]:
        """Return each candidate's score by name."""
        tokens = request.max_tokens * ANSWER_SHARE
        measured = [_seconds(one, tokens, candidates) for one in candidates]
        best = min((one for one in measured if one is not None), default=UNKNOWN_SECONDS)
        dearness = _dearness(candidates)
        scores = {}
        for one, seconds in zip(candidates, measured, strict=True):
            worse = (best if seconds is None else seconds) / max(one.success, LEAST_SUCCESS)
            expected = best + (worse - best) * one.trust
            if one.health in ("unhealthy", "error"):
                expected *= UNHEALTHY
            price = self._price_weight * dearness(one) * one.calls / (one.calls + PRICE_PRUDENCE)
            scores[one.name] = (expected * (one.in_flight + 1) + one.limit_wait) * (1 + price)
        return scores


class LocalAffinity:
    """Local ones by load; the others are left out as long as there is a local one."""

    def __init__(self, random: Random | None = None) -> None:
        self._by_load = LoadBalanced(random)

    def rank(self, candidates: Sequence[CandidateView], request: RequestFacts) -> list[Ranked]:
        """Return local candidates by load, then the rest."""
        local = [one for one in candidates if one.is_local]
        remote = [one for one in candidates if not one.is_local]
        if not local:
            return self._by_load.rank(remote, request)
        return [
            *self._by_load.rank(local, request),
            *(Ranked(one, note=STAYS_LOCAL, left_out=True) for one in remote),
        ]


STAYS_LOCAL = "remote, and local_affinity stays on this machine"


class CostOptimized:
    """The cheapest for this request, local ones free, unknown prices last; ties by load."""

    def __init__(self, random: Random | None = None) -> None:
        self._by_load = LoadBalanced(random, price_weight=0.0)

    def rank(self, candidates: Sequence[CandidateView], request: RequestFacts) -> list[Ranked]:
        """Return the candidates by price."""
        by_load = [one.candidate for one in self._by_load.rank(candidates, request)]
        priced = [(0.0 if one.is_local else one.cost, one) for one in by_load]
        priced.sort(key=lambda one: (one[0] is None, one[0] or 0.0))
        return [Ranked(one, cost, _cost_note(cost)) for cost, one in priced]


STRATEGIES: dict[str, Callable[[Random], Strategy]] = {
    "random": RandomOrder,
    "round_robin": RoundRobin,
    "load_balanced": LoadBalanced,
    "local_affinity": LocalAffinity,
    "cost_optimized": CostOptimized,
}


def _shuffled(candidates: Sequence[CandidateView], random: Random) -> list[CandidateView]:
    return random.sample(list(candidates), len(candidates))


def _seconds(
    one: CandidateView, tokens: float, candidates: Sequence[CandidateView]
) -> float | None:
    """Return the measured seconds of a whole answer; the best throughput where it has none."""
    if one.first_token is None:
        return None
    rates = [other.tokens_per_second for other in candidates if other.tokens_per_second]
    rate = one.tokens_per_second or max(rates, default=None)
    return min(one.first_token + (tokens / rate if rate else 0.0), MOST_SECONDS)


def _dearness(candidates: Sequence[CandidateView]) -> Callable[[CandidateView], float]:
    """Return the share of the dearest candidate's cost; an unknown price is taken as that."""
    most = max((one.cost for one in candidates if one.cost is not None), default=0.0)

    def share(one: CandidateView) -> float:
        if one.is_local or most <= 0:
            return 0.0
        return 1.0 if one.cost is None else one.cost / most

    return share


def _measured_note(one: CandidateView) -> str:
    told = []
    if one.first_token is None:
        told.append("not measured yet")
    else:
        told.append(f"first token {one.first_token:.2g} s")
    if one.tokens_per_second:
        told.append(f"{one.tokens_per_second:.0f} tokens/s")
    if one.success < 0.995:
        told.append(f"{one.success:.0%} answered")
    if one.in_flight:
        told.append(f"{one.in_flight} running")
    if 0 < one.limit_wait < float("inf"):
        told.append(f"its limit has room in {one.limit_wait:.1f} s")
    return ", ".join(told)


def _cost_note(cost: float | None) -> str:
    if cost is None:
        return "price unknown"
    return "free" if cost == 0 else f"about ${cost:.4f}"
