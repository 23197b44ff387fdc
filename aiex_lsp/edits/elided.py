"""Answers that leave out code: filled from the original where that needs no guess, else refused."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from aiex_lsp.edits.refusals import ELIDED, PLACEHOLDER, NotUsableError

_COMMENT = re.compile(
    r"[ \t]*(?:\{?/\*+|//+|#+|--+|<!--|;+|%+|\*)[ \t]*(?P<text>.*?)[ \t]*(?:\*+/\}?|-->)?[ \t]*$"
)
_DOTS = re.compile(r"[ \t]*(?:\[?(?:\.{3}|…)\]?|\((?:\.{3}|…)\)|\.{3,})[;,]?[ \t]*$")
_LEFT_OUT = re.compile(
    r"^(?:\.{2,}|…|\[\.{3}\])|(?:\.{3}|…)$|"
    r"^(?:the |and |keep |with |all )*(?:rest|remainder|remaining \w+)\b.*\b(?:unchanged|same|"
    r"as before|as is|code|function|method|class|file|implementation|body|here|logic)\b[.)]*$|"
    r"^(?:keep |the |your |all |\()*(?:existing|previous|original|other|unchanged|same) (?:code|"
    r"logic|implementation|methods?|functions?|members|fields|lines|body|content)(?: (?:here|"
    r"remains?|stays?|unchanged|the same|as is|above|below|goes|continues|is|are|"
    r"(?:in|of) (?:the|this) (?:class|function|file|method)))*[.:)]*$|"
    r"^\(?(?:code |everything |all |body |implementation )?(?:is |remains |stays )?(?:unchanged|"
    r"omitted|(?:the )?same as (?:before|above|the original)|as before)(?: for brevity)?[.)]*$|"
    r"\b(?:omitted for brevity|snip(?:ped)?)\b",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"(?:\b(?:your|add|insert|write|put|place)\b.{0,25}\b(?:code|logic|implementation|docstring|"
    r"fix|description)\b.{0,12}\b(?:here|goes)\b)|\bimplement(?:ation)? (?:me|this|goes? here|here)"
    r"|\bTODO:? ?(?:implement|add (?:the )?(?:logic|implementation|code))|"
    r"<(?:your|insert)[^>\n]{1,40}>|\[(?:your|insert|add)[^\]\n]{1,40}\]|\bfill (?:this )?in\b",
    re.IGNORECASE,
)
_STUBS = re.compile(
    r"[ \t]*(?:(?:unimplemented|todo)!\(.*\);?|raise NotImplementedError.*|pass|"
    r"throw new (?:NotImplementedException|UnsupportedOperationException|"
    r"Error\([\"'`]not implemented[\"'`]\)).*)[ \t]*$",
    re.IGNORECASE,
)

_LONGEST = 400
"""Characters of a line that may be such a mark: the patterns would take long for more."""


def is_elision(line: str) -> bool:
    """Return whether a line stands for code that was left out."""
    if len(line) > _LONGEST:
        return False
    if _DOTS.match(line):
        return True
    comment = _COMMENT.match(line)
    if comment is None or not comment["text"]:
        return False
    text = comment["text"].strip()
    return bool(_DOTS.match(text) or (_LEFT_OUT.search(text) and len(text) < 120))


def elisions(code: Sequence[str], original: Sequence[str]) -> list[int]:
    """Return the lines of an answer that stand for left out code and are not the original's own."""
    own = {line.strip() for line in original}
    return [at for at, line in enumerate(code) if is_elision(line) and line.strip() not in own]


def check_placeholders(code: Sequence[str], original: Sequence[str]) -> None:
    """Raise `NotUsableError` where the answer has a placeholder the original does not have."""
    own = {line.strip() for line in original}
    for line in code:
        if line.strip() in own or len(line) > _LONGEST:
            continue
        comment = _COMMENT.match(line)
        if comment is not None and _PLACEHOLDER.search(comment["text"]):
            raise NotUsableError(PLACEHOLDER)
        if _STUBS.match(line) and len(original) > 2 and _only_body(line, code):
            raise NotUsableError(PLACEHOLDER)
        if re.search(r"[\"'`]?<(?:your|insert)[ _-][^>\n]{1,40}>", line, re.IGNORECASE):
            raise NotUsableError(PLACEHOLDER)


def filled(code: Sequence[str], original: Sequence[str], quiet: frozenset[int]) -> list[str]:
    """Return the lines with the original's in place of each that stands for some left out.

    The code lines next to a mark must stand in the original, once; what lies between them there is
    what was left out. Lines of `quiet` (comments and documentation of the answer) are passed over.
    Raises `NotUsableError` where it would be a guess.
    """
    marks = elisions(code, original)
    if not marks:
        return list(code)
    places = _Places(original)
    out: list[str] = []
    done = -1
    position = 0
    for number, mark in enumerate(marks):
        out.extend(code[position:mark])
        above = _neighbours(code, range(mark - 1, (marks[number - 1] if number else -1), -1), quiet)
        stop = marks[number + 1] if number + 1 < len(marks) else len(code)
        below = _neighbours(code, range(mark + 1, stop), quiet)
        start = places.end_of(above[::-1], done)
        if start is None:
            raise NotUsableError(ELIDED)
        if not below:
            end = len(original) if stop >= len(code) else None
        else:
            end = places.tail_of(below) if stop >= len(code) else None
            end = places.start_of(below, start) if end is None else end
        if end is None or end < start:
            raise NotUsableError(ELIDED)
        gone = list(original[start:end])
        while gone and not gone[0].strip() and out and not out[-1].strip():
            gone.pop(0)
        following = code[mark + 1 : mark + 2]
        while gone and not gone[-1].strip() and following and not following[0].strip():
            gone.pop()
        out.extend(gone)
        done = end
        position = mark + 1
    out.extend(code[position:])
    return out


class _Places:
    def __init__(self, original: Sequence[str]) -> None:
        self._lines = [line.strip() for line in original]
        self._where: dict[str, list[int]] = defaultdict(list)
        for at, line in enumerate(self._lines):
            self._where[line].append(at)

    def end_of(self, run: list[str], after: int) -> int | None:
        """Return the line behind the one place where the run's last line can be."""
        if not run:
            return 0 if after < 0 else None
        ends = [at for at in self._where[run[-1]] if at >= after]
        return self._only(ends, run[:-1][::-1], -1, 1)

    def start_of(self, run: list[str], after: int) -> int | None:
        """Return the one line at or behind `after` where the run begins."""
        starts = [at for at in self._where[run[0]] if at >= after]
        return self._only(starts, run[1:], 1, 0)

    def tail_of(self, run: list[str]) -> int | None:
        """Return where the text's last lines begin if they are the run."""
        at = len(self._lines)
        for line in reversed(run):
            at -= 1
            while at >= 0 and not self._lines[at]:
                at -= 1
            if at < 0 or self._lines[at] != line:
                return None
        return at

    def _only(self, found: list[int], more: list[str], step: int, shift: int) -> int | None:
        """Return the place; of several the one whose next lines are the run's too."""
        distance = 0
        for line in more:
            if len(found) <= 1:
                break
            distance += step
            kept = [at for at in found if self._at(at, distance) == line]
            if not kept:
                break
            found = kept
        return found[0] + shift if len(found) == 1 else None

    def _at(self, at: int, distance: int) -> str | None:
        step = 1 if distance > 0 else -1
        left = abs(distance)
        while left and 0 <= at + step < len(self._lines):
            at += step
            if self._lines[at]:
                left -= 1
        return None if left else self._lines[at]


def _neighbours(code: Sequence[str], lines: range, quiet: frozenset[int]) -> list[str]:
    return [code[at].strip() for at in lines if code[at].strip() and at not in quiet][:12]


def _only_body(stub: str, code: Sequence[str]) -> bool:
    """Return whether nothing but the head of a definition and closing marks are beside a stub."""
    rest = [line.strip() for line in code if line.strip() and line != stub]
    return sum(1 for line in rest if not re.fullmatch(r"[})\];]+|end|@.*|#.*|//.*", line)) <= 1
