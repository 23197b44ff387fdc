"""Where secrets stand in the texts of a prompt, and by what they are found again in others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aiex_lsp.redaction.scanning import matches

SURE_LENGTH = 8
"""A mixed value of so many characters is a secret wherever it stands; 6 if it has digits."""

BESIDE = 16
"""Characters before a value by which it is found again where the value alone may be a word."""

LONGEST_REST = 20_000
"""Characters of a private key whose beginning was cut off."""

_PLACEHOLDER = re.compile(r"AIEX_SECRET_\d+_[a-f][0-9a-f]{3}")
_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_LINES = re.compile(r"\r\n?|\n")
_LINE_BREAK = re.compile(r"(\r\n?|\n|(?:\\r)?\\n)")
_KEY_LINE = re.compile(r"[\s\"'+,]*(?P<key>[A-Za-z0-9+/]{1,120}={0,2})[\s\"'+,\\]*")
_MIDDLE = re.compile(
    r"^[ \t\"']*(?P<first>[A-Za-z0-9+/]{60,76})[ \t\"'+,\\]*$"
    r"(?:\r?\n[ \t\"']*[A-Za-z0-9+/]{60,76}[ \t\"'+,\\]*$){3,400}",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Part:
    """A text that may leave, and its language where that is known."""

    text: str
    language: str | None = None


class Secrets:
    """The secrets of some texts: `kinds` says of each value what it is, in order.

    `indents` are what stands before each line of a value that is a block of whole lines.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        from aiex_lsp.redaction.detect import find_secrets

        self.parts = parts
        self.kinds: dict[str, str] = {}
        self.indents: dict[str, str | None] = {}
        self._found: list[tuple[Part, int, int]] = []
        for part in parts:
            for finding in find_secrets(part.text, part.language):
                self._note(part, finding.start, finding.end, finding.kind)
            for start, end in _rest_of_keys(part.text):
                self._note(part, start, end, "private key")

    def _note(self, part: Part, start: int, end: int, kind: str) -> None:
        value = part.text[start:end]
        if _PLACEHOLDER.search(value):
            return  # it was replaced already
        if value not in self.kinds:
            self.kinds[value] = kind
            self.indents[value] = _indent(part.text, start, value)
        self._found.append((part, start, end))

    def places(self) -> dict[str, int]:
        """Return patterns that find all of them, with the length of what each matches.

        A value that may be an ordinary word ("postgres"), and is one elsewhere in these texts, is
        found only after what stood before it.
        """
        counted = Counter(part.text[start:end] for part, start, end in self._found)
        found: dict[str, int] = {}
        alone: dict[str, bool] = {}
        for part, start, end in self._found:
            value = part.text[start:end]
            if value not in alone:
                alone[value] = _is_sure(value) or self._times(value) == counted[value]
            pattern = _everywhere(value) if alone[value] else _beside(part.text, start, end)
            found[pattern] = len(value)
        return found

    def _times(self, value: str) -> int:
        pattern = re.compile(_everywhere(value))
        return sum(
            1 for part in self.parts for _ in matches(pattern, part.text, reach=len(value) + 1)
        )


def _everywhere(value: str) -> str:
    if _is_sure(value):
        return re.escape(value)
    return rf"(?<!\w){re.escape(value)}(?!\w)"


def _beside(text: str, start: int, end: int) -> str:
    line = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    before = text[max(line, start - BESIDE) : start].lstrip()
    after = text[end : end + 1]
    behind = rf"(?<={re.escape(before)})" if before else r"(?<!\S)"
    ahead = r"(?!\w)" if not after or after.isspace() else rf"(?={re.escape(after)}|\Z)"
    return f"{behind}{re.escape(text[start:end])}{ahead}"


def _is_sure(value: str) -> bool:
    """Return whether a value is nothing but a secret, wherever it stands."""
    from aiex_lsp.redaction.values import looks_random

    letters = any(one.isalpha() for one in value)
    digits = any(one.isdigit() for one in value)
    if looks_random(value) or (len(value) >= SURE_LENGTH - 2 and letters and digits):
        return True
    return len(value) >= SURE_LENGTH and not value.replace("_", "a").isalpha()


def _indent(text: str, start: int, value: str) -> str | None:
    lines = [line for line in _LINES.split(value) if line.strip()]
    begin = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    indent = text[begin:start]
    if len(lines) < 2 or indent.strip(" \t"):
        return None
    return indent if all(line.startswith(indent) for line in lines[1:]) else None


def _rest_of_keys(text: str) -> Iterator[tuple[int, int]]:
    """Yield what a cut left of private keys: the end without its beginning, the middle alone."""
    ended = 0
    for match in matches(_END, text) if "PRIVATE KEY" in text else ():
        low = max(ended, match.start() - LONGEST_REST)
        ended = match.end()
        if "-----BEGIN" in text[low : match.start()]:
            continue
        begin = _first_of_lines(text, low, match.start())
        if begin < match.start():
            yield begin, match.end()
    if "-----" not in text:
        for match in matches(_MIDDLE, text, reach=LONGEST_REST):
            yield match.start("first"), match.end()


def _first_of_lines(text: str, low: int, end: int) -> int:
    """Return where the lines of a key begin that go on to `end`."""
    pieces = _LINE_BREAK.split(text[low:end])
    begin = place = end
    for index in range(len(pieces) - 1, -1, -2):
        piece = pieces[index]
        place -= len(piece)
        line = _KEY_LINE.fullmatch(piece)
        whole = line is not None and (len(line["key"]) >= 16 or begin == end)
        if line is not None and whole:
            begin = place + line.start("key")
        elif piece.strip(" \t\"'+,"):
            break
        place -= len(pieces[index - 1]) if index else 0
    return begin
