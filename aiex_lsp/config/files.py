"""A configuration file's table and what is wrong with the file; reading never raises."""

from __future__ import annotations

import hashlib
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from aiex_lsp.config.positions import Position, key_positions
from aiex_lsp.config.settings import Problem

MAX_BYTES = 1024 * 1024
"""Largest file that is read; a real one has a few kilobytes."""


@dataclass(frozen=True)
class TomlFile:
    """A file's table, empty where it could not be read; `problems` say why.

    `fingerprint` tells what was read from what lies there later, as `fingerprint` returns it.
    """

    path: Path
    values: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    problems: tuple[Problem, ...] = ()
    fingerprint: str = ""

    @cached_property
    def _positions(self) -> dict[tuple[str, ...], Position]:
        return key_positions(self.text)

    def position(self, key: tuple[str, ...]) -> Position | None:
        """Return 1-based (line, column) of a key, or of the innermost table around it."""
        while key:
            if key in self._positions:
                return self._positions[key]
            key = key[:-1]
        return None


def read_toml(path: Path, *, must_exist: bool = False) -> TomlFile:
    """Return the file's table; a missing file is an empty one unless it `must_exist`."""
    # Whoever names a pipe has a writer for it; one lying in a workspace would hang us.
    data, fault = _read(path, pipes=must_exist)
    if data is not None:
        file = parse_toml(path, data)
    elif fault == _MISSING and not must_exist:
        file = TomlFile(path)
    else:
        file = _unusable(path, fault)
    return replace(file, fingerprint=_fingerprint(data, fault))


def fingerprint(path: Path) -> str:
    """Return what tells one content of a file from another. Blocking.

    The stamps of files do not: they are coarse, and one that is looked at before its file is read
    may belong to another content than the one that was read.
    """
    return _fingerprint(*_read(path, pipes=False))


_MISSING = "The file does not exist"
_PIPE = "This is a pipe, not a file"


def _fingerprint(data: bytes | None, fault: str) -> str:
    # A pipe, which gives its content once only, has none either.
    return hashlib.sha256(data).hexdigest() if data is not None and not fault else fault


def _read(path: Path, *, pipes: bool) -> tuple[bytes | None, str]:
    """Return the content, None and the fault where there is none to be had."""
    try:
        pipe = stat.S_ISFIFO(path.stat().st_mode)
        if pipe and not pipes:
            return None, _PIPE
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None, _MISSING
    except IsADirectoryError:
        return None, "This is a folder, not a file"
    except PermissionError:
        what = "a folder, not a file" if path.is_dir() else "not readable for you"
        return None, f"The file is {what}"
    except (OSError, ValueError) as error:
        return None, f"The file cannot be read: {error}"
    if len(data) > MAX_BYTES:
        return None, "The file is larger than 1 MiB, so it was not read"
    return data, _PIPE if pipe else ""


def parse_toml(path: Path, data: bytes) -> TomlFile:
    """Return the table of a file's bytes; a fault makes it empty and is told with its place."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _unusable(path, "The file is UTF-16; save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return _unusable(path, "The file is not UTF-8; save it as UTF-8", line)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return _syntax_error(path, text, str(error))
    except (ValueError, RecursionError):
        return _unusable(path, "The file holds a number too long or tables nested too deeply")
    return TomlFile(path, values, text)


def _syntax_error(path: Path, text: str, message: str) -> TomlFile:
    found = re.search(r"\(at line (\d+), column (\d+)\)", message)
    if found:
        line, column = int(found[1]), int(found[2])
    else:  # "(at end of document)"
        line, column = text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1
    what = re.sub(r"\s*\(at [^()]*\)$", "", message)
    return _unusable(path, f"Not valid TOML, so the whole file is ignored: {what}", line, column)


def _unusable(
    path: Path, message: str, line: int | None = None, column: int | None = None
) -> TomlFile:
    return TomlFile(path, problems=(Problem(message, file=str(path), line=line, column=column),))
