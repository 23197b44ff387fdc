"""How an edit of a command arrives in editors of differing abilities."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiex_lsp.config.settings import EditSettings
from aiex_lsp.edits.plan import plan_for
from aiex_lsp.edits.types import EditPlan
from aiex_lsp.llm.types import Listener
from aiex_lsp.tasks.types import TaskRequest
from aiex_lsp.text.snapshot import Snapshot
from tests.e2e import profiles
from tests.editor import Editor, RequestFailed
from tests.scripted import Gate, World, edit_result, new_file, say
from tests.session import session

URI = "file:///w/calc.py"
TEST_URI = "file:///w/test_calc.py"
CODE = "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a - b\n"
ADD = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 5}}
TESTS = "def test_add():\n    assert add('😀', '') == '😀'\n"


def writes_new_file(uri: str = TEST_URI):
    return say(result=edit_result(new_file(uri, TESTS)))


def changes_document(old: str, new: str):
    async def step(request: TaskRequest, _listener: Listener):
        text = request.snapshot.text
        assert old in text
        return edit_result(plan_for(request.snapshot, text.replace(old, new), label="Edit"))

    return step


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "state", generate_tests=writes_new_file())


@pytest.mark.parametrize(
    "profile", {**profiles.all_profiles(), "bare": profiles.bare()}.items(), ids=lambda p: p[0]
)
async def test_new_tests_arrive_as_the_client_can_take_them(world, profile):
    name, capabilities = profile
    async with session(world, capabilities) as editor:
        editor.open(URI, CODE)
        result = await editor.command("aiex/generateTests", {**ADD, "wait": True})
        assert result["targetUri"] == TEST_URI
        assert result["codeBlocks"] == [
            {"language": "python", "code": "def test(): ...", "valid": True}
        ]
        if name == "bare":
            assert result["applied"] is False
            assert "+++ b/test_calc.py" in editor.messages[0]
            assert "+def test_add():" in editor.messages[0]
            return
        assert result["applied"] is True
        assert editor.documents[TEST_URI] == TESTS
        sent = editor.edits[0]["edit"]["documentChanges"]
        assert [change.get("kind") for change in sent] == (
            [None] if name == "emacs" else ["create", None]
        )
        assert sent[-1]["textDocument"] == {"uri": TEST_URI, "version": None}
        opened = [shown["uri"] for shown in editor.shown]
        assert opened == [TEST_URI]


async def test_a_client_of_plain_changes_gets_plain_changes(world):
    async with session(world, {"workspace": {"applyEdit": True}}) as editor:
        editor.open(URI, CODE)
        await editor.command("aiex/generateTests", {**ADD, "wait": True})
        assert list(editor.edits[0]["edit"]) == ["changes"]
        assert editor.documents[TEST_URI] == TESTS


async def test_a_request_returns_the_edit_and_applies_nothing(world):
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        result = await editor.request("aiex/generateTests", ADD)
        assert editor.edits == []
        assert "applied" not in result
        assert editor.apply(result["edit"]) == {"applied": True}
        assert editor.documents[TEST_URI] == TESTS


async def test_a_change_elsewhere_meanwhile_moves_the_edit(world):
    gate = world.tasks.script["generate_tests"] = Gate(changes_document("a - b", "a - b - 0"))
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        await editor.command("aiex/generateTests", ADD)
        await gate.begun.wait()
        start = {"line": 0, "character": 0}
        editor.change(URI, {"range": {"start": start, "end": start}, "text": "# 😀\n"})
        gate.opened.set()
        await editor.until(lambda: editor.edits)
        assert editor.documents[URI] == "# 😀\n" + CODE.replace("a - b", "a - b - 0")
        assert editor.edits[0]["edit"]["documentChanges"][0]["textDocument"]["version"] == 2


async def test_a_change_at_the_same_place_refuses_the_edit(world):
    gate = world.tasks.script["generate_tests"] = Gate(changes_document("a - b", "b - a"))
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        await editor.command("aiex/generateTests", ADD)
        await gate.begun.wait()
        place = {"start": {"line": 5, "character": 11}, "end": {"line": 5, "character": 16}}
        editor.change(URI, {"range": place, "text": "a * b"})
        gate.opened.set()
        (asked,) = await editor.until(lambda: editor.requests("window/showMessageRequest"))
        assert editor.edits == []
        assert asked["message"] == (
            "calc.py was changed at the same place meanwhile; nothing was changed. "
            "Run the task again."
        )
        assert asked["actions"] == [{"title": "Run again"}]
        assert editor.messages == []


async def test_a_document_closed_meanwhile_is_not_edited(world):
    gate = world.tasks.script["generate_tests"] = Gate(changes_document("a - b", "b - a"))
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        await editor.command("aiex/generateTests", ADD)
        await gate.begun.wait()
        editor.close(URI)
        gate.opened.set()
        await editor.until(lambda: editor.messages)
        assert editor.edits == []
        assert len(editor.messages[0]) <= 200


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"applied": False, "failureReason": "read-only"}, "read-only"),
        (RuntimeError("no such method"), "no such method"),
        (Editor.SILENT, "has not said"),
        (["nonsense"], "did not apply"),
    ],
)
async def test_an_edit_the_client_does_not_apply_is_told(world, answer, told):
    async with session(world, profiles.vscode()) as editor:
        editor.answers["workspace/applyEdit"] = answer
        editor.open(URI, CODE)
        result = await editor.command("aiex/generateTests", {**ADD, "wait": True})
        assert result["applied"] is False
        assert len(editor.messages) == 1
        assert told in editor.messages[0]


@pytest.mark.parametrize(
    ("confirm", "files", "asked"),
    [
        ("always", 1, True),
        ("multi_file", 1, False),
        ("multi_file", 2, True),
        ("never", 2, False),
    ],
)
async def test_confirmation_is_asked_where_settings_and_client_say(world, confirm, files, asked):
    plan = EditPlan(
        tuple(new_file(f"file:///w/t{i}.py", TESTS).files[0] for i in range(files)), "Add tests"
    )
    world.tasks.script["generate_tests"] = say(result=edit_result(plan))
    world.set(edits=EditSettings(confirm))
    for capabilities, expected in ((profiles.vscode(), asked), (profiles.neovim(), False)):
        async with session(world, capabilities) as editor:
            editor.open(URI, CODE)
            await editor.command("aiex/generateTests", {**ADD, "wait": True})
            edit = editor.edits[0]["edit"]
            annotations = edit.get("changeAnnotations")
            used = [
                one.get("annotationId")
                for change in edit["documentChanges"]
                for one in [change, *change.get("edits", [])]
            ]
        if expected:
            assert [a["needsConfirmation"] for a in annotations.values()] == [True] * files
            assert [a["label"] for a in annotations.values()] == [
                f"Add tests: creates t{number}.py" for number in range(files)
            ]
            assert len(editor.edits) == 1, "one edit: one step to undo"
            assert set(annotations) == {one for one in used if one}
        else:
            assert annotations is None
            assert not any(used)


async def test_positions_of_an_edit_are_in_the_clients_encoding(world):
    text = 'x = "😀é" + y\n'
    world.tasks.script["generate_tests"] = changes_document("y", "z")
    for name, capabilities in profiles.all_profiles().items():
        async with session(world, capabilities) as editor:
            editor.open(URI, text)
            await editor.command("aiex/generateTests", {**ADD, "wait": True})
            assert editor.documents[URI] == text.replace("y", "z"), name


async def test_an_answer_that_changes_nothing_says_so(world):
    world.tasks.script["generate_tests"] = say(result=edit_result(EditPlan(())))
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        result = await editor.command("aiex/generateTests", {**ADD, "wait": True})
        assert result["applied"] is False
        assert editor.messages == ["The model's answer changes nothing"]


async def test_a_file_that_is_not_open_is_read_from_disk_and_checked(world, tmp_path):
    path = tmp_path / "test_calc.py"
    path.write_bytes(b"def test_one():\r\n    pass\r\n")
    snapshot = Snapshot(path.as_uri(), path.read_bytes().decode(), "python")
    plan = plan_for(snapshot, snapshot.text.replace("pass", "return"), label="x")
    world.tasks.script["generate_tests"] = say(result=edit_result(plan))
    async with session(world, profiles.vscode(), root=tmp_path) as editor:
        editor.open(URI, CODE)
        editor.documents[path.as_uri()] = snapshot.text
        result = await editor.command("aiex/generateTests", {**ADD, "wait": True})
        assert result["applied"] is True
        assert editor.documents[path.as_uri()] == "def test_one():\r\n    return\r\n"
        path.write_bytes(b"changed = 1\r\n")
        with pytest.raises(RequestFailed):
            await editor.command("aiex/generateTests", {**ADD, "wait": True})
    assert len(editor.edits) == 1


async def test_a_plan_to_create_a_file_that_exists_by_now_is_refused(world, tmp_path):
    path = tmp_path / "test_calc.py"
    path.write_text("mine = 1\n")
    world.tasks.script["generate_tests"] = writes_new_file(path.as_uri())
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        await editor.command("aiex/generateTests", ADD)
        (asked,) = await editor.until(lambda: editor.requests("window/showMessageRequest"))
        assert editor.edits == []
        assert "exists" in asked["message"]
    assert path.read_text() == "mine = 1\n"


async def test_an_edit_refused_because_the_user_typed_on_is_placed_anew(world):
    world.tasks.script["generate_tests"] = changes_document("a - b", "b - a")
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        start = {"line": 0, "character": 0}

        def typing_first(params):
            if not editor.edits:
                editor.change(URI, {"range": {"start": start, "end": start}, "text": "#\n"})
            return editor._default("workspace/applyEdit", params)

        editor.answers["workspace/applyEdit"] = typing_first
        result = await editor.command("aiex/generateTests", {**ADD, "wait": True})
        assert result["applied"] is True
        assert len(editor.edits) == 2
        assert editor.documents[URI] == "#\n" + CODE.replace("a - b", "b - a")
        assert editor.messages == []


async def test_a_file_is_the_same_however_its_uri_is_spelled(world, tmp_path):
    path = tmp_path / "a@b" / "test_calc.py"
    path.parent.mkdir()
    path.write_text("saved = 1\n")
    spelled = f"file://{path}"
    assert spelled != path.as_uri()

    async def step(request: TaskRequest, _listener: Listener):
        current = request.workspace.open_document(path.as_uri())
        return edit_result(plan_for(current, current.text + "new = 2\n"))

    world.tasks.script["generate_tests"] = step
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        editor.open(spelled, "unsaved = 1\n")
        result = await editor.command("aiex/generateTests", {**ADD, "wait": True})
        assert result["applied"] is True
        assert editor.documents[spelled] == "unsaved = 1\nnew = 2\n"
