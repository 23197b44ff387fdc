"""The figures of the simulation as a table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from aiex_lsp.llm.strategies import NAMES
from aiex_lsp.llm.types import Price
from tests.benchmarks.selection_simulation import (
    Behaviour,
    Call,
    Provider,
    Scenario,
    after,
    largest_share,
    p95,
    run,
    share,
)

CHANGE = 200.0
"""Seconds after which a provider is another one."""

RECOVERY = 300.0
"""Seconds that it stays so where it recovers."""

PRICES = (Price(0.003, 0.015), Price(0.00025, 0.00125), Price(0.0005, 0.0015))


def scenario_where(changed: Behaviour, rate: float, *later: Behaviour) -> Scenario:
    """Return three equal providers, of which `a` changes; 400 calls are made afterwards."""
    first = Provider("a", (Behaviour(), changed, *later), PRICES[0])
    others = (Provider("b", price=PRICES[1]), Provider("c", price=PRICES[2]))
    return Scenario((first, *others), rate=rate, duration=CHANGE + 400 / rate)


def recovered_after(rate: float, seed: int) -> tuple[int, float]:
    """Return calls and seconds until a provider that was ten times slower is in use again.

    In use: a fifth of the twenty calls that follow go there.
    """
    slow = Behaviour(CHANGE, first_token=10.0, tokens_per_second=6.0)
    well_at = CHANGE + max(RECOVERY, 60 / rate)
    providers = (
        Provider("a", (Behaviour(), slow, Behaviour(well_at))),
        Provider("b"),
        Provider("c"),
    )
    scenario = Scenario(providers, rate=rate, duration=well_at + max(600, 200 / rate))
    late = after(run(scenario, "load_balanced", seed), well_at)
    for index in range(len(late) - 20):
        if share(late[index : index + 20], "a") >= 0.2:
            return index, late[index].began - well_at
    return len(late), scenario.duration - well_at


def table(seeds: Sequence[int] = (1, 2, 3), rate: float = 0.5) -> list[str]:
    """Return the lines of the table; each figure is the median over the seeds."""
    slow = Behaviour(CHANGE, first_token=10.0, tokens_per_second=6.0)
    failing = Behaviour(CHANGE, failure=1.0, failure_seconds=0.3)
    lines = [
        "one of three providers changes; share: of the calls after the first 20 since",
        f"{'strategy':<16}{'10x slower: share':>18}{'p95':>8}{'of round robin':>16}"
        f"{'failing: share':>16}{'4 starting: most':>18}",
    ]
    base: float | None = None
    for strategy in ("round_robin", *(name for name in NAMES if name != "round_robin")):
        slowed = [_late(slow, rate, strategy, seed) for seed in seeds]
        failed = [_late(failing, rate, strategy, seed) for seed in seeds]
        starts = [
            run(Scenario(_three(), servers=4, rate=rate, most_calls=40), strategy, seed)
            for seed in seeds
        ]
        took = statistics.median(p95(calls) for calls in slowed)
        base = base or took
        shares = [
            statistics.median(share(calls[20:], "a") for calls in which)
            for which in (slowed, failed)
        ]
        most = statistics.median(largest_share(calls) for calls in starts)
        lines.append(
            f"{strategy:<16}{shares[0]:>17.1%} {took:>6.1f} s{took / base:>15.2f} "
            f"{shares[1]:>15.1%} {most:>17.0%}"
        )
    back = [recovered_after(rate, seed) for seed in seeds]
    calls = statistics.median(one[0] for one in back)
    seconds = statistics.median(one[1] for one in back)
    lines.append(f"load_balanced uses it again {seconds:.0f} s ({calls:.0f} calls) after recovery")
    return lines


def _late(changed: Behaviour, rate: float, strategy: str, seed: int) -> list[Call]:
    return after(run(scenario_where(changed, rate), strategy, seed), CHANGE)


def _three() -> tuple[Provider, ...]:
    return tuple(Provider(name, price=price) for name, price in zip("abc", PRICES, strict=True))
