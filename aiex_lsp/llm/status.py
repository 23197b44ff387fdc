"""Providers as users see them: health, circuit, limits left, model, what this server does there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from aiex_lsp.config.settings import ProviderSettings, RateLimits, Settings
from aiex_lsp.errors import ConfigError, StateError
from aiex_lsp.llm.circuit_breaker import status_of
from aiex_lsp.llm.health import HealthMonitor
from aiex_lsp.llm.health_probe import barred
from aiex_lsp.llm.health_record import HealthRecord, HealthStatus
from aiex_lsp.llm.pool import AdapterPool
from aiex_lsp.llm.rate_limiter import status_of as limits_of
from aiex_lsp.llm.scope import circuit_names, scope_of, window_name
from aiex_lsp.llm.types import CircuitStatus, ProviderStatus
from aiex_lsp.state.base import Store
from aiex_lsp.state.types import WindowUsage

if TYPE_CHECKING:
    from aiex_lsp.llm.measured import Board


class StatusReader:
    """Puts a provider's status together from all who know something. Asks no provider."""

    def __init__(
        self,
        pool: AdapterPool,
        store: Store,
        board: Board,
        monitor: HealthMonitor,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._pool = pool
        self._store = store
        self._board = board
        self._monitor = monitor
        self._now = now

    async def all(self, settings: Settings) -> list[ProviderStatus]:
        """Return the status of every provider that is switched on, in the settings' order."""
        enabled = [one for one in settings.providers.values() if one.enabled]
        await self._pool.load(enabled)
        ahead = await self._ahead()
        return list(await asyncio.gather(*(self._of(one, settings, ahead) for one in enabled)))

    async def one(self, provider: ProviderSettings, settings: Settings) -> ProviderStatus:
        """Return the status of one provider."""
        await self._pool.load([provider])
        return await self._of(provider, settings, await self._ahead())

    def circuits_of(self, provider: ProviderSettings, settings: Settings) -> tuple[str, ...]:
        """Return the circuits of a provider: its own, and those of the models known here."""
        scope = scope_of(provider)
        models = dict.fromkeys(self._monitor.models(scope))
        model = self._adapter_facts(provider, settings)[0]
        if model is not None:
            models[model] = None
        own = circuit_names(scope, None)
        return (*own, *(circuit_names(scope, one)[1] for one in models))

    async def _of(
        self, provider: ProviderSettings, settings: Settings, ahead: float
    ) -> ProviderStatus:
        scope = scope_of(provider)
        model, limits, wrong = self._adapter_facts(provider, settings)
        record = await self._monitor.newest(scope, ahead)
        requests, tokens = limits_of(await self._usage(scope), limits)
        activity = self._board.activity(scope)
        status, why = _health(provider, record, wrong)
        return ProviderStatus(
            provider=provider.name,
            type=provider.type,
            local=provider.is_local,
            status=status,
            response_time_ms=record.response_time_ms if record and status == "healthy" else None,
            last_check=record.last_check if record else None,
            error=why,
            circuit=await self._circuit(provider, settings, ahead),
            requests=requests,
            tokens=tokens,
            model=model,
            in_flight=activity.in_flight,
            request_count=activity.request_count,
            last_selected=activity.last_selected,
        )

    def _adapter_facts(
        self, provider: ProviderSettings, settings: Settings
    ) -> tuple[str | None, RateLimits, str | None]:
        """Return the model where it is known, the limits, and why there is no adapter."""
        try:
            adapter = self._pool.get(provider, settings.connect_timeout)
        except ConfigError as error:
            limits = provider.rate_limits or RateLimits()
            return provider.default_model, limits, error.user_message()
        return self._pool.known_default(adapter), adapter.rate_limits(), None

    async def _circuit(
        self, provider: ProviderSettings, settings: Settings, ahead: float
    ) -> CircuitStatus:
        try:
            found = status_of(await self._store.circuits(self.circuits_of(provider, settings)))
        except StateError:
            return CircuitStatus()
        return replace(
            found,
            last_failure=None if found.last_failure is None else found.last_failure - ahead,
            retry_at=None if found.retry_at is None else found.retry_at - ahead,
        )

    async def _usage(self, scope: str) -> WindowUsage:
        try:
            return await self._store.usage(window_name(scope))
        except StateError:
            return WindowUsage()

    async def _ahead(self) -> float:
        """Return the store's clock less ours: its times are shown on ours."""
        try:
            return await self._store.now() - self._now()
        except StateError:
            return 0.0


def _health(
    provider: ProviderSettings, record: HealthRecord | None, wrong: str | None
) -> tuple[HealthStatus, str | None]:
    if wrong is not None:
        return "error", wrong
    why = barred(provider)
    if why is not None:
        # Somebody meant a provider that is configured to work; the built-in ones merely could.
        return ("error" if provider.configured and provider.agreed else "unknown"), why
    if record is None:
        return "unknown", None
    return record.status, record.error
