"""An action that is run after its document changed: asked about its own code, or refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from aiex_lsp.edits.plan import plan_for
from aiex_lsp.tasks.types import TaskRequest
from tests.e2e import profiles
from tests.editor import Editor, RequestFailed
from tests.scripted import World, edit_result
from tests.session import QUICK, session

URI = "file:///w/calc.py"
PATIENT = replace(QUICK, outline=10.0)
CODE = "def add(a, b):\n    return a + c\n\n\ndef sub(a, b):\n    return a - b\n"
WRONG = {
    "range": {"start": {"line": 1, "character": 15}, "end": {"line": 1, "character": 16}},
    "message": "Undefined name `c`",
    "source": "ruff",
}
TOP = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}


class Asked:
    """Keeps what the tasks were asked about."""

    def __init__(self) -> None:
        self.requests: list[TaskRequest] = []

    async def __call__(self, request: TaskRequest, _listener: object):
        self.requests.append(request)
        return edit_result(plan_for(request.snapshot, request.snapshot.text + "# seen\n"))

    @property
    def place(self) -> str:
        request = self.requests[-1]
        return request.snapshot.slice(request.span)


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def world(tmp_path: Path, asked: Asked) -> World:
    return World(tmp_path / "state", fix=asked, refactor=asked)


async def listed(editor: Editor, line: int, kind: str, *diagnostics: dict) -> dict:
    at = {"line": line, "character": 5}
    params = {
        "textDocument": {"uri": URI},
        "range": {"start": at, "end": at},
        "context": {"diagnostics": list(diagnostics), "only": [kind], "triggerKind": 1},
    }
    (action,) = await editor.request("textDocument/codeAction", params)
    return action["command"]


async def run(editor: Editor, command: dict) -> None:
    (argument,) = command["arguments"]
    await editor.command(command["command"], {**argument, "wait": True})


async def test_lines_set_above_meanwhile_move_the_place_and_the_diagnostic(world, asked):
    async with session(world, profiles.vscode(), limits=PATIENT) as editor:
        editor.open(URI, CODE)
        fix = await listed(editor, 1, "quickfix", WRONG)
        refactor = await listed(editor, 4, "refactor.rewrite.aiex.refactor")
        editor.change(URI, {"range": TOP, "text": "import 😀\nimport os\n\n\n"})
        await run(editor, fix)
        (one,) = asked.requests[-1].diagnostics
        assert asked.requests[-1].snapshot.slice(one.span) == "c"
        assert asked.place == "c"
        await run(editor, refactor)
        assert asked.place == "sub"


async def test_a_change_at_the_place_refuses_and_asks_nobody(world, asked):
    async with session(world, profiles.neovim(), limits=PATIENT) as editor:
        editor.open(URI, CODE)
        command = await listed(editor, 4, "refactor.rewrite.aiex.refactor")
        place = {"start": {"line": 4, "character": 5}, "end": {"line": 4, "character": 6}}
        editor.change(URI, {"range": place, "text": "b_u_"})
        with pytest.raises(RequestFailed, match=r"changed there .* nothing was asked"):
            await run(editor, command)
        assert asked.requests == []
        assert editor.edits == []


async def test_a_list_of_long_ago_is_refused(world, asked):
    async with session(world, profiles.emacs(), limits=PATIENT) as editor:
        editor.open(URI, CODE)
        command = await listed(editor, 4, "refactor.rewrite.aiex.refactor")
        for line in range(5, 11):
            editor.change(URI, {"range": TOP, "text": "# more\n"})
            await listed(editor, line, "refactor.rewrite.aiex.refactor")
        with pytest.raises(RequestFailed, match="Open the list of actions again"):
            await run(editor, command)
        assert asked.requests == []


async def test_the_same_version_and_none_are_taken_as_they_are(world, asked):
    async with session(world, profiles.vscode(), limits=PATIENT) as editor:
        editor.open(URI, CODE)
        command = await listed(editor, 4, "refactor.rewrite.aiex.refactor")
        await run(editor, command)
        assert asked.place == "sub"
        argument = {**command["arguments"][0], "textDocument": {"uri": URI}}
        await run(editor, {**command, "arguments": [argument]})
        assert asked.place == "sub"
