"""Real llama.cpp over HTTP, in OpenAI's and Anthropic's dialect, under three editors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types

from tests.e2e import cases
from tests.e2e.harness import Client, Home, running
from tests.servers.llama import LlamaServer, llama_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("e2e-llama"),
    pytest.mark.asyncio(loop_scope="module"),
]

DIALECTS = ("openai", "anthropic")
PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}
END = {"openai": b"[DONE]", "anthropic": b"message_stop"}
MAIN = {"neovim": "openai", "vscode": "anthropic", "emacs": "openai"}
"""The dialect of cases that need not be seen in both under each editor."""


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    with llama_server(tmp_path_factory.mktemp("llama"), context=4096) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["neovim", "vscode", "emacs"])
async def client(
    request: pytest.FixtureRequest, llama: LlamaServer, make_home: Callable[[], Home]
) -> AsyncIterator[Client]:
    config = f"""
        default_provider = "openai"
        request_timeout = 60.0
        [providers.openai]
        base_url = "{llama.base_url}/v1"
        [providers.anthropic]
        base_url = "{llama.base_url}"
        api_key = {{ env = "LLAMA_KEY" }}
        [providers.openai_long]
        type = "openai"
        base_url = "{llama.base_url}"
        extra_body = {{ ignore_eos = true }}
        [providers.anthropic_long]
        type = "anthropic"
        base_url = "{llama.base_url}"
        api_key = {{ env = "LLAMA_KEY" }}
        extra_body = {{ ignore_eos = true }}
        [tasks.explain]
        max_tokens = 24
        [tasks.hover]
        max_tokens = 16
        provider = "anthropic"
        [tasks.analyze]
        max_tokens = 60
        [tasks.followUp]
        max_tokens = 16
        [tasks.generateTests]
        max_tokens = 48
        [tasks.run]
        max_tokens = 900
        [hover]
        wait = 0.3
    """
    async with running(
        make_home(), request.param, config=config, env={"LLAMA_KEY": "llama-key"}
    ) as client:
        yield client


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_explain_streams(client: Client, llama: LlamaServer, dialect: str) -> None:
    before = len(llama.completions)
    result = await cases.explain_streams(client, dialect)
    (exchange,) = llama.completions[before:]
    assert exchange.path == PATHS[dialect]
    assert END[dialect] in exchange.response
    assert result["answer"]["model"] == llama.model
    assert result["answer"]["usage"]["outputTokens"] <= 25


async def test_commands_deliver(client: Client) -> None:
    await cases.command_delivers(client, MAIN[client.profile])


@pytest.mark.alone
async def test_a_command_answers_at_once(client: Client) -> None:
    await cases.command_answers_at_once(client, MAIN[client.profile], times=1)


CASES = {
    "neovim": ("waiting_command", "analyze_publishes"),
    "vscode": ("follow_up",),
    "emacs": ("generate_tests_ends_well",),
}


async def test_tasks_end_well(client: Client) -> None:
    for name in CASES[client.profile]:
        await getattr(cases, name)(client, MAIN[client.profile])


async def test_a_second_hover_asks_nobody(client: Client, llama: LlamaServer) -> None:
    before = len(llama.completions)
    answer = await cases.hover_twice(client, "anthropic")
    assert llama.model in answer
    assert len(llama.completions) == before + 1


@pytest.mark.parametrize(
    ("client", "dialect"), [("vscode", "openai"), ("emacs", "anthropic")], indirect=["client"]
)
async def test_what_is_rendered_is_what_arrives(
    client: Client, llama: LlamaServer, dialect: str
) -> None:
    before = len(llama.completions)
    prompt = await cases.rendered_prompt(client, dialect)
    assert len(llama.completions) == before
    asked = {**client.at(prompt["uri"], prompt["name"]), "provider": dialect}
    result = await client.request("aiex/explain", asked)
    sent = llama.completions[-1].json
    messages = sent["messages"]
    if dialect == "anthropic":
        messages = [{"role": "system", "content": _text(sent["system"])}, *messages]
    assert [(m["role"], _text(m["content"])) for m in messages] == [
        (m["role"], m["content"]) for m in prompt["messages"]
    ]
    assert sent["model"] == prompt["model"]
    assert result["answer"]["usage"]["inputTokens"] <= prompt["inputTokens"]


async def test_cancel_closes_the_connection_and_stops_the_engine(
    client: Client, llama: LlamaServer
) -> None:
    await cases.cancelled_request(client, f"{MAIN[client.profile]}_long")
    await _stopped(llama)


@pytest.mark.parametrize("client", ["vscode"], indirect=True)
async def test_cancel_by_progress(client: Client, llama: LlamaServer) -> None:
    mark = client.since()
    await cases.begun_command(client, "openai_long")
    token = mark.received("window/workDoneProgress/create")[0]["token"]
    client.protocol.notify(
        types.WINDOW_WORK_DONE_PROGRESS_CANCEL, types.WorkDoneProgressCancelParams(token)
    )
    await client.until(lambda: [v for v in mark.progress(token) if v["kind"] == "end"])
    await _stopped(llama)
    assert mark.shown() == mark.messages == []


@pytest.mark.parametrize("client", ["neovim"], indirect=True)
async def test_cancel_by_id(client: Client, llama: LlamaServer) -> None:
    mark = client.since()
    work = await cases.begun_command(client, "openai_long")
    assert await client.request("aiex/cancel", {"id": work}) == {"cancelled": True}
    await _stopped(llama)
    assert await client.request("aiex/cancel", {"id": work}) == {"cancelled": False}
    assert mark.shown() == mark.messages == []


@pytest.mark.parametrize("client", ["emacs"], indirect=True)
async def test_its_models(client: Client, llama: LlamaServer) -> None:
    models = await client.request("aiex/models", {"provider": "openai"})
    assert [(m["provider"], m["id"], m["local"]) for m in models] == [
        ("openai", llama.model, False)
    ]
    assert models[0]["contextWindow"] == 4096


async def _stopped(llama: LlamaServer) -> None:
    """Wait until the last request's client has hung up and the engine is idle."""
    exchange = llama.completions[-1]
    await asyncio.to_thread(llama.wait_idle)
    assert exchange.cancelled
    assert not any(end in exchange.response for end in END.values())


def _text(content: Any) -> str:
    """Return a message's text, also of a list of blocks."""
    return content if isinstance(content, str) else "".join(part["text"] for part in content)
