"""`--apply` and the disk: links, permissions, files changed meanwhile, several files at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edit_rig import fenced
from tests.servers.base import serve_in_thread
from tests.servers.openai import OpenAIServer
from tests.unit.test_cli_edit import CODE, FIXED, Shell

USER = "from f import add\n\nadd(1, 2)\n"
AFTER = CODE.replace("a + c", "a + b")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    root = tmp_path / "work"
    root.mkdir()
    monkeypatch.chdir(root)
    with serve_in_thread(OpenAIServer()) as server:
        yield Shell(root, server)


def block(path: str, old: str, new: str) -> str:
    return f"{path}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n"


BOTH = (
    block("f.py", "def add(a, b):\n    return a + c", "def plus(a, b):\n    return a + b")
    + block("g.py", "from f import add", "from f import plus")
    + block("g.py", "add(1, 2)", "plus(1, 2)")
)


def test_a_link_inside_of_the_project_stays_one_and_the_mode_stays(shell: Shell) -> None:
    link = shell.root / "link.py"
    link.symlink_to("f.py")
    shell.file.chmod(0o755)
    shell.answers(fenced(FIXED))
    assert shell.run("fix", "link.py:7", "--apply").exit_code == 0
    assert link.is_symlink()
    assert shell.file.read_text() == AFTER
    assert shell.file.stat().st_mode & 0o777 == 0o755


def test_a_link_out_of_the_project_is_not_written_and_no_model_is_asked(shell: Shell) -> None:
    outside = shell.root.parent / "outside.py"
    outside.write_text(CODE)
    (shell.root / "link.py").symlink_to(outside)
    result = shell.run("fix", "link.py:7", "--apply")
    assert result.exit_code == 1
    assert "link.py lies outside the project" in result.stderr
    assert outside.read_text() == CODE
    assert shell.server.generations == []


def test_a_read_only_file_is_told_before_a_model_is_asked(shell: Shell) -> None:
    shell.file.chmod(0o444)
    result = shell.run("fix", "f.py:7", "--apply")
    assert result.exit_code == 1
    assert "f.py is read-only" in result.stderr
    assert shell.server.generations == []


def test_a_file_changed_meanwhile_is_not_written_and_the_change_is_shown(shell: Shell) -> None:
    def answer(_body: object) -> str:
        shell.file.write_text(CODE + "# typed\n")
        return fenced(FIXED)

    shell.server.answer = answer
    result = shell.run("fix", "f.py:7", "--apply")
    assert result.exit_code == 1
    assert "f.py has changed meanwhile" in result.stderr
    assert "-    return a + c\n+    return a + b\n" in result.stderr
    assert shell.file.read_text() == CODE + "# typed\n"


def test_a_renaming_in_two_files_is_written_in_both(shell: Shell) -> None:
    (shell.root / "g.py").write_text(USER)
    shell.answers(BOTH)
    result = shell.run("refactor", "f.py:7", "--instruction", "call it plus", "--apply")
    assert result.stdout == "wrote f.py\nwrote g.py\n"
    assert shell.file.read_text() == AFTER.replace("def add", "def plus")
    assert (shell.root / "g.py").read_text() == USER.replace("add", "plus")


def test_where_one_of_two_files_cannot_be_written_none_is(shell: Shell) -> None:
    (shell.root / "g.py").write_text(USER)
    (shell.root / "g.py").chmod(0o444)
    shell.answers(BOTH)
    result = shell.run("refactor", "f.py:7", "--instruction", "call it plus", "--apply")
    assert result.exit_code == 1
    assert "g.py is read-only" in result.stderr
    assert "+from f import plus" in result.stderr
    assert shell.file.read_text() == CODE
    assert (shell.root / "g.py").read_text() == USER


def test_a_name_another_file_uses_is_told_with_its_place(shell: Shell) -> None:
    (shell.root / "g.py").write_text(USER)
    answer = fenced("def plus(a, b):\n    return a + b\n")
    shell.answers(answer)
    result = shell.run("refactor", "f.py:7", "--instruction", "call it plus", "--apply")
    assert result.exit_code == 1
    assert "`add`, which is used in g.py:1" in result.stderr
    assert answer.strip() in result.stderr
    assert shell.file.read_text() == CODE


def test_a_language_nobody_parses_is_edited_by_its_lines(shell: Shell) -> None:
    query = "SELECT a\nFROM t\nWHERE b = 1;\n\nSELECT 2;\n"
    (shell.root / "q.sql").write_text(query)
    shell.answers(fenced("SELECT a\nFROM t\nWHERE b = 1\nLIMIT 5;", "sql"))
    assert shell.run("refactor", "q.sql:1-3", "--apply").exit_code == 0
    assert (shell.root / "q.sql").read_text() == query.replace("b = 1;", "b = 1\nLIMIT 5;")
