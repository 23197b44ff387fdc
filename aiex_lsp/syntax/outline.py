"""The outline of one text: parsed once, in any thread, asked many times."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiex_lsp.syntax.offsets import CodePoints
from aiex_lsp.syntax.rules.base import Definition, Rules
from aiex_lsp.syntax.types import Symbol

if TYPE_CHECKING:
    from tree_sitter import Node, Query, Tree

MAX_SIGNATURE = 300
"""Characters of a signature; C++ templates and type literals can be longer than they help."""
_STEP = 64 * 1024
"""Bytes a query runs over at a time, about 2 ms: it cannot be interrupted in between."""
_INDENT = 512
"""Bytes looked at beside a definition for blanks, so that one long line costs no more."""
_LEADING = 300
"""Comments before a definition that can be its own; each costs a walk over all before it."""
_OPENERS = re.compile(r"(?:\s|[{:,=]|=>|->|\bdo\b)+$")
_BLANK = b" \t\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Placed:
    """A symbol and where a cursor means it: from its comment's line to the end of its last."""

    symbol: Symbol
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Outline:
    """The definitions of one text in its order, outer ones before what they hold."""

    text: str
    symbols: tuple[Symbol, ...] = ()
    _placed: tuple[Placed, ...] = field(default=(), repr=False)
    _parents: tuple[int, ...] = field(default=(), repr=False)
    _starts: tuple[int, ...] = field(default=(), repr=False)

    def enclosing(self, start: int, end: int) -> Symbol | None:
        """Return the innermost symbol that holds `start`..`end`, None outside of all.

        Its decorators, comment and the blanks on its lines count as its own; blanks at either
        end of a selection do not.
        """
        start, end = _shrunk(self.text, start, end)
        index = bisect_right(self._starts, start) - 1
        while index >= 0:
            place = self._placed[index]
            if place.start <= start and end <= place.end:
                return place.symbol
            index = self._parents[index]
        return None

    def placed(self) -> tuple[Placed, ...]:
        """Return the symbols with the places a cursor means them at."""
        return self._placed


def assembled(text: str, placed: Iterable[Placed]) -> Outline:
    """Return the outline of what was found in a text, in any order."""
    order = sorted(
        placed, key=lambda one: (one.symbol.start, -one.symbol.end, one.symbol.name_start)
    )
    parents: list[int] = []
    starts: list[int] = []
    open_: list[int] = []
    for index, one in enumerate(order):
        while open_ and one.symbol.start >= order[open_[-1]].symbol.end:
            open_.pop()
        parents.append(open_[-1] if open_ else -1)
        open_.append(index)
        starts.append(max(one.start, starts[-1]) if starts else one.start)
    symbols = tuple(one.symbol for one in order)
    return Outline(text, symbols, tuple(order), tuple(parents), tuple(starts))


def outline_of(
    text: str, data: bytes, points: CodePoints, tree: Tree, rules: Rules, query: Query
) -> Outline:
    """Return the outline of a parsed text; `data` is its UTF-8."""
    reader = _Reader(data, points, rules)
    found: dict[tuple[int, int, int], tuple[Definition, int, int]] = {}
    for node in _captured(tree, query, len(data)):
        definition = rules.read(node)
        if definition is not None:
            lead, start = reader.lead(definition.whole)
            key = (
                definition.whole.start_byte,
                definition.whole.end_byte,
                definition.name.start_byte,
            )
            found.setdefault(key, (definition, lead, start))
    placed: list[Placed] = []
    open_: list[Symbol] = []
    for definition, lead, start in sorted(found.values(), key=_order):
        while open_ and points.at(start) >= open_[-1].end:
            open_.pop()
        symbol = reader.symbol(definition, lead, start, open_[-1] if open_ else None)
        open_.append(symbol)
        end = definition.whole.end_byte
        placed.append(
            Placed(symbol, points.at(reader.line_start(lead)), points.at(reader.line_end(end)))
        )
    return assembled(text, placed)


def _order(found: tuple[Definition, int, int]) -> tuple[int, int, int]:
    definition, _, start = found
    return start, -definition.whole.end_byte, definition.name.start_byte


def _captured(tree: Tree, query: Query, size: int) -> Iterator[Node]:
    from tree_sitter import QueryCursor

    seen: set[int] = set()
    cursor = QueryCursor(query)
    for begin in range(0, max(size, 1), _STEP):
        cursor.set_byte_range(begin, min(begin + _STEP, size + 1))
        for node in cursor.captures(tree.root_node).get("d", ()):
            if node.id not in seen:
                seen.add(node.id)
                yield node


class _Reader:
    def __init__(self, data: bytes, points: CodePoints, rules: Rules) -> None:
        self._data = data
        self._points = points
        self._rules = rules
        self._break = b"\n" if b"\n" in data else b"\r"

    def symbol(self, one: Definition, lead: int, start: int, parent: Symbol | None) -> Symbol:
        """Return the symbol of a definition that begins at `start`, its comment at `lead`."""
        name = one.text if one.text is not None else self._text(one.name)
        container = ".".join(filter(None, (parent.qualified_name if parent else "", one.receiver)))
        at = self._points.at
        return Symbol(
            name=" ".join(name.split()),
            kind=one.kind,
            start=at(start),
            end=at(one.whole.end_byte),
            name_start=at(one.name.start_byte),
            name_end=at(one.name.end_byte),
            signature=self._signature(one),
            container=container,
            doc_start=at(lead) if lead < start else None,
            body_start=at(one.body.start_byte) if one.body is not None else None,
            is_test=one.is_test or (parent is not None and parent.is_test),
        )

    def lead(self, node: Node) -> tuple[int, int]:
        """Return the bytes where a definition begins with its comment and without it."""
        lead = start = node.start_byte
        before = _before(node)
        left = _LEADING
        while before is not None and left > 0 and (kind := self._belongs(before)):
            left -= 1
            gap = self._data[before.end_byte : lead]
            if gap.strip() or gap.count(b"\n") > 1:
                break
            shebang = self._data[before.start_byte : before.start_byte + 2] == b"#!"
            if kind == "comment" and (shebang or not self._leads_line(before.start_byte)):
                break
            lead = before.start_byte
            if kind == "attribute":
                start = lead
            before = _before(before)
        return lead, start

    def _belongs(self, node: Node) -> str:
        rules = self._rules
        if node.type in rules.comments or (rules.is_doc is not None and rules.is_doc(node)):
            return "comment"
        if node.type in rules.attributes or (
            rules.is_attribute is not None and rules.is_attribute(node)
        ):
            return "attribute"
        return ""

    def _leads_line(self, byte: int) -> bool:
        begin = self.line_start(byte)
        return begin == 0 or self._data[begin - 1 : begin] in (b"\n", b"\r")

    def line_start(self, byte: int) -> int:
        """Return the start of the line if only blanks precede on it, else `byte`."""
        window = max(0, byte - _INDENT)
        begin = self._data.rfind(self._break, window, byte) + 1
        if begin == 0 and window > 0:
            return byte
        return byte if self._data[begin:byte].strip(_BLANK) else begin

    def line_end(self, byte: int) -> int:
        """Return the end of the line if only blanks and closing marks follow, else `byte`."""
        end = self._data.find(self._break, byte, byte + _INDENT)
        if end < 0:
            end = min(len(self._data), byte + _INDENT)
        return byte if self._data[byte:end].strip(b" \t\r;,)") else end

    def _signature(self, one: Definition) -> str:
        begin = one.inner.start_byte if one.sign_from is None else one.sign_from
        end = one.inner.end_byte
        if one.sign_to is not None:
            end = one.sign_to
        elif one.body is not None and one.body.start_byte > begin:
            end = one.body.start_byte
        text = self._data[begin : min(end, begin + 4 * MAX_SIGNATURE)].decode("utf-8", "ignore")
        text = " ".join(text.split())
        if one.body is not None or one.sign_to is not None:
            text = text[: -len(found[0])] if (found := _OPENERS.search(text)) else text
        if len(text) > MAX_SIGNATURE:
            return text[: MAX_SIGNATURE - 1] + "…"
        return text + ")" * (text.count("(") - text.count(")"))  # a call cut off at its function

    def _text(self, node: Node) -> str:
        return (node.text or b"").decode("utf-8", "replace")


def _before(node: Node) -> Node | None:
    """Return what stands before a node; before a body's first one it is outside of the body."""
    before = node.prev_sibling
    while before is None:
        parent = node.parent
        if parent is None or parent.start_byte != node.start_byte:
            return None
        node, before = parent, parent.prev_sibling
    return before


def _shrunk(text: str, start: int, end: int) -> tuple[int, int]:
    start, end = max(0, min(start, len(text))), max(0, min(end, len(text)))
    first, last = start, end
    while first < last and text[first].isspace():
        first += 1
    while last > first and text[last - 1].isspace():
        last -= 1
    return (first, last) if first < last else (start, max(start, end))
