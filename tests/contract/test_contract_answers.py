"""What every adapter gives for a good answer."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from aiex_lsp.config.settings import RateLimits
from aiex_lsp.llm.adapters.base import Adapter
from aiex_lsp.llm.adapters.registry import types
from aiex_lsp.llm.types import Chunk, Finish, JsonSchema, ModelCall, Text, Thinking, Usage
from tests.contract.dialects import DIALECTS, Dialect, adapter_for, call
from tests.servers.base import FakeServer
from tests.servers.script import Reply, Silence


async def collect(adapter: Adapter, asked: ModelCall) -> list[Chunk]:
    async with aclosing(adapter.stream(asked)) as chunks:
        return [chunk async for chunk in chunks]


def shown(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, Text))


def test_every_http_type_of_the_registry_is_under_contract() -> None:
    assert set(types()) - {"embedded"} <= set(DIALECTS)


# All adapters, the embedded one too.


async def test_a_stream_joins_to_text_and_ends_with_finish(
    any_adapter: Adapter, dialect: Dialect
) -> None:
    chunks = await collect(any_adapter, call(dialect.model, max_tokens=16, temperature=0.0))
    assert shown(chunks).strip()
    finishes = [chunk for chunk in chunks if isinstance(chunk, Finish)]
    assert finishes == [chunks[-1]]
    assert finishes[0].usage.input_tokens > 0
    assert finishes[0].usage.output_tokens > 0


async def test_complete_gives_the_same_as_the_stream(
    any_adapter: Adapter, dialect: Dialect
) -> None:
    asked = call(dialect.model, max_tokens=16, temperature=0.0)
    streamed = shown(await collect(any_adapter, asked))
    whole = await any_adapter.complete(asked)
    assert whole.text == streamed
    assert whole.finish_reason in ("stop", "length")


async def test_lists_models_and_has_a_default_that_chats(
    any_adapter: Adapter, dialect: Dialect
) -> None:
    models = await any_adapter.list_models()
    assert all(model.provider == any_adapter.name for model in models)
    default = await any_adapter.default_model()
    assert next(model for model in models if model.id == default).chat


async def test_is_healthy(any_adapter: Adapter) -> None:
    health = await any_adapter.check_health()
    assert health.status == "healthy", health.error
    assert health.response_time_ms is not None


async def test_closes_twice(any_adapter: Adapter) -> None:
    await any_adapter.aclose()
    await any_adapter.aclose()


# Over HTTP, with what the server sends under control.


async def test_default_model_is_the_one_to_prefer(adapter: Adapter, http_dialect: Dialect) -> None:
    assert await adapter.default_model() == http_dialect.models[0]
    ids = [model.id for model in await adapter.list_models() if model.chat]
    assert set(http_dialect.models) <= set(ids)


async def test_a_configured_default_model_asks_nobody(server: FakeServer) -> None:
    adapter = adapter_for(server, default_model="mine")
    assert await adapter.default_model() == "mine"
    assert server.requests == []
    await adapter.aclose()


@pytest.mark.parametrize("split", [1, 2, 3, 7])
async def test_characters_torn_apart_by_the_network_arrive_whole(
    server: FakeServer, adapter: Adapter, model: str, split: int
) -> None:
    text = "Größe 漢字 👩‍👩‍👧 café \u2028 end"
    server.script(Reply(text, split=split))
    assert shown(await collect(adapter, call(model))) == text


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter"])
async def test_the_finish_reason_is_told(
    server: FakeServer, adapter: Adapter, model: str, reason: str
) -> None:
    if server.dialect == "ollama" and reason == "content_filter":
        pytest.skip("Ollama has no content filter")
    server.script(Reply("x", finish=reason))
    assert (await adapter.complete(call(model))).finish_reason == reason


async def test_the_providers_own_counts_are_the_usage(
    server: FakeServer, adapter: Adapter, model: str
) -> None:
    server.script(Reply("x", usage=(123, 45)))
    usage = (await adapter.complete(call(model))).usage
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (123, 45, False)


async def test_thinking_is_apart_from_the_answer(
    server: FakeServer, adapter: Adapter, model: str
) -> None:
    server.script(Reply("42", thinking=["Let me ", "see."]))
    whole = await adapter.complete(call(model))
    assert (whole.text, whole.thinking) == ("42", "Let me see.")


async def test_a_think_block_in_the_text_is_thinking(
    server: FakeServer, adapter: Adapter, model: str
) -> None:
    server.script(Reply(pieces=["<th", "ink>Let me see.</thi", "nk>\n\n4", "2 </think>"]))
    chunks = await collect(adapter, call(model))
    assert shown(chunks) == "42 </think>"
    assert "".join(c.text for c in chunks if isinstance(c, Thinking)).strip() == "Let me see."


async def test_a_missing_end_marker_after_the_finish_reason_does_no_harm(
    server: FakeServer, adapter: Adapter, model: str
) -> None:
    server.script(Reply("all of it", end_marker=False))
    assert (await adapter.complete(call(model))).text == "all of it"


async def test_a_connection_held_open_after_the_end_does_no_harm(
    server: FakeServer, adapter: Adapter, model: str
) -> None:
    server.script(Reply("all of it", hold_open=True))
    assert (await adapter.complete(call(model))).text == "all of it"


async def test_cancelling_closes_the_connection_upstream(
    server: FakeServer, adapter: Adapter, model: str
) -> None:
    server.script(Reply("one two three four", stall_after=2))
    stream = adapter.stream(call(model))
    async for chunk in stream:
        if isinstance(chunk, Text):
            break
    await stream.aclose()  # type: ignore[attr-defined]
    request = server.generations[0]
    await request.wait()
    assert request.cut
    assert not request.done


async def test_cancelling_before_the_first_token_closes_the_connection(
    server: FakeServer, adapter: Adapter, model: str
) -> None:
    server.script(Silence())
    task = asyncio.create_task(adapter.complete(call(model)))
    await server.generations_come()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await server.generations[0].wait()
    assert server.generations[0].cut


async def test_headers_query_and_body_of_a_gateway_arrive(server: FakeServer, model: str) -> None:
    adapter = adapter_for(
        server,
        headers={"X-Team": "blue"},
        query={"api-version": "2024-10-21"},
        extra_body={"options": {"top_k": 5}, "user": "me"},
    )
    await adapter.complete(call(model))
    request = server.generations[0]
    assert request.headers["x-team"] == "blue"
    assert request.query["api-version"] == "2024-10-21"
    assert request.json["user"] == "me"
    assert request.json["options"]["top_k"] == 5
    if server.dialect == "ollama":
        assert request.json["options"]["num_predict"] == 1000
    await adapter.aclose()


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/"])
async def test_a_base_url_is_taken_with_or_without_v1(
    server: FakeServer, model: str, ending: str
) -> None:
    adapter = adapter_for(server, base_url=server.root_url + ending)
    assert (await adapter.complete(call(model))).text == "Hello from the model."
    assert (await adapter.check_health()).status == "healthy"
    await adapter.aclose()


async def test_temperature_none_is_not_sent(
    server: FakeServer, adapter: Adapter, model: str
) -> None:
    await adapter.complete(call(model, temperature=None))
    await adapter.complete(call(model, temperature=0.2))
    first, second = (request.json for request in server.generations)
    where = (lambda body: body["options"]) if server.dialect == "ollama" else (lambda body: body)
    assert "temperature" not in where(first)
    assert where(second)["temperature"] == 0.2


async def test_a_schema_is_sent_and_its_json_is_the_visible_answer(
    server: FakeServer, adapter: Adapter, model: str
) -> None:
    schema = {
        "type": "object",
        "properties": {"findings": {"type": "array", "items": {"type": "string"}}},
        "required": ["findings"],
        "additionalProperties": False,
    }
    server.script(Reply(pieces=['{"findi', 'ngs": []}']))
    answer = await adapter.complete(call(model, schema=JsonSchema("report", schema)))
    assert answer.text == '{"findings": []}'
    assert answer.finish_reason == "stop"
    body = server.generations[0].json
    sent = {
        "anthropic": lambda: body["tools"][0]["input_schema"],
        "ollama": lambda: body["format"],
        "openai": lambda: body["response_format"]["json_schema"]["schema"],
        "lm_studio": lambda: body["response_format"]["json_schema"]["schema"],
    }[server.dialect]()
    assert sent == schema


async def test_cost_and_limits(server: FakeServer, adapter: Adapter, model: str) -> None:
    cost = adapter.estimate_cost(model, Usage(1000, 1000))
    assert cost == (0.0 if adapter.local else 0.25)
    limits = {"anthropic": RateLimits(50, 100_000), "openai": RateLimits(60, 90_000)}
    assert adapter.rate_limits() == limits.get(server.dialect, RateLimits())
    own = adapter_for(server, rate_limits=RateLimits(7, None))
    assert own.rate_limits() == RateLimits(7, None)


async def test_connections_are_kept_between_calls(
    server: FakeServer, adapter: Adapter, model: str
) -> None:
    for _ in range(3):
        await adapter.complete(call(model))
    assert len(server.generations) == 3
    assert all(request.done for request in server.generations)


async def test_proxies_of_the_environment_are_not_used_for_this_machine(
    server: FakeServer, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    adapter = adapter_for(server)
    assert (await adapter.complete(call(model))).text
    await adapter.aclose()
