"""The editor's documents as immutable snapshots; notebook cells are documents like any other.

pygls' own workspace is left out: it splits a document anew at each use.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from lsprotocol import types

from aiex_lsp.context.types import WorkspaceView
from aiex_lsp.errors import DocumentError
from aiex_lsp.text.diff import changed_span
from aiex_lsp.text.document import TextChange, apply_changes
from aiex_lsp.text.snapshot import Encoding, Snapshot, Span

UNNUMBERED = -1
"""The version of a document whose editor counts none: its snapshots have none."""

FOLLOWED = 50
"""Versions kept of a document whose edit is on its way."""

LISTED = 4
"""Versions kept of a document for which actions were listed."""

LISTED_DOCUMENTS = 50
"""Documents of which such versions are kept, those that are closed by now included."""


@dataclass(frozen=True, slots=True)
class Splice:
    """One change as it happened: `span` of the text before it became `length` characters."""

    span: Span
    length: int


class Documents:
    """Open documents by uri, and the workspace's folders."""

    def __init__(self) -> None:
        self.encoding: Encoding = "utf-16"
        self.roots: tuple[Path, ...] = ()
        self._open: dict[str, Snapshot] = {}
        self._uris: dict[Path, str] = {}
        self._followed: dict[str, list[deque[Snapshot]]] = {}
        self._listed: dict[str, deque[Snapshot]] = {}

    def __iter__(self) -> Iterator[Snapshot]:
        return iter(self._open.values())

    def open(self, uri: str, text: str, language_id: str, version: int | None) -> Snapshot:
        """Return the snapshot of a document the editor opened."""
        snapshot = Snapshot(uri, text, language_id, _version(version))
        self._open[uri] = snapshot
        if (path := _file(uri)) is not None:
            self._uris[path] = uri
        return snapshot

    def change(
        self,
        uri: str,
        changes: Sequence[types.TextDocumentContentChangeEvent],
        version: int | None,
    ) -> Snapshot | None:
        """Return the snapshot after the changes, None for a document that is not open."""
        before = self.get(uri)
        if before is None:
            return None
        wanted = [_text_change(change) for change in changes]
        after = apply_changes(before, wanted, _version(version), self.encoding)
        self._open[before.uri] = after
        for versions in self._followed.get(before.uri, ()):
            versions.append(after)
        return after

    @contextmanager
    def followed(self, uri: str) -> Iterator[deque[Snapshot]]:
        """Yield what grows by each version of a document, the latest `FOLLOWED` of them."""
        versions: deque[Snapshot] = deque(maxlen=FOLLOWED)
        self._followed.setdefault(uri, []).append(versions)
        try:
            yield versions
        finally:
            self._followed[uri] = [one for one in self._followed[uri] if one is not versions]
            if not self._followed[uri]:
                del self._followed[uri]

    def close(self, uri: str) -> None:
        """Forget a document; what its actions were listed for is kept, it may come back."""
        self._open.pop(uri, None)
        if (path := _file(uri)) is not None and self._uris.get(path) == uri:
            del self._uris[path]

    def keep_listed(self, snapshot: Snapshot) -> None:
        """Keep a document's text for the actions that were listed for it."""
        kept = self._listed.pop(snapshot.uri, None) or deque(maxlen=LISTED)
        self._listed[snapshot.uri] = kept
        while len(self._listed) > LISTED_DOCUMENTS:
            del self._listed[next(iter(self._listed))]
        if not kept or kept[-1] is not snapshot:
            kept.append(snapshot)

    def listed(self, uri: str, version: int) -> Snapshot | None:
        """Return the text actions were listed for, None where that was long ago.

        A document that was opened again counts from the start: the latest of a number is meant.
        """
        kept = reversed(self._listed.get(uri, ()))
        return next((one for one in kept if one.version == version), None)

    def get(self, uri: str) -> Snapshot | None:
        """Return the document as the editor has it now, None where it is not open.

        A file is found however its uri is spelled: editors and libraries escape differently.
        """
        snapshot = self._open.get(uri)
        if snapshot is None and (path := _file(uri)) is not None and path in self._uris:
            snapshot = self._open.get(self._uris[path])
        return snapshot

    def require(self, uri: str) -> Snapshot:
        """Return an open document of text. Raises `DocumentError`."""
        snapshot = self.get(uri)
        if snapshot is None:
            raise DocumentError(f"`textDocument`: {shown(uri)} is not open", "Open it first")
        if "\0" in snapshot.text:
            raise DocumentError(f"`textDocument`: {shown(uri)} is binary")
        return snapshot

    def view(self) -> WorkspaceView:
        """Return what context may look at."""
        return WorkspaceView(roots=self.roots, open_document=self.get)

    def folder_of(self, uri: str) -> Path | None:
        """Return the workspace folder a document belongs to.

        One without a file (untitled) belongs to the only folder there is.
        """
        path = path_of(uri)
        if path is not None:
            return self.view().root_of(path)
        return self.roots[0] if len(self.roots) == 1 else None


def splices(
    before: Snapshot, changes: Sequence[types.TextDocumentContentChangeEvent], encoding: Encoding
) -> list[Splice]:
    """Return what each change replaced, offsets in the text as it was just before that change."""
    result = []
    current = before
    for change in changes:
        wanted = _text_change(change)
        if wanted.start is None or wanted.end is None:
            # Some editors always send the whole text; what stands as it stood did not change.
            start, end, length = changed_span(current.text, wanted.text)
            result.append(Splice(Span(start, end), length))
        else:
            ends = (_offset(current, at, encoding) for at in (wanted.start, wanted.end))
            result.append(Splice(Span(*sorted(ends)), len(wanted.text)))
        if len(changes) > 1:
            current = apply_changes(current, [wanted], current.version, encoding)
    return result


def path_of(uri: str) -> Path | None:
    """Return the path of a file uri (a notebook cell's is its notebook's), None for others."""
    parts = _parts(uri)
    if parts.scheme not in ("file", "vscode-notebook-cell"):
        return None
    path = unquote(parts.path)
    if not path.startswith("/") or "\0" in path:
        return None
    if parts.scheme == "file" and parts.netloc.lower() not in ("", "localhost"):
        # Another machine's: a share where the system has such paths, no file of ours elsewhere.
        return Path(f"//{unquote(parts.netloc)}{path}") if sys.platform == "win32" else None
    if len(path) > 2 and path[2] == ":":
        path = path[1:]
    return Path(path)


def named(uri: str) -> PurePath:
    """Return the path a uri of any scheme names, for rules about names; not one to be read."""
    return path_of(uri) or PurePosixPath(unquote(_parts(uri).path) or uri)


def _parts(uri: str) -> SplitResult:
    try:
        return urlsplit(uri)
    except ValueError:  # "[" begins an address that never ends
        return SplitResult("", "", "", "", "")


def _version(version: int | None) -> int | None:
    return None if version == UNNUMBERED else version


def _file(uri: str) -> Path | None:
    return path_of(uri) if uri.startswith("file:") else None


def shown(uri: str) -> str:
    """Return a document's name for a message: its file name where it has one."""
    path = path_of(uri)
    return path.name if path is not None and path.name else uri[:60]


def _offset(snapshot: Snapshot, at: tuple[int, int], encoding: Encoding) -> int:
    if at[0] >= snapshot.line_count:
        return len(snapshot.text)
    return snapshot.offset_at(at[0], at[1], encoding)


def _text_change(change: Any) -> TextChange:
    place = getattr(change, "range", None)
    if place is None:
        return TextChange(None, None, change.text)
    return TextChange(
        (place.start.line, place.start.character),
        (place.end.line, place.end.character),
        change.text,
    )
