"""A reasoning model's thinking that came along in the answer's text."""

from __future__ import annotations

import re

_NAMES = "think|thinking|thought|thoughts|reasoning|seed:think"
_OPEN = re.compile(rf"\s*(?:<({_NAMES})>|\[(THINK)\])", re.IGNORECASE)
_CLOSE = re.compile(rf"(?:</({_NAMES})>|\[/(THINK)\])", re.IGNORECASE)
_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})[ \t]*([^`\r\n]*)$", re.MULTILINE)
_LINE_END = re.compile(r"[ \t]*(?:[\r\n]|$)")


def strip_thinking(text: str) -> tuple[str, bool]:
    """Return the answer without leading thinking, and whether the thinking never ended.

    Only the start of the text is looked at: `<think>…</think>` there (several in a row, unclosed,
    or with the opening tag eaten by the chat template, so that a line ends in a lone
    `</think>`). A tag inside a code fence, or anywhere in the answer proper, is the answer's.
    What is returned is always a suffix of `text`.
    """
    rest, opened = text, False
    while match := _OPEN.match(rest):
        opened = True
        close = _first_close(rest, match.end())
        if close is None:
            return "", True
        rest = rest[close.end() :]
    if opened:
        return rest.lstrip(), False
    close = _lone_close(rest)
    return (rest[close.end() :].lstrip(), False) if close else (text, False)


def _first_close(text: str, start: int) -> re.Match[str] | None:
    """Return the first closing tag outside fences; inside one only where there is no other."""
    fenced = _fenced(text, start)
    first = None
    for match in _CLOSE.finditer(text, start):
        first = first or match
        if not _inside(fenced, match.start()):
            return match
    return first


def _lone_close(text: str) -> re.Match[str] | None:
    """Return a closing tag that ends its line, stands outside fences and had no opening tag."""
    match = _CLOSE.search(text)
    if match is None:
        return None
    fenced = _fenced(text, 0)
    for match in _CLOSE.finditer(text):
        if _inside(fenced, match.start()):
            continue
        line_end = _LINE_END.match(text, match.end())
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        at_start = not text[: match.start()].strip()
        return match if at_start or (line_end and "`" not in line) else None
    return None


def _fenced(text: str, start: int) -> list[tuple[int, int]]:
    """Return the spans of fenced code from `start` on, ascending."""
    spans: list[tuple[int, int]] = []
    opener: re.Match[str] | None = None
    for match in _FENCE.finditer(text, start):
        mark = match[1]
        if opener is None:
            opener = match
        elif mark[0] == opener[1][0] and len(mark) >= len(opener[1]) and not match[2].strip():
            spans.append((opener.start(), match.end()))
            opener = None
    return spans


def _inside(spans: list[tuple[int, int]], offset: int) -> bool:
    from bisect import bisect_right

    index = bisect_right(spans, (offset, len(spans) + offset)) - 1
    return index >= 0 and spans[index][0] <= offset < spans[index][1]
