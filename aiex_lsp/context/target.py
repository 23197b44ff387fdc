"""What a question is about: a symbol, a selection or the whole document."""

from __future__ import annotations

from dataclasses import dataclass

from aiex_lsp.errors import RangeError
from aiex_lsp.syntax.types import Symbol
from aiex_lsp.text.snapshot import Snapshot, Span

AROUND = 20
"""Lines shown before and after code that stands in no symbol."""

MAX_OUTLINE = 60
"""Signatures shown of the other symbols of a document."""


@dataclass(frozen=True, slots=True)
class Target:
    """The code a question is about. `symbol` is what encloses or is it, None where unknown.

    `kind`: the symbol's whole text, selected lines, a block around the cursor where no symbol is
    known, or the whole document.
    """

    span: Span
    symbol: Symbol | None
    kind: str


def find_target(snapshot: Snapshot, span: Span | None, language: str) -> Target:
    """Return what a question at `span` is about. CPU-bound; raises `RangeError`.

    A cursor means its enclosing symbol, decorators and comment included; so does a selection of
    one character (some editors always have one) or inside the symbol's name. Other selections
    mean their whole lines; None the whole document.
    """
    from aiex_lsp.syntax.symbols import enclosing_symbol, fallback_block

    text = snapshot.text
    if span is None:
        return Target(Span(0, len(text)), None, "document")
    if span.end > len(text):
        raise RangeError("The range ends past the end of the document")
    symbol = enclosing_symbol(text, language, span.start, span.end)
    if span.end - span.start <= 1 or _names(symbol, span):
        if symbol is not None:
            return Target(symbol_span(snapshot, symbol), symbol, "symbol")
        start, end = fallback_block(text, span.start, span.end)
        return Target(Span(start, max(start, min(end, len(text)))), None, "block")
    return Target(_whole_lines(snapshot, span), symbol, "selection")


def symbol_span(snapshot: Snapshot, symbol: Symbol) -> Span:
    """Return a symbol's span with its comment, from the line's start where only blanks precede."""
    start = symbol.start if symbol.doc_start is None else min(symbol.doc_start, symbol.start)
    line_start = snapshot.line_starts[snapshot.line_at(start)]
    if not snapshot.text[line_start:start].strip(" \t\ufeff"):
        start = line_start
    return Span(start, max(start, min(symbol.end, len(snapshot.text))))


def surrounding(snapshot: Snapshot, target: Target, language: str) -> str:
    """Return what stands around the target: its enclosing symbol, an outline, or lines near it."""
    from aiex_lsp.syntax.symbols import symbols

    if target.kind == "document":
        return ""
    if target.kind == "selection" and target.symbol is not None:
        whole = symbol_span(snapshot, target.symbol)
        if not target.span.contains(whole):
            return plain(snapshot.slice(whole))
    others = [
        one
        for one in symbols(snapshot.text, language)
        if not target.span.overlaps(Span(one.start, max(one.start, one.end)))
        or (one.start < target.span.start and target.span.end <= one.end)
    ]
    if others:
        return _outline(snapshot, target, others)
    return _lines_around(snapshot, target.span)


def plain(text: str) -> str:
    """Return a text as prompts hold it: LF only, without a BOM."""
    return text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")


def _names(symbol: Symbol | None, span: Span) -> bool:
    return symbol is not None and symbol.name_start <= span.start and span.end <= symbol.name_end


def _whole_lines(snapshot: Snapshot, span: Span) -> Span:
    first = snapshot.line_at(span.start)
    last = snapshot.line_at(span.end)
    # A selection that ends at a line's start does not mean that line.
    if last > first and span.end == snapshot.line_starts[last]:
        last -= 1
    return snapshot.lines_span(first, last)


def _outline(snapshot: Snapshot, target: Target, others: list[Symbol]) -> str:
    container = target.symbol.container if target.symbol else ""
    # Its own class first: these are the names the code uses.
    ordered = sorted(others, key=lambda one: (one.container != container, one.start))
    chosen = sorted(ordered[:MAX_OUTLINE], key=lambda one: one.start)
    lines = [
        f"{'    ' * one.container.count('.') + ('    ' if one.container else '')}"
        f"{one.signature}  (line {snapshot.line_at(one.start) + 1})"
        for one in chosen
    ]
    if len(others) > len(chosen):
        lines.append(f"… {len(others) - len(chosen)} more")
    return "\n".join(lines)


def _lines_around(snapshot: Snapshot, span: Span) -> str:
    first, last = snapshot.line_at(span.start), snapshot.line_at(span.end)
    parts = []
    if first > 0:
        parts.append(snapshot.slice(snapshot.lines_span(max(0, first - AROUND), first - 1)))
    if last < snapshot.line_count - 1:
        below = min(snapshot.line_count - 1, last + AROUND)
        parts.append(snapshot.slice(snapshot.lines_span(last + 1, below)))
    return plain("\n…\n".join(part for part in parts if part.strip()))
