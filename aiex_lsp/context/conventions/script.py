"""Where JavaScript and TypeScript projects keep their tests."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from aiex_lsp.context.conventions.base import Convention
from aiex_lsp.context.test_files import Project, is_in_tests


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
