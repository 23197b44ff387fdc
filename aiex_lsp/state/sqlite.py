"""Shared state of all servers of a user on one machine: one SQLite file, no server to run."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import TypeVar

from aiex_lsp.errors import StateError
from aiex_lsp.state import circuit as breaker
from aiex_lsp.state import sqlite_failures as failures
from aiex_lsp.state import window as windows
from aiex_lsp.state.primary import PrimaryStore, Seen
from aiex_lsp.state.sqlite_file import StateFile, retried
from aiex_lsp.state.sqlite_tables import Tables
from aiex_lsp.state.types import (
    WINDOW_SECONDS,
    Admission,
    CallOutcome,
    Ceiling,
    Circuit,
    CircuitChange,
    CircuitPolicy,
    Member,
    Row,
    WindowLimits,
    WindowUsage,
)
from aiex_lsp.state.units import to_micros, to_seconds
from aiex_lsp.state.worker import Job, Worker

T = TypeVar("T")

TIME_LIMIT = 0.5
"""Seconds an operation may take, waiting for other servers included."""


class SqliteStore(PrimaryStore):
    """A store in the file `path`. Each method is one transaction in a thread of its own.

    `clock` is Unix time in seconds, `random` gives the breaker's jitter, `window` is the length
    of the rate limits' window and `limit` the time an operation may take, in seconds; `mounts`
    stands in for `/proc/mounts`.
    """

    kind = "sqlite"

    def __init__(
        self,
        path: Path,
        *,
        random: Random,
        clock: Callable[[], float] = time.time,
        window: float = WINDOW_SECONDS,
        limit: float = TIME_LIMIT,
        mounts: str | None = None,
    ) -> None:
        self._path = path
        self._clock = clock
        self._random = random
        self._length = to_micros(window)
        self._limit = limit
        self._file = StateFile(path, mounts)
        self._worker = Worker("aiex-state")

    async def reserve_seen(
        self,
        window: str,
        row: Row,
        limits: WindowLimits,
        share: int = 1,
        *,
        born: str | None = None,
        view: bool = False,
    ) -> Seen:
        """Reserve in one transaction, nothing in a file that is another one than `born`."""

        def work(tables: Tables, now: int) -> Seen:
            identity = tables.born()
            if born not in (None, identity):
                return Seen(None, identity)
            before = tables.window(window)
            after, answer = windows.reserve(before, row, limits, share, now, self._length)
            tables.save(window, before, after)
            return Seen(answer, identity, windows.rows_of(after) if view else None)

        return await self._write(work)

    async def settle(self, window: str, row_id: str, tokens: int) -> None:
        """Set the tokens a granted request used in the end."""
        await self._change(window, lambda before, _: windows.settle(before, row_id, tokens))

    async def release(self, window: str, row_id: str) -> None:
        """Give a reservation back whole."""
        await self._change(window, lambda before, _: windows.release(before, row_id))

    async def publish(self, window: str, rows: Sequence[Row]) -> None:
        """Add rows that are not there."""
        await self._change(
            window, lambda before, now: windows.publish(before, rows, now, self._length)
        )

    async def lower(self, window: str, ceiling: Ceiling) -> None:
        """Hold a window to what the provider said is left."""
        await self._change(
            window, lambda before, now: windows.lower(before, ceiling, now, self._length)
        )

    async def usage_seen(self, window: str) -> tuple[WindowUsage, str]:
        """Return what a window holds now, and the file's identity."""

        def work(tables: Tables, now: int) -> tuple[WindowUsage, str]:
            return windows.usage(tables.window(window), now, self._length), tables.born()

        return await self._read(work)

    async def admit(
        self, circuits: Sequence[str], holder: str, lease: float, policy: CircuitPolicy
    ) -> Admission:
        """Return whether a call may go through all of `circuits`."""

        def work(tables: Tables, now: int) -> Admission:
            records = {name: tables.circuit(name, now) for name in circuits}
            for name, record in records.items():
                if not breaker.admits(record, holder, now):
                    shown = breaker.shown(name, record, now)
                    return Admission(False, to_seconds(now), refused_by=shown)
            for name, record in records.items():
                after = breaker.admitted(record, holder, to_micros(lease), now)
                tables.keep(name, record, after, now)
            probe = any(record.state != "closed" for record in records.values())
            return Admission(True, to_seconds(now), probe=probe)

        return await self._write(work)

    async def record(
        self, outcomes: Mapping[str, CallOutcome], holder: str, policy: CircuitPolicy
    ) -> list[CircuitChange]:
        """Take what a call showed of each circuit."""
        chance = self._random.random()

        def work(tables: Tables, now: int) -> list[CircuitChange]:
            changes = []
            for name, outcome in outcomes.items():
                before = tables.circuit(name, now)
                after = breaker.recorded(before, outcome, holder, policy, now, chance)
                tables.keep(name, before, after, now)
                changes.append(CircuitChange(breaker.shown(name, after, now), before.state))
            return changes

        return await self._write(work)

    async def permit(self, circuits: Sequence[str]) -> None:
        """Let open circuits probe now."""

        def work(tables: Tables, now: int) -> None:
            for name in circuits:
                before = tables.circuit(name, now)
                tables.keep(name, before, breaker.permitted(before, now), now)

        await self._write(work)

    async def circuits(self, names: Sequence[str]) -> list[Circuit]:
        """Return circuits as they are."""
        return await self._read(
            lambda tables, now: [
                breaker.shown(name, tables.circuit(name, now, write=False), now) for name in names
            ]
        )

    async def reset(self, circuits: Sequence[str]) -> None:
        """Close circuits and forget their failures."""

        def work(tables: Tables, now: int) -> None:
            for name in circuits:
                tables.keep(name, None, breaker.Record(), now)

        await self._write(work)

    async def get(self, key: str) -> str | None:
        """Return a value, None where there is none or its time has passed."""
        return await self._read(lambda tables, now: tables.value(key, now))

    async def put(self, key: str, value: str, ttl: float) -> None:
        """Keep a value for `ttl` seconds; 0 or less removes it."""
        await self._write(lambda tables, now: tables.put(key, value, to_micros(ttl), now))

    async def cached(self, key: str) -> bytes | None:
        """Return a cached answer, None where there is none or it is too old."""
        return await self._write(lambda tables, now: tables.cached(key, now))

    async def cache(self, key: str, value: bytes, ttl: float, max_bytes: int) -> None:
        """Keep an answer; those used least recently go."""
        await self._write(
            lambda tables, now: tables.cache(key, value, to_micros(ttl), max_bytes, now)
        )

    async def beat(self, member: Member) -> list[Member]:
        """Tell that this server is there; return all members."""

        def work(tables: Tables, now: int) -> list[Member]:
            tables.beat(member, now)
            tables.prune(now, self._length)
            return tables.members(now)

        return await self._write(work)

    async def members(self) -> list[Member]:
        """Return the members of the last `MEMBER_SECONDS`, by id."""
        return await self._write(lambda tables, now: tables.members(now))

    async def leave(self, member_id: str) -> None:
        """Take a member out at once."""
        await self._write(lambda tables, now: tables.leave(member_id))

    async def now(self) -> float:
        """Return the clock. Raises `StateError` where the file cannot be read."""
        return await self._read(lambda tables, now: to_seconds(now))

    async def aclose(self) -> None:
        """Close the file and end the thread."""
        try:
            await self._worker.run(lambda job: self._file.close())
        finally:
            self._worker.stop()

    async def _change(
        self, window: str, change: Callable[[windows.Window, int], windows.Window]
    ) -> None:
        def work(tables: Tables, now: int) -> None:
            before = tables.window(window)
            tables.save(window, before, change(before, now))

        await self._write(work)

    async def _read(self, work: Callable[[Tables, int], T]) -> T:
        return await self._transact("BEGIN", work)

    async def _write(self, work: Callable[[Tables, int], T]) -> T:
        return await self._transact("BEGIN IMMEDIATE", work)

    async def _transact(self, begin: str, work: Callable[[Tables, int], T]) -> T:
        deadline = time.monotonic() + self._limit
        return await self._worker.run(lambda job: self._run(job, begin, work, deadline))

    def _run(self, job: Job, begin: str, work: Callable[[Tables, int], T], deadline: float) -> T:
        """Do one transaction; runs in the thread."""
        try:
            connection = self._file.connection(deadline)
            retried(lambda: connection.execute(begin), deadline)
            try:
                result = work(Tables(connection), to_micros(self._clock()))
                if job.abandoned:
                    raise StateError("The operation was given up")
                retried(lambda: connection.execute("COMMIT"), deadline)
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            return result
        except (sqlite3.Error, OSError, ValueError) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> StateError:
        """Return what to tell of an error; a damaged file is out of the way then."""
        if not failures.is_damaged(error):
            if failures.needs_reopening(error):
                self._file.close()
            return failures.explained(error, self._path)
        try:
            aside = self._file.set_aside("damaged", time.monotonic() + self._limit)
        except (OSError, StateError) as also:
            return failures.explained(also, self._path)
        return failures.damaged(self._path, aside)
