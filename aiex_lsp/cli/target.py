"""FILE[:L1[-L2]]: the file and the lines a command is about."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from pathlib import Path

from aiex_lsp.errors import DocumentError, RangeError, UsageError
from aiex_lsp.text.snapshot import Snapshot, Span

MAX_BYTES = 20 * 1024 * 1024
"""Largest file that is read; source files of more are generated."""

ROOT_MARKERS = (
    ".git",
    ".hg",
    ".jj",
    ".aiex.toml",
    "pyproject.toml",
    "package.json",
    "Cargo.toml",
    "go.mod",
    "mix.exs",
    "pom.xml",
    "Gemfile",
)
"""What the top folder of a project holds: version control or a manifest."""


@dataclass(frozen=True)
class Target:
    """A file as it is on disk, the lines asked about (None: all of it) and its project's folder.

    `name` is the file as the user wrote it.
    """

    snapshot: Snapshot
    span: Span | None
    path: Path
    root: Path
    name: str


def read_target(spec: str) -> Target:
    """Return the file and lines of `FILE[:L1[-L2]]`; one line means the symbol around it.

    A file that has such a name wins. Raises `UsageError`, `DocumentError` or `RangeError`.
    """
    from aiex_lsp.syntax.languages import language_of_path

    name, first, last = split_spec(spec)
    path = Path(name).absolute()
    text = _read(path, name)
    snapshot = Snapshot(path.as_uri(), text, language_of_path(str(path)))
    return Target(snapshot, _span(snapshot, first, last, name), path, project_root(path), name)


def split_spec(spec: str) -> tuple[str, int | None, int | None]:
    """Return file name, first and last line (1-based, None where not given)."""
    found = re.fullmatch(r"(.+?):(\d+)(?:-(\d+))?:?", spec, re.DOTALL)
    if found is None or _exists(spec):
        return spec, None, None
    first, last = int(found[2][:18]), int(found[3][:18]) if found[3] else None
    if first < 1:
        raise UsageError(f'"{spec}": lines count from 1')
    if last is not None and last < first:
        raise UsageError(f'"{spec}": the last line comes before the first')
    return found[1], first, last


def project_root(path: Path) -> Path:
    """Return the nearest folder upward that looks like a project's top, else the file's own."""
    folder = path if path.is_dir() else path.parent
    for candidate in (folder, *folder.parents):
        if any((candidate / marker).exists() for marker in ROOT_MARKERS):
            return candidate
    return folder


def _exists(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False


def _read(path: Path, name: str) -> str:
    try:
        info = path.stat()
        if stat.S_ISDIR(info.st_mode):
            raise DocumentError(f"{name} is a folder", "Name a file in it")
        if not stat.S_ISREG(info.st_mode):
            raise DocumentError(f"{name} is not a regular file", "Name a source file")
        if info.st_size > MAX_BYTES:
            raise DocumentError(f"{name} is larger than 20 MiB", "Name a smaller file")
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DocumentError(f"{name} does not exist", "Check the path") from error
    except PermissionError as error:
        raise DocumentError(f"{name} may not be read", "Check its permissions") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a path"
        raise DocumentError(f"{name} cannot be read: {why}", "Check the path") from error
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DocumentError(f"{name} is UTF-16", "Save it as UTF-8")
    if b"\0" in data:
        raise DocumentError(f"{name} is a binary file", "Name a source file")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DocumentError(f"{name} is not UTF-8 (line {line})", "Save it as UTF-8") from error
    if not text.strip("\ufeff \t\r\n"):
        raise DocumentError(f"{name} is empty", "Name a file with code in it")
    return text


def _span(snapshot: Snapshot, first: int | None, last: int | None, name: str) -> Span | None:
    if first is None:
        return None
    count = snapshot.line_count
    if count > 1 and snapshot.line_starts[-1] == len(snapshot.text):
        count -= 1  # the last line break ends a line, it begins none
    wanted = last if last is not None else first
    if wanted > count:
        lines = f"{count} line" + ("" if count == 1 else "s")
        raise RangeError(f"{name} has {lines}, so there is no line {wanted}", "Choose other lines")
    if last is not None:
        return snapshot.lines_span(first - 1, last - 1)
    line = snapshot.line_span(first - 1)
    text = snapshot.slice(line)
    cursor = line.start + len(text) - len(text.lstrip(" \t\ufeff"))
    return Span(min(cursor, line.end), min(cursor, line.end))
