"""What a language's convention answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import PurePosixPath

from aiex_lsp.context.test_files import Project


class Convention(ABC):
    """One language's ways. Paths are relative to the workspace."""

    @abstractmethod
    def candidates(self, project: Project) -> set[str]:
        """Return the file names that tests of the source may have."""

    @abstractmethod
    def new(self, project: Project) -> PurePosixPath:
        """Return the path of a test file to create."""

    @abstractmethod
    def is_test(self, path: PurePosixPath) -> bool:
        """Return whether a file holds tests of this language, by its name."""

    @abstractmethod
    def framework(self, project: Project, target: PurePosixPath) -> str:
        """Return the test framework the project uses."""

    def place(self, project: Project) -> PurePosixPath:
        """Return the existing file the tests belong to, else a new one."""
        if self.is_test(project.source):
            return project.source
        found = project.matches(self.candidates(project))
        return found[0] if found else self.new(project)

    def import_hint(self, project: Project, target: PurePosixPath) -> str:
        """Return how a test imports the source, "" where the language needs nothing."""
        return ""

    def tests(self, project: Project) -> list[PurePosixPath]:
        """Return the module's test files, those of the same folder names first."""
        found = [path for path in project.files if self.is_test(path) and project.in_module(path)]
        near = set(project.source.parts)
        return sorted(found, key=lambda path: (-len(near & set(path.parts)), len(path.parts)))
