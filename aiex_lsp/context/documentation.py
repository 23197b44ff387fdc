"""How a project documents its code: what its tools are told, else what the files beside do."""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiex_lsp.syntax.docstrings import DocStyle
    from aiex_lsp.syntax.types import Symbol

MAX_BYTES = 64 * 1024
"""Largest file that is read."""
MAX_BESIDE = 6
"""Files beside that are looked at: each costs a parse of some milliseconds."""
MAX_LISTED = 400
_ENOUGH = 3
"""So many comments in the usual style are a habit, fewer may be of none."""
_MAX_LEVELS = 12
_NAMES = {"pep257": "plain", "google": "google", "numpy": "numpy", "numpydoc": "numpy"}
_NAMES |= {"sphinx": "sphinx", "restructuredtext": "sphinx", "rest": "sphinx", "all": ""}


def documentation_style(
    text: str,
    language: str,
    symbol: Symbol | None = None,
    path: Path | None = None,
    root: Path | None = None,
) -> DocStyle:
    """Return how documentation is to be written at a place of a file. Blocking.

    The file's own comments decide; where they tell nothing the project does, see `convention`.
    """
    from aiex_lsp.syntax.docstrings import style_of

    def usual() -> str | None:
        return convention(path, language, root) if path is not None else None

    return style_of(text, language, symbol, usual=usual)


def convention(path: Path, language: str, root: Path | None = None) -> str | None:
    """Return the convention of a file's project, None where it shows none. Blocking.

    Looked for in the settings of tools from the file's folder up to `root`, then in the comments
    of a few files beside.
    """
    find = _TOLD.get(language)
    if find is not None:
        for folder in _folders(path.parent, root):
            if (found := find(folder)) is not None:
                return found
    return _beside(path, language)


def _folders(folder: Path, root: Path | None) -> Iterator[Path]:
    for count, one in enumerate((folder, *folder.parents)):
        if count >= _MAX_LEVELS or (root is None and count):
            return
        yield one
        if one == root:
            return


def _beside(path: Path, language: str) -> str | None:
    from aiex_lsp.syntax.docstrings import style_of

    counts: Counter[str] = Counter()
    default = style_of("", language).convention
    for one in _siblings(path)[:MAX_BESIDE]:
        style = style_of(_read(one), language)
        if style.seen >= _ENOUGH or (style.seen and style.convention != default):
            counts[style.convention] += style.seen
    return counts.most_common(1)[0][0] if counts else None


def _siblings(path: Path) -> list[Path]:
    try:
        names = sorted(
            one
            for one, _ in zip(path.parent.iterdir(), range(MAX_LISTED), strict=False)
            if one.suffix == path.suffix and one.name != path.name and one.is_file()
        )
    except OSError:
        return []
    # Where a name says that nothing is documented there, nothing is looked for.
    return [one for one in names if one.stem != "__init__" and "test" not in one.stem.lower()]


def _python(folder: Path) -> str | None:
    tool = _table(_toml(folder / "pyproject.toml"), "tool")
    places = [
        _table(tool, "ruff", "lint", "pydocstyle"),
        _table(tool, "ruff", "pydocstyle"),
        _table(tool, "pydocstyle"),
        {"convention": _table(tool, "pydoclint").get("style")},
        *(
            _table(_toml(folder / name), "lint", "pydocstyle")
            for name in ("ruff.toml", ".ruff.toml")
        ),
    ]
    for name in ("setup.cfg", "tox.ini", ".pydocstyle", ".flake8"):
        sections = _ini(folder / name)
        places.append(sections.get("pydocstyle", {}))
        flake8 = sections.get("flake8", {})
        places.append({"convention": flake8.get("docstring-convention")})
    for place in places:
        told = place.get("convention")
        if isinstance(told, str) and (found := _NAMES.get(told.strip().lower())):
            return found
    return None


def _typescript(folder: Path) -> str | None:
    if (folder / "tsdoc.json").is_file():
        return "tsdoc"
    needed = _json(folder / "package.json")
    names = {name for key in ("dependencies", "devDependencies") for name in _table(needed, key)}
    if "eslint-plugin-tsdoc" in names or "@microsoft/api-extractor" in names:
        return "tsdoc"
    return None


def _ruby(folder: Path) -> str | None:
    if (folder / ".yardopts").is_file():
        return "yard"
    return "rdoc" if (folder / ".rdoc_options").is_file() else None


def _lua(folder: Path) -> str | None:
    if (folder / "config.ld").is_file():
        return "luadoc"
    return "emmylua" if (folder / ".luarc.json").is_file() else None


_TOLD: dict[str, Callable[[Path], str | None]] = {
    "python": _python,
    "typescript": _typescript,
    "typescriptreact": _typescript,
    "ruby": _ruby,
    "lua": _lua,
}


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError:
        return ""
    return data.decode("utf-8", "replace") if len(data) <= MAX_BYTES else ""


def _toml(path: Path) -> Any:
    try:
        return tomllib.loads(_read(path))
    except (ValueError, RecursionError):
        return {}


def _json(path: Path) -> Any:
    try:
        return json.loads(_read(path) or "{}")
    except (ValueError, RecursionError):
        return {}


def _ini(path: Path) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(re.sub(r"\A\ufeff", "", _read(path)))
    except configparser.Error:
        return {}
    return {name: {k: v or "" for k, v in parser.items(name)} for name in parser.sections()}


def _table(value: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
