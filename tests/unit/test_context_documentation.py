"""A new file is documented as its project is."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiex_lsp.context.documentation import convention, documentation_style

NUMPY = (
    '"""M."""\n\ndef f(x):\n    """Do.\n\n    Parameters\n    ----------\n    x : int\n    """\n'
)
EMPTY = "def g():\n    pass\n"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("pyproject.toml", '[tool.ruff.lint.pydocstyle]\nconvention = "numpy"\n', "numpy"),
        ("pyproject.toml", '[tool.pydocstyle]\nconvention = "pep257"\n', "plain"),
        ("pyproject.toml", '[tool.pydoclint]\nstyle = "sphinx"\n', "sphinx"),
        ("pyproject.toml", "[tool.ruff\n", None),
        ("pyproject.toml", "tool = 3\n", None),
        ("ruff.toml", '[lint.pydocstyle]\nconvention = "google"\n', "google"),
        ("setup.cfg", "[pydocstyle]\nconvention = numpy\n", "numpy"),
        ("tox.ini", "[flake8]\ndocstring-convention = google\n", "google"),
        ("setup.cfg", "no sections\n", None),
    ],
)
def test_what_tools_are_told_holds(tmp_path, name, text, expected):
    write(tmp_path / name, text)
    assert convention(tmp_path / "src" / "pkg" / "a.py", "python", tmp_path) == expected


def test_nothing_above_the_workspace_is_read(tmp_path):
    write(tmp_path / "pyproject.toml", '[tool.pydocstyle]\nconvention = "numpy"\n')
    root = tmp_path / "work"
    assert convention(root / "a.py", "python", root) is None
    assert convention(root / "a.py", "python") is None


def test_the_files_beside_show_it(tmp_path):
    write(tmp_path / "b.py", NUMPY)
    write(tmp_path / "c.py", EMPTY)
    write(tmp_path / "test_b.py", NUMPY.replace("Parameters\n    ----------", "Args:\n"))
    path = write(tmp_path / "a.py", EMPTY)
    assert documentation_style(EMPTY, "python", None, path, tmp_path).convention == "numpy"
    assert documentation_style(EMPTY, "python").convention == "google"


def test_the_file_itself_wins(tmp_path):
    write(tmp_path / "pyproject.toml", '[tool.pydocstyle]\nconvention = "google"\n')
    path = tmp_path / "a.py"
    assert documentation_style(NUMPY, "python", None, path, tmp_path).convention == "numpy"


@pytest.mark.parametrize(
    ("file", "text", "path", "language", "expected"),
    [
        ("tsdoc.json", "{}", "a.ts", "typescript", "tsdoc"),
        ("package.json", '{"devDependencies": {"eslint-plugin-tsdoc": "1"}}', "a.tsx",
         "typescriptreact", "tsdoc"),
        ("package.json", "[", "a.ts", "typescript", None),
        (".yardopts", "", "a.rb", "ruby", "yard"),
        (".rdoc_options", "", "a.rb", "ruby", "rdoc"),
        ("config.ld", "", "a.lua", "lua", "luadoc"),
        (".luarc.json", "{}", "a.lua", "lua", "emmylua"),
        ("Cargo.toml", "", "a.rs", "rust", None),
    ],
)  # fmt: skip
def test_other_languages_have_their_own_signs(tmp_path, file, text, path, language, expected):
    write(tmp_path / file, text)
    assert convention(tmp_path / path, language, tmp_path) == expected


def test_a_folder_that_is_not_there_and_binary_files_tell_nothing(tmp_path):
    assert convention(tmp_path / "no" / "a.py", "python", tmp_path) is None
    (tmp_path / "b.py").write_bytes(b"\xff\xfe\x00" * 1000)
    assert convention(tmp_path / "a.py", "python", tmp_path) is None
