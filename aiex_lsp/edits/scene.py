"""What an answer is measured against: the document, the range that may change, what it defines."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from aiex_lsp.edits.plain import PlainDocument, line_of, line_starts
from aiex_lsp.syntax.languages import canonical
from aiex_lsp.syntax.outline import Outline
from aiex_lsp.syntax.suites import items
from aiex_lsp.syntax.symbols import build_outline
from aiex_lsp.syntax.types import Symbol
from aiex_lsp.text.snapshot import Snapshot, Span

Intent = Literal["fix", "document", "refactor", "run"]

_RELATED = {
    "javascript": ("javascriptreact", "typescript", "typescriptreact"),
    "javascriptreact": ("javascript", "typescriptreact", "typescript"),
    "typescript": ("typescriptreact", "javascript", "javascriptreact"),
    "typescriptreact": ("typescript", "javascript", "javascriptreact"),
    "c": ("cpp",),
    "cpp": ("c",),
}
_WRAPS = {
    **dict.fromkeys(
        ("javascript", "javascriptreact", "typescript", "typescriptreact", "java", "csharp", "php"),
        ("class X {\n", "\n}"),
    ),
    "cpp": ("class X {\n", "\n};"),
}


_JS_CLASS = re.compile(r"(?:export\s+)?(?:default\s+)?(?:abstract\s+)?class\b")
_HOLDERS = {
    "python": re.compile(r"(?:@[^\n]*\n\s*)*class\b"),
    "javascript": _JS_CLASS,
    "javascriptreact": _JS_CLASS,
    "typescript": _JS_CLASS,
    "typescriptreact": _JS_CLASS,
    "rust": re.compile(r"(?:unsafe\s+)?(?:impl|trait)\b|pub(?:\([^)]*\))?\s+trait\b"),
    "go": re.compile(r"func\b"),
}
"""What a method stands in where a definition beside that is one for all of the file."""


def _nothing(_path: str) -> Snapshot | None:
    return None


@dataclass(frozen=True)
class EditTarget:
    """What may change, and for what.

    `snapshot` is the document as it was when the question was asked. `span` is the symbol, its
    comment and decorators included, or the selection as whole lines. `shown` is the exact code
    the model was shown (None: the span's text). Nothing outside of `roots` is ever edited. `read`
    gives other documents of the workspace by relative path, for answers that name files.
    `instruction` is what the user asked for in words.
    """

    snapshot: Snapshot
    span: Span
    intent: Intent
    symbol: Symbol | None = None
    shown: str | None = None
    roots: tuple[Path, ...] = ()
    read: Callable[[str], Snapshot | None] = _nothing
    instruction: str = ""


@dataclass(frozen=True)
class Scene:
    """A target's document in LF, its lines and symbols; all offsets are of the plain text."""

    document: PlainDocument
    span: Span
    intent: Intent
    name: str | None
    """The symbol that is asked about, where it is one inside the span."""
    target: EditTarget

    @classmethod
    def of(cls, target: EditTarget) -> Scene:
        """Return the scene of a target."""
        document = PlainDocument.of(target.snapshot)
        span = document.plain_span(target.span)
        symbol = target.symbol
        own = symbol is not None and target.span.contains(Span(symbol.name_start, symbol.name_end))
        return cls(document, span, target.intent, symbol.name if symbol and own else None, target)

    @property
    def text(self) -> str:
        """Return the whole plain text."""
        return self.document.text

    @property
    def old(self) -> str:
        """Return the plain text of the range that may change."""
        return self.text[self.span.start : self.span.end]

    @cached_property
    def language(self) -> str:
        """Return the document's language."""
        given = self.target.snapshot.language_id
        return canonical(given) or given.lower()

    @cached_property
    def family(self) -> frozenset[str]:
        """Return the languages whose labels belong to this document's code."""
        return frozenset({self.language, *_RELATED.get(self.language, ())})

    @cached_property
    def lines(self) -> list[str]:
        """Return the document's lines."""
        return self.text.split("\n")

    @cached_property
    def starts(self) -> list[int]:
        """Return where each line begins."""
        return line_starts(self.text)

    @cached_property
    def line_range(self) -> range:
        """Return the lines the span touches."""
        first, last = line_of(self.starts, self.span.start), line_of(self.starts, self.span.end)
        if last > first and self.span.end == self.starts[last]:
            last -= 1
        return range(first, last + 1)

    @cached_property
    def outline(self) -> Outline:
        """Return the document's definitions."""
        return build_outline(self.text, self.language)

    @cached_property
    def symbol(self) -> Symbol | None:
        """Return the symbol that is asked about, None where the range is not one."""
        if self.name is None:
            return None
        inside = [one for one in self.inside if one.name == self.name]
        return min(inside, key=lambda one: one.start, default=None)

    @cached_property
    def inside(self) -> list[Symbol]:
        """Return the definitions in the range."""
        return [
            one
            for one in self.outline.symbols
            if self.span.start <= one.name_start and one.name_end <= self.span.end
        ]

    @cached_property
    def outside(self) -> list[Symbol]:
        """Return the definitions that lie wholly outside of the range."""
        return [
            one
            for one in self.outline.symbols
            if one.end <= self.span.start or one.start >= self.span.end
        ]

    @cached_property
    def outside_named(self) -> dict[str, list[Symbol]]:
        """Return the definitions outside of the range by their names."""
        named: dict[str, list[Symbol]] = {}
        for one in self.outside:
            named.setdefault(one.name, []).append(one)
        return named

    @cached_property
    def line_set(self) -> frozenset[str]:
        """Return the document's lines without the blanks around them."""
        return frozenset(line.strip() for line in self.lines)

    @cached_property
    def holder(self) -> tuple[int, int] | None:
        """Return the top-level definition the range stands in, with the comment over it.

        None where there is none a method stands in: beside that nothing is put.
        """
        head = _HOLDERS.get(self.language)
        first: int | None = None
        before = 0
        at = self.symbol.name_start if self.symbol is not None else self.span.start
        for one in (items(self.text, self.language) or ()) if head is not None else ():
            touching = self.text[before : one.start].strip(" \t").count("\n") <= 1
            if one.kind == "comment":
                first = first if first is not None and touching else one.start
            elif one.start <= at < one.end:
                start = first if first is not None and touching else one.start
                fits = head is not None and head.match(self.text[one.start : one.end])
                return (start, one.end) if fits else None
            else:
                first = None
            before = one.end
        return None

    def around(self) -> str:
        """Return the text outside of the range."""
        return self.text[: self.span.start] + "\n" + self.text[self.span.end :]


def definitions(
    code: str, language: str, wanted: str | None = None, *, member: bool = False
) -> list[Symbol]:
    """Return the definitions of a block; one of bare members is read as a class's.

    `member` tells that what is wanted is one: then `public` and the like belong to it.
    """
    found = list(build_outline(code, language).symbols)
    if language not in _WRAPS or any(one.name == wanted and one.container for one in found):
        return found
    known = any(one.name == wanted for one in found)
    if not member and (known or wanted is None):
        return found
    before, after = _WRAPS[language]
    wrapped = build_outline(f"{before}{code}{after}", language)
    moved = [_moved(one, len(before)) for one in wrapped.symbols if one.container]
    return moved if any(one.name == wanted for one in moved) or not found else found


def _moved(one: Symbol, by: int) -> Symbol:
    return Symbol(
        one.name,
        one.kind,
        one.start - by,
        one.end - by,
        one.name_start - by,
        one.name_end - by,
        one.signature,
        one.container.partition(".")[2],
        None if one.doc_start is None else one.doc_start - by,
        None if one.body_start is None else one.body_start - by,
        one.is_test,
    )
