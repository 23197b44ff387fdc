"""Where each key of a TOML text stands; no TOML library tells."""

from __future__ import annotations

from bisect import bisect_right
from contextlib import suppress

Path = tuple[str, ...]
Position = tuple[int, int]

_BARE_END = frozenset(" \t\r\n=.]#,}")


def key_positions(text: str) -> dict[Path, Position]:
    """Return 1-based (line, column) by key path; of equal keys (arrays of tables) the first.

    Meant for text that is valid TOML; of other text, what was found before the fault.
    """
    scanner = _Scanner(text)
    with suppress(IndexError, RecursionError):  # past a fault nothing is certain
        scanner.document()
    return scanner.found


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Path, Position] = {}
        self._starts = [0, *(i + 1 for i, char in enumerate(text) if char == "\n")]

    def document(self) -> None:
        table: Path = ()
        while self._skip(" \t\r\n"):
            if self.text[self.at] == "[":
                self.at += 2 if self.text.startswith("[[", self.at) else 1
                table = self._dotted(())
                self.at = self._line_end()
            else:
                self._pair(table)

    def _pair(self, table: Path) -> None:
        path = self._dotted(table)
        self.at = self.text.index("=", self.at) + 1 if "=" in self.text[self.at :] else self._end()
        self._skip(" \t")
        self._value(path)

    def _dotted(self, table: Path) -> Path:
        path = table
        while True:
            self._skip(" \t")
            start = self.at
            path = (*path, self._key())
            self.found.setdefault(path, self._position(start))
            self._skip(" \t")
            if self.text[self.at : self.at + 1] != ".":
                return path
            self.at += 1

    def _key(self) -> str:
        if self.text[self.at] in "\"'":
            return self._string()
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in _BARE_END:
            self.at += 1
        if self.at == start:
            raise IndexError("no key here")
        return self.text[start : self.at]

    def _value(self, path: Path) -> None:
        char = self.text[self.at]
        if char in "\"'":
            self._string()
        elif char in "[{":
            self.at += 1
            close = "]" if char == "[" else "}"
            while self._skip(" \t\r\n,") and self.text[self.at] != close:
                if char == "[":
                    self._value(path)
                else:
                    self._pair(path)
            self.at += 1
        else:
            start = self.at
            while self.at < len(self.text) and self.text[self.at] not in "\n#,]}":
                self.at += 1
            if self.at == start:
                raise IndexError("no value here")

    def _string(self) -> str:
        quote = self.text[self.at]
        triple = self.text.startswith(quote * 3, self.at)
        mark = quote * 3 if triple else quote
        start = self.at = self.at + len(mark)
        while not self.text.startswith(mark, self.at):
            self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
            if self.at > len(self.text):
                raise IndexError("string not closed")
        value = self.text[start : self.at]
        self.at += len(mark)
        while triple and self.text.startswith(quote, self.at):  # up to two quotes may end it
            self.at += 1
        return _unescape(value) if quote == '"' and "\\" in value else value

    def _skip(self, blanks: str) -> bool:
        """Return whether anything is left behind blanks and, across lines, comments."""
        while self.at < len(self.text):
            if self.text[self.at] in blanks:
                self.at += 1
            elif self.text[self.at] == "#" and "\n" in blanks:
                self.at = self._line_end()
            else:
                return True
        return False

    def _line_end(self) -> int:
        end = self.text.find("\n", self.at)
        return self._end() if end < 0 else end

    def _end(self) -> int:
        return len(self.text)

    def _position(self, offset: int) -> Position:
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def _unescape(value: str) -> str:
    import tomllib

    try:
        return str(tomllib.loads(f'x = "{value}"')["x"])
    except ValueError:
        return value
