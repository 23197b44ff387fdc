"""JSON as models write it: comments, trailing commas, other quotes, cut off in the middle.

An own reader and not json-repair: that one raises RecursionError on deep input and completes a
value that was cut off, so that nobody can tell half a finding from a whole one.
"""

from __future__ import annotations

import json
import re
from typing import Any

MAX_DEPTH = 40
"""Deeper nesting is not read: no answer we ask for is nested more than five deep."""

_SPACE = re.compile(r"(?:\s|//[^\n]*|#[^\n]*)+")
_PLAIN = {"'": re.compile(r"[^'\\]*"), '"': re.compile(r'[^"\\]*')}
_CLOSES_STRING = re.compile(r"\s*(?:[,}\]:]|$)|[ \t]*\r?\n\s*[\"'}\]]|\s*(?://|/\*)")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])")
_BARE = re.compile(r"[^\s,:{}\[\]\"']+")
_WORDS: dict[str, Any] = {
    "true": True, "True": True, "false": False, "False": False,
    "null": None, "None": None, "undefined": None, "NaN": None,
}  # fmt: skip
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "\n": ""}


class NotJson(ValueError):
    """What stands at `position` cannot be read as JSON, however generously."""

    def __init__(self, position: int) -> None:
        super().__init__(f"no JSON at {position}")
        self.position = position


class LenientReader:
    """Reads one value from `text` at `position`; afterwards `position` is behind it.

    `truncated` is set when the text ended inside the value. Of a list only complete items are
    kept then, of an object the keys whose value is complete or a list.
    """

    def __init__(self, text: str, position: int = 0, last_comment_end: int | None = None) -> None:
        self.text = text
        self.position = position
        self.truncated = False
        # Looked up once: a search at each "/*" that is never closed would take quadratic time.
        self._last_comment_end = text.rfind("*/") if last_comment_end is None else last_comment_end

    def read(self) -> Any:
        """Return the value. Raises `NotJson`."""
        return self._value(0)

    def _value(self, depth: int) -> Any:
        self._skip()
        if self.position >= len(self.text):
            self.truncated = True
            return None
        char = self.text[self.position]
        if depth > MAX_DEPTH:
            raise NotJson(self.position)
        if char == "{":
            return self._object(depth)
        if char == "[":
            return self._list(depth)
        if char in "\"'":
            return self._string(char)
        if number := _NUMBER.match(self.text, self.position):
            self.position = number.end()
            return float(number[0]) if re.search(r"[.eE]", number[0]) else _integer(number[0])
        bare = _BARE.match(self.text, self.position)
        if not bare:
            raise NotJson(self.position)
        self.position = bare.end()
        self.truncated = self.truncated or self.position >= len(self.text)
        return _WORDS.get(bare[0], bare[0])

    def _object(self, depth: int) -> dict[str, Any]:
        self.position += 1
        out: dict[str, Any] = {}
        while True:
            char = self._separator()
            if char in ("}", ""):
                self._close(char)
                return out
            if char == "]":
                raise NotJson(self.position)
            key = self._string(char) if char in "\"'" else self._bare_key()
            self._skip()
            if self.position >= len(self.text):
                self.truncated = True
                return out
            if self.text[self.position] not in ":=":
                raise NotJson(self.position)
            self.position += 1
            value = self._value(depth + 1)
            if not self.truncated or isinstance(value, list):
                out[key] = value
            if self.truncated:
                return out

    def _list(self, depth: int) -> list[Any]:
        self.position += 1
        out: list[Any] = []
        while True:
            char = self._separator()
            if char in ("]", ""):
                self._close(char)
                return out
            if char == "}":
                raise NotJson(self.position)
            value = self._value(depth + 1)
            if self.truncated:
                return out
            out.append(value)

    def _close(self, char: str) -> None:
        if char:
            self.position += 1
        else:
            self.truncated = True

    def _separator(self) -> str:
        """Skip spaces and commas; return the next character, "" at the end."""
        self._skip()
        while self.position < len(self.text) and self.text[self.position] == ",":
            self.position += 1
            self._skip()
        return self.text[self.position : self.position + 1]

    def _skip(self) -> None:
        while True:
            if match := _SPACE.match(self.text, self.position):
                self.position = match.end()
            is_comment = self.text.startswith("/*", self.position)
            if not is_comment or self.position + 2 > self._last_comment_end:
                return
            self.position = self.text.index("*/", self.position + 2) + 2

    def _bare_key(self) -> str:
        match = _BARE.match(self.text, self.position)
        if not match:
            raise NotJson(self.position)
        self.position = match.end()
        return match[0]

    def _string(self, quote: str) -> str:
        text, start = self.text, self.position
        position = start + 1
        parts: list[str] = []
        while True:
            match = _PLAIN[quote].match(text, position)
            end = match.end() if match else position
            parts.append(text[position:end])
            if end >= len(text):
                self.position, self.truncated = len(text), True
                return "".join(parts)
            if text[end] == "\\":
                piece, position = _escape(text, end)
                parts.append(piece)
            elif _CLOSES_STRING.match(text, end + 1):
                self.position = end + 1
                return "".join(parts)
            else:
                parts.append(quote)
                position = end + 1


def _escape(text: str, position: int) -> tuple[str, int]:
    """Return what the escape at `position` stands for, and where it ends."""
    char = text[position + 1 : position + 2]
    if char == "u":
        match = re.compile(r"(?:\\u[0-9a-fA-F]{4}){1,2}").match(text, position)
        if match:
            pair = match[0]
            if len(pair) == 12 and not "d800" <= pair[2:6].lower() < "dc00":
                pair = pair[:6]
            value: str = json.loads(f'"{pair}"')
            return value.encode("utf-8", "replace").decode("utf-8"), position + len(pair)
    if char in _ESCAPES:
        return _ESCAPES[char], position + 2
    if char in ('"', "'", "\\", "/", ""):
        return char, position + 2
    return "\\" + char, position + 2


def _integer(text: str) -> int | None:
    # int() refuses more than 4,300 digits, and takes long for fewer.
    return int(text) if len(text) < 20 else None


def find_json(text: str, limit: int = 50) -> list[tuple[Any, bool]]:
    """Return the objects and lists in a text, each with whether it was cut off.

    Goes on behind each value or failure, so that time is linear in the text.
    """
    out: list[tuple[Any, bool]] = []
    position, last_comment_end = 0, text.rfind("*/")
    while len(out) < limit:
        match = re.compile(r"[{\[]").search(text, position)
        if match is None:
            break
        reader = LenientReader(text, match.start(), last_comment_end)
        try:
            value = reader.read()
        except NotJson as error:
            position = max(error.position, match.end())
            continue
        out.append((value, reader.truncated))
        position = max(reader.position, match.end())
    return out
