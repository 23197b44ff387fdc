"""What each dialect has of its own: what models refuse, gateways, windows, local metadata."""

from __future__ import annotations

from typing import Any

import pytest

from aiex_lsp.errors import FailureKind as Kind
from aiex_lsp.errors import ProviderError
from aiex_lsp.llm.types import Heartbeat, JsonSchema, Message, ModelInfo, Usage
from tests.contract.dialects import KEY, adapter_for, call
from tests.servers import anthropic, lm_studio, ollama, openai
from tests.servers.anthropic import AnthropicServer
from tests.servers.base import FakeServer
from tests.servers.lm_studio import LMStudioServer
from tests.servers.ollama import OllamaServer
from tests.servers.openai import OpenAIServer
from tests.servers.script import Reply, status

SCHEMA = JsonSchema("report", {"type": "object", "properties": {"a": {"type": "string"}}})


async def bodies(server: FakeServer, calls: list[Any], **settings: Any) -> list[dict[str, Any]]:
    """Ask each call at one adapter; return the bodies that reached the server."""
    adapter = adapter_for(server, **settings)
    for one in calls:
        await adapter.complete(one)
    await adapter.aclose()
    return [request.json for request in server.generations]


# OpenAI


async def test_a_model_that_wants_max_completion_tokens_is_asked_again_once_and_remembered() -> (
    None
):
    async with OpenAIServer(refuses=("max_tokens",)) as server:
        first, again, later = await bodies(server, [call(openai.MODEL)] * 2)
    assert "max_tokens" in first
    assert "max_tokens" not in again
    # Its limit counts the thinking, so the answer keeps its thousand.
    assert again["max_completion_tokens"] >= 1000
    assert later == again


async def test_several_refusals_are_learned_one_after_the_other() -> None:
    refuses = ("max_tokens", "temperature", "stream_options", "reasoning_effort")
    async with OpenAIServer(refuses=refuses) as server:
        sent = await bodies(server, [call(openai.MODEL, effort="low")] * 2)
    assert len(sent) == 6
    assert not {*refuses} & {*sent[-1]}


async def test_what_one_model_refuses_is_still_sent_to_another() -> None:
    async with OpenAIServer(refuses=("temperature",)) as server:
        adapter = adapter_for(server)
        await adapter.complete(call(openai.MODEL))
        server.refuses = ()
        await adapter.complete(call("gpt-older"))
        await adapter.aclose()
        assert "temperature" in server.generations[-1].json


async def test_a_refusal_repeated_for_ever_ends() -> None:
    async with OpenAIServer() as server:
        refusal = server.error(400, "temperature max_tokens response_format stream_options")
        server.script(*[refusal] * 20)
        adapter = adapter_for(server)
        with pytest.raises(ProviderError) as caught:
            await adapter.complete(call(openai.MODEL, schema=SCHEMA))
        assert caught.value.kind is Kind.BAD_REQUEST
        assert len(server.generations) <= 5
        await adapter.aclose()


@pytest.mark.parametrize(
    ("refuses", "expected"),
    [
        ((), "json_schema"),
        (("json_schema",), "json_object"),
        (("json_schema", "json_object"), None),
    ],
)
async def test_the_richest_accepted_form_of_a_schema(
    refuses: tuple[str, ...], expected: str | None
) -> None:
    async with OpenAIServer(refuses=refuses) as server:
        sent = await bodies(server, [call(openai.MODEL, schema=SCHEMA)])
    assert sent[-1].get("response_format", {}).get("type") == expected


async def test_a_model_without_system_role_gets_it_otherwise() -> None:
    async with OpenAIServer(refuses=("system",)) as server:
        sent = await bodies(server, [call(openai.MODEL)])
    assert [message["role"] for message in sent[0]["messages"]] == ["system", "user"]
    assert [message["role"] for message in sent[-1]["messages"]] == ["user"]
    assert "You explain code." in sent[-1]["messages"][0]["content"]


async def test_effort_is_sent() -> None:
    async with OpenAIServer() as server:
        sent = await bodies(server, [call(openai.MODEL, effort="high")])
    assert sent[0]["reasoning_effort"] == "high"


async def test_comments_of_a_gateway_are_signs_of_life() -> None:
    async with OpenAIServer() as server:
        server.script(Reply(comments=True))
        adapter = adapter_for(server)
        chunks = [chunk async for chunk in adapter.stream(call(openai.MODEL))]
        await adapter.aclose()
    assert chunks[0] == Heartbeat("OPENROUTER PROCESSING")


async def test_a_server_that_does_not_stream_is_understood() -> None:
    whole = {
        "model": openai.MODEL,
        "choices": [{"message": {"content": "All at once."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 3},
    }
    async with OpenAIServer() as server:
        server.script(status(200, whole))
        adapter = adapter_for(server)
        answer = await adapter.complete(call(openai.MODEL))
        await adapter.aclose()
    assert (answer.text, answer.usage.input_tokens) == ("All at once.", 5)


async def test_a_refusal_is_a_content_filter() -> None:
    async with OpenAIServer() as server:
        whole = {"choices": [{"message": {"refusal": "I cannot."}, "finish_reason": "stop"}]}
        server.script(status(200, whole))
        adapter = adapter_for(server)
        answer = await adapter.complete(call(openai.MODEL))
        await adapter.aclose()
    assert answer.finish_reason == "content_filter"


async def test_content_in_parts_as_mistral_sends_it() -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "text", "text": "Yes."},
    ]
    async with OpenAIServer() as server:
        whole = {"choices": [{"message": {"content": parts}, "finish_reason": "stop"}]}
        server.script(status(200, whole))
        adapter = adapter_for(server)
        answer = await adapter.complete(call(openai.MODEL))
        await adapter.aclose()
    assert (answer.text, answer.thinking) == ("Yes.", "Hm.")
    assert answer.usage.estimated


async def test_azure_keeps_its_path_and_uses_its_own_header() -> None:
    path = "/openai/deployments/gpt4"
    async with OpenAIServer() as server:
        server.on("POST", f"{path}/chat/completions", Reply("from azure"))
        adapter = adapter_for(
            server,
            base_url=f"{server.root_url}{path}/chat/completions?api-version=2024-10-21",
            headers={"api-key": "azure-key"},
            default_model="gpt4",
        )
        answer = await adapter.complete(call("gpt4"))
        assert answer.text == "from azure"
        request = server.requests[-1]
        assert request.query == {"api-version": "2024-10-21"}
        assert request.headers["api-key"] == "azure-key"
        assert "authorization" not in request.headers
        assert (await adapter.check_health()).status == "healthy"
        await adapter.aclose()


async def test_a_gateway_whose_path_has_no_v1_is_found() -> None:
    async with OpenAIServer() as server:
        server.on("POST", "/inference/chat/completions", Reply("found"))
        adapter = adapter_for(server, base_url=f"{server.root_url}/inference")
        assert (await adapter.complete(call("m"))).text == "found"
        assert (await adapter.complete(call("m"))).text == "found"
        await adapter.aclose()
        assert len(server.requests) == 3


async def test_a_gateway_without_a_key_gets_none() -> None:
    async with OpenAIServer() as server:
        await bodies(server, [call(openai.MODEL)], api_key=None)
        assert "authorization" not in server.generations[0].headers


@pytest.mark.parametrize(("kind", "host"), [("openai", "openai"), ("anthropic", "anthropic")])
async def test_the_vendors_own_address_without_a_key_asks_nobody(kind: str, host: str) -> None:
    server = {"openai": OpenAIServer, "anthropic": AnthropicServer}[kind]()
    adapter = adapter_for(server, base_url=f"https://api.{host}.com", api_key=None)
    with pytest.raises(ProviderError) as caught:
        await adapter.complete(call("x"))
    assert caught.value.kind is Kind.NOT_CONFIGURED
    assert f"{kind.upper()}_API_KEY" in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "window"),
    [
        ({"id": "a", "max_model_len": 8192}, 8192),
        ({"id": "a", "meta": {"n_ctx_train": 131072}}, 131072),
        ({"id": "a", "meta": {"n_ctx": 4096, "n_ctx_train": 131072}}, 4096),
        ({"id": "a", "context_length": 200000, "top_provider": {}}, 200000),
        ({"id": "a"}, None),
    ],
    ids=["vllm", "llama.cpp", "llama.cpp loaded", "openrouter", "openai"],
)
async def test_windows_that_servers_tell(entry: dict[str, Any], window: int | None) -> None:
    async with OpenAIServer() as server:
        server.models = [entry]
        adapter = adapter_for(server)
        [model] = await adapter.list_models()
        await adapter.aclose()
    assert model.context_window == window


async def test_models_that_do_not_chat_come_last_and_are_no_default() -> None:
    names = [
        "text-embedding-3-small",
        "whisper-1",
        "tts-1-hd",
        "dall-e-3",
        "omni-moderation-latest",
        "gpt-4o-realtime-preview",
        "gpt-image-1",
        "sora-2",
        "gpt-4o-mini-transcribe",
        "gpt-5.1-codex",
        "gpt-5.2-pro",
        "davinci-002",
    ]
    async with OpenAIServer() as server:
        server.models = [
            {"id": name, "created": 1_780_000_000, "owned_by": "system"} for name in names
        ]
        server.models += [
            {"id": "gpt-5.4-mini", "created": 1_779_000_000, "owned_by": "system"},
            {"id": "gpt-5.4", "created": 1_770_000_000, "owned_by": "system"},
        ]
        adapter = adapter_for(server)
        models = await adapter.list_models()
        await adapter.aclose()
    assert [model.id for model in models if model.chat] == ["gpt-5.4", "gpt-5.4-mini"]
    assert models[0].id == "gpt-5.4"


# Anthropic


async def test_the_system_message_stands_apart_and_the_version_is_sent() -> None:
    async with AnthropicServer(key=KEY) as server:
        [body] = await bodies(server, [call(anthropic.MODEL)])
        assert body["system"] == "You explain code."
        assert [message["role"] for message in body["messages"]] == ["user"]
        assert server.generations[0].headers["anthropic-version"] == "2023-06-01"
        assert server.generations[0].headers["x-api-key"] == KEY


async def test_thinking_is_asked_for_with_an_effort_and_without_temperature() -> None:
    async with AnthropicServer() as server:
        [body] = await bodies(server, [call(anthropic.MODEL, effort="low")])
    assert body["thinking"] == {"type": "adaptive"}
    assert body["output_config"] == {"effort": "low"}
    assert "temperature" not in body


async def test_an_older_model_gets_a_budget_beside_the_answer() -> None:
    async with AnthropicServer(refuses=("adaptive",)) as server:
        _, again, later = await bodies(server, [call(anthropic.MODEL, effort="medium")] * 2)
    assert again == later
    budget = again["thinking"]["budget_tokens"]
    assert budget >= 1024
    assert again["max_tokens"] == budget + 1000
    assert "output_config" not in again


async def test_a_model_that_cannot_think_answers_without() -> None:
    async with AnthropicServer(refuses=("adaptive", "enabled")) as server:
        sent = await bodies(server, [call(anthropic.MODEL, effort="medium")])
    assert "thinking" not in sent[-1]
    assert sent[-1]["max_tokens"] == 1000


async def test_a_model_without_temperature_is_given_room_to_think() -> None:
    async with AnthropicServer(refuses=("temperature",)) as server:
        sent = await bodies(server, [call(anthropic.MODEL)])
    assert "temperature" not in sent[-1]
    assert sent[-1]["max_tokens"] > 1000


@pytest.mark.parametrize(
    ("refuses", "form"),
    [((), "tool"), (("tool_choice",), "format"), (("tool_choice", "format"), None)],
)
async def test_json_is_asked_for_in_the_form_the_model_takes(
    refuses: tuple[str, ...], form: str | None
) -> None:
    async with AnthropicServer(refuses=refuses) as server:
        sent = await bodies(server, [call(anthropic.MODEL, schema=SCHEMA)])
    assert ("tools" in sent[-1]) == (form == "tool")
    assert ("format" in sent[-1].get("output_config", {})) == (form == "format")


async def test_thinking_and_a_forced_tool_are_never_sent_together() -> None:
    async with AnthropicServer() as server:
        [body] = await bodies(server, [call(anthropic.MODEL, schema=SCHEMA, effort="low")])
    assert "tool_choice" not in body
    assert set(body["output_config"]) == {"effort", "format"}


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("something_new", "stop"),
    ],
)
async def test_stop_reasons(stop: str, expected: str) -> None:
    async with AnthropicServer() as server:
        server.script(Reply("x", finish=stop))
        adapter = adapter_for(server)
        assert (await adapter.complete(call(anthropic.MODEL))).finish_reason == expected
        await adapter.aclose()


async def test_cached_tokens_count_as_input() -> None:
    usage = {"input_tokens": 10, "cache_read_input_tokens": 90, "output_tokens": 5}
    whole = {
        "type": "message",
        "model": anthropic.MODEL,
        "content": [{"type": "text", "text": "x"}],
        "stop_reason": "end_turn",
        "usage": {**usage, "output_tokens_details": {"thinking_tokens": 2}},
    }
    async with AnthropicServer() as server:
        server.script(status(200, whole))
        adapter = adapter_for(server)
        got = (await adapter.complete(call(anthropic.MODEL))).usage
        await adapter.aclose()
    assert (got.input_tokens, got.cached_tokens) == (100, 90)
    assert (got.output_tokens, got.thinking_tokens) == (5, 2)


async def test_all_pages_of_the_model_list_and_the_limits_of_each() -> None:
    async with AnthropicServer() as server:
        first = server.models[0]
        server.models = [{**first, "id": f"claude-opus-{n:03}"} for n in range(230)]
        server.models.append({**first, "id": "claude-sonnet-new", "max_input_tokens": 500_000})
        old = {**first, "id": "claude-sonnet-gone", "lifecycle": "deprecated"}
        server.models.append({**old, "created_at": "2027-01-01T00:00:00Z"})
        adapter = adapter_for(server)
        models = await adapter.list_models()
        await adapter.aclose()
    assert len(models) == 232
    assert models[0].id == "claude-sonnet-new"
    assert (models[0].context_window, models[0].max_output_tokens) == (500_000, 64_000)
    assert models[-1].id == "claude-sonnet-gone"


# Ollama


def long_call(tokens: int, **fields: Any) -> Any:
    text = Message("user", "word" * tokens)
    return call(ollama.MODEL, messages=(text,), input_tokens=tokens, **fields)


async def test_num_ctx_holds_prompt_and_answer_in_steps() -> None:
    async with OllamaServer() as server:
        calls = [call(ollama.MODEL, input_tokens=20), long_call(9000), long_call(9100)]
        sent = await bodies(server, calls)
    windows = [body["options"]["num_ctx"] for body in sent]
    assert windows[0] == 4096
    assert windows[1] >= 9000 + 1000
    assert windows[1] % 1024 == 0
    # A model is not loaded anew for a hundred tokens.
    assert windows[2] == windows[1] or windows[2] - windows[1] == 1024
    assert all(body["truncate"] is False for body in sent)


async def test_num_ctx_is_the_calls_window_but_no_more_than_the_model_has() -> None:
    async with OllamaServer(largest=8192) as server:
        calls = [call(ollama.MODEL, context_window=6000), call(ollama.MODEL, context_window=99999)]
        sent = await bodies(server, calls)
    assert [body["options"]["num_ctx"] for body in sent] == [6000, 8192]


@pytest.mark.parametrize("cuts", [False, True], ids=["new version", "old version"])
async def test_a_prompt_is_never_cut_silently(cuts: bool) -> None:
    async with OllamaServer(largest=4096, cuts=cuts) as server:
        adapter = adapter_for(server)
        with pytest.raises(ProviderError) as caught:
            await adapter.complete(long_call(6000))
        await adapter.aclose()
    assert caught.value.kind is Kind.CONTEXT_TOO_LONG
    assert "too long" in str(caught.value)


async def test_a_prompt_in_the_servers_cache_is_no_cut_prompt() -> None:
    async with OllamaServer() as server:
        for evaluated in (1, 40, 3000):
            server.script(Reply("fine", usage=(evaluated, 3)))
            adapter = adapter_for(server)
            assert (await adapter.complete(long_call(3000))).text == "fine"
            await adapter.aclose()


@pytest.mark.parametrize(
    ("refuses", "expected"),
    [((), "low"), (("think_level",), True), (("think",), None)],
)
async def test_effort_as_the_model_takes_it(
    refuses: tuple[str, ...], expected: str | bool | None
) -> None:
    async with OllamaServer(refuses=refuses) as server:
        sent = await bodies(server, [call(ollama.MODEL, effort="low")])
    assert sent[-1].get("think") == expected


async def test_a_thinking_model_has_room_beside_the_answer() -> None:
    async with OllamaServer() as server:
        server.capabilities[ollama.MODEL] = ["completion", "thinking"]
        [body] = await bodies(server, [call(ollama.MODEL)])
    assert body["options"]["num_predict"] > 1000
    assert body["options"]["num_ctx"] > body["options"]["num_predict"]


async def test_the_loaded_model_is_the_default_before_the_newest() -> None:
    async with OllamaServer() as server:
        adapter = adapter_for(server)
        assert await adapter.default_model() == ollama.MODEL
        server.loaded = ["llama-fake:8b", "nomic-embed-text:latest"]
        assert await adapter.default_model() == "llama-fake:8b"
        await adapter.aclose()


async def test_cloud_models_are_not_local() -> None:
    async with OllamaServer() as server:
        cloud = {**server.models[1], "name": "big:120b-cloud", "model": "big:120b-cloud"}
        host = {**server.models[1], "name": "alias", "model": "alias", "remote_host": "ollama.com"}
        server.models += [{**cloud, "modified_at": "2027-01-01T00:00:00Z"}, host]
        adapter = adapter_for(server)
        models = {model.id: model for model in await adapter.list_models()}
        await adapter.aclose()
    assert models[ollama.MODEL].local
    assert not models["big:120b-cloud"].local
    assert not models["alias"].local
    assert next(iter(models)) == ollama.MODEL


async def test_an_ollama_without_show_and_ps_still_answers() -> None:
    async with OllamaServer() as server:
        server.on("POST", "/api/show", status(404))
        server.on("GET", "/api/ps", status(404))
        adapter = adapter_for(server)
        assert (await adapter.complete(call(ollama.MODEL))).text
        assert await adapter.default_model() == ollama.MODEL
        await adapter.aclose()


# LM Studio


@pytest.mark.parametrize("rest", ["v1", "v0", "none"])
async def test_metadata_of_lm_studio(rest: str) -> None:
    async with LMStudioServer(rest=rest) as server:
        adapter = adapter_for(server)
        models = {model.id: model for model in await adapter.list_models()}
        await adapter.aclose()
    mine: ModelInfo = models[lm_studio.MODEL]
    assert not models["text-embedding-nomic"].chat
    if rest == "none":
        assert mine.context_window is None
        return
    assert next(iter(models)) == lm_studio.MODEL
    assert (mine.loaded, mine.context_window, mine.quantization) == (True, 4096, "Q4_K_M")
    assert (models["gemma-fake"].loaded, models["gemma-fake"].context_window) == (False, 32_768)


async def test_lm_studio_is_found_by_any_of_its_addresses() -> None:
    async with LMStudioServer() as server:
        for ending in ("", "/v1", "/api/v1", "/api/v0/"):
            adapter = adapter_for(server, base_url=server.root_url + ending)
            assert (await adapter.complete(call(lm_studio.MODEL))).text
            assert (await adapter.list_models())[0].loaded
            await adapter.aclose()


# Limits of an answer, learned


async def test_the_largest_answer_of_a_model_is_learned() -> None:
    said = {
        OpenAIServer: "max_tokens is too large: 9000. This model supports at most 4096 "
        "completion tokens, whereas you provided 9000.",
        AnthropicServer: "max_tokens: 9000 > 4096, which is the maximum allowed number of output "
        "tokens for claude-3-haiku-20240307",
    }
    for kind, message in said.items():
        async with kind() as server:
            server.script(server.error(400, message))
            model = openai.MODEL if kind is OpenAIServer else anthropic.MODEL
            sent = await bodies(server, [call(model, max_tokens=9000)])
        assert [body["max_tokens"] for body in sent] == [9000, 4096]


async def test_a_busy_server_teaches_nothing() -> None:
    async with OpenAIServer() as server:
        server.script(status(500, {"error": {"message": "system temperature too high"}}))
        server.script(status(503, {"error": {"message": "The system role is overloaded"}}))
        adapter = adapter_for(server)
        for _ in range(2):
            with pytest.raises(ProviderError):
                await adapter.complete(call(openai.MODEL))
        await adapter.complete(call(openai.MODEL))
        await adapter.aclose()
        assert "temperature" in server.generations[-1].json
        assert len(server.generations) == 3


async def test_a_cloud_model_is_never_chosen_unasked_and_its_price_is_unknown() -> None:
    async with OllamaServer() as server:
        server.models = [{**server.models[1], "name": "big:cloud", "model": "big:cloud"}]
        adapter = adapter_for(server)
        with pytest.raises(ProviderError) as caught:
            await adapter.default_model()
        await adapter.aclose()
    assert caught.value.kind is Kind.MODEL_NOT_FOUND
    assert adapter.estimate_cost("big:cloud", Usage(10, 10)) is None
    assert adapter.estimate_cost(ollama.MODEL, Usage(10, 10)) == 0.0


@pytest.mark.parametrize("kind", [OpenAIServer, LMStudioServer, AnthropicServer])
async def test_a_model_seen_to_think_gets_room_for_it_from_then_on(kind: Any) -> None:
    async with kind() as server:
        model = server.models[1]["id"]
        server.script(Reply(thinking=["Hm."]))
        small = call(model, context_window=3000, input_tokens=100)
        sent = await bodies(server, [call(model), call(model), small])
    limits = [body["max_tokens"] for body in sent]
    assert limits[0] == 1000
    assert limits[1] > 1000
    if kind is not AnthropicServer:
        assert 1000 < limits[2] < 2900
