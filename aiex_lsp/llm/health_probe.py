"""One health check: who may be asked, what it found, and several who wait for the same one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from aiex_lsp.config.settings import ProviderSettings, Settings
from aiex_lsp.errors import AiexError, FailureKind
from aiex_lsp.llm.coordinator import has_access
from aiex_lsp.llm.health_record import HealthStatus
from aiex_lsp.llm.pool import AdapterPool
from aiex_lsp.llm.types import Health

_DOWN = frozenset(
    {
        FailureKind.CONNECT,
        FailureKind.CONNECT_TIMEOUT,
        FailureKind.FIRST_TOKEN_TIMEOUT,
        FailureKind.STALL,
        FailureKind.OVERLOADED,
        FailureKind.TRANSIENT,
        FailureKind.TRUNCATED,
    }
)
_REFUSED = frozenset(
    {
        FailureKind.CREDENTIALS,
        FailureKind.PERMISSION,
        FailureKind.REGION,
        FailureKind.QUOTA,
        FailureKind.NOT_CONFIGURED,
        FailureKind.MALFORMED,
    }
)
"""Failures that time does not heal: somebody has to change something."""

R = TypeVar("R")

log = logging.getLogger(__name__)


def barred(provider: ProviderSettings) -> str | None:
    """Return why a provider may not be asked anything, None where it may."""
    if provider.off:
        return provider.off
    if not has_access(provider):
        return "no API key is set"
    return None if provider.agreed else "not agreed to yet"


def told_by(error: str) -> HealthStatus | None:
    """Return what a call's failure says of its provider's health, None if nothing."""
    if error in _DOWN:
        return "unhealthy"
    return "error" if error in _REFUSED else None


async def probe(pool: AdapterPool, provider: ProviderSettings, settings: Settings) -> Health:
    """Return what one health check found, within `health.timeout`. Never raises."""
    limit = settings.health.timeout
    try:
        adapter = pool.get(provider, settings.connect_timeout)
        async with asyncio.timeout(limit):
            return await adapter.check_health()
    except TimeoutError:
        why = f"{provider.name} did not answer a health check within {limit:g} s."
        return Health("unhealthy", error=why)
    except AiexError as error:
        return Health("error", error=error.user_message())
    except Exception as error:
        log.exception("The health check of %s failed inside", provider.name)
        why = f"The adapter of {provider.name} failed inside ({type(error).__name__})."
        return Health("error", error=why)


class Joint(Generic[R]):
    """Work that several wait for; it is cancelled when the last of them has gone."""

    def __init__(self, work: Coroutine[Any, Any, R]) -> None:
        self._task = asyncio.create_task(work)
        self._waiting = 0
        self._cancelled = False

    @property
    def ended(self) -> bool:
        """Return whether there is nothing left to wait for."""
        return self._cancelled or self._task.done()

    def cancel(self) -> None:
        """End it; whoever waits is cancelled too."""
        self._cancelled = True
        self._task.cancel()

    async def join(self) -> R:
        """Return the result."""
        self._waiting += 1
        try:
            return await asyncio.shield(self._task)
        finally:
            self._waiting -= 1
            if not self._waiting and not self.ended:
                self.cancel()
                await asyncio.gather(self._task, return_exceptions=True)
