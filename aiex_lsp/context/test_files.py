"""The file where tests of a source file belong: the one that is there, else the one to create."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from aiex_lsp.context.ignore import WorkspaceFiles

MANIFESTS = (
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "manage.py",
    "package.json",
    "go.mod",
    "Cargo.toml",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "mix.exs",
    "Gemfile",
    "composer.json",
)

LAYOUT_WORDS = frozenset(
    {"src", "lib", "app", "main", "java", "kotlin", "python", "packages", "pkg"}
    | {"test", "tests", "spec", "specs", "__tests__", "testing", "unittests", "test_unit"}
    | {"unit", "integration"}
)
"""Folder names that say how a project is laid out, not what a file is about."""

MAX_FILES = 20_000


@dataclass(frozen=True, slots=True)
class TargetFile:
    """Where tests go. `display_path` is relative to the workspace, with forward slashes.

    `in_source`: the tests live in the source file itself (Rust). `import_hint` is one line that
    says how a test imports the source; `related` are other tests of the project, to learn from.
    """

    path: Path
    exists: bool
    framework: str
    import_hint: str
    display_path: str
    in_source: bool = False
    related: tuple[str, ...] = ()


@dataclass(frozen=True)
class Project:
    """The files of a workspace as paths relative to its root, for the conventions to look at.

    `module` is the folder of the nearest manifest above the source ("" is the root).
    """

    source: PurePosixPath
    text: str
    files: tuple[PurePosixPath, ...]
    read: Callable[[PurePosixPath], str] = field(repr=False)

    @cached_property
    def names(self) -> frozenset[PurePosixPath]:
        """Return the files for looking up."""
        return frozenset(self.files)

    @cached_property
    def module(self) -> PurePosixPath:
        """Return the folder of the nearest manifest at or above the source."""
        for folder in self.source.parents:
            if any(folder / name in self.names for name in MANIFESTS):
                return folder
        return PurePosixPath(".")

    @property
    def inside(self) -> PurePosixPath:
        """Return the source's path below its module."""
        return self.source.relative_to(self.module)

    def manifest(self, name: str) -> str:
        """Return a manifest's text, the module's or the root's, "" where there is none."""
        for folder in (self.module, PurePosixPath(".")):
            if folder / name in self.names:
                return self.read(folder / name)
        return ""

    def in_module(self, path: PurePosixPath) -> bool:
        """Return whether a file lies in the source's module."""
        return path.is_relative_to(self.module)

    def matches(self, names: set[str]) -> list[PurePosixPath]:
        """Return files of these names that can belong to the source, the likeliest first.

        A file belongs if every folder of its path that says what it is about is one of the
        source's; the more folders the two share, the likelier.
        """
        about = topic(self.source)
        found = [
            path
            for path in self.files
            if path.name in names and path != self.source and self._belongs(path, about)
        ]
        return sorted(found, key=lambda path: (-self._likeness(path), len(path.parts), str(path)))

    def namesakes(self) -> int:
        """Return how many source files of the module share this one's name."""
        return sum(
            1
            for path in self.files
            if path.name == self.source.name and self.in_module(path) and not is_in_tests(path)
        )

    def _belongs(self, path: PurePosixPath, about: list[str]) -> bool:
        own = topic(path)
        if any(part not in about for part in own):
            return False
        if path.parent == self.source.parent or len(own) == len(about):
            return True
        unclear = self.namesakes() > 1 and len(own) < len(about) and bool(about)
        return not (unclear and self.source.stem in path.stem and not set(own) & set(about))

    def _likeness(self, path: PurePosixPath) -> int:
        shared = len(set(topic(path)) & set(topic(self.source)))
        return 4 * shared + 2 * self.in_module(path) + (path.parent == self.source.parent)


def topic(path: PurePosixPath) -> list[str]:
    """Return the folders of a path that say what it is about."""
    return [part for part in path.parent.parts if part.lower() not in LAYOUT_WORDS]


def is_in_tests(path: PurePosixPath) -> bool:
    """Return whether a path lies in a folder of tests."""
    return bool({"test", "tests", "spec", "specs", "__tests__"} & set(path.parts[:-1]))


def find_test_target(
    source: Path,
    language_id: str,
    files: WorkspaceFiles | None,
    text: str = "",
    *,
    framework: str | None = None,
) -> TargetFile:
    """Return where tests of `source` belong. Blocking: reads the workspace's file names.

    `files` None: nothing is known of the project (an untitled buffer). `framework` overrides
    what the project uses.
    """
    from aiex_lsp.context.conventions import convention_for

    root = files.root if files else source.parent
    relative = _relative(source, root)
    listed = (
        tuple(PurePosixPath(path.relative_to(root).as_posix()) for path in files.walk(MAX_FILES))
        if files
        else ()
    )

    def read(path: PurePosixPath) -> str:
        return (files.read(root / path) if files else None) or ""

    project = Project(relative, text, listed, read)
    convention = convention_for(language_id)
    chosen = convention.place(project)
    used = framework or convention.framework(project, chosen)
    related = [path for path in convention.tests(project) if path != chosen][:8]
    return TargetFile(
        path=root / chosen,
        exists=chosen in project.names or chosen == relative,
        framework=used,
        import_hint=convention.import_hint(project, chosen),
        display_path=chosen.as_posix(),
        in_source=chosen == relative,
        related=tuple(path.as_posix() for path in related),
    )


def _relative(source: Path, root: Path) -> PurePosixPath:
    try:
        return PurePosixPath(Path(os.path.normpath(source)).relative_to(root).as_posix())
    except ValueError:
        return PurePosixPath(source.name)
