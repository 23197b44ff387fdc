"""The table of features by editor says what the tests show, and nothing more."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.editors.harness import PAGES

README = PAGES / "README.md"
CELL = re.compile(
    r"""
      \[tested\]\((?P<file>\S+)\ "(?P<names>test_\w+(\ test_\w+)*)"\)
    | not\ tested
    | no:\ \S.*
    """,
    re.VERBOSE,
)
UNDRIVEN = ["vim-lsp, coc.nvim", "Kate", "Sublime Text"]
"""Editors that no test starts."""


def table() -> dict[str, dict[str, str]]:
    """Return the cells by feature and editor."""
    text = README.read_text(encoding="utf-8")
    found = re.search(r"<!-- matrix -->\n(.*?)<!-- end -->", text, re.S)
    assert found, "no table"
    head, _, *rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in found[1].splitlines()
    ]
    editors = [re.sub(r"\[(.*)\]\(.*\)", r"\1", cell.strip("| ")) for cell in head[1:]]
    assert len({row[0] for row in rows}) == len(rows)
    for row in rows:
        assert len(row) == len(head), row[0]
    return {row[0].strip("| "): dict(zip(editors, row[1:], strict=True)) for row in rows}


def named_in(place: Path) -> set[str]:
    """Return the names of the tests in a file, or in all files below a folder."""
    files = sorted(place.rglob("test_*.py")) if place.is_dir() else [place]
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        node.name
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, functions)
    }


CELLS = [
    pytest.param(cell.strip("| "), id=f"{feature} - {editor}")
    for feature, cells in table().items()
    for editor, cell in cells.items()
]


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_is_tested_by_a_test_there_is_or_says_that_it_is_not(cell: str) -> None:
    said = CELL.fullmatch(cell)
    assert said, cell
    if said["file"]:
        place = (PAGES / said["file"]).resolve()
        assert place.is_relative_to(Path(__file__).parent)
        assert set(said["names"].split()) <= named_in(place)


def test_no_cell_of_an_editor_that_no_test_starts_says_tested() -> None:
    for feature, cells in table().items():
        for editor in UNDRIVEN:
            assert "[tested]" not in cells[editor], (feature, editor)


def test_each_editor_has_its_page() -> None:
    links = re.findall(r"\]\(([\w-]+\.md)(?:#([\w-]+))?\)", README.read_text(encoding="utf-8"))
    for page, section in links:
        text = (PAGES / page).read_text(encoding="utf-8")
        heads = {
            re.sub(r"[^\w-]", "", head.lower().replace(" ", "-"))
            for head in re.findall(r"^#+ (.*)$", text, re.M)
        }
        assert not section or section in heads, (page, section)
    named = {page for page, _ in links}
    assert named >= {path.name for path in PAGES.glob("*.md")} - {"README.md"}
