"""What goes wrong with a database file, in a user's words."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from aiex_lsp.errors import StateError
from aiex_lsp.state.sqlite_file import is_busy

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


def is_damaged(error: Exception) -> bool:
    """Return whether the file's content is of no use: no database, or not ours."""
    if isinstance(error, sqlite3.Error):
        if _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return True
        # A table is missing or has other columns: somebody else's schema under our version.
        return _code(error) == sqlite3.SQLITE_ERROR and "no such" in str(error)
    return isinstance(error, ValueError) and not isinstance(error, UnicodeEncodeError)


def needs_reopening(error: Exception) -> bool:
    """Return whether the connection is of no use any more, whatever becomes of the file."""
    return not (isinstance(error, sqlite3.Error) and is_busy(error))


def damaged(path: Path, aside: Path) -> StateError:
    """Return the error of a damaged file that was moved to `aside`."""
    return StateError(
        f"The shared state is damaged; it was moved to {aside.name} ({path})",
        "Nothing needs to be done: a new one is made",
    )


def explained(error: Exception, path: Path) -> StateError:
    """Return the error with its reason and remedy."""
    if isinstance(error, StateError):
        return error
    if isinstance(error, OSError):
        return _of_system(error, path)
    assert isinstance(error, sqlite3.Error | ValueError)
    code = _code(error) if isinstance(error, sqlite3.Error) else 0
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StateError(
            f"The shared state is locked by another program ({path})",
            "Close programs that have the file open, database viewers for instance",
        )
    if code == sqlite3.SQLITE_FULL:
        return _full(path)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return _a_folder(path) if path.is_dir() else _forbidden(path)
    if code == sqlite3.SQLITE_IOERR:
        return StateError(
            f"The shared state cannot be read or written: disk error ({path})",
            "Look at the disk's free space and health",
        )
    return StateError(
        f"The shared state cannot be used: {type(error).__name__} ({path})",
        "Delete the file; a new one is made",
    )


def _of_system(error: OSError, path: Path) -> StateError:
    if error.errno in _FULL:
        return _full(path)
    if error.errno in _FORBIDDEN:
        return _forbidden(path)
    reason = error.strerror or type(error).__name__
    return StateError(
        f"The shared state cannot be used: {reason} ({path})",
        "Name another folder in AIEX_STATE_DIR",
    )


def _full(path: Path) -> StateError:
    return StateError(
        f"The disk is full: the shared state cannot be written ({path})", "Free some space"
    )


def _a_folder(path: Path) -> StateError:
    return StateError(
        f"The shared state cannot be used: a folder lies in its place ({path})",
        "Move it away, or name another state folder in AIEX_STATE_DIR",
    )


def _forbidden(path: Path) -> StateError:
    return StateError(
        f"The shared state cannot be written: no permission ({path})",
        "Make the folder writable for you, or name another one in AIEX_STATE_DIR",
    )


def _code(error: sqlite3.Error) -> int:
    """Return the primary result code, without the extended part."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
