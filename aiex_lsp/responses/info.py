"""What stands around a block: its info string, and a file name in or before it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from aiex_lsp.responses.markdown import plain

_TEXT = frozenset({"text", "plaintext", "txt", "plain", "none", "nohighlight", "output", "raw"})
_FILES = frozenset({"Dockerfile", "Makefile", "Gemfile", "Rakefile", "Procfile", "Jenkinsfile"})
_NOT_FILES = frozenset(
    {"node.js", "next.js", "vue.js", "react.js", "express.js", "d3.js", "asp.net"}
)
_PATH = re.compile(
    r"(?:[\w.@+~\[\]()-]+[/\\]|[A-Za-z]:[/\\]|/)*[\w.@+\[\]()-]*[\w\])]\.[A-Za-z]\w{0,9}"
)
_ATTRIBUTE = re.compile(
    r"\b(?:title|file|filename|file_name|filepath|path|name|source|src)\s*[=:]\s*"
    r"(?:\"([^\"]{1,300})\"|'([^']{1,300})'|([^\s\"'{},]{1,300}))",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"(?:new |updated )?(?:file ?name|file ?path|file|path|title)\s*[:=]\s*", re.IGNORECASE
)
_NUMBER = re.compile(r"(?:\d{1,3}[.)]|step \d{1,3}[:.)])\s+", re.IGNORECASE)
_COMMENT = re.compile(r"(?:#|//|--|;+|%|/\*+|<!--|\{#)\s*(.{1,300}?)\s*(?:\*/|-->|#\})?$")
_PLACED = re.compile(
    r"\b(?:in|into|to|at|as|create|update|edit|modify|save|file|called|named)\s+"
    r"(?:a |the |new |file |a new file |the file )?[`*]{1,3}([^`*\s]{1,300})[`*]{1,3}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Info:
    """An info string's language ("" if it has none, "text" for plain text) and path."""

    language: str = ""
    path: str | None = None


def parse_info(info: str) -> Info:
    """Return language and path of a fence's info string.

    Known forms: `python`, `python title="a.py" {1,3}`, `js filename=a.js`, `py:src/a.py`,
    `python src/a.py`, `src/a.py`, `12:15:src/a.py`, `{.python .numberLines}`, `{python}`.
    """
    info = info.strip()[:1000]
    if not info:
        return Info()
    if info.startswith("{"):
        match = re.match(r"\{\s*\.?([\w+#-]+)", info)
        language = match[1] if match and "=" not in info[: match.end() + 1] else ""
        return Info(_name(language), _attribute(info))
    cursor = re.match(r"\d+:\d+:(\S+)", info)
    if cursor:
        return Info("", _as_path(cursor[1]))
    first, _, rest = info.partition(" ")
    path = _attribute(info)
    name = re.split(r"[{,=:]", first, maxsplit=1)[0]
    if ":" in first and not path:
        path = _as_path(first.partition(":")[2])
    elif whole := _as_path(first):
        return Info("", path or whole)
    if not path and rest:
        path = next(
            filter(None, (_as_path(word.strip("()[]\"'`")) for word in rest.split()[:5])), None
        )
    if "=" in first:
        name = ""
    return Info(_name(name), path)


def path_before(lines: Sequence[str], start: int) -> str | None:
    """Return the file name in the line before a fence, one blank line between them allowed."""
    index = start - 1
    if index >= 0 and not lines[index].strip():
        index -= 1
    if index < 0 or not lines[index].strip() or len(lines[index]) > 400:
        return None
    if "." not in lines[index] and not any(name in lines[index] for name in _FILES):
        return None
    line = (
        lines[index].strip().lstrip("#>-*+ \t")
        if lines[index].lstrip()[:1] in "#>-+"
        else lines[index].strip()
    )
    bare = _NUMBER.sub("", plain(line).strip().strip("*_`").strip(), count=1).strip()
    bare = bare.rstrip(":").strip().strip("*_`()")
    named = _LABEL.match(bare)
    if path := _as_path(bare[named.end() :].strip("`*\"' ") if named else bare):
        return path
    placed = _PLACED.search(line) if line.endswith((":", ".")) else None
    return _as_path(placed[1]) if placed else None


def path_in_comment(code: str) -> str | None:
    """Return the file name that a block's first line names in a comment of its own."""
    first = code.split("\n", 1)[0].strip()
    match = _COMMENT.fullmatch(first) if len(first) <= 310 else None
    if match is None:
        return None
    named = _LABEL.match(match[1])
    text = match[1][named.end() :] if named else match[1]
    return _as_path(text.strip("`\"' "))


def is_path(text: str) -> bool:
    """Return whether a text is a file's name, with or without folders."""
    if len(text) > 200 or "//" in text or text.lower() in _NOT_FILES:
        return False
    return bool(_PATH.fullmatch(text)) or re.split(r"[/\\]", text)[-1] in _FILES


def _as_path(text: str) -> str | None:
    text = text.strip()
    return text if text and is_path(text) else None


def _attribute(info: str) -> str | None:
    match = _ATTRIBUTE.search(info)
    return _as_path(match[1] or match[2] or match[3]) if match else None


def _name(text: str) -> str:
    name = text.strip().lower()
    if name in _TEXT:
        return "text"
    return name if re.fullmatch(r"[\w+#.-]{1,40}", name) else ""
