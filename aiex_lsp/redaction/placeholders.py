"""Placeholders for secrets: what leaves holds them, what comes back is restored.

A placeholder is `AIEX_SECRET_1_a3f9`: a word in every language, harmless in strings, addresses,
settings and markup. Its number is the secret's place in the prompt, its last part only tells it
from an invented one: nothing in it depends on the secret, so prompts that differ in secrets alone
are the same to a provider and to the cache. A key in a block is one placeholder as a whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aiex_lsp.redaction.places import Part, Secrets
from aiex_lsp.redaction.restoring import HEADS, TAIL_LENGTH, Known, Restorer, leftovers
from aiex_lsp.redaction.scanning import contains, matches, substituted

__all__ = ["Part", "Placeholder", "Placeholders", "blanked", "leftovers"]

_SIMILAR = re.compile(rf"{HEADS[0]}[\W_]{{0,8}}{HEADS[1]}[\W_]{{0,8}}\d", re.IGNORECASE)
_FILLER = re.compile(
    r"(?i)(?:(?<=[\"'`:=@])|(?<=[:=] ))"
    r"(?:[<\[{*]+(?:redacted|removed|hidden|masked|omitted|placeholder)[>\]}*]+"
    r"|redacted\b|change[_-]?me\b|your[_-]\w+|\*{3,}|x{6,}\b"
    r"|<[a-z _-]*(?:key|secret|password|token)[a-z _-]*>)"
)
"""What models write where they want a secret not to be; only where a value stands."""

_LINE_END = re.compile(r"\r\n?|\n")
_NORMAL = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A secret and the word it is sent as; `kind` says what it is ("AWS access key").

    `indent` as in `Known`.
    """

    number: int
    word: str
    kind: str
    value: str = field(repr=False)
    indent: str | None = None


class Placeholders:
    """The secrets of one prompt, and of the ones it follows. Immutable; any thread may use it."""

    def __init__(
        self,
        found: Sequence[Placeholder] = (),
        places: Mapping[str, int] | None = None,
        *,
        salt: int = 0,
        strict: bool = False,
    ) -> None:
        self.all = tuple(found)
        self._by_value = {one.value: one for one in found}
        self._secrets = {
            one.number: Known(one.word[-TAIL_LENGTH:], one.value, one.indent) for one in found
        }
        self._places = dict(places or {})
        self._salt = salt
        self._strict = strict
        # Longer ones first: a secret inside another goes with it.
        order = sorted(self._places, key=lambda one: self._places[one], reverse=True)
        self._pattern = re.compile("|".join(order)) if order else None
        self._reach = max(self._places.values(), default=0) + 1
        self._words = re.compile("|".join(re.escape(one.word) for one in found)) if found else None

    def __bool__(self) -> bool:
        return bool(self.all)

    def __repr__(self) -> str:
        return f"Placeholders({len(self.all)})"

    @classmethod
    def of(cls, parts: Iterable[Part], before: Placeholders | None = None) -> Placeholders:
        """Return placeholders for all secrets of these texts. Slow: for a thread.

        Secrets that `before` knows keep their placeholders.
        """
        found = Secrets(list(parts))
        kinds = {one.value: one.kind for one in before.all} if before else {}
        indents = found.indents | ({one.value: one.indent for one in before.all} if before else {})
        for value, kind in found.kinds.items():
            kinds.setdefault(value, kind)
        if not kinds:
            return cls()
        places = {**(before._places if before else {}), **found.places()}
        salt, strict = (before._salt, before._strict) if before else (0, False)
        similar = [part.text for part in found.parts if contains(_SIMILAR, part.text)]
        if similar:
            strict = True
            normal = "\0".join(_normal(text) for text in similar)
            while not before and any(
                _normal(_word(number, salt)) in normal for number in range(1, len(kinds) + 1)
            ):
                salt += 1
        named = [
            Placeholder(number, _word(number, salt), kind, value, indents.get(value))
            for number, (value, kind) in enumerate(kinds.items(), start=1)
        ]
        return cls(named, places, salt=salt, strict=strict)

    def replace(self, text: str, gap: str = "") -> str:
        """Return the text with each secret replaced; `gap` follows for each line it had more."""
        if self._pattern is None:
            return text

        def word(match: re.Match[str]) -> str:
            lines = len(_LINE_END.findall(match[0])) if gap else 0
            return self._by_value[match[0]].word + gap * lines

        return substituted(self._pattern, text, word, reach=self._reach)

    def restore(self, text: str, *, structured: bool = False) -> str:
        """Return a whole text with its secrets back; `structured` as for `Restorer`."""
        restorer = self.restorer(structured=structured)
        return restorer.feed(text) + restorer.finish()

    def restorer(self, *, structured: bool = False) -> Restorer:
        """Return what restores one streamed text."""
        return Restorer(self._secrets, strict=self._strict, structured=structured)

    def used(self, text: str) -> list[tuple[Placeholder, int]]:
        """Return the placeholders of a replaced text with their lines, each once, in order."""
        if self._words is None:
            return []
        by_word = {one.word: one for one in self.all}
        found: dict[str, int] = {}
        for match in matches(self._words, text):
            if match[0] not in found:
                found[match[0]] = text.count("\n", 0, match.start()) + 1
        return [(by_word[word], line) for word, line in found.items()]


def blanked(before: str, after: str, language: str | None = None) -> tuple[str, ...]:
    """Return descriptions of the secrets of a text that a filler stands for in its new version.

    "your-api-key" or "<REDACTED>": whoever wrote it had not seen the secret, and such code must
    not be applied. A secret that was taken out otherwise was meant to go. Slow: for a thread.
    """
    from aiex_lsp.redaction.detect import describe, find_secrets

    new = {match[0].lower() for match in matches(_FILLER, after)}
    if not new - {match[0].lower() for match in matches(_FILLER, before)}:
        return ()
    found = find_secrets(before, language)
    return describe([one for one in found if before[one.start : one.end] not in after])


def _word(number: int, salt: int) -> str:
    digest = hashlib.sha256(f"{salt}/{number}".encode()).hexdigest()
    return f"AIEX_SECRET_{number}_{'abcdef'[int(digest[0], 16) % 6]}{digest[1:4]}"


def _normal(text: str) -> str:
    return _NORMAL.sub("", text).lower()
