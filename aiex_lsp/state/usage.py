"""What every server of a user recorded of its requests: one SQLite file, rows kept for 90 days.

A row holds names and numbers. No prompt, answer, file name, address or key is ever in it.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TypeVar

from aiex_lsp.errors import StateError
from aiex_lsp.state.mounts import network_type

FILE_NAME = "usage.sqlite3"
KEEP_SECONDS = 90 * 86_400.0
"""Rows older than 90 days are removed when a server opens the file."""

SCHEMA_VERSION = 1
BUSY_SECONDS = 5.0
"""How long another process's write is waited for."""

OPEN_TRIES = 40
OPEN_PAUSE = 0.05
"""Seconds between tries to open. SQLite ignores its busy time limit while a new file turns to
WAL, so of several processes that open it at once some are told that it is locked."""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
"""SQLITE_ERROR is what a table of other columns gives."""

_UNWRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

_Result = TypeVar("_Result")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One attempt that ended at `at` (Unix time), or one answer out of the cache.

    `outcome` is "ok", "cached", "cancelled" or another `FailureKind` value. `duration` and
    `first_token` are seconds, `cost` USD; None is unknown.
    """

    at: float
    provider: str
    provider_type: str
    model: str
    task: str
    outcome: str
    duration: float = 0.0
    first_token: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None


_COLUMNS = ", ".join(one.name for one in fields(UsageRow))
_INSERT = f"INSERT INTO usage ({_COLUMNS}) VALUES ({', '.join('?' * len(fields(UsageRow)))})"
_SELECT = f"SELECT {_COLUMNS} FROM usage WHERE at >= ? AND at < ? ORDER BY at"
_CREATE = """CREATE TABLE IF NOT EXISTS usage (
    at REAL NOT NULL, provider TEXT NOT NULL, provider_type TEXT NOT NULL, model TEXT NOT NULL,
    task TEXT NOT NULL, outcome TEXT NOT NULL, duration REAL NOT NULL, first_token REAL,
    input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cost REAL)"""


class _UnwritableError(Exception):
    """The file cannot be written; says why."""


class UsageStore:
    """The rows of `path`, shared with other processes. Blocking: for threads, from any of which.

    A damaged file is set aside and begun anew. Where the file cannot be written, rows are kept
    in memory for this process alone and those of the file can still be read. `problem` says so.
    `mounts` is a table as `network_type` takes it. Methods raise `StateError` where the file is
    held by others for too long or the disk fails.
    """

    def __init__(
        self,
        path: Path,
        now: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
        mounts: str | None = None,
    ) -> None:
        self.path = path
        self._mounts = mounts
        self.problem: str | None = None
        self._now = now
        self._pause = pause
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._memory: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None

    def add(self, rows: Sequence[UsageRow]) -> None:
        """Keep rows, all or none of them."""
        with self._lock:
            self._with_repair(lambda db: _insert(db, rows))

    def between(self, start: float, end: float) -> list[UsageRow]:
        """Return the rows from `start` to before `end` (Unix times), oldest first."""
        with self._lock:
            found = self._with_repair(lambda db: _select(db, start, end))
            if self._memory is not None:
                found = sorted([*found, *self._readable(start, end)], key=lambda row: row.at)
            return found

    def cost(self, start: float, end: float) -> tuple[float, int]:
        """Return the known cost in USD from `start` to before `end`, and the unpriced answers."""
        query = (
            "SELECT total(cost), sum(outcome = 'ok' AND cost IS NULL) FROM usage "
            "WHERE at >= ? AND at < ?"
        )
        with self._lock:
            known, unknown = self._with_repair(
                lambda db: db.execute(query, (start, end)).fetchone()
            )
        return float(known), int(unknown or 0)

    def close(self) -> None:
        """Close the file, forget what is in memory; the next use opens the file again."""
        with self._lock:
            self._close()
            memory, self._memory = self._memory, None
            if memory is not None:
                memory.close()

    def _close(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()

    def _with_repair(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        """Return what `work` returns; a damaged file is begun anew and asked again."""
        for last in (False, True):
            try:
                return work(self._connection())
            except _UnwritableError as reason:
                self._fall_back(str(reason))
            except sqlite3.Error as error:
                self._close()
                if not last and _code(error) in _DAMAGED:
                    self._set_aside()
                elif not last and _code(error) in _UNWRITABLE:
                    self._fall_back(str(error))
                else:
                    raise StateError(
                        f"The usage record cannot be used ({error}): {self.path}",
                        "Nothing else depends on it; check the disk and who holds the file",
                    ) from None
        return work(self._connection())

    def _connection(self) -> sqlite3.Connection:
        if self._memory is not None:
            return self._memory
        if self._db is not None and self._inode != _inode(self.path):
            self._close()
        if self._db is None:
            self._db = self._open()
        return self._db

    def _open(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise _UnwritableError(error.strerror or type(error).__name__) from None
        with suppress(OSError):
            self.path.chmod(0o600)
        self._inode = _inode(self.path)
        network = network_type(self.path.parent, self._mounts) is not None
        for left in reversed(range(OPEN_TRIES)):
            db = sqlite3.connect(
                self.path, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None
            )
            try:
                _prepare(db, self._now() - KEEP_SECONDS, network=network)
                return db
            except sqlite3.Error as error:
                db.close()
                if not left or _code(error) not in _HELD:
                    raise
            except BaseException:
                db.close()
                raise
            self._pause(OPEN_PAUSE)
        raise AssertionError("unreachable")

    def _set_aside(self) -> None:
        """Move a damaged file out of the way, unless another process has done so already."""
        if _inode(self.path) != self._inode:
            return
        kept = self.path.with_name(f"{self.path.name}.damaged")
        for ending in ("-wal", "-shm"):
            with suppress(OSError):
                self.path.with_name(self.path.name + ending).unlink()
        with suppress(OSError):
            self.path.replace(kept)
        self.problem = f"{self.path} was damaged; it is kept as {kept.name} and begun anew"
        log.warning("%s", self.problem)

    def _fall_back(self, reason: str) -> None:
        self._memory = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._memory.execute(_CREATE)
        self.problem = f"{self.path} cannot be written ({reason}); usage is kept in memory"
        log.warning("%s", self.problem)

    def _readable(self, start: float, end: float) -> list[UsageRow]:
        """Return the file's rows where it can be read but not written."""
        # `immutable`: reading WAL would have to write beside the file.
        address = f"{self.path.absolute().as_uri()}?immutable=1"
        try:
            with closing(sqlite3.connect(address, uri=True)) as db:
                return _select(db, start, end)
        except sqlite3.Error:
            return []


def _prepare(db: sqlite3.Connection, oldest: float, *, network: bool) -> None:
    # WAL needs memory that all share. The old journal needs locks alone, which network folders
    # have, and a write a second does not mind that it is slower.
    db.execute(f"PRAGMA journal_mode = {'DELETE' if network else 'WAL'}")
    db.execute("PRAGMA synchronous = NORMAL")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        raise _UnwritableError("a newer aiex-lsp wrote it")
    db.execute("BEGIN IMMEDIATE")
    try:
        db.execute(_CREATE)
        db.execute("CREATE INDEX IF NOT EXISTS usage_at ON usage (at)")
        db.execute("DELETE FROM usage WHERE at < ?", (oldest,))
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise


def _insert(db: sqlite3.Connection, rows: Sequence[UsageRow]) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        db.executemany(_INSERT, map(astuple, rows))
        db.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise


def _select(db: sqlite3.Connection, start: float, end: float) -> list[UsageRow]:
    return [UsageRow(*row) for row in db.execute(_SELECT, (start, end))]


def _one(db: sqlite3.Connection, query: str, *values: float) -> tuple[float, int | None]:
    found: tuple[float, int | None] = db.execute(query, values).fetchone()
    return found


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code, -1 where the driver itself raised."""
    code: int = getattr(error, "sqlite_errorcode", -1)
    return code & 0xFF if code >= 0 else code
