"""The project's own rules for assistants: AGENTS.md and its relatives."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

MAX_FILE_CHARS = 12_000
MAX_TOTAL_CHARS = 24_000
"""Rules are for every question: longer ones crowd out the code, about 6,000 tokens."""

MAX_FILES = 12

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n.*?^---[ \t]*(?:\n|\Z)", re.S | re.M)
# Characters nobody sees: they hide instructions from whoever reviews the file.
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]|\x00")


def read_rules(
    root: Path,
    start: Path,
    names: Sequence[str],
    read: Callable[[Path], str | None],
    names_in: Callable[[Path], Iterable[str]] = lambda _folder: (),
) -> str:
    """Return the texts of the rules files that hold in folder `start`, the nearest folder first.

    `names` are paths relative to each folder from `start` up to `root`, their last part may be a
    pattern, for which `names_in` lists a folder. The same text is told once.
    """
    folders = [start, *start.parents] if start.is_relative_to(root) else [root]
    parts: list[str] = []
    known: set[str] = set()
    room = MAX_TOTAL_CHARS
    for folder in folders[: folders.index(root) + 1]:
        for path in _candidates(folder, names, names_in):
            text = read(path) if len(parts) < MAX_FILES and room > 0 else None
            body = _tidy(text or "", path.suffix)
            if not body or body in known:
                continue
            known.add(body)
            body = _cut(body, min(MAX_FILE_CHARS, room))
            room -= len(body)
            parts.append(f"# {path.relative_to(root).as_posix()}\n{body}")
    return "\n\n".join(parts)


def _candidates(
    folder: Path, names: Sequence[str], names_in: Callable[[Path], Iterable[str]]
) -> list[Path]:
    found: list[Path] = []
    for name in names:
        pattern = PurePosixPath(name.replace("\\", "/"))
        if pattern.is_absolute() or ".." in pattern.parts or not pattern.name:
            continue
        if any(char in pattern.name for char in "*?["):
            inside = folder / pattern.parent
            every = sorted(one for one in names_in(inside) if fnmatchcase(one, pattern.name))
            found.extend(inside / one for one in every)
        else:
            found.append(folder / pattern)
    return found


def _tidy(text: str, suffix: str) -> str:
    text = _INVISIBLE.sub("", text.replace("\r\n", "\n"))
    return (_FRONT_MATTER.sub("", text) if suffix == ".mdc" else text).strip()


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    kept = text[: text.rfind("\n", 0, limit) if "\n" in text[:limit] else limit]
    left = text.count("\n") - kept.count("\n")
    return f"{kept}\n… {left} lines left out …"
