"""Orders of preference among providers, from what this process has measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from aiex_lsp.config.settings import ProviderSettings

NAMES = ("random", "round_robin", "load_balanced", "local_affinity", "cost_optimized")


@dataclass(slots=True)
class Measured:
    """What calls to one provider showed: calls running, mean seconds to the first token."""

    in_flight: int = 0
    first_token: float | None = None
    turn: int = 0

    def observe(self, seconds: float) -> None:
        """Take a time to first token into the moving average (weight 0.3 for the newest)."""
        old = self.first_token
        self.first_token = seconds if old is None else 0.7 * old + 0.3 * seconds


@dataclass(slots=True)
class StrategyInput:
    """What a strategy may look at. `price` gives US dollars per thousand tokens in and out."""

    measured: dict[str, Measured] = field(default_factory=dict)
    price: Callable[[ProviderSettings], float | None] = lambda _provider: None
    random: Random = field(default_factory=Random)


class Strategy(Protocol):
    """Orders candidates, the best first; loses none."""

    def __call__(
        self, candidates: Sequence[ProviderSettings], given: StrategyInput
    ) -> list[ProviderSettings]:
        """Return the candidates in the order they should be asked."""
        ...


def in_random_order(
    candidates: Sequence[ProviderSettings], given: StrategyInput
) -> list[ProviderSettings]:
    """Return the candidates in random order."""
    return given.random.sample(list(candidates), len(candidates))


def in_turn(candidates: Sequence[ProviderSettings], given: StrategyInput) -> list[ProviderSettings]:
    """Return the candidates, the one least often chosen first."""
    return sorted(candidates, key=lambda one: _of(given, one).turn)


def by_load(candidates: Sequence[ProviderSettings], given: StrategyInput) -> list[ProviderSettings]:
    """Return the candidates by expected wait: first-token time times calls running; ties at random.

    A provider not yet measured counts as the fastest measured one, so that each is tried.
    """
    known = [m.first_token for m in given.measured.values() if m.first_token is not None]
    best = min(known, default=1.0)

    def score(one: ProviderSettings) -> float:
        measured = _of(given, one)
        wait = best if measured.first_token is None else measured.first_token
        return wait * (1 + measured.in_flight)

    return sorted(in_random_order(candidates, given), key=score)


def local_first(
    candidates: Sequence[ProviderSettings], given: StrategyInput
) -> list[ProviderSettings]:
    """Return local candidates by load; remote ones only where there is no local one."""
    local = [one for one in candidates if one.is_local]
    return by_load(local or candidates, given)


def by_cost(candidates: Sequence[ProviderSettings], given: StrategyInput) -> list[ProviderSettings]:
    """Return the candidates by price, unknown prices last."""

    def score(one: ProviderSettings) -> tuple[bool, float]:
        price = 0.0 if one.is_local else given.price(one)
        return price is None, price or 0.0

    return sorted(by_load(candidates, given), key=score)


STRATEGIES: dict[str, Strategy] = {
    "random": in_random_order,
    "round_robin": in_turn,
    "load_balanced": by_load,
    "local_affinity": local_first,
    "cost_optimized": by_cost,
}


def _of(given: StrategyInput, provider: ProviderSettings) -> Measured:
    return given.measured.get(provider.name, Measured())
