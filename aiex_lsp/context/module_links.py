"""Imports of one file that mean another: Python and the languages of JavaScript. CPU-bound."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

from aiex_lsp.syntax.imports import imports

_FROM = re.compile(r"from\s+(\.*)([\w.]*)\s+import\s+(.*)", re.S)
_IMPORT = re.compile(r"import\s+(.*)", re.S)
_PATH = re.compile(r"""["']([^"'\n]+)["']""")
_BRACES = re.compile(r"\{([^{}]*)\}")
_WORD = re.compile(r"[A-Za-z_$][\w$]*")


@dataclass(frozen=True, slots=True)
class Link:
    """An import at `start`..`end`: the names it takes, and words the whole module goes by."""

    start: int
    end: int
    names: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    all_names: bool = False


def links_to(text: str, path: PurePath, language: str, defined: PurePath) -> Iterator[Link]:
    """Yield the imports of the file at `path` that mean the module at `defined`."""
    find = _python if language == "python" else _javascript
    for one in imports(text, language):
        link = find(one.text, path, defined)
        if link is not None:
            names, modules, all_names = link
            yield Link(one.start, one.end, frozenset(names), frozenset(modules), all_names)


_Found = tuple[set[str], set[str], bool] | None


def _python(statement: str, path: PurePath, defined: PurePath) -> _Found:
    statement = re.sub(r"#[^\n]*|\\\n", "", statement)
    module = defined.with_suffix("").parts
    if module[-1] == "__init__":
        module = module[:-1]
    found = _FROM.match(statement)
    if found is not None:
        base = _resolved(found[1], found[2], path)
        names, all_names = set(), False
        modules = set()
        for name, alias in _listed(found[3]):
            if _means(base, module):
                names.add(name)
                all_names = all_names or name == "*"
            elif _means((*base, name), module):
                modules.add(alias)
        return (names, modules, all_names) if names or modules else None
    found = _IMPORT.match(statement)
    modules = set()
    for name, alias in _listed(found[1]) if found else ():
        if _means(tuple(name.split(".")), module):
            modules.add(alias if alias != name else name.rsplit(".", 1)[-1])
    return (set(), modules, False) if modules else None


def _resolved(dots: str, name: str, path: PurePath) -> tuple[str, ...]:
    """Return a module's parts; of a relative one the whole path."""
    parts = tuple(part for part in name.split(".") if part)
    if not dots:
        return parts
    folder = path.parent.parts
    return (*folder[: len(folder) - (len(dots) - 1)], *parts)


def _means(named: tuple[str, ...], module: tuple[str, ...]) -> bool:
    return bool(named) and module[-len(named) :] == named


def _listed(text: str) -> Iterator[tuple[str, str]]:
    for part in text.strip().strip("()").split(","):
        words = part.split()
        if words:
            yield words[0], words[-1]


def _javascript(statement: str, path: PurePath, defined: PurePath) -> _Found:
    found = list(_PATH.finditer(statement))
    if not found or not _is_path(found[-1][1], path, defined):
        return None
    head = statement[: found[-1].start()]
    names = {
        words[0]
        for braces in _BRACES.findall(head)
        for part in re.sub(r"\btype\b|:", " ", braces).split(",")
        if (words := _WORD.findall(part))
    }
    behind = re.match(r"\s*\)\s*\.\s*([\w$]+)", statement[found[-1].end() :])
    if behind:
        names.add(behind[1])
    outside = _BRACES.sub("", head)
    modules = set(re.findall(r"\*\s*as\s+([\w$]+)", outside))
    modules |= set(re.findall(r"(?:const|let|var)\s+([\w$]+)\s*=", outside))
    return (names, modules, False) if names or modules else None


def _is_path(named: str, path: PurePath, defined: PurePath) -> bool:
    wanted = {defined.as_posix(), defined.with_suffix("").as_posix()}
    if defined.stem == "index":
        wanted.add(defined.parent.as_posix())
    bare = re.sub(r"\.(?:[cm]?[jt]s|[jt]sx)$", "", named)
    if named.startswith("."):
        full = os.path.normpath((path.parent / bare).as_posix()).replace(os.sep, "/")
        return full in wanted
    # An alias or a package of the workspace: its last words must be the file's.
    tail = "/".join(part for part in bare.split("/") if part not in ("@", "~", "src"))
    return bool(tail) and any(one.endswith(f"/{tail}") for one in wanted)
