"""Rate-limit windows that go on when the shared store is away, and catch up when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from aiex_lsp.state.background import Background
from aiex_lsp.state.ledger import Ledger
from aiex_lsp.state.lifeline import Away, Lifeline
from aiex_lsp.state.memory import MemoryStore
from aiex_lsp.state.primary import PrimaryStore, Seen
from aiex_lsp.state.types import Ceiling, Reservation, Row, WindowLimits, WindowUsage

IDLE_LENGTHS = 10
"""A window not used for so many of its lengths is no longer looked at with the heartbeat."""


@dataclass(slots=True)
class _Offset:
    """How far this clock is ahead of the store's, in seconds: between `low` and `high`."""

    low: float = 0.0
    high: float = 0.0


class SharedWindows:
    """The windows of one server.

    After the store was lost or came back empty this server's share stays on top of what the
    store grants, until all others are back and have told their rows: for `guard` seconds.
    `share` returns how many servers share the limits, `replaced` is called when the store came
    back empty.
    """

    def __init__(
        self,
        local: MemoryStore,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        length: float,
        guard: float,
        share: Callable[[], int],
        background: Background,
        replaced: Callable[[], None],
    ) -> None:
        self._local = local
        self._clock = clock
        self._monotonic = monotonic
        self._length = length
        self._guard = guard
        self._count_share = share
        self._background = background
        self._tell_replaced = replaced
        self._ledgers: dict[str, Ledger] = {}
        self._share = 1
        self._guard_until = float("-inf")
        self._offset = _Offset()

    @property
    def guarding(self) -> bool:
        """Return whether this server's share stays on top of what the store grants."""
        return self._share > 1 and self._monotonic() < self._guard_until

    def lose(self) -> int:
        """Go on alone; return how many servers share the limits."""
        self._start_alone()
        return self._share

    def come_back(self) -> None:
        """Ask the store again, with the share on top for as long as the others may need."""
        self._guard_until = self._monotonic() + self._guard

    async def reserve(
        self, line: Lifeline, window: str, row: Row, limits: WindowLimits
    ) -> Reservation:
        """Return the store's answer, or the local store's where it is away."""
        ledger = self._ledger(window)
        ledger.most = limits.requests
        try:
            return await self._reserve(line, ledger, window, row, limits)
        except asyncio.CancelledError:
            # It may have been granted; nobody is left to use it.
            self._background.start(self.release(line, window, row.id))
            raise

    async def settle(self, line: Lifeline, window: str, row_id: str, tokens: int) -> None:
        """Set the tokens a granted request used in the end, now or once the store is back."""
        ledger = self._ledger(window)
        ledger.settled(row_id, tokens)
        await self._local.settle(window, row_id, tokens)
        try:
            await line.ask(lambda store: store.settle(window, row_id, tokens))
        except Away:
            ledger.untold(row_id, tokens, self._clock())

    async def release(self, line: Lifeline, window: str, row_id: str) -> None:
        """Give a reservation back, now or once the store is back."""
        ledger = self._ledger(window)
        ledger.released(row_id)
        await self._local.release(window, row_id)
        try:
            await line.ask(lambda store: store.release(window, row_id))
        except Away:
            ledger.untold(row_id, None, self._clock())
            ledger.forget_untold(self._clock())

    async def publish(self, line: Lifeline, window: str, rows: Sequence[Row]) -> None:
        """Add rows of this server's."""
        ledger = self._ledger(window)
        for row in rows:
            ledger.granted(row, told=False)
        await self._local.publish(window, rows)
        try:
            await line.ask(lambda store: store.publish(window, self._for_store(rows)))
        except Away:
            return
        for row in rows:
            ledger.granted(row, told=True)

    async def lower(self, line: Lifeline, window: str, ceiling: Ceiling) -> None:
        """Hold a window to what the provider said is left, here and there."""
        await self._local.lower(window, ceiling)
        try:
            await line.ask(lambda store: store.lower(window, ceiling))
        except Away:
            return

    async def usage(self, line: Lifeline, window: str) -> WindowUsage:
        """Return what a window holds now; while the store is away, what is known here."""
        ledger = self._ledger(window)
        try:
            return await self._look(line, ledger, window)
        except Away:
            return await self._local.usage(window)

    async def look(self, line: Lifeline) -> None:
        """Look at the windows in use: what the others hold is known then if the store is lost."""
        since = self._monotonic() - IDLE_LENGTHS * self._length
        for window, ledger in list(self._ledgers.items()):
            if ledger.used_at >= since:
                try:
                    await self._look(line, ledger, window)
                except Away:
                    return

    async def _look(self, line: Lifeline, ledger: Ledger, window: str) -> WindowUsage:
        found, born = await line.ask(lambda store: store.usage_seen(window))
        if ledger.born in (None, born):
            ledger.saw(self._from_store(found.rows), self._clock())
        else:
            # What an empty store shows is not what the others hold.
            await self._replaced(line, ledger, born)
        return found

    async def restore(self, store: PrimaryStore) -> None:
        """Tell a store that is back of this server's rows, until there is nothing left to tell."""
        while True:
            for window, ledger in list(self._ledgers.items()):
                now = self._clock()
                ledger.born = None
                rows, untold = ledger.own(now), ledger.take_untold(now)
                try:
                    if rows:
                        await store.publish(window, self._for_store(rows))
                    for row_id, tokens in untold.items():
                        if tokens is None:
                            await store.release(window, row_id)
                        else:
                            await store.settle(window, row_id, tokens)
                except BaseException:
                    for row_id, tokens in untold.items():
                        ledger.untold(row_id, tokens, now)
                    raise
            if not any(ledger.has_untold for ledger in self._ledgers.values()):
                return

    def _ledger(self, window: str) -> Ledger:
        ledger = self._ledgers.setdefault(window, Ledger(self._length))
        ledger.used_at = self._monotonic()
        return ledger

    async def _reserve(
        self, line: Lifeline, ledger: Ledger, window: str, row: Row, limits: WindowLimits
    ) -> Reservation:
        while True:
            alone: Reservation | None = None
            if self.guarding:
                alone = await self._reserve_alone(window, row, limits)
                if not alone.granted:
                    return alone
            try:
                seen = await self._ask(line, ledger, window, row, limits)
            except Away as away:
                answer = alone or await self._reserve_alone(window, row, limits)
                if answer.granted:
                    ledger.granted(replace(row, at=answer.at), told=False)
                elif away.tried:
                    ledger.untold(row.id, None, self._clock())
                return answer
            if seen.reservation is not None:
                await self._take(line, ledger, window, row, seen.reservation)
                if seen.rows is not None:
                    ledger.saw(self._from_store(seen.rows), self._clock())
                ledger.born = seen.born
                return seen.reservation
            await self._replaced(line, ledger, seen.born)

    async def _ask(
        self, line: Lifeline, ledger: Ledger, window: str, row: Row, limits: WindowLimits
    ) -> Seen:
        sent = self._clock()
        seen = await line.ask(
            lambda store: store.reserve_seen(
                window, row, limits, born=ledger.born, view=ledger.wants_view(sent)
            )
        )
        # A file's clock is this machine's, as ours is.
        if seen.reservation is not None and line.store.kind == "redis":
            at = seen.reservation.at
            self._offset = _Offset(sent - at, self._clock() - at)
        return seen

    async def _take(
        self, line: Lifeline, ledger: Ledger, window: str, row: Row, answer: Reservation
    ) -> None:
        """Remember what the store answered."""
        if answer.granted:
            mine = replace(row, at=answer.at + self._offset.high)
            ledger.granted(mine, told=True)
            if line.degraded is not None or self.guarding:
                await self._local.publish(window, [mine])
        elif self.guarding:
            await self._local.release(window, row.id)

    async def _reserve_alone(self, window: str, row: Row, limits: WindowLimits) -> Reservation:
        return await self._local.reserve(window, row, limits, self._share)

    def _start_alone(self) -> None:
        if not self.guarding:
            # At once: what is seen next may be an empty store's.
            for window, ledger in self._ledgers.items():
                self._local.add(window, ledger.before(self._clock()))
        self._share = max(1, self._count_share())

    async def _replaced(self, line: Lifeline, ledger: Ledger, born: str) -> None:
        """Tell an empty store of this server's rows, and keep to the share for a while."""
        known, now = ledger.born, self._clock()
        if known in (None, born):
            return
        same = [one for one in self._ledgers.values() if one.born == known]
        lost = any(one.lost(now) for one in same)
        for one in same:
            one.born = born
        if not lost:
            return
        if not self.guarding:
            self._tell_replaced()
        self._start_alone()
        self.come_back()
        for window, one in list(self._ledgers.items()):
            rows = self._for_store(one.own(now))
            if rows:
                try:
                    await line.ask(lambda store, w=window, r=rows: store.publish(w, r))  # type: ignore[misc]
                except Away:
                    return

    def _for_store(self, rows: Sequence[Row]) -> list[Row]:
        return [replace(row, at=row.at - self._offset.low) for row in rows]

    def _from_store(self, rows: Sequence[Row]) -> list[Row]:
        return [replace(row, at=row.at + self._offset.high) for row in rows]
