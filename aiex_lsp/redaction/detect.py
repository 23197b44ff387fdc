"""Finds secrets in text that would leave this machine.

Known formats by vendors' documentation and the patterns of `detect-secrets`, and values beside
names of secrets. The text is searched here and nowhere else: nothing is verified, no network is
used, and nothing is kept between calls, so calls may run in any thread. They take a few
milliseconds a hundred lines: call them in one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from aiex_lsp.redaction.assignments import by_name
from aiex_lsp.redaction.spellings import by_place
from aiex_lsp.redaction.vendors import by_form, library_patterns

SETTINGS_LANGUAGES = frozenset(
    {"yaml", "toml", "ini", "properties", "dotenv", "env", "dockerfile", "editorconfig"}
)
"""Files of settings, where an unquoted word is a value."""

_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Finding:
    """A secret at `text[start:end]`, the value alone; `line` counts from 1.

    `kind` says in a few words what it is ("AWS access key"). The value is not in it.
    """

    kind: str
    start: int
    end: int
    line: int


def find_secrets(text: str, language: str | None = None) -> tuple[Finding, ...]:
    """Return the secrets of a text, in order and without overlaps.

    Offsets are in code points, as Python slices. `language` (LSP's name of it), where known,
    tells files of settings, where an unquoted word is a value, from programs. Of two that
    overlap the one whose form is known stays, widened to all that both cover.
    """
    settings = True if language in SETTINGS_LANGUAGES else None
    found = [(start, end, 0, kind) for kind, start, end in by_form(text)]
    found += [(start, end, 1, kind) for kind, start, end in by_name(text, settings=settings)]
    found += [(start, end, 1, kind) for kind, start, end in by_place(text)]
    if not found:
        return ()
    found.sort()
    merged: list[tuple[int, int, int, str]] = []
    for start, end, rank, kind in found:
        if merged and start < merged[-1][1]:
            before = merged[-1]
            better = min((before[2], before[0] - before[1], before[3]), (rank, start - end, kind))
            merged[-1] = (before[0], max(before[1], end), better[0], better[2])
        else:
            merged.append((start, end, rank, kind))
    starts = _line_starts(text)
    return tuple(
        Finding(kind, start, end, bisect_right(starts, start)) for start, end, _rank, kind in merged
    )


def preload() -> None:
    """Import what the first call may need: a third of a second. Blocking."""
    library_patterns()


def describe(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return each finding as people are told it: "AWS access key, line 12"."""
    return tuple(f"{one.kind}, line {one.line}" for one in findings)


def _line_starts(text: str) -> list[int]:
    """Return the offsets of lines as editors count them: ended by CRLF, LF or CR."""
    return [0, *(match.end() for match in _LINE_END.finditer(text))]
