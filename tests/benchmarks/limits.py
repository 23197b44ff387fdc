"""What a place in a provider's minute and a breaker's permit cost, in each kind of shared state."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from aiex_lsp.config.settings import (
    CircuitBreakerSettings,
    CoordinationSettings,
    ProviderSettings,
    RateLimits,
    Secret,
)
from aiex_lsp.events.bus import EventBus
from aiex_lsp.llm.circuit_breaker import CircuitBreaker
from aiex_lsp.llm.rate_limiter import RateLimiter, Wish
from aiex_lsp.state.opening import open_state
from aiex_lsp.state.shared import SharedState
from tests.servers.redis import RedisServer, redis_program

ROUNDS = 9
CALLS = 100
LIMITS = RateLimits(1_000_000, 1_000_000_000)
YARDSTICK = "a bare commit of sqlite3"

Row = tuple[str, float, str, float]


def rows() -> list[Row]:
    """Return name, seconds, yardstick and the yardstick's seconds of each measurement."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_rows(Path(folder)))


async def _rows(folder: Path) -> list[Row]:
    bare = _bare_commit(folder)
    found: list[Row] = []
    for backend in ("memory", "sqlite", "redis"):
        if backend == "redis" and redis_program() is None:
            continue
        async with _state(folder, backend) as state:
            limiter = RateLimiter(state, EventBus(), time.time)
            breaker = CircuitBreaker(state, EventBus(), time.time)
            found.append(
                (
                    f"limiter: reserve and settle ({backend})",
                    await _reserve(limiter),
                    YARDSTICK,
                    bare,
                )
            )
            found.append(
                (f"breaker: admit and record ({backend})", await _admit(breaker), YARDSTICK, bare)
            )
    return found


async def _reserve(limiter: RateLimiter) -> float:
    turns = iter(range(10**9))

    async def once() -> None:
        # A window of its own for each hundred: a minute's limit is usually no larger.
        wish = Wish("p", f"bench-{next(turns) // 100}", "m", LIMITS, 3000)
        deadline = asyncio.get_running_loop().time() + 1
        lease = await limiter.acquire(wish, deadline=deadline, patience=0.0, on_wait=None)
        await limiter.settle(lease, 2000)

    return await _each(once)


async def _admit(breaker: CircuitBreaker) -> float:
    provider, settings = ProviderSettings("p", "openai"), CircuitBreakerSettings()

    async def once() -> None:
        await breaker.record(await breaker.admit(provider, "bench", "m", settings, 30.0), None)

    return await _each(once)


async def _each(work: Callable[[], Awaitable[None]]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(CALLS):
            await work()
        times.append((time.perf_counter() - began) / CALLS)
    return statistics.median(times)


def _bare_commit(folder: Path) -> float:
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, at REAL, tokens INTEGER)")
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(CALLS):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO t (at, tokens) VALUES (1.0, 2)")
            connection.execute("COMMIT")
        times.append((time.perf_counter() - began) / CALLS)
    connection.close()
    return statistics.median(times)


@asynccontextmanager
async def _state(folder: Path, backend: str) -> AsyncIterator[SharedState]:
    server = None
    url = None
    if backend == "redis":
        home = folder / "redis"
        home.mkdir()
        server = RedisServer(home)
        server.start()
        url = Secret(server.url)
    state = open_state(
        CoordinationSettings(backend, url),  # type: ignore[arg-type]
        folder / "state",
        tell=print,
        random=Random(1),
    )
    try:
        yield state
    finally:
        await state.aclose()
        if server is not None:
            server.stop()


if __name__ == "__main__":
    for name, seconds, yardstick, by in rows():
        print(f"{name:<45} {seconds * 1e6:>8.0f} µs {seconds / by:>7.2f} x {yardstick}")
