"""The editor's documents as immutable snapshots; notebook cells are documents like any other.

pygls' own workspace is left out: it splits a document anew at each use.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lsprotocol import types

from aiex_lsp.context.types import WorkspaceView
from aiex_lsp.errors import DocumentError
from aiex_lsp.text.diff import changed_span
from aiex_lsp.text.document import TextChange, apply_changes
from aiex_lsp.text.snapshot import Encoding, Snapshot, Span

FOLLOWED = 50
"""Versions kept of a document whose edit is on its way."""

LISTED = 4
"""Versions kept of a document for which actions were listed."""


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
        snapshot = Snapshot(uri, text, language_id, version)
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
        before = self._open.get(uri)
        if before is None:
            return None
        wanted = [_text_change(change) for change in changes]
        after = apply_changes(before, wanted, version, self.encoding)
        self._open[uri] = after
        for versions in self._followed.get(uri, ()):
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
        """Forget a document."""
        self._open.pop(uri, None)
        self._listed.pop(uri, None)
        if (path := _file(uri)) is not None:
            self._uris.pop(path, None)

    def keep_listed(self, snapshot: Snapshot) -> None:
        """Keep a document's text for the actions that were listed for it."""
        kept = self._listed.setdefault(snapshot.uri, deque(maxlen=LISTED))
        if not kept or kept[-1] is not snapshot:
            kept.append(snapshot)

    def listed(self, uri: str, version: int) -> Snapshot | None:
        """Return the text actions were listed for, None where that was long ago."""
        return next((one for one in self._listed.get(uri, ()) if one.version == version), None)

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
    parts = urlsplit(uri)
    if parts.scheme not in ("file", "vscode-notebook-cell") or not parts.path:
        return None
    path = unquote(parts.path)
    if len(path) > 2 and path[0] == "/" and path[2] == ":":
        path = path[1:]
    return Path(path)


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
