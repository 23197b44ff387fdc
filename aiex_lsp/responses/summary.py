"""The one paragraph that tells what an answer says."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aiex_lsp.responses.markdown import Outline, plain, prose_lines

MAX_SUMMARY = 300
"""Longest summary, in characters."""

_TITLES = tuple(
    re.compile(rf"[\W_]*(?:\d+[.)]\s*)?(?:[\w-]+ )?(?:{words})\b", re.IGNORECASE)
    for words in (
        r"summary|tl;?\s?dr|in short|in a nutshell|zusammenfassung|résumé|resumen",
        r"overview|purpose|what (?:it|this|the \w+) does",
    )
)
_LABEL = re.compile(
    r"(?:summary|overview|tl;?\s?dr|in short|answer|assistant|explanation)\s*[:–—-]\s*",
    re.IGNORECASE,
)
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_SKIPPED = re.compile(r"\s*(?:\||[-*_=]{3,}\s*$|#{1,6}(?:\s|$)|</?\w+[^>]*>\s*$|`{3,}|~{3,})")
_SENTENCE = re.compile(r"(?<=[.!?:。！？])[\"')\]*]{0,2}\s+(?=[^\s])|(?<=[。！？])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|approx|fig|no|dr|mr|ms|st)\.|\b[A-Z]\.)$", re.IGNORECASE
)
_FILLER = (
    re.compile(
        r"(?:sure|certainly|of course|absolutely|okay|ok|alright|great|good|hello|hi|hey|yes|"
        r"thanks|"
        r"thank you|no problem|happy to|gladly|definitely|excellent)\b(?:\W+\w+){0,14}\W*$",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?:here(?:['’]s| is| are)|below (?:is|are)|the following (?:is|are))\b.*:$", re.IGNORECASE
    ),
    re.compile(
        r"(?:here(?:['’]s| is| are)|below (?:is|are)|this is)\b.*\b(?:explanation|breakdown|"
        r"overview|"
        r"walkthrough|analysis|review|summary|what (?:it|this|the)|how (?:it|this|the))\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?:let me|let['’]s|let us|i['’]ll|i will|i can|i['’]d|i would|i['’]m|we['’]ll|"
        r"we will|allow me)\b"
        r".*\b(?:explain|break|walk|go|take|look|help|analy[sz]e|dive|review|examine|provide|happy|glad)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?:please )?(?:explain|write|describe|review|analy[sz]e|generate|refactor|document|"
        r"fix|create|"
        r"summarize)\b.*\b(?:code|function|class|method|snippet|following|program|script)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?:user|human|question|prompt|instructions?|task|system|assistant)\s*:", re.IGNORECASE
    ),
    re.compile(r"(?:\*\*|__)?[\w ]{1,40}:(?:\*\*|__)?$"),
    re.compile(r"[\W_]*$"),
    re.compile(r"(?:file ?name|file|path)\s*:\s*\S+$|\S*[/.]\S*\.\w{1,5}:?$", re.IGNORECASE),
)


def summarize(doc: Outline, blocks: Sequence[tuple[int, int]]) -> str:
    """Return at most 300 characters of plain text, ended at a sentence where one ends in time.

    The first paragraph of a section named Summary, Overview or the like, else the first that is
    not a greeting, an announcement or an echo of the question; "" where there is no prose.
    """
    lines = prose_lines(doc.lines, blocks)
    heads = doc.titles
    for title in _TITLES:
        for index, head in enumerate(heads):
            if title.match(head.title):
                end = heads[index + 1].start if index + 1 < len(heads) else len(lines)
                if text := _first(lines[head.end : end]):
                    return text
    for head in heads:
        lines[head.start : head.end] = [""] * (head.end - head.start)
    return _first(lines)


def _first(lines: Sequence[str]) -> str:
    """Return the first paragraph worth reading, else the first list item, else a filler."""
    fallback = ""
    item = ""
    for text, is_item in _paragraphs(lines):
        clean = " ".join(plain(text).split())
        rest = _without_filler(clean)
        if rest and not is_item:
            return _cut(rest)
        if is_item:
            item = item or rest
        else:
            fallback = fallback or clean
    return _cut(item or fallback)


def _paragraphs(lines: Sequence[str], limit: int = 60) -> list[tuple[str, bool]]:
    """Return the first paragraphs and list items, each with whether it is an item."""
    out: list[tuple[str, bool]] = []
    current: list[str] = []
    is_item = False

    def flush() -> None:
        if current:
            out.append((" ".join(current)[:3000], is_item))
            current.clear()

    for line in lines:
        text = line.strip().lstrip(">").strip()
        item = _ITEM.match(text)
        if not text or _SKIPPED.match(text):
            flush()
            is_item = False
        elif item:
            flush()
            is_item = True
            current.append(text[item.end() :])
        else:
            current.append(text)
        if len(out) >= limit:
            return out
    flush()
    return out


def sentences(text: str) -> list[str]:
    """Return the sentences of a paragraph."""
    out: list[str] = []
    start = 0
    for match in _SENTENCE.finditer(text):
        piece = text[start : match.start()]
        if _ABBREVIATION.search(piece[-12:]) and text[match.end() : match.end() + 1] != "":
            continue
        out.append(text[start : match.end()].strip())
        start = match.end()
    out.append(text[start:].strip())
    return [piece for piece in out if piece]


def _without_filler(text: str) -> str:
    text = text.strip()
    if label := _LABEL.match(text):
        text = text[label.end() :]
    parts = sentences(text)
    while parts and len(parts[0]) < 400 and any(filler.match(parts[0]) for filler in _FILLER):
        parts.pop(0)
    return " ".join(parts)


def _cut(text: str) -> str:
    if len(text) <= MAX_SUMMARY:
        return text
    out = ""
    for piece in sentences(text):
        if len(out) + len(piece) + 1 > MAX_SUMMARY:
            break
        out = f"{out} {piece}".strip()
    if out:
        return out
    cut = text[: MAX_SUMMARY - 1]
    return (cut[: cut.rfind(" ")] if " " in cut[100:] else cut).rstrip(" ,;:") + "…"
