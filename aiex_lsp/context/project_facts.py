"""What is known of a workspace folder, kept for a while. Blocking: runs off the event loop."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Generic, TypeVar

from aiex_lsp.context.ignore import AIEX_IGNORE, GIT_IGNORE, WorkspaceFiles
from aiex_lsp.context.manifests import parse_manifest
from aiex_lsp.context.project import (
    describe_dependencies,
    describe_structure,
    nearest_manifests,
)
from aiex_lsp.context.rules_files import read_rules
from aiex_lsp.text.snapshot import Snapshot

if TYPE_CHECKING:
    from aiex_lsp.context.test_files import TargetFile

MAX_KEPT = 64
"""Folders, and facts of each kind, that are kept."""

MAX_TEST_CHARS = 40_000

_T = TypeVar("_T")


class _Kept(Generic[_T]):
    """Values that hold while their stamp is the same and they are younger than `ttl` seconds."""

    def __init__(self, clock: Callable[[], float], ttl: float) -> None:
        self._clock = clock
        self._ttl = ttl
        self._values: dict[Hashable, tuple[Hashable, float, _T]] = {}

    def get(self, key: Hashable, stamp: Hashable, make: Callable[[], _T]) -> _T:
        """Return the kept value of `key`, made anew where it does not hold any more."""
        known = self._values.get(key)
        if known is not None and known[0] == stamp and self._clock() - known[1] < self._ttl:
            return known[2]
        value = make()
        if len(self._values) >= MAX_KEPT:
            self._values.clear()
        self._values[key] = (stamp, self._clock(), value)
        return value


class ProjectFacts:
    """The facts of all workspace folders, shared by all questions.

    Contents of files are read anew each time; walks over a folder hold for `ttl` seconds, or until
    its top level or its ignore files change.
    """

    def __init__(self, clock: Callable[[], float], ttl: float) -> None:
        self._clock = clock
        self._files: dict[Path, WorkspaceFiles] = {}
        self.structures: _Kept[str] = _Kept(clock, ttl)
        self.test_targets: _Kept[TargetFile | None] = _Kept(clock, ttl)
        self.parse = lru_cache(maxsize=MAX_KEPT)(parse_manifest)

    def files(self, root: Path) -> WorkspaceFiles:
        """Return the readable files of a folder."""
        if root not in self._files:
            if len(self._files) >= MAX_KEPT:
                self._files.clear()
            self._files[root] = WorkspaceFiles(root, clock=self._clock)
        return self._files[root]


@dataclass(frozen=True)
class ProjectPlace:
    """One document's place in its workspace folder; `path` is None for a document that is no file.

    Its methods are the project's injection rules: each returns a text, "" where nothing is known.
    """

    facts: ProjectFacts
    root: Path
    path: Path | None
    snapshot: Snapshot
    language: str
    rules_files: Sequence[str]
    open_document: Callable[[str], Snapshot | None]

    @property
    def folder(self) -> Path:
        """Return the folder to look upward from."""
        return self.path.parent if self.path is not None else self.root

    def read(self, path: Path) -> str | None:
        """Return a workspace file's text, the editor's where it is open; None if not allowed."""
        files = self.facts.files(self.root)
        if not files.may_read(path):
            return None
        opened = self.open_document((files.root / path).as_uri())
        return opened.text if opened is not None else files.read(path)

    def structure(self) -> str:
        """Return the project's folders as a compact tree."""
        files = self.facts.files(self.root)

        def make() -> str:
            listing = files.scan()
            inside = [
                PurePosixPath(one.relative_to(files.root).as_posix()) for one in listing.files
            ]
            return (
                describe_structure(self.root.name, inside, complete=listing.complete)
                if inside
                else ""
            )

        return self.facts.structures.get(self.root, _stamp(self.root), make)

    def dependencies(self) -> str:
        """Return what the nearest manifest asks for."""
        found = nearest_manifests(
            self.root, self.folder, self.language, self.read, self.facts.parse
        )
        return describe_dependencies(found)

    def rules(self) -> str:
        """Return the project's rules for assistants."""
        return read_rules(self.root, self.folder, self.rules_files, self.read, _names_in)

    def test_files(self) -> str:
        """Return which files test this source, and others to learn from."""
        target = self._test_target()
        if target is None:
            return ""
        lines = []
        if target.in_source:
            lines.append(f"{target.display_path} (tests stand in the source itself)")
        elif target.exists:
            lines.append(f"{target.display_path} (tests of this file)")
        lines.extend(target.related)
        return "\n".join(lines)

    def existing_tests(self) -> str:
        """Return the text of the file that tests this source."""
        target = self._test_target()
        if target is None or target.in_source or not target.exists:
            return ""
        return (self.read(target.path) or "")[:MAX_TEST_CHARS]

    def _test_target(self) -> TargetFile | None:
        path = self.path
        if path is None:
            return None
        files = self.facts.files(self.root)

        def make() -> TargetFile | None:
            from aiex_lsp.context.test_files import find_test_target

            return find_test_target(path, self.snapshot.language_id, files, self.snapshot.text)

        return self.facts.test_targets.get(path, _stamp(self.root), make)


def _stamp(root: Path) -> Hashable:
    """Return what changes when the folder's top level or its ignore files do."""
    stamps = []
    for path in (root, root / GIT_IGNORE, root / AIEX_IGNORE):
        try:
            status = path.stat()
            stamps.append((status.st_mtime_ns, status.st_size))
        except OSError:
            stamps.append((0, 0))
    return tuple(stamps)


def _names_in(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as scan:
            return [entry.name for _, entry in zip(range(1_000), scan, strict=False)]
    except OSError:
        return []
