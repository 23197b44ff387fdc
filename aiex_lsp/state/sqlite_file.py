"""The database file of the shared state: opened, made anew, set aside. Blocks: one thread's.

Deleting or replacing the file under running servers is survived: whoever makes a new one does it
under a lock on a file beside it and removes the write-ahead log that the old one left, which would
otherwise be read as the new one's.
"""

from __future__ import annotations

import os
import random
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aiex_lsp.errors import StateError
from aiex_lsp.state.mounts import network_type
from aiex_lsp.state.primary import UnsuitableError

SCHEMA_VERSION = 1

SCHEMA = """
CREATE TABLE store (born TEXT NOT NULL);
CREATE TABLE windows (
    name TEXT PRIMARY KEY, next INTEGER NOT NULL, requests TEXT, tokens TEXT
) WITHOUT ROWID;
CREATE TABLE entries (
    window TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, tokens INTEGER NOT NULL,
    weight INTEGER NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (window, id)
) WITHOUT ROWID;
CREATE TABLE circuits (
    name TEXT PRIMARY KEY, record TEXT NOT NULL, touched INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE "values" (
    key TEXT PRIMARY KEY, value TEXT NOT NULL, until INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE answers (
    key TEXT PRIMARY KEY, value BLOB NOT NULL, size INTEGER NOT NULL, until INTEGER NOT NULL,
    used INTEGER NOT NULL
);
CREATE INDEX answers_used ON answers (used, size, until);
CREATE TABLE members (
    id TEXT PRIMARY KEY, host TEXT NOT NULL, last_seen INTEGER NOT NULL, payload TEXT NOT NULL
) WITHOUT ROWID;
"""


class StateFile:
    """One database file, opened when first used. `mounts` stands in for `/proc/mounts`."""

    def __init__(self, path: Path, mounts: str | None = None) -> None:
        self.path = path
        self._mounts = mounts
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        # Held open so that its number names no other file meanwhile. SQLite locks no part of it.
        self._log: int | None = None
        self._failed: tuple[int, int] | None = None

    def connection(self, deadline: float) -> sqlite3.Connection:
        """Return the open connection, a new one where the file is not the one it was opened on.

        `deadline` is monotonic. Raises `sqlite3.Error`, `OSError` and `StateError`.
        """
        if self._connection is not None and self._identity != _identity(self.path):
            self._disconnect()
        if self._connection is None:
            self._open(deadline)
        assert self._connection is not None
        return self._connection

    def close(self) -> None:
        """Close the connection, if there is one."""
        self._disconnect()
        self._let_go_of_log()

    def _disconnect(self) -> None:
        connection, self._connection, self._identity = self._connection, None, None
        if connection is not None:
            # Closing the last connection moves the log into the file, which may fail; the log is
            # then read at the next opening.
            with suppress(sqlite3.Error):
                connection.close()

    def set_aside(self, why: str, deadline: float) -> Path:
        """Return where the file is kept now, under its name plus `why`; the next opening is new.

        Nothing is moved where another process has done so already.
        """
        identity = self._identity or self._failed
        self.close()
        aside = self.path.with_name(f"{self.path.name}.{why}")
        with self._locked(deadline):
            if identity is not None and identity == _identity(self.path):
                self._move(aside)
        return aside

    def _open(self, deadline: float) -> None:
        folder = self.path.parent
        found = network_type(folder, self._mounts)
        if found is not None:
            raise UnsuitableError(
                f"The state folder {folder} lies on a network drive ({found}), where servers "
                "cannot share a database",
                "Name a folder of this machine in AIEX_STATE_DIR, or use Redis",
            )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked(deadline):
            if self._log is not None and _identity(self._log) == _identity(self._beside("-wal")):
                # The log of the file that was here before: of no use to another one.
                self._remove_logs()
            self._let_go_of_log()
            if self.path.exists() and self._try_open(deadline) != SCHEMA_VERSION:
                version = self._version()
                self.close()
                self._move(self.path.with_name(f"{self.path.name}.version-{version}"))
            if self._connection is None:
                self._remove_logs()
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
                self._try_open(deadline)

    def _try_open(self, deadline: float) -> int:
        """Connect and return the schema's version, after making it in an empty file."""
        connection = sqlite3.connect(
            self.path, timeout=0, isolation_level=None, cached_statements=64
        )
        self._connection = connection
        self._identity = _identity(self.path)
        try:
            for step in (
                "PRAGMA journal_mode = WAL",
                "PRAGMA synchronous = NORMAL",
                "PRAGMA journal_size_limit = 4194304",
                "PRAGMA foreign_keys = OFF",
            ):
                retried(lambda step=step: connection.execute(step).fetchall(), deadline)  # type: ignore[misc]
            if self._version() == 0 and self._is_empty():
                born = os.urandom(8).hex()
                with suppress(OSError):
                    self.path.chmod(0o600)
                retried(
                    lambda: connection.executescript(
                        f"BEGIN IMMEDIATE; {SCHEMA} INSERT INTO store VALUES ('{born}'); "
                        f"PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
                    ),
                    deadline,
                )
            version = self._version()
            if sys.platform != "win32":  # there an open file can be neither deleted nor replaced
                with suppress(FileNotFoundError):
                    self._log = os.open(self._beside("-wal"), os.O_RDONLY)
            return version
        except BaseException:
            self._failed = self._identity
            self.close()
            raise

    def _let_go_of_log(self) -> None:
        log, self._log = self._log, None
        if log is not None:
            os.close(log)

    def _version(self) -> int:
        assert self._connection is not None
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def _is_empty(self) -> bool:
        assert self._connection is not None
        return not self._connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()

    def _move(self, aside: Path) -> None:
        with suppress(FileNotFoundError):
            self.path.replace(aside)
        self._remove_logs()

    def _remove_logs(self) -> None:
        for end in ("-wal", "-shm", "-journal"):
            self._beside(end).unlink(missing_ok=True)

    def _beside(self, end: str) -> Path:
        return self.path.with_name(self.path.name + end)

    @contextmanager
    def _locked(self, deadline: float) -> Iterator[None]:
        """Hold the lock of opening and replacing; the system frees it of a process that died."""
        try:
            import fcntl
        except ImportError:  # Windows: an open file cannot be deleted there
            yield
            return
        place = self._beside(".lock")
        while True:
            lock = os.open(place, os.O_CREAT | os.O_RDWR, 0o600)
            try:
                _until(lambda lock=lock: fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB), deadline)  # type: ignore[misc]
                # Whoever deleted the folder deleted the lock too: only the one there is counts.
                if _identity(place) == _identity(lock):
                    yield
                    return
            finally:
                os.close(lock)


def retried(step: Callable[[], object], deadline: float) -> object:
    """Return what `step` returns, tried again while another connection holds the lock.

    SQLite's own waiting sleeps up to 100 ms at a time, which lets latecomers pass.
    """
    pause = 0.0002
    while True:
        try:
            return step()
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() >= deadline:
                raise
        time.sleep(min(pause * random.uniform(0.5, 1.5), max(0.0, deadline - time.monotonic())))
        pause = min(pause * 2, 0.005)


def is_busy(error: sqlite3.Error) -> bool:
    """Return whether another connection holds a lock."""
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _until(step: Callable[[], None], deadline: float) -> None:
    while True:
        try:
            return step()
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise StateError(
                    "Another process holds the state folder's lock",
                    "End processes of aiex-lsp that hang",
                ) from None
        time.sleep(0.002)


def _identity(place: Path | int) -> tuple[int, int] | None:
    try:
        found = os.stat(place)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
