"""tree-sitter counts bytes of UTF-8, aiex counts code points."""

from __future__ import annotations

import re
from bisect import bisect_right

_WIDE = re.compile("[^\x00-\x7f]+")
_SURROGATE = re.compile("[\ud800-\udfff]")


def utf8(text: str) -> bytes:
    """Return the text's bytes; a lone surrogate, which has none, is U+FFFD."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text).encode("utf-8")


class CodePoints:
    """Code points of a text's byte offsets, and back; costs memory by runs of non-ASCII text."""

    def __init__(self, text: str) -> None:
        self._size = len(text)
        self._points: list[int] = []
        self._bytes: list[int] = []
        self._runs: list[bytes] = []
        if text.isascii():
            return
        extra = 0
        for match in _WIDE.finditer(text):
            run = utf8(match[0])
            self._points.append(match.start())
            self._bytes.append(match.start() + extra)
            self._runs.append(run)
            extra += len(run) - len(match[0])

    def at(self, byte: int) -> int:
        """Return the code point a byte belongs to; past the end is the end."""
        index = bisect_right(self._bytes, byte) - 1
        if index < 0:
            return min(byte, self._size)
        run, inside = self._runs[index], byte - self._bytes[index]
        point = self._points[index] + len(run[:inside].decode("utf-8", "ignore"))
        return min(point + max(inside - len(run), 0), self._size)

    def byte(self, point: int) -> int:
        """Return the byte offset of a code point."""
        index = bisect_right(self._points, point) - 1
        if index < 0:
            return point
        run, inside = self._runs[index], point - self._points[index]
        wide = run.decode("utf-8")
        head = len(wide[:inside].encode("utf-8"))
        return self._bytes[index] + head + max(inside - len(wide), 0)
