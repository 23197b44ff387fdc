"""What is asked about all providers at once: their status, the team's, and what watchers are told.

Joined from its parts by `app.py`; the server and the command line ask it, and nothing else does.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import asdict
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from aiex_lsp.config.settings import ProviderSettings, Settings
from aiex_lsp.errors import ConfigError, ProviderError, UsageError
from aiex_lsp.events.bus import EventBus
from aiex_lsp.events.types import (
    CircuitChanged,
    Event,
    HealthChecked,
    LimitReached,
    RequestFailed,
    RequestStarted,
    ResponseReceived,
)
from aiex_lsp.llm.health import HealthMonitor
from aiex_lsp.llm.holds import Holds
from aiex_lsp.llm.peers import Peers
from aiex_lsp.llm.pool import AdapterPool
from aiex_lsp.llm.scope import scope_of, window_name
from aiex_lsp.llm.status import StatusReader
from aiex_lsp.llm.status_json import iso, payload, read_payload, status_json
from aiex_lsp.llm.summary import active_of, summary
from aiex_lsp.state.types import Ceiling

if TYPE_CHECKING:
    from aiex_lsp.llm.measured import Board
    from aiex_lsp.state.shared import SharedState

SHARE_INTERVAL = 10.0
"""Seconds between two looks at what the other servers tell: they tell it so often."""

COST_TTL = 1.0
"""Seconds the day's cost is believed: asking for it reads a file."""

_TELLING = (
    RequestStarted,
    ResponseReceived,
    RequestFailed,
    CircuitChanged,
    HealthChecked,
    LimitReached,
)

log = logging.getLogger(__name__)


async def _unknown_cost() -> float | None:
    return None


async def _no_diagnosis() -> Mapping[str, Any]:
    return {"ok": True, "checks": []}


class Overview:
    """All providers at a glance. `settings` are the first workspace folder's, as they are now.

    `today_cost` returns US dollars since midnight, None if unknown; `diagnose` the doctor's
    report as JSON.
    """

    def __init__(
        self,
        pool: AdapterPool,
        store: SharedState,
        board: Board,
        monitor: HealthMonitor,
        bus: EventBus,
        settings: Callable[[], Settings],
        peers: Peers,
        *,
        today_cost: Callable[[], Awaitable[float | None]] = _unknown_cost,
        diagnose: Callable[[], Awaitable[Mapping[str, Any]]] = _no_diagnosis,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._pool = pool
        self._store = store
        self._board = board
        self._monitor = monitor
        self._bus = bus
        self._settings = settings
        self._today_cost = today_cost
        self._diagnose = diagnose
        self._now = now
        self._sleep = sleep
        self._reader = StatusReader(pool, store, board, monitor, now)
        self._watchers: list[Callable[[], None]] = []
        self._unsubscribe = bus.subscribe(self._on_event)
        self._running: list[asyncio.Task[None]] = []
        self._payload = payload([], {})
        self._peers = peers
        self._cost: tuple[float, float | None] | None = None

    # -- questions --------------------------------------------------------------------------

    async def providers(self) -> list[dict[str, Any]]:
        """Return the `ProviderStatus` of every provider that is switched on; asks none."""
        return [status_json(one) for one in await self._reader.all(self._settings())]

    async def check_health(self, provider: str | None = None) -> list[dict[str, Any]]:
        """Return the status of one provider, or of all, probed now.

        Raises `UsageError` for an unknown provider.
        """
        named = None if provider is None else self._named(provider)
        checked = await self._monitor.check(provider)
        settings = self._settings()
        healthy = [name for name, record in checked.items() if record.status == "healthy"]
        await asyncio.gather(*(self._learn_model(name, settings) for name in healthy))
        if named is not None:
            return [status_json(await self._reader.one(named, settings))]
        return [status_json(one) for one in await self._reader.all(settings)]

    async def reset_circuit(self, provider: str) -> dict[str, Any]:
        """Return the status of a provider whose circuits were closed and whose waits forgotten.

        Raises `UsageError`.
        """
        named, settings = self._named(provider), self._settings()
        circuits = self._reader.circuits_of(named, settings)
        before = (await self._reader.one(named, settings)).circuit
        await self._store.reset(circuits)
        scope = scope_of(named)
        models = [one.partition("/")[2] for one in circuits]
        await Holds(self._store).forget(scope, models)
        # What it said is left of its quota is no longer believed either.
        await self._store.lower(window_name(scope), Ceiling(0, 0.0, 0, 0.0))
        self._board.forgive(scope)
        status = await self._reader.one(named, settings)
        if status.circuit.state != before.state:
            self._bus.publish(
                CircuitChanged(
                    timestamp=self._now(),
                    provider=provider,
                    model="",
                    before=before.state,
                    after=status.circuit.state,
                )
            )
        return status_json(status)

    async def cluster_health(self) -> dict[str, Any]:
        """Return who takes part, and what each server sees: `{backend, members}`.

        This server's part is as it is now. `degraded` says why the shared state is not used.
        """
        ahead = await self._store.now() - self._now()
        own = await self.providers()
        members = [
            {
                "id": one.id,
                "host": one.host,
                "lastSeen": iso(one.last_seen - ahead),
                "providers": (
                    own
                    if one.id == self._store.member_id
                    else list(read_payload(one.payload).providers)
                ),
            }
            for one in await self._store.members()
        ]
        why = self._store.degraded
        return {
            "backend": self._store.backend,
            "members": members,
            **({"degraded": why} if why else {}),
        }

    async def diagnose(self) -> dict[str, Any]:
        """Return what the doctor found."""
        return dict(await self._diagnose())

    async def report(self) -> dict[str, Any]:
        """Return the params of `aiex/providerHealth`."""
        settings = self._settings()
        statuses = await self._reader.all(settings)
        active = active_of(settings, statuses)
        cost = await self._cost_now()
        return {
            "summary": asdict(summary(settings, statuses, active, cost)),
            "active": asdict(active),
            "providers": [status_json(one) for one in statuses],
            "todayCost": cost,
        }

    # -- telling ----------------------------------------------------------------------------

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` whenever a status may have changed; return what ends it."""
        self._watchers.append(callback)

        def end() -> None:
            if callback in self._watchers:
                self._watchers.remove(callback)

        return end

    def start(self) -> None:
        """Begin to probe, and to take part among the servers; on the event loop, once."""
        if not self._running:
            self._begin(self._monitor.run())
            self._begin(self._take_part())

    async def aclose(self) -> None:
        """End what was begun; may be called twice."""
        self._unsubscribe()
        running, self._running = self._running, []
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._monitor.close()
        await self._peers.remember()

    # -- inside -----------------------------------------------------------------------------

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_logged(work))
        # A task that is cancelled before its first step never awaits what it was given.
        task.add_done_callback(lambda _: work.close())
        self._running.append(task)

    async def _take_part(self) -> None:
        await self._share()
        self._begin(self._store.run_heartbeats(lambda: self._payload, SHARE_INTERVAL))
        while True:
            await self._sleep(SHARE_INTERVAL)
            await self._share()

    async def _share(self) -> None:
        """Prepare what the others are told of here, and take what they measured."""
        try:
            statuses = await self._reader.all(self._settings())
            self._payload = payload(statuses, self._board.export())
            await self._peers.listen()
        except Exception:
            # A fault here must not end this server's membership.
            log.exception("The other servers' state could not be looked at")
        # Others may have changed a circuit or a limit; no event here tells of that.
        self._tell_watchers()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, HealthChecked) and event.status == "healthy" != event.before:
            provider = self._settings().providers.get(event.provider)
            if provider is not None and event.before != "unknown":
                # What was measured while it was ill says nothing now.
                self._board.forgive(scope_of(provider))
        if isinstance(event, _TELLING):
            self._tell_watchers()

    def _tell_watchers(self) -> None:
        for callback in list(self._watchers):
            callback()

    async def _learn_model(self, name: str, settings: Settings) -> None:
        """Find out which model a healthy provider would be asked for; its list is free."""
        provider = settings.providers.get(name)
        if provider is None:
            return
        try:
            adapter = self._pool.get(provider, settings.connect_timeout)
            if self._pool.known_default(adapter) is None:
                async with asyncio.timeout(settings.health.timeout):
                    await self._pool.default_model(adapter)
        except (ConfigError, ProviderError, TimeoutError) as error:
            log.debug("%s names no default model: %s", name, error)

    async def _cost_now(self) -> float | None:
        now = self._now()
        if self._cost is None or not 0 <= now - self._cost[0] < COST_TTL:
            self._cost = (now, await self._today_cost())
        return self._cost[1]

    def _named(self, name: str) -> ProviderSettings:
        providers = self._settings().providers
        if name in providers:
            return providers[name]
        near = get_close_matches(name, providers, 1)
        hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(providers)}"
        raise UsageError(f"`provider`: {name[:60]!r} is not configured", hint)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        log.exception("Work in the background failed")
