"""The adapters in use, one for each provider's settings, and what models they have."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aiex_lsp.config.settings import ProviderSettings
from aiex_lsp.errors import FailureKind, ProviderError
from aiex_lsp.llm.adapters.base import Adapter, AdapterContext
from aiex_lsp.llm.types import ModelInfo

MODELS_TTL = 300.0
"""Seconds a provider's model list is believed."""

PROBE_TIMEOUT = 1.0
PROBE_TTL = 15.0
"""Seconds a server on this machine gets to answer, and how long that is believed."""

LIST_TIMEOUT = 5.0
UNLISTED_TTL = 60.0
"""Seconds a list of models that only embellishes a request may take, and a failed one is left."""

IDLE = 3600.0
"""Seconds after which an adapter that nobody asked for is closed; twelve times the longest call
of the defaults."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Models:
    listed: list[ModelInfo]
    default: str
    expires: float


@dataclass(slots=True, eq=False)
class _Entry:
    settings: ProviderSettings
    timeout: float
    adapter: Adapter
    used: float


class AdapterPool:
    """Makes each adapter once and keeps it; `make` is the registry's, `monotonic` in seconds.

    `imports` imports the adapters of some types; it blocks.
    """

    def __init__(
        self,
        make: Callable[[ProviderSettings, AdapterContext], Adapter],
        context: Callable[[float], AdapterContext],
        monotonic: Callable[[], float],
        imports: Callable[[Iterable[str]], None] | None = None,
    ) -> None:
        self._make = make
        self._context = context
        self._monotonic = monotonic
        self._imports = imports
        self._imported: set[str] = set()
        self._adapters: list[_Entry] = []
        self._retired: list[Adapter] = []
        self._models: dict[int, _Models] = {}
        self._unlisted: dict[int, float] = {}
        self._answers: dict[str, tuple[bool, float]] = {}

    async def load(self, providers: Iterable[ProviderSettings]) -> None:
        """Import what `get` needs for these, in a thread: 0.1 s, and others' packages seconds."""
        new = {one.type for one in providers} - self._imported
        if new and self._imports is not None:
            await asyncio.to_thread(self._imports, new)
            self._imported |= new

    def get(self, provider: ProviderSettings, connect_timeout: float) -> Adapter:
        """Return the adapter for these settings, made now if it is the first use.

        Raises `ConfigError` for a type no adapter is known for.
        """
        now = self._monotonic()
        for entry in self._adapters:
            if entry.settings == provider and entry.timeout == connect_timeout:
                entry.used = now
                return entry.adapter
        adapter = self._make(provider, self._context(connect_timeout))
        self._retire(now)
        self._adapters.append(_Entry(provider, connect_timeout, adapter, now))
        return adapter

    async def default_model(self, adapter: Adapter) -> str:
        """Return the model to ask where none is named. Raises `ProviderError`."""
        if adapter.settings.default_model:
            return adapter.settings.default_model
        kept = self._models.get(id(adapter))
        if kept is not None and self._monotonic() < kept.expires and kept.default:
            return kept.default
        default = await adapter.default_model()
        listed = kept.listed if kept else []
        self._models[id(adapter)] = _Models(listed, default, self._monotonic() + MODELS_TTL)
        return default

    def known_default(self, adapter: Adapter) -> str | None:
        """Return the model to ask where none is named, None where it would have to be asked for."""
        if adapter.settings.default_model:
            return adapter.settings.default_model
        kept = self._models.get(id(adapter))
        return (kept.default or None) if kept else None

    def known_models(self, adapter: Adapter) -> list[ModelInfo]:
        """Return the models the provider listed last, nothing where it was not asked yet."""
        kept = self._models.get(id(adapter))
        return kept.listed if kept else []

    async def models(self, adapter: Adapter, *, fresh: bool = False) -> list[ModelInfo]:
        """Return the provider's models, from memory where known. Raises `ProviderError`."""
        kept = self._models.get(id(adapter))
        if not fresh and kept and kept.listed and self._monotonic() < kept.expires:
            return kept.listed
        listed = await adapter.list_models()
        default = kept.default if kept else ""
        self._models[id(adapter)] = _Models(listed, default, self._monotonic() + MODELS_TTL)
        return listed

    async def answers(self, provider: ProviderSettings, connect_timeout: float) -> bool:
        """Return whether a local server has a model to ask now, as found in the last seconds."""
        known = self._answers.get(provider.name)
        if known is not None and self._monotonic() < known[1]:
            return known[0]
        try:
            adapter = self.get(provider, min(connect_timeout, PROBE_TIMEOUT))
            async with asyncio.timeout(PROBE_TIMEOUT):
                found = any(model.chat for model in await adapter.list_models())
        except (ProviderError, TimeoutError):
            found = False
        self._answers[provider.name] = (found, self._monotonic() + PROBE_TTL)
        return found

    async def info(self, adapter: Adapter, model: str) -> ModelInfo | None:
        """Return what the provider tells of a model, None where it does not tell.

        Raises `ProviderError` where nobody is there to tell: who cannot be reached for a list
        cannot be reached for an answer, and looking for that twice takes twice the time. A list
        that fails or hangs is not asked for again for a while: the answer does not need it.
        """
        if self._retired:
            await self._close_retired()
        if self._monotonic() < self._unlisted.get(id(adapter), -math.inf):
            return None
        try:
            async with asyncio.timeout(LIST_TIMEOUT):
                listed = await self.models(adapter)
        except (ProviderError, TimeoutError) as error:
            if isinstance(error, ProviderError) and error.kind in (
                FailureKind.CONNECT,
                FailureKind.CONNECT_TIMEOUT,
            ):
                raise
            self._unlisted[id(adapter)] = self._monotonic() + UNLISTED_TTL
            log.debug("%s lists no models: %s", adapter.name, error)
            return None
        return next((info for info in listed if info.id == model), None)

    def forget_models(self, adapter: Adapter) -> None:
        """Ask for the models anew at the next call (one was gone)."""
        self._models.pop(id(adapter), None)
        self._unlisted.pop(id(adapter), None)

    async def aclose(self) -> None:
        """Close every adapter."""
        self._retired += [entry.adapter for entry in self._adapters]
        self._adapters.clear()
        self._models.clear()
        self._unlisted.clear()
        await self._close_retired()

    async def _close_retired(self) -> None:
        adapters, self._retired = self._retired, []
        results = await asyncio.gather(*(one.aclose() for one in adapters), return_exceptions=True)
        for one, result in zip(adapters, results, strict=True):
            if isinstance(result, BaseException):
                log.debug("closing %s: %s", one.name, type(result).__name__)

    def _retire(self, now: float) -> None:
        """Take out those no call can be using: each model chosen in a menu makes another one."""
        idle = [entry for entry in self._adapters if now - entry.used >= IDLE]
        for entry in idle:
            self._adapters.remove(entry)
            self.forget_models(entry.adapter)
            self._retired.append(entry.adapter)
