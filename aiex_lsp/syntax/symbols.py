"""Which definitions a text holds, and which of them a cursor means. CPU-bound: use threads.

Callers that ask more than once keep the `Outline`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

from aiex_lsp.syntax.languages import canonical, grammar_for, parse_bytes
from aiex_lsp.syntax.offsets import CodePoints, utf8
from aiex_lsp.syntax.outline import Outline, outline_of
from aiex_lsp.syntax.types import Symbol

if TYPE_CHECKING:
    from tree_sitter import Tree

_LINE = re.compile("[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
MAX_BLOCK_LINES = 200
"""Lines of the block a cursor means where symbols are not known."""
MAX_OPEN = 2_000
"""Brackets left open in a text that is still searched: asking a tree that deep is quadratic."""
_KEYWORDS = frozenset((
    "and", "as", "async", "await", "break", "case", "catch", "class", "const", "continue",
    "def", "default", "defmodule", "defp", "del", "do", "elif", "else", "elsif", "end", "enum",
    "except", "export", "extends", "finally", "fn", "for", "foreach", "fun", "func", "function",
    "go", "if", "impl", "implements", "import", "in", "interface", "is", "lambda", "let",
    "local", "loop", "match", "mod", "module", "namespace", "new", "nil", "nonlocal", "not",
    "null", "or", "package", "pass", "private", "protected", "pub", "public", "raise",
    "require", "rescue", "return", "static", "struct", "super", "switch", "then", "throw",
    "trait", "try", "type", "typedef", "typename", "unless", "unsafe", "until", "use", "using",
    "var", "void", "when", "where", "while", "with", "yield", "True", "False", "None", "true",
    "false",
))  # fmt: skip
_NAMED_LIKE_KEYWORDS = frozenset((
    "type", "match", "new", "mod", "use", "module", "fun", "end", "is", "in", "default",
))  # fmt: skip
_SUFFIXED = {"ruby": "?!", "elixir": "?!"}


def build_outline(text: str, language: str) -> Outline:
    """Return the outline of a text, an empty one where its language is not known.

    Where the text does not parse, definitions behind the error are looked for one by one.
    """
    name = canonical(language)
    if name is None:
        return Outline(text)
    outline, tree, points = _parsed(text, name)
    if tree is None or not tree.root_node.has_error:
        return outline
    from aiex_lsp.syntax.recovery import with_lost

    return with_lost(outline, tree, points, lambda block: _parsed(block, name)[0])


def _parsed(text: str, language: str) -> tuple[Outline, Tree | None, CodePoints]:
    from aiex_lsp.syntax.rules.table import RULES, compiled_query

    data, points, rules = utf8(text), CodePoints(text), RULES[language]
    tree = parse_bytes(data, language)
    if tree is None:
        return Outline(text), None, points
    if tree.root_node.has_error and _open_brackets(data) > MAX_OPEN:
        return Outline(text), None, points
    query = compiled_query(grammar_for(language, data), rules.query)
    return outline_of(text, data, points, tree, rules, query), tree, points


def _open_brackets(data: bytes) -> int:
    return sum(data.count(one) for one in (b"(", b"[", b"{")) - sum(
        data.count(one) for one in (b")", b"]", b"}")
    )


def symbols(text: str, language: str) -> list[Symbol]:
    """Return the definitions in the order of the text, nested ones behind what holds them."""
    return list(build_outline(text, language).symbols)


def enclosing_symbol(text: str, language: str, start: int, end: int) -> Symbol | None:
    """Return the innermost definition that holds `start`..`end`, see `Outline.enclosing`."""
    return build_outline(text, language).enclosing(start, end)


def identifier_at(text: str, language: str, offset: int) -> tuple[int, int, str] | None:
    """Return (start, end, name) of the identifier a cursor touches, None for anything else.

    Keywords and numbers are not identifiers. Fast enough for the event loop: nothing is parsed.
    """
    if not 0 <= offset <= len(text):
        return None
    start = end = offset
    while start > 0 and _in_word(text[start - 1]):
        start -= 1
    while end < len(text) and _in_word(text[end]):
        end += 1
    name = canonical(language)
    marks = _SUFFIXED.get(name or "", "")
    if start < end < len(text) and text[end] in marks and text[end + 1 : end + 2] != "=":
        end += 1
    word = text[start:end]
    if not word or word[0].isdigit() or (word in _KEYWORDS and not _is_name(text, start, word)):
        return None
    return start, end, word


def fallback_block(text: str, start: int, end: int) -> tuple[int, int]:
    """Return what a cursor or selection means where no symbol is known.

    A selection is itself. A cursor is the lines around it up to blank ones; inside an indented
    block that grows to the whole block with the line that opens it, `MAX_BLOCK_LINES` at most.
    """
    start, end = max(0, min(start, len(text))), max(0, min(end, len(text)))
    if text[start:end].strip():
        return start, end
    lines = _LINE.findall(text)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    at = _nearest_full(lines, _line_of(starts, start, len(lines)))
    if at is None:
        return start, max(start, end)
    indent = _indent(lines[at])
    first, last = _indented(lines, at, indent) if indent else _paragraph(lines, at)
    stop = starts[last + 1]
    return starts[first], starts[first] + len(text[starts[first] : stop].rstrip("\r\n"))


def _line_of(starts: list[int], offset: int, count: int) -> int:
    return min(bisect_right(starts, offset) - 1, max(count - 1, 0))


def _nearest_full(lines: list[str], at: int) -> int | None:
    for step in range(MAX_BLOCK_LINES):
        for index in (at + step, at - step):
            if 0 <= index < len(lines) and lines[index].strip():
                return index
    return None


def _paragraph(lines: list[str], at: int) -> tuple[int, int]:
    first = last = at
    while first > 0 and lines[first - 1].strip() and at - first < MAX_BLOCK_LINES // 2:
        first -= 1
    while last + 1 < len(lines) and lines[last + 1].strip() and last - at < MAX_BLOCK_LINES // 2:
        last += 1
    return first, last


def _indented(lines: list[str], at: int, indent: int) -> tuple[int, int]:
    """Return the block of lines at least as far in, with the lines that open and close it."""
    begin = stop = at
    while begin > 0 and (not lines[begin].strip() or _indent(lines[begin]) >= indent):
        begin -= 1
    while stop + 1 < len(lines) and (
        not lines[stop + 1].strip() or _indent(lines[stop + 1]) >= indent
    ):
        stop += 1
        if stop - begin >= MAX_BLOCK_LINES:
            return _paragraph(lines, at)
    while stop > at and not lines[stop].strip():
        stop -= 1
    if stop + 1 < len(lines) and re.match(r"\s*(?:[})\]]|end\b|fi\b|done\b)", lines[stop + 1]):
        stop += 1
    return (begin, stop) if stop - begin < MAX_BLOCK_LINES else _paragraph(lines, at)


def _indent(line: str) -> int:
    expanded = line.expandtabs(8)
    return len(expanded) - len(expanded.lstrip())


def _in_word(char: str) -> bool:
    return char.isalnum() or char in "_$"


def _is_name(text: str, start: int, word: str) -> bool:
    """Return whether a word that some languages reserve is a name here: behind a dot, called."""
    return word in _NAMED_LIKE_KEYWORDS and text[max(start - 1, 0) : start] in (".", ":")
