"""Each fixture is a project layout; each case a source file and where its tests belong."""

import tomllib
from pathlib import Path

import pytest

from aiex_lsp.context.ignore import WorkspaceFiles
from aiex_lsp.context.test_files import find_test_target

LAYOUTS = sorted((Path(__file__).parent / "fixtures" / "layouts").glob("*.toml"))
LANGUAGES = {
    ".py": "python",
    ".js": "javascript",
    ".jsx": "javascriptreact",
    ".ts": "typescript",
    ".go": "go",
    ".rs": "rust",
    ".java": "java",
    ".ex": "elixir",
}
CASES = [
    pytest.param(layout["files"], case, id=f"{path.stem}-{Path(case['source']).name}")
    for path in LAYOUTS
    for layout in [tomllib.loads(path.read_text())]
    for case in layout["cases"]
]


def test_the_table_has_at_least_25_layouts():
    assert len(LAYOUTS) >= 25


@pytest.mark.parametrize(("files", "case"), CASES)
def test_tests_go_where_the_project_keeps_them(tmp_path, files, case):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    source = tmp_path / case["source"]

    found = find_test_target(
        source, LANGUAGES[source.suffix], WorkspaceFiles(tmp_path), source.read_text()
    )

    assert found.display_path == case["target"]
    assert found.exists == case["exists"]
    assert found.framework == case["framework"]
    assert found.import_hint == case["import"]
    assert found.in_source == (case["target"] == case["source"])


def test_a_source_that_is_a_test_is_its_own_target(tmp_path):
    (tmp_path / "tests").mkdir()
    source = tmp_path / "tests" / "test_a.py"
    source.write_text("def test_a():\n    pass\n")
    found = find_test_target(source, "python", WorkspaceFiles(tmp_path), source.read_text())
    assert found.path == source
    assert found.exists


def test_without_a_workspace_the_tests_stand_beside_an_untitled_buffer():
    found = find_test_target(Path("Untitled-1"), "python", None, "def f(): ...")
    assert not found.exists
    assert found.path.name == "test_Untitled-1.py"
