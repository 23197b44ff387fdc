"""Messages that arrive together: each is handled before the next one is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from aiex_lsp.llm.types import Listener
from aiex_lsp.tasks.types import TaskRequest
from tests.e2e import profiles
from tests.editor import RequestFailed
from tests.scripted import Gate, World, explanation
from tests.session import connected, session

URI = "file:///w/calc.py"
CODE = "def add(a, b):\n    return a + b\n"
ADD = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 5}}
PROGRESS_CANCEL = "window/workDoneProgress/cancel"


async def echo(request: TaskRequest, _listener: Listener) -> Any:
    return explanation(request.snapshot.text)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "state")


async def test_a_progress_is_cancelled_that_came_with_its_request(world):
    gate = world.tasks.script["explain"] = Gate()
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        _, answer = editor.start("aiex/explain", {**ADD, "workDoneToken": "w"})
        editor.notify(PROGRESS_CANCEL, {"token": "w"})
        with pytest.raises(RequestFailed, match="-32800"):
            await asyncio.wait_for(answer, 5)
        assert [value["kind"] for value in editor.progress("w")] in ([], ["begin", "end"])
    assert gate.calls == 0 or gate.cancelled.is_set()


@pytest.mark.parametrize("wait", [False, True])
async def test_a_progress_is_cancelled_that_came_with_its_command(world, wait):
    gate = world.tasks.script["explain"] = Gate()
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        argument = {**ADD, "workDoneToken": "w", "wait": wait}
        params = {"command": "aiex/explain", "arguments": [argument]}
        _, answer = editor.start("workspace/executeCommand", params)
        editor.notify(PROGRESS_CANCEL, {"token": "w"})
        if wait:
            with pytest.raises(RequestFailed, match="-32800"):
                await asyncio.wait_for(answer, 5)
        else:
            accepted = (await answer)["accepted"]
            cancelled = await editor.request("aiex/cancel", {"id": accepted})
            assert cancelled == {"cancelled": False}, "it has ended by now"
        assert editor.shown == []
        assert editor.messages == []
    assert gate.calls == 0 or gate.cancelled.is_set()


async def test_a_request_is_cancelled_that_came_with_its_cancellation(world):
    gate = world.tasks.script["explain"] = Gate()
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        for method, params in (
            ("aiex/explain", ADD),
            (
                "workspace/executeCommand",
                {"command": "aiex/explain", "arguments": [{**ADD, "wait": True}]},
            ),
        ):
            request_id, answer = editor.start(method, params)
            editor.cancel(request_id)
            with pytest.raises(RequestFailed, match="-32800"):
                await asyncio.wait_for(answer, 5)
    assert gate.calls == 0 or gate.cancelled.is_set()


async def test_a_command_is_cancelled_by_its_id_at_once(world):
    """Before `accepted` has gone out an editor cannot know the id; it is the first."""
    gate = world.tasks.script["explain"] = Gate()
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        params = {"command": "aiex/explain", "arguments": [ADD]}
        _, accepted = editor.start("workspace/executeCommand", params)
        _, cancelled = editor.start("aiex/cancel", {"id": "aiex-1"})
        assert await accepted == {"accepted": "aiex-1"}
        assert await cancelled == {"cancelled": True}
        await editor.until(lambda: editor.server.work.cancel(("id", "aiex-1")) is False)
        assert editor.shown == []
        for token in {p["token"] for p in editor.requests("window/workDoneProgress/create")}:
            await editor.until(lambda token=token: editor.progress(token)[-1:] != [])
            assert editor.progress(token)[-1] == {"kind": "end"}
    assert gate.calls == 0 or gate.cancelled.is_set()


async def test_a_request_is_about_the_text_it_was_made_for(world):
    world.tasks.script["explain"] = echo
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        _, before = editor.start("aiex/explain", ADD)
        _, actions = editor.start(
            "textDocument/codeAction",
            {
                **ADD,
                "range": {"start": ADD["position"], "end": ADD["position"]},
                "context": {"diagnostics": [], "only": ["aiex.explain"]},
            },
        )
        editor.change(URI, {"text": "# all gone\n"})
        _, after = editor.start("aiex/explain", {"textDocument": {"uri": URI}})
        editor.close(URI)
        assert (await before)["markdown"] == CODE
        assert [one["title"] for one in await actions] == ["Explain `add`"]
        assert (await after)["markdown"] == "# all gone\n"


async def test_nothing_begins_while_the_server_shuts_down(world):
    """Work that takes its time to end holds the answer to `shutdown` up, not the door open."""
    ending = asyncio.Event()

    async def slow_to_end(_request: TaskRequest, _listener: Listener) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            await ending.wait()

    world.tasks.script["explain"] = slow_to_end
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        await editor.command("aiex/explain", ADD)
        await editor.until(lambda: world.tasks.asked)
        _, left = editor.start("shutdown")
        with pytest.raises(RequestFailed, match="-32600"):
            await editor.request("aiex/analyze", ADD)
        ending.set()
        assert await left is None
        editor.notify("exit")
        assert await editor.status == 0
    assert [name for name, _ in world.tasks.asked] == ["explain"]


async def test_every_request_of_a_thousand_is_answered(world):
    gate = world.tasks.script["explain"] = Gate(echo)
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        kept, cancelled = [], []
        for count in range(1000):
            request_id, answer = editor.start("aiex/explain", ADD)
            (cancelled if count % 2 else kept).append(answer)
            if count % 2:
                editor.cancel(request_id)
        async with asyncio.timeout(30):
            for answer in cancelled:
                with pytest.raises(RequestFailed, match="-32800"):
                    await answer
            gate.opened.set()
            assert {one["markdown"] for one in await asyncio.gather(*kept)} == {CODE}


async def test_json_that_is_nested_without_end_does_not_end_the_server(world):
    async with connected(world, profiles.neovim()) as editor:
        await editor.initialize()
        body = b"[" * 200_000
        editor._send_bytes(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert await editor.request("aiex/templates")
