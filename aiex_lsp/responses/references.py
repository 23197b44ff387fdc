"""The pieces of code and the concepts an answer's prose names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aiex_lsp.responses.concept_words import CONCEPTS, FIRST_WORDS, LONGEST, NOT_CONCEPTS
from aiex_lsp.responses.info import is_path
from aiex_lsp.responses.markdown import plain
from aiex_lsp.responses.types import CodeReference

MAX_REFERENCES = 200
MAX_CONCEPTS = 50
"""More than these help no reader."""

_SPAN = re.compile(r"(?<!`)(?:``(?!`)([^\n]{1,200}?)(?<!`)``|`([^`\n]{1,200})`)(?!`)")
_PLACE = re.compile(r"(.+?):L?(\d{1,9})(?:[:-]L?\d{1,9})?")
_IDENTIFIER = re.compile(
    r"(?:[@$&*#:]|\.{1,3}|self\.)?[^\W\d]\w*(?:(?:\.|::|->|#|\?\.|/)[^\W\d]\w*)*[?!]?(?:\[\]|"
    r"<[\w, ]+>)?"
)
_CALL = re.compile(
    r"(?:new |await |@|\$)?[^\W\d][\w.:$>?-]*(?:<[\w, <>]*>)?!?(?:\(.*\))(?:\(\))?;?"
)
_KEYWORDS = """
true false none null nil undefined if else elif for while return try except catch finally raise
throw def fn func function class struct let const var import from await async yield with in is not
and or pass break continue lambda self this
"""
_TERM = re.compile(
    r"\*\*(?=[^\s*])([^*\n]{1,120})\*\*|(?<![*\w])\*(?=[^\s*])([^*\n]{1,60}?)(?<=\S)\*(?![*\w])"
)
_UNDERSCORED = re.compile(r"(?<!\w)__(?=[^\s_])([^_\n]{1,80} [^_\n]{1,80})__(?!\w)")
_WORD = re.compile(r"[^\W\d_](?:[\w'’]|[-/](?=\w))*\+{0,2}")


def code_references(prose: str) -> tuple[CodeReference, ...]:
    """Return the code in inline code spans and the `path:line` in plain prose, each once."""
    out: dict[tuple[str, int | None], CodeReference] = {}
    for text, quoted in _candidates(prose):
        reference = _reference(text, quoted)
        if reference and len(out) < MAX_REFERENCES:
            out.setdefault((reference.text, reference.line), reference)
    return tuple(out.values())


def concepts(prose: str) -> tuple[str, ...]:
    """Return the key concepts in order of appearance, each once whatever its case.

    These are bold terms, emphasised terms of more than one word, and well-known words of
    programming (`concept_words`), those in their dictionary form.
    """
    found: list[tuple[int, str]] = []
    terms: dict[str, str] = {}
    for pattern in (_TERM, _UNDERSCORED):
        for match in pattern.finditer(prose):
            text = match[1] or (match[2] if match.lastindex == 2 else "")
            term = terms[text] if text in terms else terms.setdefault(text, _term(text))
            if term and (match[1] or " " in term):
                found.append((match.start(), term))
    found.extend(_known_words(prose))
    out: dict[str, str] = {}
    for _, term in sorted(found, key=lambda pair: pair[0]):
        name = CONCEPTS.get(term.casefold(), term)
        out.setdefault(name.casefold(), name)
    return tuple(out.values())[:MAX_CONCEPTS]


def _candidates(prose: str) -> Iterator[tuple[str, bool]]:
    """Yield code spans and what stands between them, in order."""
    position = 0
    for match in _SPAN.finditer(prose):
        yield from ((word, False) for word in _places(prose[position : match.start()]))
        yield (match[1] or match[2]).strip(), True
        position = match.end()
    yield from ((word, False) for word in _places(prose[position:]))


def _places(text: str) -> Iterator[str]:
    for word in text.split():
        if ":" in word and len(word) <= 250:
            yield word.strip("*_()[]<>,.;\"'").rstrip(":")


def _reference(text: str, quoted: bool) -> CodeReference | None:
    place = _PLACE.fullmatch(text) if len(text) <= 250 else None
    if place and is_path(place[1]):
        return CodeReference(text, "path", int(place[2]))
    if not quoted or not text or not re.search(r"\w", text):
        return None
    if _looks_like_path(text):
        return CodeReference(text, "path")
    if _CALL.fullmatch(text):
        return CodeReference(text, "call")
    if _IDENTIFIER.fullmatch(text) and text.lower() not in _KEYWORDS.split():
        return CodeReference(text, "identifier")
    return CodeReference(text, "expression")


def _looks_like_path(text: str) -> bool:
    """Return whether a span is a file: `utils.py`, but not `self.x`, `os.path` or `a.b`."""
    if not is_path(text):
        return False
    if "/" in text or "\\" in text:
        return True
    from aiex_lsp.syntax.languages import PLAIN, language_of_path

    stem, _, extension = text.rpartition(".")
    if stem in ("self", "this", "cls", "obj") or (len(extension) == 1 and len(stem) < 3):
        return False
    return extension in ("txt", "lock", "cfg", "log") or language_of_path(text) != PLAIN


def _term(text: str) -> str:
    """Return a bold text as a concept, "" where it is a label, a sentence or code."""
    if "`" in text:
        return ""
    text = re.sub(r"^\d{1,3}[.)]\s*|\s*\([^)]*\)\s*$", "", plain(text).strip().rstrip(":.").strip())
    text = text.strip(" :.,;!\"'“”")
    words = text.split()
    if not words or len(words) > 5 or len(text) < 3 or not re.search(r"[^\W\d_]{2}", text):
        return ""
    first = words[0].casefold().rstrip(":.,!")
    if text.casefold() in NOT_CONCEPTS or first in (
        "line",
        "lines",
        "step",
        "issue",
        "example",
        "severity",
        "test",
    ):
        return ""
    if re.search(r"[:!?=;{}<>|]|\w\(|_", text):
        return ""
    return text


def _known_words(prose: str) -> Iterator[tuple[int, str]]:
    words = [(match.start(), match[0].casefold()) for match in _WORD.finditer(prose)]
    skip = 0
    for index, (start, first) in enumerate(words):
        if index < skip or first.removesuffix("s") not in FIRST_WORDS:
            continue
        for length in range(min(LONGEST, len(words) - index), 0, -1):
            last_start, _ = words[index + length - 1]
            if last_start - start > 60:
                continue
            phrase = " ".join(word for _, word in words[index : index + length])
            name = CONCEPTS.get(phrase) or CONCEPTS.get(phrase.removesuffix("s"))
            if name:
                yield start, name
                skip = index + length
                break
