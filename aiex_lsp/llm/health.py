"""The health monitor: cheap probes where nothing else tells how a provider is.

Every `health.interval` seconds (design document: 30) each configured provider that may be asked is
probed, all at once, each within `health.timeout` (10); first a second after the start. Nobody is
probed whose calls of the last interval already told, or whom another server has probed meanwhile.
A server that nobody uses leaves remote providers alone.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from random import Random

from aiex_lsp.config.settings import ProviderSettings, Settings
from aiex_lsp.errors import StateError
from aiex_lsp.events.bus import EventBus
from aiex_lsp.events.types import (
    Event,
    HealthChecked,
    RequestFailed,
    RequestStarted,
    ResponseReceived,
)
from aiex_lsp.llm.circuit_breaker import CircuitBreaker, policy_of
from aiex_lsp.llm.health_probe import Joint, barred, probe, told_by
from aiex_lsp.llm.health_record import HealthRecord, HealthStatus, read_record
from aiex_lsp.llm.pool import AdapterPool
from aiex_lsp.llm.scope import circuit_names, health_key, scope_of
from aiex_lsp.state.base import Store

FIRST = 1.0
"""Seconds from the start to the first probes (design document)."""

IDLE = 300.0
"""Seconds without a call or an explicit check until a server is idle.

Then remote providers are not probed, and local ones only so often.
"""

JITTER = 0.1
"""The share by which pauses are lengthened at random, so that servers do not probe in step."""

OFF_PAUSE = 30.0
"""Seconds after which switched-off probes are looked at again: the setting may have changed."""

RECORD_TTL = 24 * 3600.0
"""Seconds a record stays in the shared state, to be shown with its age."""

SAME = 0.05
"""Seconds by which two looks at the store's clock may differ over one and the same record."""

KNOWN_MODELS = 20
"""Models of one provider whose circuits are looked after, those called last."""

log = logging.getLogger(__name__)


class HealthMonitor:
    """Knows how each provider is. `now` is Unix time; `sleep` waits so many seconds."""

    def __init__(
        self,
        pool: AdapterPool,
        store: Store,
        bus: EventBus,
        settings: Callable[[], Settings],
        *,
        now: Callable[[], float] = time.time,
        random: Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        holder: str = "",
    ) -> None:
        self._pool = pool
        self._store = store
        self._bus = bus
        self._breaker = CircuitBreaker(store, bus, now)
        self._settings = settings
        self._now = now
        self._random = random or Random()
        self._sleep = sleep
        self._holder = holder or f"health-{uuid.uuid4().hex}"
        self._records: dict[str, HealthRecord] = {}
        self._shared_at: dict[str, float] = {}
        self._models: dict[str, dict[str, None]] = {}
        self._probes: dict[str, Joint[HealthRecord]] = {}
        self._active = now()
        self._wake = asyncio.Event()
        self._unsubscribe = bus.subscribe(self._on_event)

    async def run(self) -> None:
        """Probe until cancelled."""
        self._active = self._now()
        await self._pause(FIRST)
        while True:
            settings = self._settings()
            if settings.health.interval > 0:
                await self._round(settings)
            await self._pause(settings.health.interval or OFF_PAUSE)

    async def check(self, provider: str | None = None) -> Mapping[str, HealthRecord]:
        """Return what probes made now found, by name; of one provider, or of all.

        Those that may not be asked are left out. A probe under way is waited for.
        """
        self._awake()
        settings = self._settings()
        chosen = [
            one
            for one in settings.providers.values()
            if provider in (None, one.name) and barred(one) is None
        ]
        found = await asyncio.gather(*(self._probe(one, settings) for one in chosen))
        return {one.name: record for one, record in zip(chosen, found, strict=True)}

    def known(self, scope: str) -> HealthRecord | None:
        """Return what this server knows of a provider without asking anybody."""
        return self._records.get(scope)

    def models(self, scope: str) -> tuple[str, ...]:
        """Return the models that were called here, those whose circuits are of interest."""
        return tuple(self._models.get(scope, ()))

    async def newest(self, scope: str, ahead: float = 0.0) -> HealthRecord | None:
        """Return the newest record of all servers; `ahead` is the store's clock less ours."""
        own = self._records.get(scope)
        try:
            shared = read_record(await self._store.get(health_key(scope)))
        except StateError:
            shared = None
        if shared is not None:
            # A clock that is ahead must not make a record the newest for ever.
            at = min(shared.last_check - ahead, self._now())
            shared = shared.moved(at - shared.last_check)
            if own is None or own.last_check + SAME < shared.last_check:
                return shared
        return own

    def close(self) -> None:
        """Stop listening to calls, and end the probes under way."""
        self._unsubscribe()
        for under_way in self._probes.values():
            under_way.cancel()

    # -- rounds -----------------------------------------------------------------------------

    async def _round(self, settings: Settings) -> None:
        # A clock that was set back must not keep a server awake.
        self._active = min(self._active, self._now())
        idle = self._now() - self._active >= IDLE
        ahead = await self._ahead()
        looks = [
            self._look(one, settings, IDLE if idle else settings.health.interval, ahead)
            for one in settings.providers.values()
            if one.configured and barred(one) is None and not (idle and not one.is_local)
        ]
        for result in await asyncio.gather(*looks, return_exceptions=True):
            if isinstance(result, Exception):
                log.error("A health check failed by a fault of aiex-lsp", exc_info=result)

    async def _look(
        self, provider: ProviderSettings, settings: Settings, interval: float, ahead: float
    ) -> None:
        scope = scope_of(provider)
        own, record = self._records.get(scope), await self.newest(scope, ahead)
        if record is None or not 0 <= self._now() - record.last_check < interval:
            await self._probe(provider, settings)
        elif record is not own:
            self._shared_at[scope] = record.last_check
            self._take(provider.name, scope, record)
        elif self._shared_at.get(scope) != record.last_check:
            await self._share(scope, record)

    async def _pause(self, seconds: float) -> None:
        seconds *= 1 + JITTER * self._random.random()
        waits = [
            asyncio.ensure_future(self._sleep(seconds)),
            asyncio.ensure_future(self._wake.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        self._wake.clear()

    # -- one probe --------------------------------------------------------------------------

    async def _probe(self, provider: ProviderSettings, settings: Settings) -> HealthRecord:
        scope = scope_of(provider)
        under_way = self._probes.get(scope)
        if under_way is None or under_way.ended:
            under_way = Joint(self._ask(provider, scope, settings))
            self._probes[scope] = under_way
        return await under_way.join()

    async def _ask(
        self, provider: ProviderSettings, scope: str, settings: Settings
    ) -> HealthRecord:
        health = await probe(self._pool, provider, settings)
        record = HealthRecord(health.status, health.response_time_ms, self._now(), health.error)
        await self._share(scope, record)
        await self._feed(provider.name, scope, record, settings)
        self._take(provider.name, scope, record)
        return record

    async def _share(self, scope: str, record: HealthRecord) -> None:
        moved = record.moved(await self._ahead())
        try:
            await self._store.put(health_key(scope), moved.to_json(), RECORD_TTL)
        except StateError as error:
            log.debug("a health record is not shared: %s", error)
        self._shared_at[scope] = record.last_check

    async def _feed(self, name: str, scope: str, record: HealthRecord, settings: Settings) -> None:
        """Tell the provider's circuits. A refused key is no sign of an outage."""
        whole = circuit_names(scope, None)[0]
        try:
            if record.status == "healthy":
                models = (circuit_names(scope, model)[1] for model in self.models(scope))
                await self._store.permit([whole, *models])
            elif record.status == "unhealthy":
                policy = policy_of(settings.circuit_breaker)
                changes = await self._store.record({whole: "failure"}, self._holder, policy)
                self._breaker.publish(name, changes)
        except StateError as error:
            log.debug("circuits are not told of a health check: %s", error)

    def _take(self, name: str, scope: str, record: HealthRecord) -> None:
        before = self._records.get(scope)
        self._records[scope] = record
        seconds = record.response_time_ms
        self._bus.publish(
            HealthChecked(
                timestamp=self._now(),
                provider=name,
                status=record.status,
                before=before.status if before else "unknown",
                response_time=None if seconds is None else seconds / 1000,
                error=record.error,
            )
        )

    async def _ahead(self) -> float:
        try:
            return await self._store.now() - self._now()
        except StateError:
            return 0.0

    # -- what calls tell --------------------------------------------------------------------

    def _awake(self) -> None:
        now = self._now()
        if now - self._active >= IDLE:
            self._wake.set()
        self._active = now

    def _on_event(self, event: Event) -> None:
        match event:
            case RequestStarted():
                self._awake()
                self._learn(event.provider, event.model)
            case ResponseReceived(cached=False):
                seconds = event.duration if event.first_token is None else event.first_token
                self._tell(event.provider, "healthy", seconds * 1000, None)
            case RequestFailed():
                status = told_by(event.error)
                if status is not None:
                    self._tell(event.provider, status, None, event.message)

    def _tell(
        self, name: str, status: HealthStatus, milliseconds: float | None, why: str | None
    ) -> None:
        scope = self._scope(name)
        if scope is not None:
            self._records[scope] = HealthRecord(status, milliseconds, self._now(), why)

    def _learn(self, name: str, model: str) -> None:
        scope = self._scope(name)
        if scope is None or not model:
            return
        known = self._models.setdefault(scope, {})
        known.pop(model, None)
        known[model] = None
        if len(known) > KNOWN_MODELS:
            del known[next(iter(known))]

    def _scope(self, name: str) -> str | None:
        provider = self._settings().providers.get(name)
        return None if provider is None else scope_of(provider)
