"""Sessions of their own: nothing configured, how a text is shown, the end with work in flight."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable, Iterator

import pytest
from pygls.exceptions import JsonRpcException

from tests.e2e import cases
from tests.e2e.harness import LIMIT, NO_LOCAL_SERVERS, Client, Home, running
from tests.servers.base import serve_in_thread
from tests.servers.openai import OpenAIServer
from tests.servers.script import Reply, Silence

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("e2e-session"),
    pytest.mark.asyncio(loop_scope="module"),
]

GOOD = "Sums the **prices**.\n\n## How it works\n\nBy `sum`."
CODE = "```python\ndef test_total():\n    assert True\n```\n"


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with serve_in_thread(OpenAIServer()) as server:
        yield server


@pytest.fixture(autouse=True)
def _answers_well(server: OpenAIServer) -> None:
    server.answer = lambda _body: GOOD


@pytest.fixture
def home(make_home: Callable[[], Home]) -> Home:
    return make_home()


@pytest.fixture
def config(server: OpenAIServer) -> str:
    return f'hover = {{ wait = 0.05 }}\n[providers.openai]\nbase_url = "{server.base_url}"\n'


# -- configuration --------------------------------------------------------------------------


async def test_no_configuration(home):
    """Hovers and tests are not for the small built-in model: one message says what to set up."""
    async with running(home, "neovim", config=NO_LOCAL_SERVERS) as client:
        uri, name = cases.new_file(client)
        mark = client.since()
        await client.command("aiex/generateTests", client.at(uri, name))
        (message,) = await client.until(lambda: mark.messages)
        assert len(message) <= 200
        assert "generateTests" in message
        assert "built-in model" in message
        assert "Ollama" in message
        assert mark.received("workspace/applyEdit") == []
        prompt = await client.request(
            "aiex/renderPrompt", {**client.at(uri, name), "task": "explain"}
        )
        assert prompt["provider"] == "embedded"
        assert len(mark.messages) == 1


async def test_a_key_in_the_environment_is_not_used_unasked(home, server):
    env = {"OPENAI_API_KEY": "sk-in-the-environment", "OPENAI_BASE_URL": server.base_url}
    # A server on this machine needs no consent; a name is enough to make it none.
    env["OPENAI_BASE_URL"] = server.base_url.replace("127.0.0.1", "aiex.test.invalid")
    async with running(home, "vscode", config=NO_LOCAL_SERVERS, env=env) as client:
        uri, name = cases.new_file(client)
        mark = client.since()
        error = await client.failure("aiex/generateTests", client.at(uri, name))
        assert len(error.message) <= 200
        (asked,) = await client.until(lambda: mark.received("window/showMessageRequest"))
        assert "OPENAI_API_KEY" in asked["message"]
        assert "aiex.test.invalid" in asked["message"]
        assert "sk-in-the-environment" not in str(client.editor.received)
        assert [a["title"] for a in asked["actions"]] == ["Use it", "Not now", "Never"]
        await client.failure("aiex/generateTests", client.at(uri, name))
        assert len(mark.received("window/showMessageRequest")) == 1


async def test_a_broken_configuration_still_serves(home, config):
    broken = 'strategi = "random"\nrequest_timeout = "soon"\n' + config
    async with running(home, "emacs", config=broken) as client:
        (message,) = await client.until(lambda: client.editor.messages)
        assert "strategi" in message or "request_timeout" in message
        assert f"{home.config}:" in message
        assert len(message) <= 200
        uri, name = cases.new_file(client)
        result = await client.request("aiex/explain", client.at(uri, name))
        assert result["markdown"] == GOOD


async def test_the_editors_settings_hold_and_change(home, config, server):
    settings = {"hover": {"mode": "off"}, "default_provider": "openai"}
    async with running(home, "vscode", config=config, settings=settings) as client:
        uri, name = cases.new_file(client)
        # Until the editor has told its settings, those of the file hold.
        await client.until(lambda: client.editor.requests("workspace/configuration"))
        async with asyncio.timeout(LIMIT):
            while await client.request("textDocument/hover", client.at(uri, name, 2)) is not None:  # noqa: ASYNC110 - as an editor does
                await asyncio.sleep(0.02)
        client.set_configuration({"hover": {"mode": "on"}}, section="aiex")
        client.editor.notify("workspace/didChangeConfiguration", {"settings": None})
        answer = await cases.hovered(client, client.at(uri, name, 2))
        assert answer.startswith(f"{GOOD}\n\n---"), "the summary stands there once"


async def test_an_answer_that_never_ends(home, config, server):
    async with running(home, "vscode", config="max_duration = 3.0\n" + config) as client:
        uri, name = cases.new_file(client)
        # What the first call of a server has to load is no part of this one's time.
        await client.request("aiex/renderPrompt", {**client.at(uri, name), "task": "explain"})
        before = await client.request("aiex/explain", client.at(uri, name))
        server.answer = lambda _body: Reply(pieces=["word "] * 400, between=0.05)
        uri, name = cases.new_file(client)
        mark = client.since()
        message = await cases.refused_command(client, client.at(uri, name))
        cases.check_message(message, "openai", "was not done after 3 s")
        assert "max_duration" in message
        assert mark.shown() == []
        await server.generations[-1].wait()
        assert server.generations[-1].cut
        server.answer = lambda _body: GOOD
        uri, name = cases.new_file(client)
        after = await client.request("aiex/explain", client.at(uri, name))
        assert after["markdown"] == before["markdown"] == GOOD


# -- how a text is shown --------------------------------------------------------------------


async def test_a_view_that_grows_where_the_client_opted_in(home, config, server):
    server.answer = lambda _body: Reply(GOOD, between=0.06)
    opt_in = {"showMarkdown": True, "commandLinks": True}
    async with running(home, "vscode", config=config, opt_in=opt_in) as client:
        uri, name = cases.new_file(client)
        mark = client.since()
        accepted = await client.command("aiex/explain", client.at(uri, name))
        await client.until(lambda: [v for v in mark.received("aiex/showMarkdown") if v["final"]])
        views = mark.received("aiex/showMarkdown")
        assert len(views) > 2
        ((view_id, title),) = {(v["id"], v["title"]) for v in views}
        assert view_id == accepted["accepted"]
        assert title.startswith("Explain ")
        assert name in title
        assert [v["final"] for v in views] == [False] * (len(views) - 1) + [True]
        for view in views[:-1]:
            assert GOOD.startswith(view["markdown"])
        assert views[-1]["markdown"].startswith(GOOD)
        assert "openai" in views[-1]["markdown"]
        assert mark.received("window/showDocument") == mark.messages == []


async def test_a_view_of_a_stream_that_broke_says_so(home, config, server):
    server.answer = lambda _body: Reply(GOOD, between=0.08, cut_after=4)
    async with running(home, "vscode", config=config, opt_in={"showMarkdown": True}) as client:
        uri, name = cases.new_file(client)
        mark = client.since()
        await client.command("aiex/explain", client.at(uri, name))
        (message,) = await client.until(lambda: mark.messages)
        cases.check_message(message, "openai", "broke")
        last = mark.received("aiex/showMarkdown")[-1]
        assert last["final"] is True
        assert "broke off" in last["markdown"]


async def test_a_document_that_the_next_start_removes(home, config):
    async with running(home, "neovim", config=config) as client:
        uri, name = cases.new_file(client)
        mark = client.since()
        for _ in range(2):
            await client.command("aiex/explain", client.at(uri, name))
        paths = await client.until(lambda: found if len(found := mark.shown()) == 2 else None)
        assert len(set(paths)) == 2
        for path in paths:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            assert GOOD in path.read_text()
    async with running(home, "neovim", config=config) as client:
        await client.request("aiex/templates")
        await client.until(lambda: not any(path.exists() for path in paths))


async def test_a_message_where_nothing_else_can_show_a_text(home, config, server):
    lacking = ("window.showDocument", "window.workDoneProgress", "workspace.applyEdit")
    async with running(home, "emacs", config=config, without=lacking) as client:
        uri, name = cases.new_file(client)
        mark = client.since()
        await client.command("aiex/explain", client.at(uri, name))
        (message,) = await client.until(lambda: mark.messages)
        assert message.startswith("Sums the prices.\n\nHow it works\n\nBy sum.")
        assert mark.received("window/workDoneProgress/create") == []
        assert mark.received("window/showDocument") == []
        server.answer = lambda _body: CODE
        before = client.text(uri)
        result = await client.command("aiex/generateTests", {**client.at(uri, name), "wait": True})
        assert result["applied"] is False
        diff = mark.messages[-1]
        assert "+def test_total():" in diff
        assert client.text(uri) == before
        assert mark.received("workspace/applyEdit") == []


async def test_an_editor_that_shows_no_document_when_asked_to(home, config):
    async with running(home, "vscode", config=config) as client:
        client.shows_documents = False
        uri, name = cases.new_file(client)
        mark = client.since()
        await client.command("aiex/explain", client.at(uri, name))
        (message,) = await client.until(lambda: mark.messages)
        assert message.startswith("Sums the prices.")


# -- the end --------------------------------------------------------------------------------


async def test_a_shutdown_with_work_in_flight(home, config, server):
    server.answer = lambda _body: Silence(after_headers=True)
    before = len(server.generations)
    async with running(home, "vscode", config=config) as client:
        uri, name = cases.new_file(client)
        async with asyncio.timeout(LIMIT):
            while await client.request("textDocument/hover", client.at(uri, name, 2)) is None:  # noqa: ASYNC110 - as an editor does
                await asyncio.sleep(0.02)
        _, asked = client.start("aiex/explain", client.at(uri, name))
        for method in ("aiex/explain", "aiex/analyze", "aiex/generateTests"):
            await client.command(method, client.at(uri, name))
        await server.generations_come(before + 4, LIMIT)  # the two explanations share one
        mark = client.since()
        async with asyncio.timeout(LIMIT):
            await client.request("shutdown")
            with pytest.raises(JsonRpcException) as caught:
                await asked
            assert caught.value.code == cases.CANCELLED
        await _exit(client, 0)
        assert mark.messages == []
    for request in server.generations[before:]:
        await request.wait()
        assert request.cut


async def test_an_exit_without_a_shutdown(home, config, server):
    server.answer = lambda _body: Silence()
    before = len(server.generations)
    async with running(home, "neovim", config=config) as client:
        uri, name = cases.new_file(client)
        client.start("aiex/explain", client.at(uri, name))[1].cancel()
        _, pending = client.start("aiex/explain", {**client.at(uri, name), "level": "brief"})
        await server.generations_come(before + 1, LIMIT)
        await _exit(client, 1)
        with pytest.raises(Exception):  # noqa: B017, PT011 - the connection is gone, however it says so
            await pending
    for request in server.generations[before:]:
        await request.wait()
        assert request.cut


async def test_an_editor_that_dies(home, config, server):
    """The server's standard input ends: so does the server, and what it asked for."""
    server.answer = lambda _body: Silence()
    before = len(server.generations)
    async with running(home, "neovim", config=config) as client:
        uri, name = cases.new_file(client)
        await client.command("aiex/explain", client.at(uri, name))
        await server.generations_come(before + 1, LIMIT)
        client.gone = True
        process = client._server
        assert process is not None
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(LIMIT):
            assert await process.wait() == 1
    await server.generations[-1].wait()
    assert server.generations[-1].cut


async def _exit(client: Client, status: int) -> None:
    client.gone = True
    client.exit(None)
    assert client._server is not None
    async with asyncio.timeout(LIMIT):
        assert await client._server.wait() == status
