"""How each language's projects name, place and run their tests."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from aiex_lsp.context.test_files import Project, is_in_tests

P = PurePosixPath


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


class PythonConvention(Convention):
    """pytest, unittest and Django: `test_x.py` in a mirrored `tests` folder or beside."""

    def candidates(self, project: Project) -> set[str]:
        """Return `test_x.py`, `x_test.py` and both with the package's name before."""
        stem, parent = self._stem(project), project.source.parent.name
        names = {f"test_{stem}.py", f"{stem}_test.py", f"test_{parent}_{stem}.py"}
        if project.source.name in {"models.py", "views.py", "forms.py"} and self._django(project):
            names.add("tests.py")
        return names

    def new(self, project: Project) -> PurePosixPath:
        """Return a path in the way the module's other tests are placed."""
        stem = self._stem(project)
        name = f"test_{stem}.py"
        tests = self.tests(project)
        suffixed = sum(1 for path in tests if path.stem.endswith("_test"))
        if tests and suffixed * 2 > len(tests):
            name = f"{stem}_test.py"
        here = project.source.parent
        beside = [path for path in tests if not is_in_tests(path)]
        if tests and len(beside) * 2 > len(tests):
            return here / name
        own = [path for path in tests if path.parent == here / "tests"]
        if own or (self._django(project) and (here / "tests" / "__init__.py") in project.names):
            return here / "tests" / name
        folder = self._folder(project, tests)
        inner = self._mirrored(project, folder, tests)
        if inner == folder and project.namesakes() > 1 and here.name:
            return folder / name.replace(stem, f"{here.name}_{stem}", 1)
        return inner / name

    def is_test(self, path: PurePosixPath) -> bool:
        """Return whether pytest or Django would collect it."""
        return path.suffix == ".py" and (
            path.stem.startswith("test_") or path.stem.endswith("_test") or path.stem == "tests"
        )

    def framework(self, project: Project, target: PurePosixPath) -> str:
        """Return pytest or unittest: what the target uses, else the project."""
        looked = [target, *self.tests(project)[:5]]
        texts = [project.read(path) for path in looked if path in project.names]
        for text in texts:
            if "import pytest" in text or re.search(r"^(async )?def test_", text, re.M):
                return "pytest"
            if "unittest" in text or "django.test" in text:
                return "unittest"
        return (
            "unittest"
            if self._django(project) and "pytest" not in self._facts(project)
            else ("pytest")
        )

    def import_hint(self, project: Project, target: PurePosixPath) -> str:
        """Return `from package.module import ...`."""
        parts = list(project.inside.with_suffix("").parts)
        if "src" in parts[:-1]:
            parts = parts[parts.index("src") + 1 :]
        elif (
            len(parts) > 1
            and parts[0] in {"lib", "python"}
            and not self._package(project, project.module / parts[0])
        ):
            parts = parts[1:]
        if parts[-1] == "__init__" and len(parts) > 1:
            parts.pop()
        return f"from {'.'.join(parts)} import ..."

    def _stem(self, project: Project) -> str:
        stem = project.source.stem
        return project.source.parent.name or stem if stem == "__init__" else stem.lstrip("_")

    def _facts(self, project: Project) -> str:
        names = ("pyproject.toml", "setup.cfg", "tox.ini", "requirements-dev.txt")
        return "\n".join(project.manifest(name) for name in names)

    def _django(self, project: Project) -> bool:
        return any(project.in_module(path) and path.name == "manage.py" for path in project.files)

    def _package(self, project: Project, folder: PurePosixPath) -> bool:
        return folder / "__init__.py" in project.names

    def _folder(self, project: Project, tests: list[PurePosixPath]) -> PurePosixPath:
        for name in ("tests", "test"):
            folder = project.module / name
            inside = [path for path in tests if path.is_relative_to(folder)]
            unit = folder / "unit"
            if any(path.is_relative_to(unit) for path in inside):
                return unit
            if inside or any(path.is_relative_to(folder) for path in project.files):
                return folder
        used = Counter(path.parent for path in tests if is_in_tests(path))
        return used.most_common(1)[0][0] if used else project.module / "tests"

    def _mirrored(
        self, project: Project, folder: PurePosixPath, tests: list[PurePosixPath]
    ) -> PurePosixPath:
        """Return `folder` with the source's packages below it, as deep as other tests go."""
        parts = list(project.inside.parent.parts)
        if parts and parts[0] == "src":
            parts = parts[1:]
        below = {path.parent.relative_to(folder) for path in tests if path.is_relative_to(folder)}
        nested = [path for path in below if path.parts]
        if not nested or not parts:
            return folder
        whole = any(path.parts[0] == parts[0] for path in nested)
        return folder.joinpath(*(parts if whole else parts[1:]))


class ScriptConvention(Convention):
    """JavaScript and TypeScript: `.test` or `.spec`, beside, in `__tests__` or in a test folder."""

    SUFFIXES = (".ts", ".tsx", ".js", ".jsx", ".mts", ".cts", ".mjs", ".cjs")
    FRAMEWORKS = ("vitest", "jest", "mocha", "jasmine", "ava", "tap", "uvu")

    def candidates(self, project: Project) -> set[str]:
        """Return the stem with `.test` and `.spec` in every suffix, and the bare name in tests."""
        stem = self._stem(project)
        return {f"{stem}{kind}{end}" for kind in (".test", ".spec") for end in self.SUFFIXES} | {
            f"{stem}-test{end}" for end in self.SUFFIXES
        }

    def place(self, project: Project) -> PurePosixPath:
        """Return the existing file; one named like the source counts inside a test folder."""
        found = super().place(project)
        if found in project.names:
            return found
        bare = {f"{self._stem(project)}{end}" for end in self.SUFFIXES}
        inside = [path for path in project.matches(bare) if is_in_tests(path)]
        return inside[0] if inside else found

    def new(self, project: Project) -> PurePosixPath:
        """Return a path named and placed as most of the module's tests are."""
        stem, source = self._stem(project), project.source
        tests = self.tests(project)
        framework = self.framework(project, source)
        default = ".spec" if framework == "jasmine" else ".test"
        kinds = Counter(k for path in tests for k in (".test", ".spec") if k in path.name)
        kind = kinds.most_common(1)[0][0] if kinds else default
        bare = [path for path in tests if is_in_tests(path) and "." not in path.stem]
        if len(bare) * 2 > len(tests):
            kind = ""
        name = f"{stem}{kind}{source.suffix}"
        if any(path.parent.name == "__tests__" for path in tests) and self._most(
            tests, "__tests__"
        ):
            return source.parent / "__tests__" / name
        for folder in ("tests", "test", "spec"):
            base = project.module / folder
            inside = [path for path in tests if path.is_relative_to(base)]
            if inside and len(inside) * 2 > len(tests):
                unit = base / "unit"
                base = unit if any(path.is_relative_to(unit) for path in inside) else base
                return base.joinpath(*self._below(project, base, inside)) / name
        if not tests and any(
            path.is_relative_to(project.module / "test") for path in project.files
        ):
            return project.module / "test" / name
        return source.parent / name

    def is_test(self, path: PurePosixPath) -> bool:
        """Return whether a runner would collect it; browser suites (cypress, e2e) are not units."""
        if path.suffix not in self.SUFFIXES or {"cypress", "e2e", "playwright"} & set(path.parts):
            return False
        if re.search(r"[.-](test|spec)$", path.stem):
            return True
        skip = {"fixtures", "helpers", "mocks", "__mocks__", "support", "setup"}
        return is_in_tests(path) and not skip & set(path.parts) and path.stem not in skip

    def framework(self, project: Project, target: PurePosixPath) -> str:
        """Return the runner that package.json names, or the one its tests import."""
        package = self._package(project)
        wanted = {**_table(package, "devDependencies"), **_table(package, "dependencies")}
        script = str(_table(package, "scripts").get("test", ""))
        for name in self.FRAMEWORKS:
            if name in wanted or re.search(rf"\b{name}\b", script):
                return name
        if "node --test" in script:
            return "node:test"
        if script.startswith("bun test"):
            return "bun:test"
        if any(name.startswith(("react-scripts", "@types/jest", "ts-jest")) for name in wanted):
            return "jest"
        for path in self.tests(project)[:3]:
            text = project.read(path)
            for name in ("vitest", "node:test", "bun:test"):
                if f'"{name}"' in text or f"'{name}'" in text:
                    return name
        return "node:test" if not wanted else "jest"

    def import_hint(self, project: Project, target: PurePosixPath) -> str:
        """Return an import by relative path, or a require in CommonJS."""
        source = project.source
        module = str(self._package(project).get("type", "")) == "module"
        where = _relative(source, target.parent)
        typed = source.suffix in {".ts", ".tsx", ".mts", ".cts"}
        path = where if typed or not module else where + source.suffix
        if (
            typed
            or module
            or source.suffix == ".mjs"
            or re.search(r"^\s*(import|export)\b", project.text, re.M)
        ):
            return f'import {{ ... }} from "{path}";'
        return f'const {{ ... }} = require("{path}");'

    def _stem(self, project: Project) -> str:
        return project.source.stem

    def _package(self, project: Project) -> dict[str, Any]:
        try:
            found = json.loads(project.manifest("package.json") or "{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _most(self, tests: list[PurePosixPath], folder: str) -> bool:
        return sum(path.parent.name == folder for path in tests) * 2 > len(tests)

    def _below(
        self, project: Project, base: PurePosixPath, inside: list[PurePosixPath]
    ) -> tuple[str, ...]:
        parts = project.inside.parent.parts
        if parts and parts[0] in {"src", "lib", "app"}:
            parts = parts[1:]
        nested = any(len(path.relative_to(base).parts) > 1 for path in inside)
        return parts if nested else ()


class GoConvention(Convention):
    """Go: `x_test.go` in the same folder."""

    def candidates(self, project: Project) -> set[str]:
        """Return `x_test.go`; only the source's own folder counts."""
        return {f"{project.source.stem}_test.go"}

    def place(self, project: Project) -> PurePosixPath:
        """Return the file beside the source: Go knows no other place."""
        return project.source if self.is_test(project.source) else self.new(project)

    def new(self, project: Project) -> PurePosixPath:
        """Return `x_test.go` beside the source."""
        return project.source.with_name(f"{project.source.stem}_test.go")

    def is_test(self, path: PurePosixPath) -> bool:
        """Return whether `go test` compiles it."""
        return path.name.endswith("_test.go")

    def framework(self, project: Project, target: PurePosixPath) -> str:
        """Return testify where the folder's tests use it, else testing."""
        tests = [target, *self.tests(project)[:5]]
        texts = [project.read(path) for path in tests if path in project.names]
        if any("stretchr/testify" in text for text in texts):
            return "testify"
        known = "stretchr/testify" in project.manifest("go.mod") and not texts
        return "testify" if known else "testing"

    def import_hint(self, project: Project, target: PurePosixPath) -> str:
        """Return the package clause: external where the folder's tests are."""
        own = re.search(r"^package\s+(\w+)", project.text, re.M)
        name = own[1] if own else project.source.parent.name or "main"
        here = [path for path in self.tests(project) if path.parent == project.source.parent]
        if any(f"package {name}_test" in project.read(path) for path in here):
            return f"package {name}_test"
        return f"package {name}"


class RustConvention(Convention):
    """Rust: a `tests` module in the source, its own file, or an integration test."""

    def candidates(self, project: Project) -> set[str]:
        """Return the integration test's name."""
        return {f"{project.source.stem}.rs", f"test_{project.source.stem}.rs"}

    def place(self, project: Project) -> PurePosixPath:
        """Return the module's own file where it has one, an existing integration test, or itself."""
        source = project.source
        if re.search(r"#\[cfg\(test\)\]\s*(pub\s+)?mod\s+\w+\s*\{", project.text):
            return source
        declared = re.search(r"#\[cfg\(test\)\]\s*(?:pub\s+)?mod\s+(\w+)\s*;", project.text)
        if declared:
            flat = source.name in {"mod.rs", "lib.rs", "main.rs"}
            folder = source.parent if flat else source.with_suffix("")
            return folder / f"{declared[1]}.rs"
        folder = project.module / "tests"
        for name in sorted(self.candidates(project)):
            if folder / name in project.names:
                return folder / name
        return source

    def new(self, project: Project) -> PurePosixPath:
        """Return the source: unit tests live in it."""
        return project.source

    def is_test(self, path: PurePosixPath) -> bool:
        """Return whether it is an integration test."""
        return path.suffix == ".rs" and "tests" in path.parts[:-1]

    def place_is_external(self, project: Project, target: PurePosixPath) -> bool:
        """Return whether the target is a crate of its own, that sees only what is public."""
        return target.parent == project.module / "tests"

    def framework(self, project: Project, target: PurePosixPath) -> str:
        """Return the built-in test attribute's name."""
        return "cargo test"

    def import_hint(self, project: Project, target: PurePosixPath) -> str:
        """Return `use super::*;`, or the crate's path for an integration test."""
        if not self.place_is_external(project, target):
            return "use super::*;"
        name = re.search(r'^name\s*=\s*"([^"]+)"', project.manifest("Cargo.toml"), re.M)
        crate = (name[1] if name else "crate_name").replace("-", "_")
        stem = project.source.stem
        return f"use {crate}::*;" if stem in {"lib", "main"} else f"use {crate}::{stem}::*;"


class JavaConvention(Convention):
    """Java: the same package below `src/test/java`."""

    def candidates(self, project: Project) -> set[str]:
        """Return `XTest`, `XTests`, `TestX` and `XTestCase`."""
        stem = project.source.stem
        return {f"{stem}Test.java", f"{stem}Tests.java", f"Test{stem}.java", f"{stem}TestCase.java"}

    def new(self, project: Project) -> PurePosixPath:
        """Return the mirrored path with the suffix the project uses."""
        source, module = project.source, project.module
        plural = sum(path.stem.endswith("Tests") for path in self.tests(project))
        suffix = "Tests" if plural * 2 > len(self.tests(project)) else "Test"
        name = f"{source.stem}{suffix}.java"
        parts = list(project.inside.parent.parts)
        if "main" in parts:
            parts[parts.index("main")] = "test"
            return module.joinpath(*parts) / name
        if parts and parts[0] == "src":
            folder = next(
                (
                    n
                    for n in ("test", "tests")
                    if any(path.is_relative_to(module / n) for path in project.files)
                ),
                "test",
            )
            return module.joinpath(folder, *parts[1:]) / name
        return source.parent / name

    def is_test(self, path: PurePosixPath) -> bool:
        """Return whether Surefire would run it."""
        return path.suffix == ".java" and bool(
            re.search(r"^Test[A-Z]|Tests?$|TestCase$", path.stem)
        )

    def framework(self, project: Project, target: PurePosixPath) -> str:
        """Return junit5, junit4 or testng by the build file, else by other tests."""
        names = ("pom.xml", "build.gradle", "build.gradle.kts")
        build = "\n".join(project.manifest(name) for name in names)
        others = "\n".join(
            project.read(path)
            for path in [target, *self.tests(project)[:3]]
            if path in project.names
        )
        for text in (others, build):
            if "jupiter" in text or "useJUnitPlatform" in text:
                return "junit5"
            if "testng" in text:
                return "testng"
            if re.search(r"org\.junit\.(Test|Assert)|junit:junit|<artifactId>junit<", text):
                return "junit4"
        return "junit5"

    def import_hint(self, project: Project, target: PurePosixPath) -> str:
        """Return the package clause the test shares with the source."""
        package = re.search(r"^\s*package\s+([\w.]+)\s*;", project.text, re.M)
        return f"package {package[1]};" if package else ""


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


def convention_for(language_id: str) -> Convention:
    """Return the conventions of a language; an unknown one gets `test/x_test` with its suffix."""
    known: dict[str, Convention] = {
        "python": PythonConvention(),
        "go": GoConvention(),
        "rust": RustConvention(),
        "java": JavaConvention(),
        "elixir": ElixirConvention(),
        "ruby": RubyEither(),
        "php": SimpleConvention(".php", "{}Test", "tests", "phpunit"),
        "csharp": SimpleConvention(".cs", "{}Tests", "tests", "xunit"),
        "lua": SimpleConvention(".lua", "{}_spec", "spec", "busted"),
        "shellscript": SimpleConvention(".bats", "{}", "test", "bats"),
        "c": SimpleConvention(".c", "test_{}", "tests", "assert"),
        "cpp": SimpleConvention(".cpp", "{}_test", "tests", "googletest"),
    }
    script = {"javascript", "javascriptreact", "typescript", "typescriptreact"}
    if language_id in script:
        return ScriptConvention()
    return known.get(language_id, SimpleConvention("", "test_{}", "tests", ""))


def _table(package: dict[str, Any], name: str) -> dict[str, Any]:
    found = package.get(name)
    return found if isinstance(found, dict) else {}


def _relative(source: PurePosixPath, folder: PurePosixPath) -> str:
    ours, theirs = source.with_suffix("").parts, folder.parts
    shared = 0
    for one, other in zip(ours, theirs, strict=False):
        if one != other:
            break
        shared += 1
    up: Iterable[str] = [".."] * (len(theirs) - shared)
    path = "/".join([*up, *ours[shared:]])
    return path if path.startswith("..") else f"./{path}"
