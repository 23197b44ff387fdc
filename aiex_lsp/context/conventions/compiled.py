"""Where Go, Rust and Java projects keep their tests."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from aiex_lsp.context.conventions.base import Convention
from aiex_lsp.context.test_files import Project


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
        """Return the tests module's own file, an existing integration test, or the source."""
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
