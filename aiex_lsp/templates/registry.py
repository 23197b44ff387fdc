"""All templates: the built-in ones, and those of folders, where the same id overrides."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from aiex_lsp.errors import TemplateError, TemplateUseError
from aiex_lsp.templates.head import build, id_of, nearest
from aiex_lsp.templates.loader import SUFFIX, TemplateFile, load_file, parse_text
from aiex_lsp.templates.types import Source, Template, TemplateProblem

if TYPE_CHECKING:
    from aiex_lsp.templates.sandbox import Sandbox

BUILTIN_DIR = Path(__file__).parent / "builtin"
MAX_FILES = 500
"""Template files read from one folder."""
MAX_ANCESTORS = 8

_Stamp = tuple[str, int, int, int]
_Layers = dict[str, list[TemplateFile]]


@dataclass(frozen=True, slots=True)
class _State:
    templates: Mapping[str, Template] = field(default_factory=dict)
    problems: tuple[TemplateProblem, ...] = ()
    broken: Mapping[str, TemplateProblem] = field(default_factory=dict)


class TemplateRegistry:
    """Templates by id, from `dirs`, later ones overriding; the built-in ones come first.

    A file with an error is left out and reported in `problems`; an override with an error leaves
    the template it meant to override in place. Reads files when made and in `reload_if_changed`,
    so both belong in a thread; all else only looks at what was read.
    """

    def __init__(
        self, dirs: Sequence[tuple[Source, Path]] = (), *, check_builtin: bool = False
    ) -> None:
        builtin: list[tuple[Source, Path]] = [("builtin", BUILTIN_DIR)]
        self._dirs = ([] if any(source == "builtin" for source, _ in dirs) else builtin) + [*dirs]
        self._check_builtin = check_builtin
        self._lock = threading.Lock()
        self._env: Sandbox | None = None
        self._stamps: list[list[_Stamp] | None] = [None] * len(self._dirs)
        self._files: dict[Path, tuple[_Stamp, TemplateFile | None, list[TemplateProblem]]] = {}
        self._state = _State()
        self.reload_if_changed()

    @property
    def problems(self) -> list[TemplateProblem]:
        """Return what is wrong with the files, in the order of folders and files."""
        return list(self._state.problems)

    @property
    def dirs(self) -> list[tuple[Source, Path]]:
        """Return the folders that are read, later ones overriding."""
        return list(self._dirs)

    def get(self, template_id: str) -> Template:
        """Return the template. Raises `TemplateError` that names the nearest ids, or why it broke.

        The same object comes back until a file changes.
        """
        state = self._state
        found = state.templates.get(template_id)
        if found is not None:
            return found
        name = str(template_id)[:60]
        problem = state.broken.get(template_id)
        if problem is not None:
            raise TemplateError(
                f"Template {name} cannot be used: line {problem.line}: {problem.message}",
                "Run `aiex-lsp templates check`",
                file=problem.path,
                line=problem.line,
            )
        near = get_close_matches(name, state.templates, n=3, cutoff=0.5)
        step = f"Did you mean {' or '.join(near)}?" if near else "`aiex-lsp templates list` has all"
        raise TemplateUseError(f"There is no template {name!r}", step)

    def all(self) -> list[Template]:
        """Return every usable template, by id."""
        return [one for _, one in sorted(self._state.templates.items())]

    def reload_if_changed(self) -> bool:
        """Return whether a file was added, changed or removed; reads only those.

        Costs one listing of each folder.
        """
        with self._lock:
            stamps = [self._stamp(index) for index in range(len(self._dirs))]
            if stamps == self._stamps:
                return False
            self._state = self._read(stamps)
            # Only now: after a failure they are read again.
            self._stamps = list(stamps)
            return True

    def use(self, dirs: Sequence[tuple[Source, Path]]) -> None:
        """Read other folders than before, from the next look on; the built-in ones stay."""
        with self._lock:
            dirs = [one for one in dirs if one[0] != "builtin"]
            builtin = sum(source == "builtin" for source, _ in self._dirs)
            if dirs != self._dirs[builtin:]:
                self._dirs[builtin:] = dirs
                # No listing equals None, so that the next look reads them, empty ones too.
                self._stamps[builtin:] = [None] * len(dirs)

    def check_text(self, path: Path, text: str) -> list[TemplateProblem] | None:
        """Return what would be wrong with a file of the folders if it held `text`.

        None for a file that is no template. Only what is affected is read anew.
        """
        index = next((i for i, (_, one) in enumerate(self._dirs) if one == path.parent), None)
        if index is None or not path.name.endswith(SUFFIX):
            return None
        with self._lock:
            trial = copy(self)
            stamps = [list(known or []) for known in self._stamps]
            trial._files = dict(self._files)
        stamp = (path.name, -1, -1, -1)
        others = [one for one in stamps[index] if one[0] != path.name]
        stamps[index] = sorted([*others, stamp])
        file, problems = parse_text(text, path, self._dirs[index][0])
        if any(problem.severity == "error" for problem in problems):
            file = None
        trial._files[path] = (stamp, file, problems)
        return [one for one in trial._read(stamps).problems if one.path == str(path)]

    def _stamp(self, index: int) -> list[_Stamp]:
        source, folder = self._dirs[index]
        known = self._stamps[index]
        if source == "builtin" and known is not None:
            return known
        found: list[_Stamp] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or not entry.name.endswith((SUFFIX, ".j2")):
                        continue
                    try:
                        status = entry.stat()
                    except OSError:
                        continue
                    found.append((entry.name, status.st_mtime_ns, status.st_size, status.st_ino))
        except OSError:
            return []
        return sorted(found)

    def _read(self, stamps: list[list[_Stamp]]) -> _State:
        problems: list[TemplateProblem] = []
        layers: _Layers = {}
        seen: set[Path] = set()
        for (source, folder), names in zip(self._dirs, stamps, strict=True):
            if len(names) > MAX_FILES:
                what = f"holds more than {MAX_FILES} templates; the rest are not read"
                problems.append(TemplateProblem(str(folder), 1, what))
            claimed: dict[str, TemplateFile] = {}
            for stamp in names[:MAX_FILES]:
                path = folder / stamp[0]
                seen.add(path)
                file, found = self._load(path, source, folder, stamp)
                problems += found
                if file is None:
                    continue
                name = id_of(file)
                if name in claimed:
                    what = f"the id {name!r} is already that of {claimed[name].path.name}"
                    line = file.lines.get("id", 1)
                    problems.append(TemplateProblem(str(path), line, what))
                    continue
                claimed[name] = file
                layers.setdefault(name, []).append(file)
        self._files = {path: known for path, known in self._files.items() if path in seen}
        return self._resolve(layers, problems)

    def _load(
        self, path: Path, source: Source, folder: Path, stamp: _Stamp
    ) -> tuple[TemplateFile | None, list[TemplateProblem]]:
        known = self._files.get(path)
        if known is not None and known[0] == stamp:
            return known[1], known[2]
        file: TemplateFile | None = None
        if not path.name.endswith(SUFFIX):
            problems = [TemplateProblem(str(path), 1, f"is not read: name it …{SUFFIX}", "warning")]
        elif source == "workspace" and not path.resolve().is_relative_to(folder.resolve()):
            problems = [TemplateProblem(str(path), 1, "leads out of the workspace's templates")]
        else:
            file, problems = load_file(path, source)
            if any(problem.severity == "error" for problem in problems):
                file = None
        self._files[path] = (stamp, file, problems)
        return file, problems

    def _resolve(self, layers: _Layers, problems: list[TemplateProblem]) -> _State:
        resolver = _Resolver(layers, self._lint)
        templates: dict[str, Template] = {}
        broken = resolver.broken
        for name, files in layers.items():
            for layer in range(len(files)):
                template = resolver.template(name, layer)
                if template is not None:
                    templates[name] = template
        for problem in problems:
            # A file that could not be read has told no id: its name is the best guess.
            if problem.severity == "error":
                broken.setdefault(Path(problem.path).name.removesuffix(SUFFIX), problem)
        everything = (*problems, *resolver.problems)
        return _State(templates, tuple(dict.fromkeys(everything)), broken)

    def _lint(self, template: Template) -> list[TemplateProblem]:
        if template.source == "builtin" and not self._check_builtin:
            return []
        from aiex_lsp.templates.lint import lint
        from aiex_lsp.templates.sandbox import Sandbox

        self._env = self._env or Sandbox()
        return lint(template, self._env)


class _Resolver:
    """Joins each file to the template it extends; a file that extends its own id to the one it
    overrides.
    """

    def __init__(self, layers: _Layers, lint: Callable[[Template], list[TemplateProblem]]) -> None:
        self._layers = layers
        self._lint = lint
        self._made: dict[tuple[str, int], Template | None] = {}
        self._open: list[tuple[str, int]] = []
        self.problems: list[TemplateProblem] = []
        self.broken: dict[str, TemplateProblem] = {}

    def template(self, name: str, layer: int) -> Template | None:
        """Return the template of one layer, None if it cannot be used."""
        key = (name, layer)
        if key not in self._made:
            self._open.append(key)
            self._made[key] = self._make(name, layer)
            self._open.pop()
        return self._made[key]

    def _make(self, name: str, layer: int) -> Template | None:
        file = self._layers[name][layer]
        wanted = file.head.get("extends")
        parent = None
        if isinstance(wanted, str):
            parent, wrong = self._parent(name, layer, wanted.strip())
            if parent is None:
                line = file.lines.get("extends", 1)
                self._report(name, [TemplateProblem(str(file.path), line, wrong)])
                return None
        template, problems = build(file, parent)
        if not self._report(name, problems) or not self._report(name, self._lint(template)):
            return None
        return template

    def _report(self, name: str, problems: list[TemplateProblem]) -> bool:
        """Return whether a template with these problems can be used."""
        self.problems += problems
        first = next((one for one in problems if one.severity == "error"), None)
        if first is not None:
            self.broken.setdefault(name, first)
        return first is None

    def _parent(self, name: str, layer: int, wanted: str) -> tuple[Template | None, str]:
        if wanted == name:
            candidates = [(name, one) for one in reversed(range(layer))]
            missing = f"extends itself: there is no other template {name!r} to extend"
        else:
            files = self._layers.get(wanted, [])
            candidates = [(wanted, one) for one in reversed(range(len(files)))]
            missing = (
                f"extends {wanted[:60]!r}, which does not exist{nearest(wanted, self._layers)}"
            )
        if not candidates:
            return None, missing
        if len(self._open) > MAX_ANCESTORS:
            return None, f"extends more than {MAX_ANCESTORS} templates in a row"
        for key in candidates:
            if key in self._open:
                return None, f"extends {wanted[:60]!r}, which extends it in turn"
            parent = self.template(*key)
            if parent is not None:
                return parent, ""
        return None, f"extends {wanted[:60]!r}, which cannot be used"
