"""Where Python projects keep their tests."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePosixPath

from aiex_lsp.context.conventions.base import Convention
from aiex_lsp.context.test_files import Project, is_in_tests


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
        """Return pytest or unittest: what the target uses, else the project, else its tests."""
        own = _used(project.read(target)) if target in project.names else None
        if own:
            return own
        if "pytest" in self._facts(project):
            return "pytest"
        if self._django(project):
            return "unittest"
        found = [_used(project.read(path)) for path in self.tests(project)[:5]]
        return "unittest" if "unittest" in found and "pytest" not in found else "pytest"

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


def _used(text: str) -> str | None:
    """Return the framework a test file uses, None where it shows none."""
    if re.search(r"^\s*(import|from) pytest\b|^(async )?def test_", text, re.M):
        return "pytest"
    if re.search(r"^\s*(import|from) (unittest|django\.test)\b", text, re.M):
        return "unittest"
    return None
