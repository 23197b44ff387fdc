"""Providers whose health a test sets, on a clock a test turns."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from random import Random
from typing import Any

from aiex_lsp.config.settings import HealthSettings, ProviderSettings, RateLimits, Settings
from aiex_lsp.errors import FailureKind, ProviderError
from aiex_lsp.events.types import RequestFailed, RequestStarted, ResponseReceived
from aiex_lsp.llm.adapters.base import Adapter, AdapterContext
from aiex_lsp.llm.pool import AdapterPool
from aiex_lsp.llm.types import Chunk, Health, ModelCall, ModelInfo
from aiex_lsp.state.memory import MemoryStore
from aiex_lsp.state.types import Member

WELL = Health("healthy", 120.0)
DOWN = Health("unhealthy", error="it is not reachable")
REFUSED = Health("error", error="it refused the API key")


class Clock:
    """Time that passes when a test says so."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), future))
        await future

    async def pass_(self, seconds: float) -> None:
        """Let time pass; whoever sleeps wakes at its own time."""
        end = self.now + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                self.now = max(self.now, at)
                future.set_result(None)
                await settle()
        self.now = end
        await settle()


async def settle() -> None:
    """Let everything run that waits for nothing but its turn."""
    for _ in range(50):
        await asyncio.sleep(0)


class Probed(Adapter):
    """Answers health checks with `health`, after `gate` where there is one; counts them."""

    type = "probed"
    default_rate_limits = RateLimits(50, 100_000)

    def __init__(self, settings: ProviderSettings, context: AdapterContext) -> None:
        super().__init__(settings, context)
        self.health: Health | Exception = WELL
        self.gate: asyncio.Event | None = None
        self.checks = 0
        self.cancelled = 0
        self.models: list[str] | ProviderError = ["big", "small"]

    async def stream(self, call: ModelCall) -> AsyncIterator[Chunk]:
        raise AssertionError("a health check must cost nothing")
        yield

    async def check_health(self) -> Health:
        self.checks += 1
        if self.gate is not None:
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        if isinstance(self.health, Exception):
            raise self.health
        return self.health

    async def list_models(self) -> list[ModelInfo]:
        if isinstance(self.models, ProviderError):
            raise self.models
        return [ModelInfo(name, self.name, self.local) for name in self.models]


class Providers:
    """A pool of probed adapters, by name."""

    def __init__(self) -> None:
        self.adapters: dict[str, Probed] = {}
        self.pool = AdapterPool(self._make, lambda _seconds: AdapterContext(), lambda: 0.0)

    def __getitem__(self, name: str) -> Probed:
        if name not in self.adapters:
            self.adapters[name] = Probed(ProviderSettings(name, "probed"), AdapterContext())
        return self.adapters[name]

    def _make(self, settings: ProviderSettings, context: AdapterContext) -> Adapter:
        adapter = self[settings.name]
        adapter.settings = settings
        return adapter


def provider(name: str, **changes: Any) -> ProviderSettings:
    given = ProviderSettings(
        name, "probed", agreed=True, configured=True, base_url=f"https://{name}.example/v1"
    )
    return replace(given, **changes)


def settings(*providers: ProviderSettings, interval: float = 30.0, **changes: Any) -> Settings:
    health = HealthSettings(interval=interval)
    return Settings(providers={one.name: one for one in providers}, health=health, **changes)


class Team:
    """A memory store that several servers of one test share, as one of them sees it."""

    backend = "sqlite"
    degraded: str | None = None

    def __init__(self, clock: Clock, member_id: str, shared: Team | None = None) -> None:
        self.member_id = member_id
        self.time = clock
        self.store = shared.store if shared else MemoryStore(clock, Random(1))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def recover(self) -> bool:
        return self.degraded is None

    async def run_heartbeats(self, told: Callable[[], str], interval: float = 10.0) -> None:
        try:
            while True:
                await self.beat(Member(self.member_id, f"host-{self.member_id}", payload=told()))
                await self.time.sleep(interval)
        finally:
            await self.leave(self.member_id)


_CALL = {"call_id": "c", "attempt": 1, "task": "explain", "provider_type": "probed"}


def started(clock: Clock, name: str, model: str = "big") -> RequestStarted:
    return RequestStarted(
        timestamp=clock.now,
        provider=name,
        model=model,
        prompt_length=9,
        input_tokens=3,
        max_tokens=9,
        **_CALL,
    )


def answered(clock: Clock, name: str, seconds: float = 0.4, **changes: Any) -> ResponseReceived:
    given = {"duration": seconds, "response_length": 5, "input_tokens": 3, "output_tokens": 2}
    return ResponseReceived(
        timestamp=clock.now, provider=name, model="big", **{**given, **changes}, **_CALL
    )


def failed(clock: Clock, name: str, kind: FailureKind) -> RequestFailed:
    return RequestFailed(
        timestamp=clock.now,
        provider=name,
        model="big",
        error=kind,
        message=f"{name} failed",
        duration=0.1,
        **_CALL,
    )
