"""Edits an editor says nothing about: what was made is known, and other edits go on."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aiex_lsp.edits.plan import plan_for
from aiex_lsp.llm.types import Listener
from aiex_lsp.tasks.types import TaskRequest
from tests.e2e import profiles
from tests.editor import Editor
from tests.scripted import World, edit_result
from tests.session import QUICK, Session, session

CODE = "def add(a, b):\n    return a + b\n"
FIRST, SECOND = "file:///w/first.py", "file:///w/second.py"
WAITS = replace(QUICK, apply_edit=60.0)
"""Limits of a server that waits long for the first editor, which says nothing."""


async def swaps(request: TaskRequest, _listener: Listener) -> Any:
    """Answer with an edit of the document asked about."""
    text = request.snapshot.text
    return edit_result(plan_for(request.snapshot, text.replace("a + b", "b + a"), label="Edit"))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "state", generate_tests=swaps)


def at(uri: str) -> dict[str, Any]:
    return {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 5}}


def sent(editor: Session) -> list[str]:
    """Return the documents of the edits that were sent."""
    return [
        params["edit"]["documentChanges"][0]["textDocument"]["uri"]
        for params in editor.requests("workspace/applyEdit")
    ]


async def unanswered(editor: Session) -> asyncio.Future[Any]:
    """Return what will be said of an edit that was sent and that the editor does not answer."""
    editor.answers["workspace/applyEdit"] = Editor.SILENT
    editor.open(FIRST, CODE)
    _, result = editor.start(
        "workspace/executeCommand",
        {"command": "aiex/generateTests", "arguments": [{**at(FIRST), "wait": True}]},
    )
    await editor.until(lambda: sent(editor))
    return result


async def test_an_unanswered_edit_holds_up_no_other_document(world: World) -> None:
    async with session(world, profiles.vscode(), limits=WAITS) as editor:
        editor.answers["workspace/applyEdit"] = Editor.SILENT
        for uri in (FIRST, SECOND):
            editor.open(uri, CODE)
            await editor.command("aiex/generateTests", at(uri))
        await editor.until(lambda: set(sent(editor)) == {FIRST, SECOND})


async def test_edits_of_one_document_come_one_after_the_other(world: World) -> None:
    async with session(world, profiles.vscode()) as editor:
        editor.answers["workspace/applyEdit"] = Editor.SILENT
        editor.open(FIRST, CODE)
        for _ in range(2):
            await editor.command("aiex/generateTests", at(FIRST))
        await editor.until(lambda: sent(editor) == [FIRST, FIRST])
        said = ("workspace/applyEdit", "window/showMessage")
        told = [one["method"] for one in editor.received if one.get("method") in said]
        assert told[:3] == [said[0], said[1], said[0]]


async def test_an_edit_made_without_a_word_is_applied(world: World) -> None:
    async with session(world, profiles.vscode()) as editor:
        result = await unanswered(editor)
        editor.change(FIRST, {"text": CODE.replace("a + b", "b + a")})
        assert (await result)["applied"] is True
        assert editor.messages == []


async def test_an_edit_unanswered_while_its_user_types_is_not_sent_again(world: World) -> None:
    async with session(world, profiles.vscode()) as editor:
        result = await unanswered(editor)
        editor.change(FIRST, {"text": "# typed\n" + CODE})
        assert (await result)["applied"] is False
        assert sent(editor) == [FIRST]
        assert "has not said" in editor.messages[0]
