"""`aiex-lsp fix`, `document`, `refactor`, `run`: from shell to file, with a scripted model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aiex_lsp.cli import apply as cli_apply
from aiex_lsp.cli.apply import apply_plan
from aiex_lsp.cli.common import Runtime
from aiex_lsp.cli.program import program
from aiex_lsp.edits.plan import plan_for
from aiex_lsp.edits.types import EditPlan
from aiex_lsp.errors import EditError
from aiex_lsp.text.snapshot import Snapshot
from tests.edit_rig import fenced
from tests.servers.base import serve_in_thread
from tests.servers.openai import OpenAIServer

CODE = '''"""Sums."""

import math


def add(a, b):
    return a + c


def area(r):
    return math.pi * r * r
'''
FIXED = "def add(a, b):\n    return a + b\n"
DIFF = """\
--- a/f.py
+++ b/f.py
"""


class Shell:
    def __init__(self, root: Path, server: OpenAIServer) -> None:
        self.root, self.server = root, server
        self.file = root / "f.py"
        self.file.write_bytes(CODE.encode())
        (root / "pyproject.toml").touch()
        (root / "config.toml").write_text(
            'default_provider = "gateway"\n[providers.gateway]\ntype = "openai"\n'
            f'base_url = "{server.base_url}"\ncontext_window = 8000\n'
        )

    def run(self, *args: str) -> Result:
        env = {
            "HOME": str(self.root / "home"),
            "AIEX_CONFIG": str(self.root / "config.toml"),
            "AIEX_STATE_DIR": str(self.root / "state"),
        }
        return CliRunner().invoke(program, list(args), obj=Runtime(env=env))

    def answers(self, *texts: str) -> None:
        left = list(texts)
        self.server.answer = lambda _body: left.pop(0) if len(left) > 1 else left[0]

    @property
    def sent(self) -> str:
        messages = self.server.generations[-1].json["messages"]
        return "\n".join(message["content"] for message in messages)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    monkeypatch.chdir(tmp_path)
    with serve_in_thread(OpenAIServer()) as server:
        yield Shell(tmp_path, server)


def test_fix_prints_the_diff_and_writes_nothing(shell: Shell) -> None:
    shell.answers(fenced(FIXED, after="\nThe second argument is `b`.\n"))
    result = shell.run("fix", "f.py:7", "--diagnostic", "undefined name c")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(DIFF)
    assert "-    return a + c\n+    return a + b\n" in result.stdout
    assert shell.file.read_text() == CODE
    assert "error: undefined name c" in shell.sent
    assert "In line 2 of the code: return a + c" in shell.sent
    assert "def area" not in shell.sent.split("Code from")[1]
    assert "gateway" in result.stderr


def test_a_compilers_line_tells_the_place(shell: Shell) -> None:
    shell.answers(fenced(FIXED))
    result = shell.run("fix", "f.py", "--diagnostic", "f.py:7:16: undefined name c", "--apply")
    assert result.stdout == "wrote f.py\n"
    assert shell.file.read_text() == CODE.replace("a + c", "a + b")
    assert "error: undefined name c" in shell.sent
    assert "def area" not in shell.sent.split("Code from")[1]


def test_selected_lines_stay_what_may_change(shell: Shell) -> None:
    shell.answers(fenced(FIXED))
    result = shell.run("fix", "f.py:6-7", "--diagnostic", "undefined name c")
    assert "+    return a + b" in result.stdout
    assert "Problem:\nundefined name c" in shell.sent


def test_document_and_refactor_follow_an_instruction(shell: Shell) -> None:
    documented = 'def area(r):\n    """Return the area of a circle."""\n'
    documented += "    return math.pi * r * r\n"
    shell.answers(fenced(documented))
    result = shell.run("document", "f.py:11", "--instruction", "one line only")
    assert '+    """Return the area of a circle."""\n' in result.stdout
    assert "one line only" in shell.sent
    shell.answers(fenced("def area(r):\n    return math.pi * r**2\n"))
    result = shell.run("refactor", "f.py:11", "--instruction", "use a power", "--apply")
    assert result.stdout == "wrote f.py\n"
    assert shell.file.read_text() == CODE.replace("r * r", "r**2")
    assert "use a power" in shell.sent


def test_json_is_the_requests_result_with_the_diff(shell: Shell) -> None:
    shell.answers(fenced(FIXED, after="\nNow `b`.\n"))
    result = shell.run("fix", "f.py:7", "--json")
    found = json.loads(result.stdout)
    assert found["applied"] is False
    assert found["targetUri"] == shell.file.as_uri()
    assert found["language"] == "python"
    assert found["codeBlocks"][0]["valid"] is True
    assert found["diff"].startswith(DIFF)
    assert found["answer"]["provider"] == "gateway"


def test_line_endings_and_a_missing_final_newline_stay(shell: Shell) -> None:
    before = CODE.rstrip("\n").replace("\n", "\r\n").encode()
    shell.file.write_bytes(b"\xef\xbb\xbf" + before)
    shell.answers(fenced(FIXED))
    assert shell.run("fix", "f.py:7", "--apply").exit_code == 0
    assert shell.file.read_bytes() == b"\xef\xbb\xbf" + before.replace(b"a + c", b"a + b")


def test_an_answer_of_no_use_is_told_after_a_second_try_and_not_lost(shell: Shell) -> None:
    shell.answers("Replace c by b, then all will be well with this function.")
    result = shell.run("fix", "f.py:7", "--apply")
    assert result.exit_code == 1
    assert "asked twice" in result.stderr
    assert "Replace c by b" in result.stdout + result.stderr
    assert shell.file.read_text() == CODE
    assert len(shell.server.generations) == 2


def test_a_template_that_gives_code_is_run_as_an_edit(shell: Shell) -> None:
    folder = shell.root / ".aiex" / "templates"
    folder.mkdir(parents=True)
    (folder / "shout.md.j2").write_text(
        "---\nid: shout\nname: Shout\nresponse_type: code_generation\nvariables:\n"
        "  code: {type: string, required: true, inject: code}\n---\n"
        "{% block user %}Shout: {{ code }}{% endblock %}\n"
    )
    shell.answers(fenced("def area(r):\n    return math.pi * (r * r)\n"))
    result = shell.run("run", "shout", "f.py:11", "--apply")
    assert result.stdout == "wrote f.py\n"
    assert shell.file.read_text() == CODE.replace("r * r", "(r * r)")


@pytest.mark.parametrize("task", ["fix", "document", "refactor"])
def test_prompt_shows_what_a_task_would_send(shell: Shell, task: str) -> None:
    result = shell.run("prompt", task, "f.py:7", "--instruction", "keep it short")
    assert result.exit_code == 0, result.stderr
    assert "keep it short" in result.stdout
    assert "def add(a, b):" in result.stdout
    assert shell.server.generations == []


def test_of_several_files_all_are_written_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / name for name in ("a.py", "b.py", "c.py")]
    for path in paths[:2]:
        path.write_text("x = 1\n")
    plans = [
        plan_for(Snapshot(paths[2].as_uri(), "", "python"), "new = 1\n", create=True),
        plan_for(Snapshot(paths[0].as_uri(), "x = 1\n", "python"), "x = 2\n"),
        plan_for(Snapshot(paths[1].as_uri(), "x = 1\n", "python"), "x = 2\n"),
    ]
    plan = EditPlan(tuple(file for one in plans for file in one.files))
    real = cli_apply.write_atomically

    def full_disk(path: Path, data: bytes) -> None:
        if path.name == "b.py":
            raise OSError(28, "No space left on device")
        real(path, data)

    monkeypatch.setattr(cli_apply, "write_atomically", full_disk)
    with pytest.raises(EditError, match="nothing was changed"):
        apply_plan(plan, tmp_path)
    assert [path.read_text() for path in paths[:2]] == ["x = 1\n", "x = 1\n"]
    assert not paths[2].exists()
