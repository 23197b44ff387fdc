"""Search and replace blocks: conflict marks as Aider's models write them, tags, JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from aiex_lsp.edits.hunks import FileHunks, replacing
from aiex_lsp.edits.refusals import CUT, NotUsableError
from aiex_lsp.responses.info import is_path
from aiex_lsp.responses.lenient_json import LenientReader, NotJson

_START = re.compile(r"[ \t]*<{5,9}[ \t]*(?:SEARCH|ORIGINAL|OLD|BEFORE|HEAD|CURRENT)?\b.*$", re.I)
_MIDDLE = re.compile(r"[ \t]*={5,9}[ \t]*$")
_BASE = re.compile(r"[ \t]*\|{5,9}.*$")
_END = re.compile(r"[ \t]*>{5,9}[ \t]*(?:REPLACE|UPDATED|NEW|AFTER|MODIFIED)?\b.*$", re.I)
_TAG = re.compile(
    r"<(/?)(?:(search|old|find|original|old_code|old_str|old_string|before)|"
    r"(replace|new|updated|replacement|new_code|new_str|new_string|after))>",
    re.IGNORECASE,
)
_MAX_JSON = 400_000
_SEARCH = ("search", "old", "old_string", "old_str", "old_code", "original", "find", "before",
           "oldText", "search_block")  # fmt: skip
_REPLACE = ("replace", "new", "new_string", "new_str", "new_code", "updated", "replacement",
            "after", "newText", "replace_block")  # fmt: skip
_PATH = ("path", "file", "filename", "file_path", "filepath", "target_file")
_LISTS = ("edits", "changes", "replacements", "files", "operations")
_CODE = ("code", "new_code", "updated_code", "fixed_code", "refactored_code", "documented_code",
         "replacement", "content")  # fmt: skip
_FORBIDDEN = re.compile(r"\b(?:delete|remove|rename|move|create)(?:_?(?:file|path))?$", re.I)


def has_blocks(text: str) -> bool:
    """Return whether a text has search and replace blocks between conflict marks or tags."""
    if "<<<<<" in text and any(_START.match(line) for line in text.split("\n")):
        return "=====" in text
    return "</" in text and next(_tagged(text), None) is not None


def parse_blocks(text: str) -> list[FileHunks]:
    """Return the blocks in order. Raises `NotUsableError` where one is not complete."""
    if "<<<<<" not in text:
        return [
            FileHunks(None, (replacing(_lines(old), _lines(new)),)) for old, new in _tagged(text)
        ]
    return list(_conflicts(text.split("\n")))


def _tagged(text: str) -> Iterator[tuple[str, str]]:
    """Yield (old, new) of each pair of tags; one pass, for an answer may be all tags."""
    old: str | None = None
    opened: re.Match[str] | None = None
    for tag in _TAG.finditer(text):
        if not tag[1]:
            opened = tag
            continue
        if opened is None or (opened[2] or opened[3]).lower() != (tag[2] or tag[3]).lower():
            continue
        inside = text[opened.end() : tag.start()].strip("\n")
        if tag[2]:
            old = inside
        elif old is not None:
            yield old, inside
            old = None
        opened = None


def _conflicts(lines: list[str]) -> Iterator[FileHunks]:
    path: str | None = None
    at = 0
    while at < len(lines):
        if not _START.match(lines[at]):
            path = _path_of(lines[at]) or path
            at += 1
            continue
        middle = _next(lines, at + 1, _MIDDLE)
        end = _next(lines, (middle or at) + 1, _END)
        if middle is None or end is None:
            raise NotUsableError(CUT)
        base = _next(lines[:middle], at + 1, _BASE)
        old, new = lines[at + 1 : base or middle], lines[middle + 1 : end]
        # A second divider instead of an end mark: some models close a block so.
        yield FileHunks(path, (replacing(_trimmed(old), _trimmed(new)),))
        at = end + 1


def _next(lines: list[str], start: int, pattern: re.Pattern[str]) -> int | None:
    return next((at for at in range(start, len(lines)) if pattern.match(lines[at])), None)


def _path_of(line: str) -> str | None:
    bare = line.strip().strip("`*#: ")
    bare = re.sub(r"^(?:file(?:name)?|path)[:=]\s*", "", bare, flags=re.I).strip("`*\"' ")
    return bare if bare and " " not in bare and (is_path(bare) or _is_rooted(bare)) else None


def _is_rooted(text: str) -> bool:
    return bool(re.fullmatch(r"(?:/|~/|\.\.?/|[A-Za-z]:[\\/])[\w./\\@+-]+", text))


def _trimmed(lines: list[str]) -> list[str]:
    fence = re.compile(r"[ \t]*(?:`{3,}|~{3,})\S*[ \t]*$")
    return [line for line in lines if not fence.match(line)]


def _lines(text: str) -> list[str]:
    return text.strip("\n").split("\n") if text.strip("\n") else []


def json_edits(text: str) -> tuple[list[FileHunks], str | None] | None:
    """Return (hunks, whole code) of an answer in JSON, None where it is none.

    Raises `NotUsableError` for operations on files.
    """
    stripped = text.strip()
    if not stripped.startswith(("{", "[")) or len(stripped) > _MAX_JSON:
        return None
    reader = LenientReader(stripped)
    try:
        value = reader.read()
    except NotJson:
        return None
    hunks = list(_edits(value, None, 0))
    if hunks:
        if reader.truncated:
            raise NotUsableError(CUT)
        return hunks, None
    code = _text(value, _CODE) if isinstance(value, dict) else None
    if code is None:
        return None
    if reader.truncated:
        raise NotUsableError(CUT)
    return [], code


def _edits(value: Any, path: str | None, depth: int) -> Iterator[FileHunks]:
    if depth > 4:
        return
    if isinstance(value, list):
        for one in value[:1000]:
            yield from _edits(one, path, depth + 1)
        return
    if not isinstance(value, dict):
        return
    path = _text(value, _PATH) or path
    action = _text(value, ("action", "operation", "type", "command"))
    if action is not None and _FORBIDDEN.search(action):
        raise NotUsableError("The answer would delete, move or create a file")
    old, new = _text(value, _SEARCH), _text(value, _REPLACE)
    if old is not None and new is not None and old.strip():
        yield FileHunks(path, (replacing(_lines(old), _lines(new)),))
    for key in _LISTS:
        if key in value:
            yield from _edits(value[key], path, depth + 1)


def _text(value: dict[Any, Any], keys: tuple[str, ...]) -> str | None:
    for key in keys:
        if isinstance(value.get(key), str):
            return str(value[key]).replace("\r\n", "\n")
    return None
