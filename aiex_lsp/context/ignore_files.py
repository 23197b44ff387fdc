"""Ignore files: their patterns as Git decides, and reading files without following links."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

MAX_IGNORE_BYTES = 200_000
MAX_STARS = 3
"""Wildcards in one part of a pattern, and `**` in one pattern: more can match for minutes."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """The patterns of one ignore file; `base` is its folder."""

    base: Path
    spec: GitIgnoreSpec


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """Ignore files that hold in one folder, outermost first."""

    git: tuple[Ignore, ...] = ()
    aiex: tuple[Ignore, ...] = ()

    def ignores(self, path: Path, *, folder: bool) -> bool:
        """Return whether a path in this folder is excluded; its parents are not looked at."""
        return _last_match(self.git, path, folder) or _last_match(self.aiex, path, folder)


def _last_match(chain: tuple[Ignore, ...], path: Path, folder: bool) -> bool:
    for ignore in reversed(chain):
        name = path.relative_to(ignore.base).as_posix()
        verdict = ignore.spec.check_file(name + "/" if folder else name).include
        if verdict is not None:
            return verdict
    return False


def load_spec(file: Path) -> GitIgnoreSpec:
    """Return a file's patterns; one that cannot be read excludes everything."""
    from pathspec import GitIgnoreSpec

    raw = read_bytes(resolve(file) or file, MAX_IGNORE_BYTES)
    if raw is None:
        return GitIgnoreSpec.from_lines(["*"])
    patterns: list[str] = []
    for written in raw.decode("utf-8-sig", "replace").splitlines():
        line = _tame(written)
        try:
            GitIgnoreSpec.from_lines([line])
        except (ValueError, TypeError):
            continue
        patterns.append(line)
    return GitIgnoreSpec.from_lines(patterns)


def _tame(line: str) -> str:
    """Return the pattern, a costly one widened: it may hide more than it says, never less."""
    if line.count("*") <= MAX_STARS:
        return line
    parts = [re.sub(r"\*{3,}", "**", part) for part in line.split("/")]
    tamed = [
        part if part.count("*") <= MAX_STARS else part[: part.index("*")] + "*" for part in parts
    ]
    deep = [index for index, part in enumerate(tamed) if "**" in part]
    if len(deep) > MAX_STARS:
        tamed = tamed[: deep[MAX_STARS - 1] + 1]
    return "" if line.startswith("!") and tamed != parts else "/".join(tamed)


def resolve(path: Path) -> Path | None:
    """Return where a path leads, None for a loop of links or a name that cannot be."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        return None


def read_bytes(path: Path, limit: int) -> bytes | None:
    """Return at most `limit` bytes of a regular file; no link, pipe or device is opened."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            return file.read(limit + 1)[:limit]
    except (OSError, ValueError):
        return None
