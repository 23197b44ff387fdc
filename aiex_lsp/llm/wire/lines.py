"""Bytes of a stream into lines of text."""

from __future__ import annotations

MAX_LINE = 8 * 1024 * 1024
"""Bytes; one event of a model's answer is some hundred, a whole unstreamed answer some 100,000."""


class LineTooLongError(ValueError):
    """A line exceeds `MAX_LINE`."""


class LineSplitter:
    r"""Splits bytes at \n, \r\n and \r, wherever they are cut, so that no character is torn."""

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._max = max_line

    def feed(self, data: bytes) -> list[str]:
        """Return the lines completed by `data`, without their ends."""
        if self._parts and self._parts[-1].endswith(b"\r"):
            # Only the next byte tells whether this \r is a line end of its own.
            data = self._take() + data
        if b"\n" not in data and b"\r" not in data:
            self._keep(data)
            return []
        lines = (self._take() + data).splitlines(keepends=True)
        if not lines[-1].endswith(b"\n"):
            self._keep(lines.pop())
        return [_text(line) for line in lines]

    def close(self) -> list[str]:
        """Return the last line, if the stream did not end it."""
        rest = self._take()
        return [_text(rest)] if rest else []

    def _keep(self, data: bytes) -> None:
        if not data:
            return
        self._parts.append(data)
        self._size += len(data)
        if self._size > self._max:
            raise LineTooLongError

    def _take(self) -> bytes:
        data, self._parts, self._size = b"".join(self._parts), [], 0
        return data


def _text(line: bytes) -> str:
    return line.rstrip(b"\r\n").decode("utf-8", errors="replace")
