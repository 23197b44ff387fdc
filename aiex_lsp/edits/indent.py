"""Code set in at the place where it goes, in the indentation its document uses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import reduce
from math import gcd


def fitted(code: Sequence[str], original: Sequence[str], strings: frozenset[int]) -> list[str]:
    """Return the lines of an answer indented as the original lines are.

    The answer may have been dedented, set in, begun behind the indentation, or use tabs where the
    document has blanks. Lines of `strings` begin inside a string: one that stands in the original
    keeps the blanks it has there.
    """
    lines = in_unit(code, original)
    base = indent_of(_first(original))
    wanted = Counter(line.rstrip() for line in original if line.strip())
    known = Counter(line.strip() for line in original)
    exact = {line.strip(): line for line in original if known[line.strip()] == 1}
    best, most = list(lines), -1
    for tried in _options(lines, base):
        kept = [
            exact.get(line.strip(), line) if at in strings and line.strip() else line
            for at, line in enumerate(tried)
        ]
        score = _agreement(kept, wanted)
        if score > most:
            best, most = kept, score
    return best


def indent_of(line: str) -> str:
    """Return the blanks a line begins with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def in_unit(code: Sequence[str], original: Sequence[str]) -> list[str]:
    """Return the lines with one step of their indentation written as the original writes it."""
    theirs, ours = _unit(code), _unit(original)
    if not theirs or not ours or theirs == ours:
        return list(code)
    if "\t" not in theirs + ours and len(ours) < len(theirs) and not _steps_fit(code, theirs):
        return list(code)
    out = []
    for line in code:
        lead = indent_of(line)
        if theirs == "\t":
            steps, rest = lead.count("\t"), lead.replace("\t", "")
        else:
            width = len(lead.expandtabs(4))
            steps, rest = width // len(theirs), " " * (width % len(theirs))
        out.append(ours * steps + rest + line[len(lead) :] if line.strip() else line)
    return out


def shifted(line: str, before: str, after: str) -> str:
    """Return a line whose indentation begins with `after` where it began with `before`."""
    if not line.strip() or before == after:
        return line
    lead = indent_of(line)
    if lead.startswith(before):
        return after + lead[len(before) :] + line[len(lead) :]
    missing = len(before) - len(lead)
    return after[: max(0, len(after) - missing)] + line[len(lead) :]


def _options(lines: list[str], base: str) -> list[list[str]]:
    first = indent_of(_first(lines))
    moved = [shifted(line, first, base) for line in lines]
    at = next((index for index, line in enumerate(lines) if line.strip()), 0)
    hanging = [*lines[:at], *(base + line.strip(" \t") for line in lines[at : at + 1])]
    return [moved, [*hanging, *lines[at + 1 :]]] if base != first else [moved]


def _agreement(lines: list[str], wanted: Counter[str]) -> int:
    left = Counter(line.rstrip() for line in lines if line.strip())
    return sum((left & wanted).values())


def _first(lines: Sequence[str]) -> str:
    return next((line for line in lines if line.strip()), "")


def _unit(lines: Sequence[str]) -> str:
    """Return one step of indentation, "" where none can be told."""
    leads = [indent_of(line) for line in lines if line.strip()]
    leads = [lead for lead in leads if lead]
    if not leads:
        return ""
    tabs = sum(lead.startswith("\t") for lead in leads)
    if tabs * 2 > len(leads):
        return "\t"
    widths = {len(lead) for lead in leads if "\t" not in lead}
    base = min(len(indent_of(line)) for line in lines if line.strip())
    steps = {width - base for width in widths if width > base} or widths
    step = reduce(gcd, steps, 0)
    if step == 1:
        # Continuation lines and comments stand one column off: the smallest real step tells.
        step = min((width for width in steps if width > 1), default=0)
    return " " * step if step in (2, 3, 4, 8) else ""


def _steps_fit(lines: Sequence[str], unit: str) -> bool:
    return all(len(indent_of(line)) % len(unit) == 0 for line in lines if line.strip())
