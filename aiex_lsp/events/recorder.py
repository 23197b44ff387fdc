"""Writes what happened to calls into the usage record, in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Any

from aiex_lsp.errors import StateError
from aiex_lsp.events.analytics import ANSWERED, CACHED, analyze, report_json, start_of
from aiex_lsp.events.days import last_days, local_date, midnight
from aiex_lsp.events.types import Event, RequestFailed, ResponseReceived
from aiex_lsp.state.usage import UsageRow, UsageStore

MOST_WAITING = 5_000
"""Rows that wait for a record that cannot be written; older ones are given up."""

BATCH_SECONDS = 1.0
RETRY_SECONDS = 30.0
COST_SECONDS = 60.0
"""After so long the cost of the day is asked for again: other servers spend too."""

CLOSE_SECONDS = 2.0
LONGEST_NAME = 200
LARGEST = 2**53

log = logging.getLogger(__name__)


class UsageRecorder:
    """A listener of the event bus that keeps a row for each attempt that ended.

    Called on the event loop it only puts the row in a queue; a thread, started at the first row,
    writes batches. A record that cannot be written is said once in the log and tried again
    later; the calls never notice. `now` is Unix time.
    """

    def __init__(
        self,
        store: UsageStore,
        now: Callable[[], float] = time.time,
        zone: tzinfo | None = None,
        batch_seconds: float = BATCH_SECONDS,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._store = store
        self._now = now
        self._zone = zone
        self._batch_seconds = batch_seconds
        self._most = most_waiting
        self._wake = threading.Condition()
        self._waiting: deque[UsageRow] = deque()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._asked = 0
        self._served = 0
        self._said = False
        self._lost = 0
        self._cost_day = local_date(now(), zone)
        self._cost_written = 0.0
        self._cost_asked: float | None = None

    def __call__(self, event: Event) -> None:
        """Take an event; those that end no attempt are ignored."""
        row = row_of(event)
        if row is None:
            return
        with self._wake:
            if len(self._waiting) >= self._most:
                self._waiting.popleft()
                self._lost += 1
            self._waiting.append(row)
            self._start()
            self._wake.notify_all()

    def today_cost(self) -> float:
        """Return the known cost in USD since local midnight, of all servers of this user.

        At once, from memory. What other servers spent is at most a minute old, and the first
        call of a process may not know of earlier cost yet (`load` waits for it).
        """
        now = self._now()
        with self._wake:
            self._turn_day(now)
            old = self._cost_asked is None or abs(now - self._cost_asked) >= COST_SECONDS
            if old and not self._closing:
                self._cost_asked = now
                self._asked += 1
                self._start()
                self._wake.notify_all()
            begin = midnight(self._cost_day, self._zone)
            waiting = sum(row.cost or 0.0 for row in self._waiting if row.at >= begin)
            return self._cost_written + waiting

    async def load(self) -> None:
        """Read the cost of the day; `today_cost` is exact then."""
        await self.flush()

    async def usage(self, days: int = 7) -> Mapping[str, Any]:
        """Return the report over `days` local days, `report_json`. Raises `StateError`."""
        await self.flush()
        now = self._now()

        def work() -> Mapping[str, Any]:
            rows = self._store.between(start_of(now, days, self._zone), now + 1)
            return report_json(analyze(rows, now, days, self._zone), self._zone)

        return await asyncio.to_thread(work)

    async def flush(self, seconds: float = CLOSE_SECONDS) -> bool:
        """Write what waits; return whether it was done within `seconds`."""
        with self._wake:
            if self._closing:
                return True
            self._asked += 1
            wanted = self._asked
            self._start()
            self._wake.notify_all()

        def done() -> bool:
            with self._wake:
                return self._wake.wait_for(lambda: self._served >= wanted, seconds)

        return await asyncio.to_thread(done)

    async def aclose(self) -> None:
        """Write what waits, for two seconds at most, and close the record."""
        with self._wake:
            self._closing = True
            thread = self._thread
            self._wake.notify_all()
        if thread is not None:
            await asyncio.to_thread(thread.join, CLOSE_SECONDS)

    def _start(self) -> None:
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._run, name="usage", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            while self._turn():
                pass
        finally:
            self._store.close()

    def _turn(self) -> bool:
        """Wait for something to do and do it; return whether there may be more."""
        with self._wake:
            self._wake.wait_for(lambda: self._waiting or self._pressed())
            # More of the same call's attempts come soon: one write for all.
            self._wake.wait_for(self._pressed, self._batch_seconds)
            asked, closing = self._asked, self._closing
            batch = list(self._waiting)
        wrote = self._write(batch)
        with self._wake:
            self._served = max(self._served, asked)
            self._wake.notify_all()
            if closing:
                return False
            if not wrote:
                self._wake.wait_for(self._pressed, RETRY_SECONDS)
        return True

    def _pressed(self) -> bool:
        return self._closing or self._asked > self._served

    def _write(self, batch: list[UsageRow]) -> bool:
        now = self._now()
        begin = midnight(last_days(now, 1, self._zone)[0], self._zone)
        try:
            if batch:
                self._store.add(batch)
                with self._wake:
                    written = set(map(id, batch))
                    self._waiting = deque(row for row in self._waiting if id(row) not in written)
                    self._cost_written += sum(row.cost or 0.0 for row in batch if row.at >= begin)
            cost, _unpriced = self._store.cost(begin, now + 1)
        except StateError as error:
            self._tell(error)
            return False
        except Exception:
            log.exception("The usage record failed")
            with self._wake:
                self._waiting.clear()
            return False
        with self._wake:
            self._turn_day(now)
            self._cost_written, self._cost_asked = cost, now
            lost, self._lost = self._lost, 0
            self._said = False
        if lost:
            log.warning("%d requests are missing in the usage record", lost)
        return True

    def _tell(self, error: StateError) -> None:
        if not self._said:
            log.warning("%s", error)
        self._said = True

    def _turn_day(self, now: float) -> None:
        today = local_date(now, self._zone)
        if today != self._cost_day:
            self._cost_day, self._cost_written, self._cost_asked = today, 0.0, None


def row_of(event: Event) -> UsageRow | None:
    """Return the row of an event that ends an attempt, None for other events."""
    if isinstance(event, ResponseReceived):
        return UsageRow(
            at=event.timestamp,
            provider=_name(event.provider),
            provider_type=_name(event.provider_type),
            model=_name(event.model),
            task=_name(event.task),
            outcome=CACHED if event.cached else ANSWERED,
            duration=_number(event.duration) or 0.0,
            first_token=_number(event.first_token),
            input_tokens=_count(event.input_tokens),
            output_tokens=_count(event.output_tokens),
            cost=0.0 if event.cached else _number(event.cost),
        )
    if isinstance(event, RequestFailed):
        return UsageRow(
            at=event.timestamp,
            provider=_name(event.provider),
            provider_type=_name(event.provider_type),
            model=_name(event.model or ""),
            task=_name(event.task),
            outcome=_name(event.error),
            duration=_number(event.duration) or 0.0,
        )
    return None


def _name(text: str) -> str:
    """Return a name on one line, as SQLite takes it: a server may call its model anything."""
    whole = text[:LONGEST_NAME].encode("utf-8", "replace").decode()
    return "".join(c for c in whole if c.isprintable())


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) and value >= 0 else None


def _count(tokens: int) -> int:
    return min(max(tokens, 0), LARGEST)
