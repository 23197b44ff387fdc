"""Pieces of an answer that say what stands there and what shall: found in the text and applied."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from aiex_lsp.edits.indent import in_unit, indent_of, shifted
from aiex_lsp.edits.refusals import NotUsableError
from aiex_lsp.text.diff import line_changes

MAX_FUZZ = 3
"""Outer context lines that may be wrong: what `patch` allows and one more."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines by mark: " " stands there, "-" goes, "+" comes. `hint` is its 0-based line, if told."""

    ops: tuple[tuple[str, str], ...]
    hint: int | None = None

    @property
    def old(self) -> list[str]:
        """Return the lines that must stand there."""
        return [text for mark, text in self.ops if mark != "+"]

    @property
    def new(self) -> list[str]:
        """Return the lines that shall stand there."""
        return [text for mark, text in self.ops if mark != "-"]


@dataclass(frozen=True, slots=True)
class FileHunks:
    """The hunks for one file; `path` None where the answer names none."""

    path: str | None
    hunks: tuple[Hunk, ...]


LineChange = tuple[int, int, list[str]]
"""Lines `[0]..[1]` of the text become these."""


def replacing(old: Sequence[str], new: Sequence[str]) -> Hunk:
    """Return the hunk that puts `new` in place of `old`."""
    ops: list[tuple[str, str]] = []
    at = 0
    for i, j, k, m in line_changes(list(old), list(new)):
        ops.extend((" ", line) for line in old[at:i])
        ops.extend(("-", line) for line in old[i:j])
        ops.extend(("+", line) for line in new[k:m])
        at = j
    ops.extend((" ", line) for line in old[at:])
    return Hunk(tuple(ops))


class Places:
    """Where lines stand in a text; built once for all hunks."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self._where: dict[str, list[int]] = defaultdict(list)
        for at, line in enumerate(lines):
            self._where[line.strip()].append(at)

    def apply(self, hunk: Hunk, wanted: range) -> list[LineChange]:
        """Return the changes a hunk makes, in `wanted` lines where it fits several places.

        Raises `NotUsableError` where it fits none or more than one.
        """
        ops = _in_unit(hunk.ops, self.lines)
        if all(mark == "+" or not text.strip() for mark, text in ops):
            raise NotUsableError("The answer's change names no line of the code to go to")
        if all(mark == " " for mark, _ in ops):
            return []
        for lead, trail in _cuts(ops):
            cut = ops[lead : len(ops) - trail]
            at = self._locate([text for mark, text in cut if mark != "+"], wanted, hunk.hint)
            if at is not None:
                return self._changes(cut, at)
        if self._applied_already(ops):
            return []
        raise NotUsableError("The answer's change does not fit: the lines it names are not there")

    def _locate(self, old: list[str], wanted: range, hint: int | None) -> int | None:
        keys = [line.strip() for line in old]
        full = [at for at, key in enumerate(keys) if key]
        if not full:
            return None
        rarest = min(full, key=lambda at: len(self._where.get(keys[at], ())))
        found = [
            at - rarest
            for at in self._where.get(keys[rarest], ())
            if at >= rarest and self._stands(keys, at - rarest)
        ]
        exact = [at for at in found if self._exact(old, at)]
        found = exact or found
        inside = [at for at in found if at in wanted and at + len(old) - 1 in wanted]
        found = inside or found
        if len(found) > 1:
            if hint in found:
                return hint
            raise NotUsableError("The answer's change fits more than one place")
        return found[0] if found else None

    def _stands(self, keys: list[str], at: int) -> bool:
        if at < 0 or at + len(keys) > len(self.lines):
            return False
        return all(self.lines[at + index].strip() == key for index, key in enumerate(keys))

    def _exact(self, old: list[str], at: int) -> bool:
        return all(self.lines[at + index].rstrip() == one.rstrip() for index, one in enumerate(old))

    def _changes(self, ops: Sequence[tuple[str, str]], at: int) -> list[LineChange]:
        before, after = self._shift(ops, at)
        out: list[LineChange] = []
        line = at
        for mark, text in ops:
            if mark == " ":
                line += 1
                continue
            if not out or out[-1][1] != line:
                out.append((line, line, []))
            start, _, new = out[-1]
            if mark == "-":
                line += 1
                out[-1] = (start, line, new)
            else:
                new.append(shifted(text, before, after))
        return out

    def _shift(self, ops: Sequence[tuple[str, str]], at: int) -> tuple[str, str]:
        """Return the indentation of the hunk's first line and what stands there; gone lines lead.

        Models often forget the blank before an unchanged line, never the sign before a changed one.
        """
        pairs: list[tuple[str, str, str]] = []
        for mark, text in ops:
            if mark != "+":
                if text.strip():
                    pairs.append((mark, text, self.lines[at]))
                at += 1
        gone = [pair for pair in pairs if pair[0] == "-"]
        for _, text, there in gone or pairs:
            return indent_of(text), indent_of(there)
        return "", ""

    def _applied_already(self, ops: Sequence[tuple[str, str]]) -> bool:
        keys = [text.strip() for mark, text in ops if mark != "-"]
        full = [key for key in keys if key]
        if not full or not any(mark == "+" for mark, _ in ops):
            return False
        return any(
            self._stands(keys, at - keys.index(full[0])) for at in self._where.get(full[0], ())
        )


def _cuts(ops: Sequence[tuple[str, str]]) -> list[tuple[int, int]]:
    """Return how many outer context lines to leave out, the fewest first."""
    lead = next((at for at, (mark, _) in enumerate(ops) if mark != " "), 0)
    trail = next((at for at, (mark, _) in enumerate(reversed(ops)) if mark != " "), 0)
    gone = any(mark == "-" and text.strip() for mark, text in ops)
    cuts = [
        (first, last)
        for first in range(min(lead, MAX_FUZZ) + 1)
        for last in range(min(trail, MAX_FUZZ) + 1)
        if gone or first < lead or last < trail
    ]
    return sorted(cuts, key=sum)


def _in_unit(ops: Sequence[tuple[str, str]], lines: Sequence[str]) -> tuple[tuple[str, str], ...]:
    tabs = any(line.startswith("\t") for line in lines)
    if tabs == any(text.startswith("\t") for _, text in ops):
        return tuple(ops)
    texts = in_unit([text for _, text in ops], lines)
    return tuple((mark, text) for (mark, _), text in zip(ops, texts, strict=True))
