"""The state that servers share, as the rest uses it: it never fails.

Behind it stands a store that others share, and one in memory. If the shared one is lost, slow,
locked, full or damaged, the one in memory answers from then on, with this server's share of the
limits; the user is told once, the shared one is tried again with growing pauses, and the user is
told once that it is back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from aiex_lsp.state.background import Background
from aiex_lsp.state.base import Store
from aiex_lsp.state.ledger import UNKNOWN_SHARE
from aiex_lsp.state.lifeline import PAUSES, TIME_LIMIT, Away, Lifeline
from aiex_lsp.state.memory import MemoryStore
from aiex_lsp.state.primary import PrimaryStore
from aiex_lsp.state.shared_circuits import SharedCircuits
from aiex_lsp.state.shared_windows import SharedWindows
from aiex_lsp.state.types import (
    MEMBER_SECONDS,
    WINDOW_SECONDS,
    Admission,
    CallOutcome,
    Ceiling,
    Circuit,
    CircuitChange,
    CircuitPolicy,
    Member,
    Reservation,
    Row,
    WindowLimits,
    WindowUsage,
)

T = TypeVar("T")

HEARTBEAT = 10.0
"""Seconds between two heartbeats: three may be lost before a member counts as gone."""

log = logging.getLogger(__name__)


class SharedState(Store):
    """Shared state that never raises `StateError`; only cancellation passes through.

    `primary` is the store others share, None for memory alone. `local` is a memory store by the
    same `clock` (Unix time). `tell` gets what the user should know, one plain sentence each time.
    `window` is the length of the limits' window; times are in seconds.
    """

    def __init__(
        self,
        primary: PrimaryStore | None,
        local: MemoryStore,
        *,
        member_id: str,
        host: str,
        tell: Callable[[str], None],
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        window: float = WINDOW_SECONDS,
        time_limit: float = TIME_LIMIT,
        pauses: tuple[float, float] = PAUSES,
    ) -> None:
        self.member_id = member_id
        self.host = host
        self._tell = tell
        self._local = local
        self._monotonic = monotonic
        self._time_limit = time_limit
        self._background = Background()
        self._members: dict[str, float] = {}
        self._members_at = float("-inf")
        self._line: Lifeline | None = None
        if primary is not None:
            self._line = Lifeline(
                primary,
                tell=tell,
                monotonic=monotonic,
                on_lost=self._on_lost,
                on_back=self._on_back,
                restore=self._restore,
                time_limit=time_limit,
                pauses=pauses,
            )
        self._windows = SharedWindows(
            local,
            clock=clock,
            monotonic=monotonic,
            length=window,
            guard=max(window, pauses[1] + time_limit),
            share=self._share,
            background=self._background,
            replaced=self._on_replaced,
        )
        self._circuits = SharedCircuits(local, self._background)

    @property
    def kind(self) -> str:  # type: ignore[override]
        """Return which store answers now: sqlite, redis, or memory while that is away."""
        return "memory" if self._line is None or self.degraded else self._line.store.kind

    @property
    def backend(self) -> str:
        """Return the store others share: sqlite, redis, or memory where there is none."""
        if self._line is None or self._line.permanent:
            return "memory"
        return self._line.store.kind

    @property
    def degraded(self) -> str | None:
        """Return why the shared store is away, None while it is there or was not asked for."""
        return None if self._line is None else self._line.degraded

    async def recover(self) -> bool:
        """Return whether the shared store can be used, trying it now if it was lost."""
        return self._line is None or await self._line.recover()

    async def run_heartbeats(self, payload: Callable[[], str], interval: float = HEARTBEAT) -> None:
        """Tell every `interval` seconds that this server is there, until cancelled; then leave.

        `payload` returns JSON for the others.
        """
        try:
            while True:
                await self.heartbeat(payload())
                await asyncio.sleep(interval)
        finally:
            await self.leave(self.member_id)

    async def heartbeat(self, payload: str = "{}") -> list[Member]:
        """Tell once that this server is there; return all members. Enough for a short life."""
        members = await self.beat(Member(self.member_id, self.host, payload=payload))
        if self._line is not None:
            await self._windows.look(self._line)
        return members

    async def reserve(
        self, window: str, row: Row, limits: WindowLimits, share: int = 1
    ) -> Reservation:
        """Take one request and `row.tokens` tokens out of a window, or nothing at all.

        `share` is this object's own business: it knows how many servers there are.
        """
        if self._line is None:
            return await self._local.reserve(window, row, limits, share)
        return await self._windows.reserve(self._line, window, row, limits)

    async def settle(self, window: str, row_id: str, tokens: int) -> None:
        """Set the tokens a granted request used in the end."""
        if self._line is None:
            return await self._local.settle(window, row_id, tokens)
        await self._background.run(self._windows.settle(self._line, window, row_id, tokens))

    async def release(self, window: str, row_id: str) -> None:
        """Give a reservation back whole."""
        if self._line is None:
            return await self._local.release(window, row_id)
        await self._background.run(self._windows.release(self._line, window, row_id))

    async def publish(self, window: str, rows: Sequence[Row]) -> None:
        """Add rows of this server's."""
        if self._line is None:
            return await self._local.publish(window, rows)
        await self._windows.publish(self._line, window, rows)

    async def lower(self, window: str, ceiling: Ceiling) -> None:
        """Hold a window to what the provider said is left."""
        if self._line is None:
            return await self._local.lower(window, ceiling)
        await self._background.run(self._windows.lower(self._line, window, ceiling))

    async def usage(self, window: str) -> WindowUsage:
        """Return what a window holds now."""
        if self._line is None:
            return await self._local.usage(window)
        return await self._windows.usage(self._line, window)

    async def admit(
        self, circuits: Sequence[str], holder: str, lease: float, policy: CircuitPolicy
    ) -> Admission:
        """Return whether a call may go through all of `circuits`."""
        return await self._circuits.admit(self._line, circuits, holder, lease, policy)

    async def record(
        self, outcomes: Mapping[str, CallOutcome], holder: str, policy: CircuitPolicy
    ) -> list[CircuitChange]:
        """Take what a call showed of each circuit."""
        return await self._circuits.record(self._line, outcomes, holder, policy)

    async def permit(self, circuits: Sequence[str]) -> None:
        """Let open circuits probe now, here and there."""
        await self._local.permit(circuits)
        await self._ask_or(lambda store: store.permit(circuits))

    async def circuits(self, names: Sequence[str]) -> list[Circuit]:
        """Return circuits as they are."""
        return await self._circuits.circuits(self._line, names)

    async def reset(self, circuits: Sequence[str]) -> None:
        """Close circuits and forget their failures, here and there."""
        self._circuits.forget(circuits)
        await self._local.reset(circuits)
        await self._ask_or(lambda store: store.reset(circuits))

    async def get(self, key: str) -> str | None:
        """Return a value, None where there is none or its time has passed."""
        return await self._ask_or(lambda store: store.get(key))

    async def put(self, key: str, value: str, ttl: float) -> None:
        """Keep a value for `ttl` seconds; 0 or less removes it."""
        await self._ask_or(lambda store: store.put(key, value, ttl))

    async def cached(self, key: str) -> bytes | None:
        """Return a cached answer, None where there is none or it is too old."""
        return await self._ask_or(lambda store: store.cached(key))

    async def cache(self, key: str, value: bytes, ttl: float, max_bytes: int) -> None:
        """Keep an answer; those used least recently go."""
        await self._ask_or(lambda store: store.cache(key, value, ttl, max_bytes))

    async def beat(self, member: Member) -> list[Member]:
        """Tell that this server is there; return all members, itself alone where nobody hears."""
        return self._seen(await self._ask_or(lambda store: store.beat(member)))

    async def members(self) -> list[Member]:
        """Return all members of the last `MEMBER_SECONDS`, without telling anything."""
        return self._seen(await self._ask_or(lambda store: store.members()))

    async def leave(self, member_id: str) -> None:
        """Take a member out at once."""
        await self._ask_or(lambda store: store.leave(member_id))

    async def now(self) -> float:
        """Return the clock of the store that answers."""
        return await self._ask_or(lambda store: store.now())

    async def aclose(self) -> None:
        """Finish what is under way and close everything; may be called twice."""
        await self._background.aclose(self._time_limit)
        if self._line is not None:
            await self._line.aclose()

    async def _ask_or(self, step: Callable[[PrimaryStore], Awaitable[T]]) -> T:
        """Return the shared store's answer, or the local one's where it is away."""
        if self._line is not None:
            try:
                return await self._line.ask(step)
            except Away:
                pass
        return await step(self._local)

    def _seen(self, members: list[Member]) -> list[Member]:
        if not self.degraded:
            self._members_at = self._monotonic()
            self._members.update((member.id, self._members_at) for member in members)
        return members

    def _share(self) -> int:
        """Return how many servers share the limits, as far as is known.

        Those count that were seen in the last `MEMBER_SECONDS`, not those the store names now: one
        that came back empty knows nobody yet.
        """
        now = self._monotonic()
        if now - self._members_at > MEMBER_SECONDS:
            return UNKNOWN_SHARE
        since = self._members_at - MEMBER_SECONDS
        self._members = {name: at for name, at in self._members.items() if at > since}
        return len(self._members.keys() | {self.member_id})

    def _on_lost(self) -> str:
        share = self._windows.lose()
        self._circuits.lose()
        part = f" with 1/{share} of the limits" if share > 1 else ""
        return f"this server goes on by itself{part}"

    def _on_back(self) -> None:
        self._windows.come_back()

    def _on_replaced(self) -> None:
        sentence = "The shared state was lost and began anew: limits are kept by each server's part"
        log.warning("shared state: it began anew")
        try:
            self._tell(f"{sentence} until all have told theirs.")
        except Exception:
            log.exception("shared state: the user could not be told")

    async def _restore(self, store: PrimaryStore) -> None:
        # A store that can be read but not written is not back.
        await store.put(f"back/{self.member_id}", "1", 1.0)
        await self._windows.restore(store)
