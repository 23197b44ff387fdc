"""The model inside the process: nothing is configured, and then it is chosen by name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from aiex_lsp.llm.models_install import MODEL_FILE
from tests.e2e import cases
from tests.e2e.harness import NO_LOCAL_SERVERS, Client, Home, running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("e2e-embedded"),
    pytest.mark.asyncio(loop_scope="module"),
]

MODEL = MODEL_FILE.removesuffix(".gguf")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(make_home: Callable[[], Home]) -> AsyncIterator[Client]:
    config = """
        [tasks.explain]
        max_tokens = 20
        [tasks.analyze]
        max_tokens = 40
        [tasks.followUp]
        max_tokens = 16
        [tasks.generateTests]
        max_tokens = 32
        [tasks.run]
        max_tokens = 600
        [tasks.hover]
        max_tokens = 16
        [hover]
        wait = 0.3
    """
    config += NO_LOCAL_SERVERS
    async with running(make_home(), "neovim", config=config) as client:
        yield client


async def test_with_nothing_configured_it_explains_and_says_what_answers_better(client):
    uri, name = cases.new_file(client)
    mark = client.since()
    asked = {**client.at(uri, name), "workDoneToken": "first"}
    result = await client.request("aiex/explain", asked)
    assert result["answer"]["provider"] == "embedded"
    assert result["answer"]["cost"] == 0.0
    assert "larger one answers better" in result["answer"]["note"]
    assert "\n" not in result["answer"]["note"]
    said = [value.get("message", "") for value in mark.progress("first")]
    assert any("embedded" in message for message in said)
    assert mark.messages == []


async def test_with_nothing_configured_it_writes_no_tests_and_no_hovers(client):
    uri, name = cases.new_file(client)
    error = await client.failure("aiex/generateTests", client.at(uri, name))
    assert "too small to write code" in error.message
    assert len(error.message) <= 200
    place = client.at(uri, name, 2)
    hover = await cases.hovered(client, place)
    assert "aiex: " in hover
    assert "named" in hover
    assert await client.request("textDocument/hover", place) is None, "said once"


@pytest.mark.parametrize(
    "case",
    ["explain_streams", "command_delivers", "analyze_publishes", "follow_up", "cancelled_request"],
)
async def test_it_does_what_every_provider_does(client, case):
    await getattr(cases, case)(client, "embedded")


@pytest.mark.alone
async def test_a_command_answers_at_once_while_it_loads_and_answers(client):
    await cases.command_answers_at_once(client, "embedded")


async def test_it_writes_tests_when_it_is_named(client):
    await cases.generate_tests_ends_well(client, "embedded")


async def test_after_a_cancel_it_answers_the_next_question(client):
    await cases.cancelled_request(client, "embedded")
    await cases.waiting_command(client, "embedded")


async def test_its_models(client):
    models = await client.request("aiex/models", {"provider": "embedded"})
    assert [(m["provider"], m["id"], m["local"]) for m in models] == [("embedded", MODEL, True)]
    assert models[0]["contextWindow"] >= 2048


async def test_a_selection_holds_for_the_session(client):
    chosen = await client.request("aiex/selectProvider", {"provider": "embedded"})
    assert chosen == {"provider": "embedded", "model": None, "strategy": chosen["strategy"]}
    answer = await cases.hover_twice(client, "embedded")
    assert "larger one answers better" in answer
    back = await client.request("aiex/selectProvider", {})
    assert back["provider"] is None
