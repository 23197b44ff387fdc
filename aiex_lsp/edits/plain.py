"""A document with LF for every line break, and the way back to its own."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from aiex_lsp.edits.types import FileEdit, Replacement
from aiex_lsp.text.diff import minimal_replacements
from aiex_lsp.text.snapshot import Snapshot, Span

Change = tuple[int, int, str]
"""Offsets in the plain text, and what takes the place."""


def with_line_feeds(text: str) -> str:
    """Return the text with LF in place of CRLF and CR."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True)
class PlainDocument:
    """A snapshot's text with LF only; `text` keeps a BOM."""

    snapshot: Snapshot
    text: str
    _pairs: tuple[int, ...] = ()

    @classmethod
    def of(cls, snapshot: Snapshot) -> PlainDocument:
        """Return the plain view of a snapshot."""
        pairs: list[int] = []
        if "\r\n" in snapshot.text:
            at = snapshot.text.find("\r\n")
            while at >= 0:
                pairs.append(at)
                at = snapshot.text.find("\r\n", at + 2)
        return cls(snapshot, with_line_feeds(snapshot.text), tuple(pairs))

    def plain_span(self, span: Span) -> Span:
        """Return a span of the snapshot as one of the plain text, without the BOM."""
        start, end = self._plain(span.start), self._plain(span.end)
        if start == 0 and self.text.startswith("\ufeff"):
            start = 1
        return Span(start, max(start, end))

    def file_edit(self, changes: Iterable[Change], asked: Span | None = None) -> FileEdit:
        """Return the smallest edit of the snapshot that makes the changes, line breaks its own.

        `asked` is the plain range that must not have changed meanwhile.
        """
        replacements: list[Replacement] = []
        for start, end, text in sorted(changes):
            for first, last, new in minimal_replacements(self.text[start:end], text):
                span = Span(self._original(start + first), self._original(start + last))
                replacements.append(
                    Replacement(
                        span,
                        self.snapshot.text[span.start : span.end],
                        new.replace("\n", self.snapshot.line_ending),
                    )
                )
        snapshot = self.snapshot
        bound = None
        if asked is not None:
            bound = Span(self._original(asked.start), self._original(asked.end))
        return FileEdit(
            snapshot.uri, tuple(replacements), snapshot.version, snapshot.text, range=bound
        )

    def applied(self, changes: Iterable[Change]) -> str:
        """Return the plain text after the changes."""
        parts: list[str] = []
        at = 0
        for start, end, text in sorted(changes):
            parts += [self.text[at:start], text]
            at = end
        return "".join([*parts, self.text[at:]])

    def _plain(self, offset: int) -> int:
        return offset - bisect_left(self._pairs, offset)

    def _original(self, offset: int) -> int:
        # The pair at index i stands i characters further to the left in the plain text.
        low, high = 0, len(self._pairs)
        while low < high:
            middle = (low + high) // 2
            if self._pairs[middle] - middle < offset:
                low = middle + 1
            else:
                high = middle
        return offset + low


def line_starts(text: str) -> list[int]:
    """Return the offset of each line of a plain text."""
    starts = [0]
    at = text.find("\n")
    while at >= 0:
        starts.append(at + 1)
        at = text.find("\n", at + 1)
    return starts


def line_of(starts: list[int], offset: int) -> int:
    """Return the 0-based line of an offset."""
    return bisect_right(starts, offset) - 1
