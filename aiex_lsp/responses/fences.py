"""Code fences by line: where they open and close, also where CommonMark would see them wrongly.

Two habits of models are put right here: a ```` ```markdown ```` fence that holds fences of the
same length, and fences whose indentation does not fit the list they stand in.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

MARKDOWN = frozenset({"markdown", "md", "mdx", "gfm", "commonmark"})

_NEWLINE = re.compile("\r\n|\n|\r")
_FENCE = re.compile(
    r"(?P<prefix>(?:[ \t]|>|(?:[-*+]|\d{1,9}[.)])[ \t])*)(?P<mark>`{3,}|~{3,})(?P<info>.*)"
)
_LABEL = re.compile(r"\s*\{?\.?([\w+#-]+)")
_CLOSER = re.compile(r"[ \t>]*(?P<mark>`{3,}|~{3,})[ \t]*")


@dataclass(frozen=True, slots=True)
class Fence:
    """A code block's place: lines `start`..`end` (0-based, both included, fence lines too)."""

    start: int
    end: int
    info: str
    code: str
    truncated: bool = False
    indented: bool = False


def split_lines(text: str) -> list[str]:
    """Return the lines as CommonMark counts them: only LF, CRLF and CR end a line."""
    return _NEWLINE.split(text)


def unwrap(text: str, *, truncated: bool = False) -> str:
    """Return the inside of an answer that is wholly one ```markdown fence, else the text."""
    stripped = text.strip()
    match = _FENCE.match(stripped)
    if not match or match["prefix"] or label(match["info"]) not in MARKDOWN:
        return text
    lines = split_lines(stripped)
    fences = scan(lengthen(lines, truncated))
    first = fences[0] if fences else None
    if first is None or first.start != 0 or first.end != len(lines) - 1:
        return text
    return "\n".join(lines[1:] if first.truncated else lines[1:-1])


def open_fence(text: str) -> str | None:
    """Return the line that closes the fence a cut answer ends in, None where it ends in none."""
    lines = split_lines(text)
    last = next(iter(scan(lines)[-1:]), None)
    if last is None or not last.truncated or not (match := _FENCE.match(lines[last.start])):
        return None
    return re.sub(r"[^\s>]", " ", match["prefix"]) + match["mark"]


def scan_is_better(fences: Sequence[Fence], scanned: Sequence[Fence]) -> bool:
    """Return whether the scanner closes all fences and CommonMark left one open or unseen."""
    if not scanned or any(fence.truncated for fence in scanned):
        return False
    if any(fence.truncated for fence in fences):
        return True
    seen = [fence for fence in fences if not fence.indented]
    starts = [fence.start for fence in seen]
    for fence in scanned:
        before = bisect_right(starts, fence.start) - 1
        if before < 0 or seen[before].end < fence.start:
            return True
    return False


def lengthen(lines: Sequence[str], truncated: bool) -> list[str]:
    """Return the lines with ```markdown fences made longer than the fences they hold."""
    out = list(lines)
    index, may_nest, first = 0, True, True
    while index < len(out):
        start = opener(out[index])
        if start is None:
            index += 1
            continue
        mark = start["mark"]
        end, labelled = None, False
        if may_nest and label(start["info"]) in MARKDOWN:
            end, labelled = _nested_end(out, index, mark)
            if end is not None and not labelled and first:
                end = _whole_end(out, index, end)
                labelled = end is not None
            if end is None and labelled and truncated:
                end = len(out)
            may_nest = end is not None or not labelled
        if end is not None and labelled:
            inner = (_FENCE.match(line) for line in out[index + 1 : end])
            longest = max((len(m["mark"]) for m in inner if m), default=len(mark))
            longer = mark[0] * (max(longest, len(mark)) + 1)
            out[index] = start["prefix"] + longer + start["info"]
            if end < len(out):
                out[end] = out[end][: len(out[end]) - len(out[end].lstrip(" \t>"))] + longer
        else:
            end = index + 1
            while end < len(out) and not closes(out[end], mark):
                end += 1
        index, first = end + 1, False
    return out


def _nested_end(lines: Sequence[str], start: int, mark: str) -> tuple[int | None, bool]:
    """Return the line that closes a fence that may hold others, and whether it holds labelled."""
    stack, labelled = [mark], False
    for index in range(start + 1, len(lines)):
        match = opener(lines[index])
        if match is None or match["mark"][0] != mark[0]:
            continue
        if match["info"].strip():
            if len(match["mark"]) >= len(mark):
                stack.append(match["mark"])
                labelled = True
        elif len(match["mark"]) >= len(stack[-1]):
            stack.pop()
            if not stack:
                return index, labelled
    return None, labelled


def _whole_end(lines: Sequence[str], start: int, end: int) -> int | None:
    """Return the answer's last line if only it, not `end`, can close a fence that opens it all."""
    if any(line.strip() for line in lines[:start]):
        return None
    last = len(lines) - 1
    while last > end and not lines[last].strip():
        last -= 1
    mark = lines[start].strip()[:3]
    if last == end or not closes(lines[last], mark):
        return None
    if not _balanced(lines[end + 1 :]) and _balanced(lines[start + 1 : last]):
        return last
    return None


def _balanced(lines: Sequence[str]) -> bool:
    return not any(fence.truncated for fence in scan(lines))


def label(info: str) -> str:
    """Return the first word of an info string in lower case, "" where there is none."""
    match = _LABEL.match(info)
    return match[1].lower() if match else ""


def closes(line: str, markup: str) -> bool:
    """Return whether a line closes a fence opened by `markup`, whatever its indentation."""
    match = _CLOSER.fullmatch(line) if markup[:3] in line else None
    return bool(match and match["mark"][0] == markup[0] and len(match["mark"]) >= len(markup))


def scan(lines: Sequence[str]) -> list[Fence]:
    """Return the fences as a reader sees them: whatever the indentation of opener and closer."""
    out: list[Fence] = []
    index = 0
    while index < len(lines):
        start = opener(lines[index])
        if start is None:
            index += 1
            continue
        end = index + 1
        while end < len(lines) and not closes(lines[end], start["mark"]):
            end += 1
        closed = end < len(lines)
        last = end if closed else len(lines) - 1
        while not closed and last > index and not lines[last].strip():
            last -= 1
        body = lines[index + 1 : end if closed else last + 1]
        code = "\n".join(_dedent(body, start["prefix"])).rstrip("\n")
        out.append(Fence(index, last, start["info"].strip(), code, not closed))
        index = end + 1
    return out


def opener(line: str) -> re.Match[str] | None:
    """Return the parts (prefix, mark, info) of a line that opens a fence."""
    if "```" not in line and "~~~" not in line:
        return None
    match = _FENCE.match(line)
    if match and match["mark"][0] == "`" and "`" in match["info"]:
        return None
    return match


def _dedent(body: Sequence[str], prefix: str) -> list[str]:
    if not prefix:
        return list(body)
    quotes = prefix.count(">")
    width = len(prefix.expandtabs(4)) if not quotes else 0
    out = []
    unquote = re.compile(rf"(?:[ \t]*>[ ]?){{0,{quotes}}}")
    for quoted in body:
        match = unquote.match(quoted) if quotes else None
        line = quoted[match.end() :] if match else quoted
        strip = 0
        while strip < min(width, len(line)) and line[strip] == " ":
            strip += 1
        if strip == 0 and width and line.startswith("\t"):
            strip = 1
        out.append(line[strip:])
    return out
