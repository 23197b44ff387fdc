"""A reasoning model's thinking that came along in the answer's text."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

_NAMES = "think|thinking|thought|thoughts|reasoning|seed:think"
_OPEN = re.compile(rf"\s*(?:<({_NAMES})>|\[(THINK)\])", re.IGNORECASE)
_CLOSE = re.compile(rf"(?:</({_NAMES})>|\[/(THINK)\])", re.IGNORECASE)
_FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})[ \t]*([^`\r\n]*)$", re.MULTILINE)
_LINE_END = re.compile(r"[ \t]*(?:[\r\n]|$)")


def strip_thinking(text: str) -> tuple[str, bool]:
    """Return the answer without leading thinking, and whether the thinking never ended.

    Only the start of the text is looked at: `<think>…</think>` there (several in a row, unclosed,
    or with the opening tag eaten by the chat template, so that a line ends in a lone
    `</think>`). A tag inside a code fence, or anywhere in the answer proper, is the answer's.
    What is returned is always a suffix of `text`.
    """
    closes = list(_CLOSE.finditer(text))
    opening = _OPEN.match(text)
    if not closes:
        return ("", True) if opening else (text, False)
    fenced = _fenced(text)
    outside = [match for match in closes if not _inside(fenced, match.start())]
    if opening is None:
        alone = _lone(text, outside)
        return (text[alone.end() :].lstrip(), False) if alone else (text, False)
    position = 0
    while match := _OPEN.match(text, position):
        # Only where no tag stands outside the fences, one inside ends the thinking.
        close = _next(outside, match.end()) or _next(closes, match.end())
        if close is None:
            return "", True
        position = close.end()
    return text[position:].lstrip(), False


def _next(matches: list[re.Match[str]], offset: int) -> re.Match[str] | None:
    index = bisect_left(matches, offset, key=lambda match: match.start())
    return matches[index] if index < len(matches) else None


def _lone(text: str, closes: list[re.Match[str]]) -> re.Match[str] | None:
    """Return the first closing tag if it stands at the start of the text or ends its line."""
    if not closes:
        return None
    first = closes[0]
    line = text[text.rfind("\n", 0, first.start()) + 1 : first.start()]
    if not text[: first.start()].strip():
        return first
    return first if _LINE_END.match(text, first.end()) and "`" not in line else None


def _fenced(text: str) -> list[tuple[int, int]]:
    """Return the spans of fenced code, ascending."""
    spans: list[tuple[int, int]] = []
    opener: re.Match[str] | None = None
    for match in _FENCE.finditer(text):
        mark = match[1]
        if opener is None:
            opener = match
        elif mark[0] == opener[1][0] and len(mark) >= len(opener[1]) and not match[2].strip():
            spans.append((opener.start(), match.end()))
            opener = None
    return spans


def _inside(spans: list[tuple[int, int]], offset: int) -> bool:
    index = bisect_right(spans, offset, key=lambda span: span[0]) - 1
    return index >= 0 and offset < spans[index][1]
