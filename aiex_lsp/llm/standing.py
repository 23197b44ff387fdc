"""How a provider stands just now, as far as is known without asking it."""

from __future__ import annotations

import asyncio

from aiex_lsp.config.settings import ProviderSettings, Settings
from aiex_lsp.llm.circuit_breaker import policy_of, ramp_of, status_of
from aiex_lsp.llm.fitting import Fitting
from aiex_lsp.llm.health_record import read_record
from aiex_lsp.llm.holds import Holds
from aiex_lsp.llm.pool import AdapterPool
from aiex_lsp.llm.rate_limiter import COUNTED_SECONDS, is_unlimited
from aiex_lsp.llm.rate_limiter import status_of as limits_status_of
from aiex_lsp.llm.scope import circuit_names, health_key, scope_of, window_name
from aiex_lsp.llm.types import LimitStatus, RequestFacts, Standing
from aiex_lsp.state import window as windows
from aiex_lsp.state.base import Store
from aiex_lsp.state.types import Row, WindowLimits, WindowUsage
from aiex_lsp.state.units import to_micros

PROVIDER_LIMIT_WAIT = 10.0
"""Seconds assumed until a provider whose own quota is used up has more: it says only when asked."""


class Standings:
    """Reads breaker, limits, not-before times and health out of the shared state."""

    def __init__(self, store: Store, pool: AdapterPool, fitting: Fitting, holds: Holds) -> None:
        self._store = store
        self._pool = pool
        self._fitting = fitting
        self._holds = holds

    async def __call__(
        self, provider: ProviderSettings, model: str | None, facts: RequestFacts, settings: Settings
    ) -> Standing:
        """Return the standing of a provider for one request; `model` None is its default one."""
        await self._pool.load([provider])
        adapter = self._pool.get(provider, settings.connect_timeout)
        scope = scope_of(provider)
        model = model or self._pool.known_default(adapter)
        limits = adapter.rate_limits()
        limited = not is_unlimited(limits)
        store = self._store
        now, circuits, (hold, hold_in), health = await asyncio.gather(
            store.now(),
            store.circuits(circuit_names(scope, model)),
            self._holds.get(scope, model),
            store.get(health_key(scope)),
        )
        requests, tokens, wait = LimitStatus(), LimitStatus(), 0.0
        if limited:
            usage = await store.usage(window_name(scope))
            requests, tokens = limits_status_of(usage, limits)
            wish = facts.input_tokens + facts.max_tokens
            allowed = WindowLimits(limits.requests_per_minute, limits.tokens_per_minute)
            wait = expected_wait(usage, allowed, wish, now)
        circuit = status_of(circuits)
        record = read_record(health)
        listed = self._pool.known_models(adapter)
        return Standing(
            circuit=circuit,
            ramp=ramp_of(circuits, policy_of(settings.circuit_breaker), now),
            retry_in=max(0.0, circuit.retry_at - now) if circuit.retry_at else 0.0,
            not_before=hold,
            not_before_in=hold_in,
            requests_left=requests.remaining,
            tokens_left=tokens.remaining,
            limit_wait=wait,
            window=self._fitting.window(adapter, model),
            known_models=tuple(one.id for one in listed) or None,
            health=record.status if record else "unknown",
            model=model,
        )


def expected_wait(usage: WindowUsage, limits: WindowLimits, tokens: int, now: float) -> float:
    """Return the seconds until a request of so many tokens fits, infinite where it never does."""
    at, length = to_micros(now), to_micros(COUNTED_SECONDS)
    window = windows.publish(windows.Window(), usage.rows, at, length)
    found = windows.reserve(window, Row("", 0.0, tokens), limits, 1, at, length)[1]
    wait = 0.0 if found.granted else found.wait
    short = (usage.requests_left is not None and usage.requests_left < 1) or (
        usage.tokens_left is not None and usage.tokens_left < tokens
    )
    return max(wait, PROVIDER_LIMIT_WAIT) if short else wait
