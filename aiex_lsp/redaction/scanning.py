"""Searches long texts in pieces, so that no other thread waits for one of them.

A pattern's search holds the interpreter until it has a match: over a megabyte, half a second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

PIECE = 6_000
"""Characters in which a match of one search begins."""

REACH = 2_000
"""Characters after them that a match may need to be one; it may be longer."""


def matches(
    pattern: re.Pattern[str], text: str, *, piece: int = PIECE, reach: int = REACH
) -> Iterator[re.Match[str]]:
    """Yield what `pattern.finditer(text)` yields, where `reach` characters begin a match.

    A longer one, whose first characters are a match too, is found whole.
    """
    place = 0
    for begin in range(0, len(text), piece):
        end = min(begin + piece, len(text))
        limit = min(end + reach, len(text))
        place = max(place, begin)
        while place < end:
            match = pattern.search(text, place, limit)
            if match is None or match.start() >= end:
                break
            match = _whole(pattern, text, match)
            place = max(match.end(), match.start() + 1)
            yield match


def contains(pattern: re.Pattern[str], text: str, *, reach: int = REACH) -> bool:
    """Return whether a pattern is somewhere in a text."""
    return next(matches(pattern, text, reach=reach), None) is not None


def substituted(
    pattern: re.Pattern[str], text: str, by: Callable[[re.Match[str]], str], *, reach: int
) -> str:
    """Return what `pattern.sub(by, text)` returns."""
    done: list[str] = []
    place = 0
    for match in matches(pattern, text, reach=reach):
        done += (text[place : match.start()], by(match))
        place = match.end()
    return "".join(done) + text[place:]


def _whole(pattern: re.Pattern[str], text: str, match: re.Match[str]) -> re.Match[str]:
    """Return a match that ends where its search did as long as it really is."""
    while match.end() == match.endpos < len(text):
        wider = min(len(text), match.start() + 2 * (match.endpos - match.start()) + 1)
        again = pattern.match(text, match.start(), wider)
        if again is None:
            break
        match = again
    return match
