"""Who else in the workspace uses a name: looked for in bounded time. Blocking: use threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from aiex_lsp.context.documents import display_name, file_path, root_for
from aiex_lsp.context.ignore import MAX_FILE_BYTES, WorkspaceFiles
from aiex_lsp.context.ignore_files import read_bytes
from aiex_lsp.context.links import uses_in
from aiex_lsp.context.types import WorkspaceView
from aiex_lsp.syntax.languages import canonical, language_of_path
from aiex_lsp.syntax.mentions import DefinedName
from aiex_lsp.text.snapshot import Snapshot

MAX_FILES = 5_000
"""Files of the workspace that are listed."""
SECONDS = 1.0
"""For the whole search, the listing included; nearest files come first."""
_FAMILIES = (
    frozenset({"javascript", "javascriptreact", "typescript", "typescriptreact"}),
    frozenset({"c", "cpp"}),
)


@dataclass(frozen=True, slots=True)
class Use:
    """A name and where another file uses it, the line 1-based."""

    name: str
    place: str
    line: int


def find_use(
    workspace: WorkspaceView,
    document: Snapshot,
    wanted: Sequence[DefinedName],
    changed: Mapping[str, str],
    *,
    seconds: float = SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Use | None:
    """Return one use of what `document` no longer defines, None where none is found in time.

    Open documents count with the editor's text, those of `changed` (by uri) with that; files that
    .gitignore or .aiexignore exclude are not looked at.
    """
    defined, root = file_path(document.uri), root_for(document.uri, workspace)
    language = canonical(document.language_id)
    if not wanted or defined is None or root is None or language is None:
        return None
    deadline = clock() + seconds
    for folder in (root, *(one for one in workspace.roots if one != root)):
        files = WorkspaceFiles(folder)
        for path in _candidates(files, defined, language, max(0.0, deadline - clock()) / 2):
            if clock() > deadline:
                return None
            text = _text(workspace, files, path, changed, wanted)
            if text is None:
                continue
            own = canonical(language_of_path(path.name)) or language
            for one, at in uses_in(text, path, own, wanted, defined):
                place = display_name(path.as_uri(), folder)
                return Use(one.name, place, text.count("\n", 0, at) + 1)
    return None


def _candidates(files: WorkspaceFiles, defined: Path, language: str, seconds: float) -> list[Path]:
    """Return the other files of the language, the nearest to `defined` first."""
    family = next((one for one in _FAMILIES if language in one), frozenset({language}))
    listed = files.scan(MAX_FILES, seconds).files
    near = [path for path in listed if path != defined and language_of_path(path.name) in family]
    return sorted(near, key=lambda path: (_distance(path, defined), path))


def _distance(path: Path, other: Path) -> int:
    pairs = zip(path.parts, other.parts, strict=False)
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return len(path.parts) + len(other.parts) - 2 * common


def _text(
    workspace: WorkspaceView,
    files: WorkspaceFiles,
    path: Path,
    changed: Mapping[str, str],
    wanted: Sequence[DefinedName],
) -> str | None:
    uri = path.as_uri()
    if uri in changed:
        return changed[uri]
    opened = workspace.open_document(uri)
    if opened is not None:
        return opened.text
    # Few files have the name at all: only those are worth all that reading one asks for.
    raw = read_bytes(path, MAX_FILE_BYTES)
    if raw is None or not any(one.name.encode("utf-8", "replace") in raw for one in wanted):
        return None
    return files.read(path)
