"""Where Elixir, Ruby and the languages with one simple rule keep their tests."""

from __future__ import annotations

from pathlib import PurePosixPath

from aiex_lsp.context.conventions.base import Convention
from aiex_lsp.context.test_files import Project


class ElixirConvention(Convention):
    """Elixir: `lib/a/b.ex` is tested in `test/a/b_test.exs`, in umbrellas by app."""

    def candidates(self, project: Project) -> set[str]:
        """Return `x_test.exs`."""
        return {f"{project.source.stem}_test.exs"}

    def new(self, project: Project) -> PurePosixPath:
        """Return the mirrored path."""
        parts = list(project.inside.parent.parts)
        if parts and parts[0] in {"lib", "web"}:
            parts = parts[1:]
        return project.module.joinpath("test", *parts) / f"{project.source.stem}_test.exs"

    def is_test(self, path: PurePosixPath) -> bool:
        """Return whether `mix test` runs it."""
        return path.name.endswith("_test.exs")

    def framework(self, project: Project, target: PurePosixPath) -> str:
        """Return ExUnit."""
        return "ExUnit"


class SimpleConvention(Convention):
    """A language with one prefix or suffix and one folder of tests."""

    def __init__(self, suffix: str, pattern: str, folder: str, framework: str) -> None:
        self._suffix, self._pattern = suffix, pattern
        self._folder, self._framework = folder, framework

    def candidates(self, project: Project) -> set[str]:
        """Return the one name."""
        return {self._name(project)}

    def new(self, project: Project) -> PurePosixPath:
        """Return the path in the folder of tests, mirrored below the source folder."""
        parts = list(project.inside.parent.parts)
        if parts and parts[0] in {"src", "lib", "app"}:
            parts = parts[1:]
        return project.module.joinpath(self._folder, *parts) / self._name(project)

    def is_test(self, path: PurePosixPath) -> bool:
        """Return whether the name follows the pattern."""
        before, _, after = f"{self._pattern}{self._suffix}".partition("{}")
        return path.name.startswith(before) and path.name.endswith(after) and bool(before + after)

    def framework(self, project: Project, target: PurePosixPath) -> str:
        """Return the language's usual framework."""
        return self._framework

    def _name(self, project: Project) -> str:
        return self._pattern.format(project.source.stem) + self._suffix


class RubyConvention(SimpleConvention):
    """Ruby: RSpec in `spec`, or minitest in `test`."""

    def __init__(self, *, spec: bool) -> None:
        kind = ("_spec", "spec", "rspec") if spec else ("_test", "test", "minitest")
        super().__init__(".rb", "{}" + kind[0], kind[1], kind[2])


class RubyEither(Convention):
    """Ruby: by what the project has."""

    def _of(self, project: Project) -> RubyConvention:
        spec = any(path.name.endswith("_spec.rb") for path in project.files)
        return RubyConvention(spec=spec or "rspec" in project.manifest("Gemfile"))

    def candidates(self, project: Project) -> set[str]:
        """Return the name of the project's kind."""
        return self._of(project).candidates(project)

    def new(self, project: Project) -> PurePosixPath:
        """Return the path of the project's kind."""
        return self._of(project).new(project)

    def is_test(self, path: PurePosixPath) -> bool:
        """Return whether either kind names its tests so."""
        return path.name.endswith(("_spec.rb", "_test.rb"))

    def framework(self, project: Project, target: PurePosixPath) -> str:
        """Return rspec or minitest."""
        return self._of(project).framework(project, target)
