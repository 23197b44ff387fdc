"""A configuration file's table and what is wrong with the file; reading never raises."""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from aiex_lsp.config.positions import Position, key_positions
from aiex_lsp.config.settings import Problem

MAX_BYTES = 1024 * 1024
"""Largest file that is read; a real one has a few kilobytes."""


@dataclass(frozen=True)
class TomlFile:
    """A file's table, empty where it could not be read; `problems` say why."""

    path: Path
    values: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    problems: tuple[Problem, ...] = ()

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
    try:
        if not must_exist and stat.S_ISFIFO(path.stat().st_mode):
            # Whoever names a pipe has a writer for it; one lying in a workspace would hang us.
            return _unusable(path, "This is a pipe, not a file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return _unusable(path, "The file does not exist") if must_exist else TomlFile(path)
    except IsADirectoryError:
        return _unusable(path, "This is a folder, not a file")
    except PermissionError:
        what = "a folder, not a file" if path.is_dir() else "not readable for you"
        return _unusable(path, f"The file is {what}")
    except (OSError, ValueError) as error:
        return _unusable(path, f"The file cannot be read: {error}")
    if len(data) > MAX_BYTES:
        return _unusable(path, "The file is larger than 1 MiB, so it was not read")
    return parse_toml(path, data)


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
