"""Diffs as models write them: wrong numbers, no headers, a blank forgotten before context."""

from __future__ import annotations

import re
from itertools import pairwise

from aiex_lsp.edits.hunks import FileHunks, Hunk
from aiex_lsp.edits.refusals import ONE_FILE, NotUsableError

LABELS = frozenset({"diff", "patch", "udiff", "git-diff"})
_AT = re.compile(r"@@(?:[ \t]*-(\d+)(?:,\d+)?[ \t]*\+\d+(?:,\d+)?[ \t]*@@.*|.*)$")
_OLD = re.compile(r"--- (?:(?:a|old|original)/)?(.+?)(?:\t.*)?$")
_NEW = re.compile(r"\+\+\+ (?:(?:b|new|modified)/)?(.+?)(?:\t.*)?$")
_UPDATE = re.compile(r"\*\*\* (Update|Add|Delete) File: (.+)$")
_SKIPPED = re.compile(r"(?:diff --git |index [0-9a-f]{4,}|\*\*\* (?:Begin|End) |\\ No newline)")
_FORBIDDEN = (
    (re.compile(r"deleted file mode|\+\+\+ /dev/null|\*\*\* Delete File:"), "delete a file"),
    (re.compile(r"rename (?:from|to) |\*\*\* Move to:|similarity index"), "rename a file"),
    (re.compile(r"new file mode|--- /dev/null|\*\*\* Add File:"), "create a file"),
    (re.compile(r"old mode \d|new mode \d"), "change a file's mode"),
)


def is_diff(code: str, label: str = "") -> bool:
    """Return whether a block is a diff, by its label or its lines."""
    if label.lower() in LABELS:
        return True
    lines = code.split("\n")
    if any(_UPDATE.match(line) for line in lines[:40]):
        return True
    changed = sum(line.startswith(("+", "-")) for line in lines)
    if any(_AT.match(line) for line in lines) and changed:
        return True
    return any(_OLD.match(line) and _NEW.match(after) for line, after in pairwise(lines[:41]))


def looks_marked(code: str) -> bool:
    """Return whether lines of code bear the signs of a diff without its headers."""
    lines = [line for line in code.split("\n") if line.strip()]
    signed = [line for line in lines if line[0] in "+-" and not line.startswith(("--", "++"))]
    removed = [line for line in signed if line[0] == "-"]
    return bool(removed) and len(signed) > len(removed) and len(signed) < len(lines) + 1


def parse_diff(text: str) -> list[FileHunks]:
    """Return the hunks by file. Raises `NotUsableError` for what is no change of lines."""
    files: list[tuple[str | None, list[Hunk]]] = []
    path: str | None = None
    ops: list[tuple[str, str]] = []
    hint: int | None = None

    def close() -> None:
        nonlocal ops
        while ops and ops[-1] == (" ", ""):
            ops.pop()
        if any(mark != " " for mark, _ in ops):
            if not files or files[-1][0] != path:
                files.append((path, []))
            files[-1][1].append(Hunk(tuple(ops), hint))
        ops = []

    lines = text.split("\n")
    for at, line in enumerate(lines):
        for pattern, told in _FORBIDDEN:
            if pattern.match(line) and not ops:
                raise NotUsableError(f"The answer would {told}", ONE_FILE)
        following = lines[at + 1] if at + 1 < len(lines) else ""
        if (old := _OLD.match(line)) and following.startswith("+++ "):
            close()
            path, hint = old[1].strip(), None
        elif (new := _NEW.match(line)) and lines[at - 1].startswith("--- "):
            path = new[1].strip() if new[1].strip() != "/dev/null" else path
            if new[1].strip() == "/dev/null":
                raise NotUsableError("The answer would delete a file", ONE_FILE)
        elif updated := _UPDATE.match(line):
            close()
            path, hint = updated[2].strip(), None
        elif line.startswith("*** Delete File:") or line.startswith("*** Move to:"):
            raise NotUsableError("The answer would delete or rename a file", ONE_FILE)
        elif found := _AT.match(line):
            close()
            hint = int(found[1]) - 1 if found[1] else None
        elif _SKIPPED.match(line):
            continue
        elif re.fullmatch(r"[ \t]*(?:\.\.\.|…)[ \t]*", line):
            close()
            hint = None
        else:
            mark = line[:1]
            if mark in ("+", "-"):
                ops.append((mark, line[1:]))
            elif line or ops:
                ops.append((" ", line[1:] if mark == " " else line))
    close()
    return [FileHunks(name, tuple(hunks)) for name, hunks in files]
