"""One version of one document, immutable.

Inside aiex all positions are offsets into the text in code points (Python string indices). A
client's columns, in UTF-8, UTF-16 or UTF-32 units, are converted here and nowhere else.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from aiex_lsp.errors import RangeError

Encoding = Literal["utf-8", "utf-16", "utf-32"]

_LINE_FEED = re.compile("\n")
_CHUNK = 4096
"""Characters whose width is counted at a time, so that one long line costs no Python step each."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range of offsets in code points."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"not a span: {self.start}..{self.end}")

    @property
    def empty(self) -> bool:
        """Return whether nothing lies inside."""
        return self.start == self.end

    def contains(self, other: Span) -> bool:
        """Return whether `other` lies inside, borders included."""
        return self.start <= other.start and other.end <= self.end

    def overlaps(self, other: Span) -> bool:
        """Return whether the two share at least one character."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True)
class Snapshot:
    """One version of one document.

    `version` is the editor's, None for a file read from disk. `language_id` is LSP's. `text` is
    the text as it is: line endings and a BOM (U+FEFF) included.
    """

    uri: str
    text: str
    language_id: str
    version: int | None = None

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        """Return the offset of each line's first character; a line ends at LF, CRLF or CR."""
        return (0, *line_ends(self.text))

    @property
    def line_count(self) -> int:
        """Return the number of lines, at least 1."""
        return len(self.line_starts)

    @cached_property
    def line_ending(self) -> str:
        """Return the line ending the text uses most, LF where it has none."""
        crlf = self.text.count("\r\n")
        lf = self.text.count("\n") - crlf
        cr = self.text.count("\r") - crlf
        return max((lf, "\n"), (crlf, "\r\n"), (cr, "\r"), key=lambda pair: pair[0])[1]

    def line_span(self, line: int) -> Span:
        """Return the span of a line (0-based) without its line break. Raises `RangeError`."""
        if not 0 <= line < self.line_count:
            raise RangeError(
                f"Line {line + 1} does not exist: the document has {self.line_count} lines"
            )
        start = self.line_starts[line]
        end = self.line_starts[line + 1] if line + 1 < self.line_count else len(self.text)
        if end > start and self.text[end - 1] == "\n":
            end -= 1
        if end > start and self.text[end - 1] == "\r":
            end -= 1
        return Span(start, end)

    def line_at(self, offset: int) -> int:
        """Return the 0-based line of an offset."""
        return bisect_right(self.line_starts, offset) - 1

    def offset_at(self, line: int, character: int, encoding: Encoding = "utf-16") -> int:
        """Return the offset of a client's position.

        A character past the line's end is the line's end, as LSP says; one inside a surrogate
        pair or a UTF-8 sequence is its character's start. Raises `RangeError` for a line or
        character that is negative, and for a line more than one past the last.
        """
        if line < 0 or character < 0:
            raise RangeError(f"Position {line}:{character} is negative")
        if line == self.line_count:
            return len(self.text)
        span = self.line_span(line)
        text = self.text[span.start : span.end]
        return span.start + _index_of_units(text, character, encoding)

    def position_at(self, offset: int, encoding: Encoding = "utf-16") -> tuple[int, int]:
        """Return (line, character) of an offset in the client's encoding."""
        offset = min(max(offset, 0), len(self.text))
        line = self.line_at(offset)
        before = self.text[self.line_starts[line] : min(offset, self.line_span(line).end)]
        return line, text_units(before, encoding)

    def slice(self, span: Span) -> str:
        """Return the text of a span. Raises `RangeError` where it ends past the text."""
        if span.end > len(self.text):
            raise RangeError("The range ends past the end of the document")
        return self.text[span.start : span.end]

    def lines_span(self, first: int, last: int) -> Span:
        """Return the span of whole lines `first`..`last` (0-based, inclusive), last break apart."""
        return Span(self.line_span(first).start, self.line_span(last).end)


def line_ends(text: str) -> list[int]:
    """Return the offset behind each line break; LF, CRLF and a lone CR are breaks."""
    if "\r" in text:
        # Of equal length: one regex for a single character is four times faster than for three.
        text = text.replace("\r\n", " \n").replace("\r", "\n")
    return [match.end() for match in _LINE_FEED.finditer(text)]


def text_units(text: str, encoding: Encoding) -> int:
    """Return the code units a text takes: UTF-8 bytes, UTF-16 units, or characters."""
    if encoding == "utf-32" or text.isascii():
        return len(text)
    if encoding == "utf-8":
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def units_of(char: str, encoding: Encoding) -> int:
    """Return the code units one character takes: UTF-8 bytes, UTF-16 units, or 1."""
    code = ord(char)
    if encoding == "utf-16":
        return 2 if code > 0xFFFF else 1
    if encoding == "utf-8":
        return 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4
    return 1


def _index_of_units(text: str, units: int, encoding: Encoding) -> int:
    """Return the index of the character that holds code unit `units`, `len(text)` past the end."""
    if encoding == "utf-32" or text.isascii():
        return min(units, len(text))
    index = 0
    while index < len(text):
        width = text_units(text[index : index + _CHUNK], encoding)
        if width > units:
            break
        units -= width
        index += _CHUNK
    for at in range(index, min(index + _CHUNK, len(text))):
        units -= units_of(text[at], encoding)
        if units < 0:
            return at
    return min(index + _CHUNK, len(text))
