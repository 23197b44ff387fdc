"""Whether a folder lies on a network drive."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

MOUNTS = Path("/proc/self/mounts")

NETWORK_TYPES = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "ncpfs",
        "afs",
        "afpfs",
        "coda",
        "ceph",
        "lustre",
        "gpfs",
        "glusterfs",
        "beegfs",
        "9p",
        "davfs",
        "davfs2",
        "webdav",
        "pvfs2",
        "orangefs",
        "fuse.sshfs",
        "fuse.glusterfs",
        "fuse.ceph",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.davfs2",
        "fuse.gvfsd-fuse",
        "fuse.smbnetfs",
        "fuse.curlftpfs",
        "fuse.mfs",
        "fuse.juicefs",
    }
)
"""File systems on which other machines may write too: SQLite's WAL needs shared memory, which
they lack (https://sqlite.org/wal.html, "does not work over a network filesystem")."""

_ESCAPE = re.compile(r"\\([0-7]{3})")


def network_type(folder: Path, mounts: str | None = None) -> str | None:
    """Return the network file system's type that `folder` lies on, None for a local one.

    `mounts` is a table as in `/proc/mounts`; left out, this machine's, where it has one. On
    Windows a UNC path or a mapped network drive is "smb". Blocks: it reads files.
    """
    if mounts is None and sys.platform == "win32":
        return _windows_type(folder)
    if mounts is None:
        try:
            mounts = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return None
    place = os.path.realpath(folder)
    best, found = -1, ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        mounted = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), fields[1])
        inside = place == mounted or place.startswith(mounted.rstrip("/") + "/")
        # A later line covers an earlier one at the same place.
        if inside and len(mounted) >= best:
            best, found = len(mounted), fields[2].lower()
    return found if found in NETWORK_TYPES else None


def _windows_type(folder: Path) -> str | None:  # pragma: no cover - runs on Windows alone
    import ctypes

    drive_remote = 4  # DRIVE_REMOTE of GetDriveTypeW
    drive = folder.absolute().drive
    if drive.startswith("\\\\"):
        return "smb"
    kernel32 = getattr(ctypes, "windll").kernel32  # noqa: B009 - there on Windows alone
    return "smb" if kernel32.GetDriveTypeW(f"{drive}\\") == drive_remote else None
