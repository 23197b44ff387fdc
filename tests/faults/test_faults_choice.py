"""Whom a failure sends the call to, and what the user is told of a key that is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.e2e.harness import Client, Home, running
from tests.faults.expect import SETTINGS
from tests.faults.harness import KEY, SPARE, Bench, bench, config, in_every_dialect, provider
from tests.faults.plays import GOOD, forever, said, says, wrong_key
from tests.faults.questions import Pending, ask, new_file
from tests.servers.anthropic import AnthropicServer
from tests.servers.base import FakeServer
from tests.servers.ollama import OllamaServer
from tests.servers.openai import OpenAIServer
from tests.servers.script import Reply

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("faults-choice"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def table(make_home: Callable[[], Home]) -> AsyncIterator[Bench]:
    async with bench(make_home()) as found:
        yield found


# -- strategies ---------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["random", "round_robin", "load_balanced"])
async def test_one_of_two_is_broken(table: Bench, strategy: str) -> None:
    """Every question is answered; the broken one is asked until its circuit opens, no longer."""
    async with OpenAIServer() as broken, AnthropicServer() as good:
        broken.answer = lambda _body: said(broken, "failed")
        good.answer = lambda _body: GOOD
        names = {f"broken-{strategy}": provider(broken), f"good-{strategy}": provider(good)}
        # The spare is switched off: two are left to choose from.
        await table.configure(names, retry={"tries": 1})
        await table.configure(
            {**names, SPARE: {"enabled": False}}, retry={"tries": 1}, ready=list(names)
        )
        first_of = []
        for _ in range(30):
            answer = await table.chosen(strategy)
            assert answer["provider"] == f"good-{strategy}"
            first_of.append(answer["attempts"][0]["provider"])
        asked = len(broken.generations)
        assert 1 <= asked <= 5
        assert first_of.count(f"broken-{strategy}") == asked
        assert f"broken-{strategy}" not in first_of[-10:]


@pytest.mark.parametrize("strategy", ["random", "round_robin", "load_balanced"])
async def test_both_are_well(table: Bench, strategy: str) -> None:
    """Each has its part of the questions: nobody is forgotten, and nobody has all."""
    async with OpenAIServer() as one, AnthropicServer() as two:
        for server in (one, two):
            server.answer = lambda _body: GOOD
        names = {f"one-{strategy}": provider(one), f"two-{strategy}": provider(two)}
        await table.configure({**names, SPARE: {"enabled": False}}, ready=list(names))
        for _ in range(24):
            await table.chosen(strategy)
        counts = sorted((len(one.generations), len(two.generations)))
        assert sum(counts) == 24
        assert counts[0] >= (12 if strategy == "round_robin" else 2)


async def test_a_prompt_too_long_for_one_and_for_the_spare(table: Bench) -> None:
    """Nobody has a larger window: it is compressed for the one that was asked."""

    async def shorter(name: str, server: FakeServer) -> None:
        server.answer = lambda body: (
            said(server, "too long") if len(server.generations) == 1 else GOOD
        )
        uri, function = new_file(table.client, lines=150)
        outcome = await ask(table.client, uri, function, name, streamed=True)
        assert outcome.joined == GOOD
        assert outcome.attempts == [(name, "context_too_long"), (name, "ok")]
        sizes = [len(request.body) for request in server.generations]
        assert sizes[1] < sizes[0]

    await in_every_dialect(
        table, shorter, fallback_providers=["narrow"], more={"narrow": {"context_window": 600}}
    )


# -- an edit ------------------------------------------------------------------------------------

CODE = "def test_total():\n    assert 1 + 1 == 2\n"
ANSWER = f"```python\n{CODE}```\n"


@pytest.mark.parametrize("spare", [True, False], ids=["spare", "alone"])
async def test_an_edit_is_whole_or_not_made(table: Bench, spare: bool) -> None:
    """Of an answer that broke off nothing is applied: the spare's is, or one message tells."""
    table.spare.answer = lambda _body: ANSWER

    async def edits(name: str, server: FakeServer) -> None:
        client = table.client
        uri, function = new_file(client)
        before, mark = client.text(uri), client.since()
        argument = {**client.at(uri, function), "provider": name, "wait": True}
        if not spare:
            with pytest.raises(JsonRpcException, match=f"{name} fell silent"):
                await client.command("aiex/generateTests", argument)
            assert mark.received("workspace/applyEdit") == []
        else:
            result = await client.command("aiex/generateTests", argument)
            assert result["applied"]
            assert client.text(result["targetUri"]).count(CODE) == 1
            tried = [(a["provider"], a["outcome"]) for a in result["answer"]["attempts"]]
            assert tried == [(name, "stall"), (SPARE, "ok")]
        assert client.text(uri) == before
        assert len(server.generations) == 1

    try:
        half = forever(lambda _: Reply(ANSWER, stall_after=3))
        fallbacks = [SPARE] if spare else []
        await in_every_dialect(table, edits, half, fallback_providers=fallbacks)
    finally:
        table.spare.answer = lambda _body: Reply(GOOD, first_token=0.25)


# -- a refused key ------------------------------------------------------------------------------


async def test_a_refused_key_is_a_problem_of_the_open_file(make_home: Callable[[], Home]) -> None:
    """Calls are answered elsewhere; one diagnostic stands at the key until it works."""
    home = make_home()
    async with AnthropicServer() as server, OllamaServer() as spare:
        wrong_key(server)
        server.answer = spare.answer = lambda _body: GOOD
        text = _two(server, spare)
        keys = {"FAKE_KEY": KEY, "RIGHT_KEY": "another-key"}
        async with running(home, "vscode", config=text, env=keys) as client:
            uri = client.open(home.config.as_uri(), text, "toml")
            mark = client.since()
            for _ in range(3):
                result = await Pending(client, "mistaken").result()
                tried = [(a["provider"], a["outcome"]) for a in result["answer"]["attempts"]]
                assert tried[-1] == (SPARE, "ok")
            (found,) = await client.until(lambda: client.findings(uri))
            assert "mistaken refused the API key (401)" in found["message"]
            assert KEY not in found["message"]
            line = client.text(uri).splitlines()[found["range"]["start"]["line"]]
            assert line.startswith("api_key")
            await asyncio.sleep(0.3)
            assert mark.messages == []
            # The right key goes where the diagnostic stands.
            await _rewrite(client, home, text.replace("FAKE_KEY", "RIGHT_KEY", 1))
            await client.until(lambda: client.findings(uri) == [])
            result = await Pending(client, "mistaken").result()
            assert result["answer"]["provider"] == "mistaken"
            assert client.findings(uri) == []


async def _rewrite(client: Client, home: Home, text: str) -> None:
    """Write the configuration file, and tell the server to read it."""
    home.config.write_text(text)
    client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings=None))


async def test_a_refused_key_is_told_once_where_no_file_is_open(
    make_home: Callable[[], Home],
) -> None:
    """One message, however many calls meet it."""
    home = make_home()
    async with OpenAIServer() as server, OllamaServer() as spare:
        wrong_key(server)
        server.answer = spare.answer = lambda _body: GOOD
        async with running(
            home, "neovim", config=_two(server, spare), env={"FAKE_KEY": KEY}
        ) as client:
            mark = client.since()
            pending = [Pending(client, "mistaken") for _ in range(4)]
            for one in pending:
                assert (await one.result())["answer"]["provider"] == SPARE
            (message,) = await client.until(lambda: mark.messages)
            assert "mistaken refused the API key (401)" in message
            assert KEY not in message
            assert len(message) <= 200
            await asyncio.sleep(0.3)
            assert len(mark.messages) == 1


async def test_a_refused_key_is_the_error_where_nobody_else_can_answer(table: Bench) -> None:
    """The call's own error tells it; there is no second message beside it."""

    async def refused(name: str, server: FakeServer) -> None:
        mark = table.client.since()
        message = await Pending(table.client, name).refusal()
        assert f"{name} refused the API key (401)" in message
        assert f"Check api_key in [providers.{name}]" in message
        await asyncio.sleep(0.2)
        assert mark.messages == []
        assert len(server.generations) == 1

    await in_every_dialect(table, refused, wrong_key)


# -- everybody fails ----------------------------------------------------------------------------


async def test_the_spare_fails_too(table: Bench) -> None:
    """One error names both and why, and what to do."""
    table.spare.answer = lambda _body: said(table.spare, "overloaded")

    async def both(name: str, server: FakeServer) -> None:
        message = await Pending(table.client, name, partialResultToken=f"p-{name}").refusal()
        assert message.startswith("No provider answered: ")
        assert name in message
        assert SPARE in message
        assert KEY not in message
        assert len(server.generations) == 1

    try:
        await in_every_dialect(
            table, both, forever(says("quota")), fallback_providers=[SPARE], retry={"tries": 1}
        )
    finally:
        table.spare.answer = lambda _body: Reply(GOOD, first_token=0.25)
    await table.client.request("aiex/resetCircuit", {"provider": SPARE})
    await table.well()


def _two(server: FakeServer, spare: FakeServer) -> str:
    """Return a config.toml with a provider whose key is refused, and a spare."""
    general = {**SETTINGS, "retry": {"tries": 1}, "fallback_providers": [SPARE]}
    tables = {"mistaken": provider(server), SPARE: provider(spare)}
    return config(general) + "".join(
        f"\n[providers.{name}]\n{config(values)}\n" for name, values in tables.items()
    )
