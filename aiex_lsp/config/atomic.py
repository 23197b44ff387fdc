"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write_atomically(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Write `data` to `path`, through a link if it is one; raises `OSError` with nothing changed.

    `mode` None keeps the file's permissions, a new file gets those the umask leaves.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        # /dev/stdout, a pipe: written to. Replaced by a file it would be lost to everybody.
        with target.open("wb") as file:
            file.write(data)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if mode is None:
        mode = _mode_of(target)
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name[:50]}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _mode_of(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o7777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
