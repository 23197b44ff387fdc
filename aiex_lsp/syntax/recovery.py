"""Definitions a parser loses behind an unfinished line: `x.` swallows the function after it.

Lines that look like the head of a definition are parsed once more, each with its own block alone.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from aiex_lsp.syntax.offsets import CodePoints
from aiex_lsp.syntax.outline import Outline, Placed, assembled

if TYPE_CHECKING:
    from tree_sitter import Tree

MAX_HEADS = 20_000
"""Lines looked at in one text; a file that loses more is hardly of its language."""
MAX_NESTED = 500
MAX_LEAD = 50
"""Lines of comments and decorators that may stand above a definition."""
MAX_BLOCK_CHARS = 20_000

_WORDS = (
    r"(?:(?:export|default|pub(?:\([^)\n]*\))?|public|private|protected|internal|static|async|local"
    r"|abstract|final|override|virtual|unsafe|extern|inline|sealed|partial|declare|typedef)[ \t]+)*"
)
_KEYWORDS = (
    r"(?:def|defp|defmodule|defmacrop?|class|module|function|func|fn|struct|enum|trait|impl|interface"
    r"|mod|record|namespace)\b"
)
_HEADS = re.compile(
    r"^[ \t]*(?:"
    rf"{_WORDS}{_KEYWORDS}[ \t]*[*&]?[ \t]*[\w(\[\"'$.<]"
    rf"|{_WORDS}(?:const|let|var)[ \t]+\w[^=\n]*=[^\n]*(?:=>|\bfunction\b)"
    r"|[\w.]+[ \t]*=[ \t]*(?:async[ \t]+)?function\b"
    r"|[\w-]+[ \t]*\(\)[ \t]*\{"
    r"|(?!(?:if|for|while|switch|return|else|catch|do|case|throw|new|using|foreach|lock)\b)"
    r"[A-Za-z_][\w<>,\[\]*&:?. \t]{0,200}[ \t*&]~?\w{1,100}[ \t]*\([^;\n]{0,500}$"
    r")",
    re.MULTILINE,
)
_BREAK = re.compile("\r\n|\r|\n")
_LINE = re.compile("[^\r\n]*(?:\r\n|\r|\n|$)")
_GOES_ON = re.compile(
    r"[ \t]*(?:[)\]}{]|\r?\n?$"
    r"|(?:end|fi|done|else|elif|elsif|except|finally|rescue|ensure|catch)\b)"
)
_LEADS = re.compile(r"[ \t]*(?:@|#|//|/\*|\*|--|\[)")
_CLOSES = re.compile(r"[ \t]*(?:\}|(?:end|fi|done)\b)")


def with_lost(
    outline: Outline, tree: Tree, points: CodePoints, build: Callable[[str], Outline]
) -> Outline:
    """Return the outline with the definitions that errors of the tree have swallowed.

    `build` makes the outline of a part of the text.
    """
    text = outline.text
    starts = [0, *(match.end() for match in _BREAK.finditer(text))]

    def line(offset: int) -> int:
        return bisect_right(starts, offset) - 1

    known = {line(one.name_start) for one in outline.symbols}
    added: list[Placed] = []
    nested = 0
    for head, first in _heads(text, tree, points):
        if line(first) in known:
            continue
        if head < first and (nested := nested + 1) > MAX_NESTED:
            continue  # blocks at top level do not overlap, so they cost one more parse in all
        begin = starts[_led_from(text, starts, line(head))]
        part = build(text[begin : _block_end(text, head)]).placed()
        if not part or line(part[0].symbol.name_start + begin) > line(first) + 1:
            continue
        around = outline.enclosing(first, first)
        prefix = around.qualified_name if around is not None else ""
        for one in part:
            moved = _moved(one, begin, prefix)
            if line(moved.symbol.name_start) not in known:
                known.add(line(moved.symbol.name_start))
                added.append(moved)
    return assembled(text, [*outline.placed(), *added]) if added else outline


def _led_from(text: str, starts: list[int], at: int) -> int:
    """Return the first line of the comments and decorators directly above line `at`."""
    first = at
    while first > 0 and at - first < MAX_LEAD and _LEADS.match(text, starts[first - 1]):
        first -= 1
    return first


def _heads(text: str, tree: Tree, points: CodePoints) -> Iterator[tuple[int, int]]:
    """Yield line starts and first characters of likely definitions not in comments or strings."""
    tried = 0
    for match in _HEADS.finditer(text):
        first = match.end() - len(match[0].lstrip(" \t"))
        byte = points.byte(first)
        node = tree.root_node.descendant_for_byte_range(byte, byte)
        if node is not None and ("comment" in node.type or "string" in node.type):
            continue
        tried += 1
        if tried > MAX_HEADS:
            return
        yield match.start(), first


def _block_end(text: str, start: int) -> int:
    """Return the end of a line and of what is indented below it, closing lines included."""
    lines = _LINE.finditer(text, start, min(len(text), start + MAX_BLOCK_CHARS))
    head = next(lines)
    indent = _indent(head[0])
    end = head.end()
    for line in lines:
        if line[0].strip() and _indent(line[0]) <= indent:
            if not _GOES_ON.match(line[0]):
                break
            end = line.end()
            if _CLOSES.match(line[0]):
                break
        elif line[0].strip():
            end = line.end()
    return end


def _indent(line: str) -> int:
    expanded = line.expandtabs(8)
    return len(expanded) - len(expanded.lstrip())


def _moved(placed: Placed, shift: int, prefix: str) -> Placed:
    one = placed.symbol
    symbol = replace(
        one,
        start=one.start + shift,
        end=one.end + shift,
        name_start=one.name_start + shift,
        name_end=one.name_end + shift,
        container=".".join(filter(None, (prefix, one.container))),
        doc_start=one.doc_start + shift if one.doc_start is not None else None,
        body_start=one.body_start + shift if one.body_start is not None else None,
    )
    return Placed(symbol, placed.start + shift, placed.end + shift)
