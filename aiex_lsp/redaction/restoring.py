"""Puts secrets back where their placeholders stand in an answer, as it streams.

Models copy a placeholder mostly as it is. Where they do not, it is still read as long as only one
secret can be meant: in lower case, with its underscores escaped for markdown, with dashes, broken
over a line end, or without its last part.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

HEADS = ("aiex", "secret")
"""What every placeholder begins with, whatever its separators."""

TAIL_LENGTH = 4
"""Characters at a placeholder's end that tell it from an invented one; the first is a letter."""

_BEGIN = re.compile(r"a(?:\Z|i(?:\Z|e(?:\Z|x)))", re.IGNORECASE | re.ASCII)
_SEPARATOR = re.compile(
    r"[\\_\- \t]{0,4}(?:(?:\r\n?|\n)[ \t]{0,40}(?:[#/*>|]{1,2}[ \t]{0,4})?)?[\\_\- \t]{0,4}"
)
_TIGHT = re.compile(r"\\?[_-]")
_NUMBER = re.compile(r"[0-9]{1,4}")
_WORD = re.compile(r"\w")
_LEFT = re.compile(
    r"(?i:aiex\\?[_-]?secret[\w\\-]*)"
    # Half of one: its beginning, or its end.
    r"|(?<!\w)AIEX_(?:S(?:E(?:CR?E?)?)?)?(?!\w)|(?<!\w)SECRET_\d{1,4}_[a-f][0-9a-f]{3}(?!\w)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Known:
    """A secret as it is put back; `tail` ends its placeholder.

    `indent` stood before each of its lines, where it is a block of them on lines of its own: it
    moves with its placeholder. None where it stays as it is.
    """

    tail: str
    value: str = field(repr=False)
    indent: str | None = None

    def after(self, start: str | None) -> str:
        """Return the secret behind `start`, its line so far; None: that is more than blank."""
        if self.indent is None or start is None or start == self.indent:
            return self.value
        return re.sub(rf"(?<=[\r\n]){re.escape(self.indent)}(?=\S)", lambda _: start, self.value)

    def in_json(self) -> Known:
        """Return it as strings of JSON hold it."""
        return Known(self.tail, json.dumps(self.value, ensure_ascii=False)[1:-1])


@dataclass(frozen=True, slots=True)
class _Found:
    """A placeholder up to `end`; the secret it stands for has this number."""

    end: int
    number: int


class _Hold:
    """The text ends in what may be the beginning of a placeholder."""


_HOLD: Final = _Hold()


class Restorer:
    """Restores one streamed text; `secrets` are known by their numbers.

    `strict`: only whole placeholders are read, for a text in which similar words stood before.
    `structured`: JSON was asked for; where the text begins as such, secrets are written as in
    strings of JSON.
    """

    def __init__(
        self,
        secrets: Mapping[int, Known],
        *,
        strict: bool = False,
        structured: bool = False,
    ) -> None:
        self._secrets = secrets
        self._strict = strict
        self._structured = structured
        self._held = ""
        self._line: str | None = ""

    def feed(self, text: str) -> str:
        """Return what can be shown now; what may be the beginning of a placeholder waits."""
        if self._structured and text.strip():
            self._structured = False
            if (self._held + text).lstrip().startswith(("{", "[", "`")):
                self._secrets = {n: one.in_json() for n, one in self._secrets.items()}
        return self._take(self._held + text, final=False)

    def finish(self) -> str:
        """Return what still waited: the text is at its end."""
        return self._take(self._held, final=True)

    def _take(self, text: str, *, final: bool) -> str:
        done: list[str] = []
        place = start = 0
        self._held = ""
        while (begin := _BEGIN.search(text, start)) is not None:
            read = self._read(text, begin.start(), final)
            if isinstance(read, _Found):
                self._show(done, text[place : begin.start()])
                self._show(done, self._secrets[read.number].after(self._line))
                place = start = read.end
            elif read is None:
                start = begin.start() + 1
            else:
                self._show(done, text[place : begin.start()])
                self._held = text[begin.start() :]
                return "".join(done)
        self._show(done, text[place:])
        return "".join(done)

    def _show(self, done: list[str], text: str) -> None:
        done.append(text)
        line = max(text.rfind("\n"), text.rfind("\r")) + 1
        rest = text[line:]
        if line:
            self._line = ""
        if self._line is not None:
            self._line = self._line + rest if not rest.strip(" \t") else None

    def _read(self, text: str, at: int, final: bool) -> _Found | _Hold | None:
        """Return the placeholder that begins here, None where it is another word."""
        wait = None if final else _HOLD
        tight = True
        for head in HEADS:
            part = text[at : at + len(head)].lower()
            if part != head:
                return wait if at + len(part) == len(text) and head.startswith(part) else None
            at, separator = _separated(text, at + len(head))
            tight = tight and _TIGHT.fullmatch(separator) is not None
            if at == len(text):
                return wait
        digits = _NUMBER.match(text, at)
        if digits is None:
            return None
        number = int(digits[0])
        if digits.end() == len(text) and not final:
            return _HOLD
        if number not in self._secrets:
            return None
        return self._tail(text, digits.end(), number, final, tight)

    def _tail(
        self, text: str, end: int, number: int, final: bool, tight: bool
    ) -> _Found | _Hold | None:
        tail = self._secrets[number].tail
        at, separator = _separated(text, end)
        rest = text[at : at + TAIL_LENGTH].lower()
        if rest == tail:
            return _Found(at + TAIL_LENGTH, number)
        if not final and at + len(rest) == len(text) and tail.startswith(rest):
            return _HOLD
        if self._strict or not tight:
            return None
        if not separator or _TIGHT.fullmatch(separator) is None:
            # No last part follows: the word ends here, or goes on as another one.
            return None if _WORD.match(text, end) else _Found(end, number)
        same = 0
        while same < len(rest) and rest[same] == tail[same]:
            same += 1
        return None if _WORD.match(text, at + same) else _Found(at + same, number)


def leftovers(text: str, before: str = "") -> tuple[str, ...]:
    """Return the words like placeholders in a text that stand for no secret we know.

    For a text that was restored: code with such a word must not be applied. Words that are in
    `before`, the text as it was, are its own.
    """
    known = {word.lower() for word in _LEFT.findall(before)}
    return tuple(dict.fromkeys(word for word in _LEFT.findall(text) if word.lower() not in known))


def _separated(text: str, at: int) -> tuple[int, str]:
    """Return the place after a separator, which may be empty, and the separator."""
    found = _SEPARATOR.match(text, at)
    assert found is not None
    return found.end(), found[0]
