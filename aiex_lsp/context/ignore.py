"""What of a workspace may be read: never secrets, ignored files, or anything outside it."""

from __future__ import annotations

import os
import stat
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from aiex_lsp.context.ignore_files import Ignore, IgnoreRules, load_spec, read_bytes, resolve
from aiex_lsp.context.noise import is_binary_name, is_generated
from aiex_lsp.context.secrets import is_secret, is_secret_document

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

MAX_FILE_BYTES = 1_000_000
"""Largest file that is read; hand-written source is smaller."""
GIT_IGNORE = ".gitignore"
AIEX_IGNORE = ".aiexignore"


@dataclass(frozen=True, slots=True)
class Listing:
    """Files found by a walk, shallow first; `complete` is false where a bound ended it."""

    files: tuple[Path, ...]
    complete: bool


class WorkspaceFiles:
    """The readable files of one workspace folder. Blocking: call it off the event loop.

    Paths are absolute or relative to `root`. Ignore files are read anew when they change.
    """

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.root = Path(os.path.normpath(root.absolute()))
        self._real_root = resolve(self.root) or self.root
        self._clock = clock
        self._specs: dict[Path, tuple[tuple[int, ...], GitIgnoreSpec | None]] = {}

    def allows(self, path: Path) -> bool:
        """Return whether a file of this path may be read if it is there: names and links only."""
        inside = self._relative(path)
        if inside is None:
            return False
        real = resolve(self._real_root / inside)
        if real is None or not real.is_relative_to(self._real_root):
            return False
        linked = real.relative_to(self._real_root)
        return self._permits(inside) and (linked == inside or self._permits(linked))

    def may_read(self, path: Path) -> bool:
        """Return whether this is a regular file of the workspace that may be read."""
        inside = self._relative(path)
        if inside is None or not self.allows(path):
            return False
        try:
            status = (self._real_root / inside).stat()
        except (OSError, ValueError):
            return False
        return (
            stat.S_ISREG(status.st_mode)
            and status.st_size <= MAX_FILE_BYTES
            and not is_binary_name(inside)
        )

    def read(self, path: Path) -> str | None:
        """Return the file's text as it is, None where it may not be read or is not UTF-8 text."""
        inside = self._relative(path)
        if inside is None or not self.may_read(path):
            return None
        real = resolve(self._real_root / inside)
        raw = None if real is None else read_bytes(real, MAX_FILE_BYTES)
        if raw is None or b"\0" in raw:
            return None
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return None

    def refusal(self, path: Path) -> str | None:
        """Return why even the user's own document may not be sent, None where it may.

        Git's ignore files do not count here: whoever opens a scratch file and asks, may.
        """
        inside = self._relative(path)
        real = resolve(self._real_root / (path if inside is None else inside))
        linked = self._relative(real) if real is not None else None
        names = (inside or path, linked or real)
        if any(name is not None and is_secret_document(name) for name in names):
            return "may hold secrets"
        for name in (inside, linked):
            if name is not None and self._ignored(name, aiex_only=True):
                return f"is excluded by {AIEX_IGNORE}"
        return None

    def walk(self, limit: int = 5_000) -> Iterator[Path]:
        """Return at most `limit` readable files, shallow first, each folder sorted by name."""
        return iter(self.scan(limit).files)

    def scan(self, limit: int = 5_000, seconds: float = 0.4) -> Listing:
        """Return the readable files below the root, ended by `limit` files or `seconds`.

        One folder gives at most half of `limit`, so that a heap of data does not hide the rest.
        Links to folders are not followed.
        """
        deadline = self._clock() + seconds
        files: list[Path] = []
        complete = True
        folders = deque([(self._real_root, self._outer_rules())])
        while folders:
            folder, outer = folders.popleft()
            rules = self._with_folder(outer, folder)
            found, below, whole = self._scan_folder(folder, rules, limit // 2 or 1, deadline)
            complete = complete and whole
            for path in found:
                if len(files) >= limit:
                    return Listing(tuple(files), complete=False)
                files.append(self.root / path.relative_to(self._real_root))
            folders.extend((path, rules) for path in below)
            if self._clock() > deadline:
                return Listing(tuple(files), complete=complete and not folders)
        return Listing(tuple(files), complete)

    def _scan_folder(
        self, folder: Path, rules: IgnoreRules, limit: int, deadline: float
    ) -> tuple[list[Path], list[Path], bool]:
        files: list[Path] = []
        folders: list[Path] = []
        whole = True
        try:
            with os.scandir(folder) as scan:
                for entry in scan:
                    if len(files) >= limit or self._clock() > deadline:
                        whole = False
                        break
                    path = Path(entry.path)
                    if entry.is_dir(follow_symlinks=False):
                        if not is_generated(path) and not rules.ignores(path, folder=True):
                            folders.append(path)
                    elif entry.is_symlink():
                        if self.may_read(path):
                            files.append(path)
                    elif self._is_plain(path) and not rules.ignores(path, folder=False):
                        files.append(path)
        except OSError:
            whole = False
        return sorted(files), sorted(folders), whole

    def _is_plain(self, path: Path) -> bool:
        inside = path.relative_to(self._real_root)
        return not is_binary_name(inside) and not is_secret(inside)

    def _relative(self, path: Path) -> PurePath | None:
        """Return the path below the root, None where it leaves it."""
        try:
            full = Path(os.path.normpath(self.root / path))
        except (ValueError, TypeError):
            return None
        for root in (self.root, self._real_root):
            if full.is_relative_to(root):
                return full.relative_to(root)
        return None

    def _permits(self, inside: PurePath) -> bool:
        if is_secret(inside):
            return False
        parents = [self._real_root / parent for parent in inside.parents][:-1]
        return not any(is_generated(parent) for parent in parents) and not self._ignored(inside)

    def _ignored(self, inside: PurePath, *, aiex_only: bool = False) -> bool:
        """Return whether an ignore file excludes it, or a folder above it, as Git decides."""
        rules, path = self._outer_rules(), self._real_root
        for index, part in enumerate(inside.parts):
            rules = self._with_folder(rules, path)
            path = path / part
            effective = IgnoreRules(aiex=rules.aiex) if aiex_only else rules
            if effective.ignores(path, folder=index < len(inside.parts) - 1):
                return True
        return False

    def _outer_rules(self) -> IgnoreRules:
        """Return what a repository around the root ignores: Git applies it below as well."""
        chain = [self._real_root, *self._real_root.parents][:20]
        top = next((i for i, folder in enumerate(chain) if (folder / ".git").exists()), None)
        if top is None:
            return IgnoreRules()
        found: list[Ignore] = []
        exclude = self._spec(chain[top] / ".git" / "info" / "exclude")
        if exclude is not None:
            found.append(Ignore(chain[top], exclude))
        for folder in reversed(chain[1 : top + 1]):
            spec = self._spec(folder / GIT_IGNORE)
            if spec is not None:
                found.append(Ignore(folder, spec))
        return IgnoreRules(git=tuple(found))

    def _with_folder(self, outer: IgnoreRules, folder: Path) -> IgnoreRules:
        git, aiex = self._spec(folder / GIT_IGNORE), self._spec(folder / AIEX_IGNORE)
        if git is None and aiex is None:
            return outer
        return IgnoreRules(
            git=(*outer.git, Ignore(folder, git)) if git else outer.git,
            aiex=(*outer.aiex, Ignore(folder, aiex)) if aiex else outer.aiex,
        )

    def _spec(self, file: Path) -> GitIgnoreSpec | None:
        try:
            status = file.stat()
        except (OSError, ValueError):
            return None
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        known = self._specs.get(file)
        if known is None or known[0] != stamp:
            known = (stamp, None if stat.S_ISDIR(status.st_mode) else load_spec(file))
            self._specs[file] = known
        return known[1]
