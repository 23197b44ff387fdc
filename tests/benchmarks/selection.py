"""What choosing a provider costs, and how well the strategies choose.

`rows` are lines of `make bench`; `python -m tests.benchmarks.selection` prints them and the
table of the simulation.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from random import Random

from aiex_lsp.llm.coordinator import ModelCoordinator
from aiex_lsp.llm.measured import Board
from aiex_lsp.llm.scope import scope_of
from aiex_lsp.llm.strategies import CandidateView, LoadBalanced
from aiex_lsp.llm.types import CompletionRequest, Price, RequestFacts
from tests.benchmarks.selection_simulation import MODEL, Provider, settings_of
from tests.benchmarks.selection_table import table

PROVIDERS = 5
ROUNDS = 15
CALLS = 200
YARDSTICK = "asyncio.gather of five"
FACTS = RequestFacts("explain", input_tokens=2000, max_tokens=600)


def rows() -> list[tuple[str, float, str, float]]:
    """Return name, seconds, yardstick and the yardstick's seconds of each measurement."""
    return asyncio.run(_rows())


async def _rows() -> list[tuple[str, float, str, float]]:
    providers = tuple(
        Provider(f"p{number}", price=Price(0.001 * number, 0.002)) for number in range(PROVIDERS)
    )
    board = Board(time.time, Random(1))
    prices = {one.name: one.price for one in providers}

    async def nothing_answers(_provider: object) -> bool:
        return False

    coordinator = ModelCoordinator(
        nothing_answers, lambda one, _model: prices[one.name], Random(1), board=board
    )
    request = CompletionRequest("explain", None)  # type: ignore[arg-type]
    held = settings_of(providers, "load_balanced")
    for one in held.providers.values():
        for _ in range(20):
            board.started(scope_of(one), MODEL)
            board.finished(
                scope_of(one), MODEL, ok=True, first_token=1.0, seconds=6.0, output_tokens=300
            )
    views = [
        CandidateView(f"p{n}", first_token=1.0 + n, tokens_per_second=50.0, trust=0.9, cost=0.01)
        for n in range(PROVIDERS)
    ]
    strategy = LoadBalanced(Random(1))

    async def nothing() -> None:
        return None

    async def gather() -> None:
        await asyncio.gather(*(nothing() for _ in range(PROVIDERS)))

    async def choose() -> None:
        await coordinator.choose(request, held, FACTS)

    async def rank() -> None:
        strategy.rank(views, FACTS)

    yardstick = await _median(gather)
    return [
        ("choosing among five providers", await _median(choose), YARDSTICK, yardstick),
        ("ranking five candidates (load_balanced)", await _median(rank), YARDSTICK, yardstick),
    ]


async def _median(work: Callable[[], Awaitable[None]]) -> float:
    """Return the median seconds of one `work` over several rounds of many."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(CALLS):
            await work()
        times.append((time.perf_counter() - began) / CALLS)
    return statistics.median(times)


def main() -> None:
    """Print the cost of a choice, and the table of the simulation."""
    for name, seconds, yardstick, by in rows():
        print(f"{name:<52} {seconds * 1000:>9.3f} ms  {seconds / by:>8.3f} x {yardstick}")
    print()
    print("\n".join(table()))


if __name__ == "__main__":
    main()
