"""What the doctor says of real servers that are well, wrong or not there at all."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from aiex_lsp.config.settings import (
    CoordinationSettings,
    Problem,
    ProviderSettings,
    Secret,
    Settings,
    TaskSettings,
)
from aiex_lsp.doctor import Diagnosis, diagnose, diagnosis_json
from aiex_lsp.errors import FailureKind, ProviderError
from aiex_lsp.llm.adapters import registry
from aiex_lsp.llm.adapters.base import AdapterContext
from aiex_lsp.llm.pool import AdapterPool
from aiex_lsp.state.opening import open_state
from aiex_lsp.state.shared import SharedState
from tests.probed import Providers
from tests.servers.anthropic import MODEL as CLAUDE
from tests.servers.anthropic import AnthropicServer
from tests.servers.lm_studio import LMStudioServer
from tests.servers.ollama import MODEL as QWEN
from tests.servers.ollama import OllamaServer
from tests.servers.openai import OpenAIServer
from tests.servers.script import Drop, Garbage, Silence, html, status

KEY = "sk-test-0123456789"


def configured(name: str, type_: str, url: str = "", **changes: Any) -> ProviderSettings:
    local = type_ in ("ollama", "lm_studio", "embedded")
    given = ProviderSettings(
        name, type_, base_url=url, is_local=local, agreed=True, configured=True
    )
    return replace(given, **changes)


def settings(*providers: ProviderSettings, **changes: Any) -> Settings:
    return Settings(providers={one.name: one for one in providers}, connect_timeout=2.0, **changes)


@asynccontextmanager
async def real_pool() -> AsyncIterator[AdapterPool]:
    def context(seconds: float) -> AdapterContext:
        return AdapterContext(connect_timeout=seconds)

    pool = AdapterPool(registry.make, context, time.monotonic)
    try:
        yield pool
    finally:
        await pool.aclose()


async def examined(*providers: ProviderSettings, limit: float = 5.0, **changes: Any) -> Diagnosis:
    async with real_pool() as pool:
        return await diagnose(settings(*providers, **changes), pool, limit=limit)


def of(found: Diagnosis, name: str | None = None) -> list[tuple[str, str]]:
    return [(one.id, one.status) for one in found.checks if one.provider == name]


def check(found: Diagnosis, id_: str) -> Any:
    (one,) = [one for one in found.checks if one.id == id_]
    return one


# -- servers that are well --------------------------------------------------------------------


async def test_a_cloud_provider_that_is_well():
    async with OpenAIServer(key=KEY) as server:
        one = configured(
            "work", "openai", server.base_url, api_key=Secret(KEY), api_key_source="environment K"
        )
        found = await examined(one)
    assert found.ok
    assert of(found, "work") == [
        ("key", "ok"),
        ("address", "ok"),
        ("accepted", "ok"),
        ("model", "ok"),
    ]
    assert check(found, "key").message == "There is an API key (from environment K)"
    assert check(found, "model").message == "gpt-fake is asked by default"
    assert server.generations == []
    assert KEY not in json.dumps(diagnosis_json(found))


async def test_claude_with_a_model_that_is_there():
    async with AnthropicServer(key=KEY) as server:
        one = configured(
            "c", "anthropic", server.base_url, api_key=Secret(KEY), default_model=CLAUDE
        )
        found = await examined(one)
    assert found.ok
    assert check(found, "model").message == f"{CLAUDE} is there"


@pytest.mark.parametrize("kind", [OllamaServer, LMStudioServer])
async def test_a_local_server_that_is_running(kind):
    async with kind() as server:
        found = await examined(configured("here", server.dialect, server.base_url))
    assert found.ok
    assert of(found, "here") == [("server", "ok"), ("model", "ok")]
    message = f"Local provider is running and accessible at {server.root_url}"
    assert check(found, "server").message == message


@pytest.mark.parametrize(
    ("named", "listed"),
    [("qwen3", "qwen3:latest"), ("claude-fake", "claude-fake-20260201"), ("m", "m")],
)
async def test_other_names_of_a_model_are_known(named, listed):
    async with OpenAIServer() as server:
        server.models = [{"id": listed, "object": "model"}]
        found = await examined(configured("w", "openai", server.base_url, default_model=named))
    assert check(found, "model").status == "ok"


# -- what is wrong, and its remedy ------------------------------------------------------------


async def test_a_wrong_key():
    async with OpenAIServer(key=KEY) as server:
        one = configured("work", "openai", server.base_url, api_key=Secret("sk-wrong-0123456789"))
        found = await examined(one)
    assert not found.ok
    assert of(found, "work") == [("key", "ok"), ("address", "ok"), ("accepted", "error")]
    assert check(found, "accepted").message == "work refused the API key (401)"
    assert "api_key in [providers.work]" in check(found, "accepted").remedy
    assert "sk-wrong" not in json.dumps(diagnosis_json(found))


async def test_an_unknown_model_of_a_local_server():
    async with OllamaServer() as server:
        found = await examined(
            configured("ollama", "ollama", server.base_url, default_model="qwen-fake:40b")
        )
    assert not found.ok
    one = check(found, "model")
    assert one.message == "There is no model qwen-fake:40b"
    assert one.remedy.startswith("Run `ollama pull qwen-fake:40b`, or set default_model")
    assert QWEN in one.remedy


async def test_an_unknown_model_of_a_gateway_is_only_a_warning():
    async with OpenAIServer() as server:
        found = await examined(
            configured("gate", "openai", server.base_url, default_model="gpt-fakee")
        )
    assert found.ok
    assert check(found, "model").status == "warning"
    assert "gpt-fake" in check(found, "model").remedy


async def test_a_model_of_a_task_is_looked_for_too():
    async with OllamaServer() as server:
        found = await examined(
            configured("o", "ollama", server.base_url),
            tasks={"explain": TaskSettings(provider="o", model="gone")},
        )
    assert not found.ok
    assert check(found, "model").message == "There is no model gone"


async def test_a_model_that_does_not_chat():
    async with OllamaServer() as server:
        found = await examined(
            configured("o", "ollama", server.base_url, default_model="nomic-embed-text")
        )
    assert check(found, "model").message == "nomic-embed-text is no model that chats"


async def test_a_local_server_without_a_model():
    async with OllamaServer() as server:
        server.models = []
        found = await examined(configured("o", "ollama", server.base_url))
    assert not found.ok
    assert check(found, "model").message == "o has no model installed"
    assert "ollama pull" in check(found, "model").remedy


async def test_a_local_server_that_is_not_running():
    found = await examined(configured("ollama", "ollama", f"http://127.0.0.1:{free_port()}"))
    assert not found.ok
    one = check(found, "server")
    assert one.message.startswith("Cannot connect to local provider: ollama is not reachable")
    assert one.remedy == "Start it with `ollama serve`."


async def test_a_gateway_that_is_not_there():
    one = configured("gate", "openai", f"http://127.0.0.1:{free_port()}/v1", api_key=Secret(KEY))
    found = await examined(one)
    assert of(found, "gate") == [("key", "ok"), ("address", "error")]


@pytest.mark.parametrize(
    ("step", "id_", "word"),
    [
        (html(), "address", "web page"),
        (html(403), "address", "web page"),
        (Garbage(), "address", "does not speak HTTP"),
        (status(404), "address", "no such address"),
        (status(302, None, location="https://login.example/"), "address", "redirects"),
        (status(407), "address", "proxy"),
        (status(403, {"error": {"message": "no"}}), "accepted", "does not allow"),
        (status(451), "region", "country"),
    ],
)
async def test_what_answers_in_place_of_the_provider(step, id_, word):
    async with OpenAIServer() as server:
        server.on("GET", "/v1/models", step)
        one = configured("gate", "openai", server.base_url, api_key=Secret(KEY))
        found = await examined(one)
    assert not found.ok
    assert check(found, id_).status == "error"
    assert word in check(found, id_).message
    assert check(found, id_).remedy


@pytest.mark.parametrize("step", [status(500), status(503), status(429), Drop()])
async def test_what_may_have_passed_by_the_next_call_is_a_warning(step):
    async with OpenAIServer() as server:
        server.on("GET", "/v1/models", step)
        found = await examined(configured("gate", "openai", server.base_url))
    assert found.ok
    assert check(found, "answer").status == "warning"


async def test_a_server_that_is_silent_ends_at_the_limit_and_delays_no_other():
    async with OpenAIServer() as slow, OpenAIServer() as well:
        slow.on("GET", "/v1/models", Silence())
        began = time.monotonic()
        found = await examined(
            configured("slow", "openai", slow.base_url),
            configured("slower", "openai", slow.base_url + "/x"),
            configured("well", "openai", well.base_url),
            limit=0.4,
        )
    assert time.monotonic() - began < 3
    assert of(found, "slow") == [("address", "error")]
    assert "did not answer within 0.4 s" in found.checks[0].message
    assert of(found, "well")[-1] == ("model", "ok")


async def test_a_gateway_without_a_list_of_models_is_well_if_it_answers():
    async with OpenAIServer() as server:
        server.on("GET", "/v1/models", status(404))
        found = await examined(configured("azure", "openai", server.base_url, default_model="d"))
    assert found.ok
    assert of(found, "azure") == [("address", "ok"), ("model", "skipped")]


# -- keys and agreement -----------------------------------------------------------------------


async def test_a_key_that_is_missing_where_the_vendor_wants_one():
    one = configured("anthropic", "anthropic", "https://api.anthropic.com/v1")
    found = await examined(one)
    assert not found.ok
    assert check(found, "key").message == "ANTHROPIC_API_KEY environment variable not set"
    assert "Set ANTHROPIC_API_KEY before the editor starts" in check(found, "key").remedy


async def test_a_gateway_without_its_key():
    found = await examined(configured("gate", "anthropic", "http://127.0.0.1:1/v1"))
    assert check(found, "key").message == "It has no API key"
    assert 'api_key = { env = "NAME" } under [providers.gate]' in check(found, "key").remedy


@pytest.mark.parametrize(
    ("url", "key", "expected"),
    [
        ("https://api.anthropic.com/v1", "sk-proj-1", "warning"),
        ("https://api.anthropic.com/v1", "sk-ant-1", "ok"),
        ("https://gateway.example/v1", "anything", "ok"),
    ],
)
async def test_the_form_of_an_anthropic_key_is_looked_at_where_the_vendor_reads_it(
    url, key, expected
):
    providers = Providers()  # nothing of this may reach the vendor
    one = configured("anthropic", "anthropic", url, api_key=Secret(key))
    found = await diagnose(settings(one), providers.pool)
    assert check(found, "key").status == expected
    if expected == "warning":
        message = "Invalid Anthropic API key format (should start with 'sk-ant-')"
        assert check(found, "key").message == message
    assert found.ok


async def test_a_key_with_characters_no_header_takes():
    one = configured("gate", "openai", "http://127.0.0.1:1/v1", api_key=Secret("schlüssel\n"))
    found = await examined(one)
    assert of(found, "gate") == [("key", "ok"), ("accepted", "error")]


async def test_who_was_not_agreed_to_is_asked_nothing_and_it_says_how_to_agree():
    # As a key in the environment does, beside a provider that was chosen.
    async with OpenAIServer() as server, OllamaServer() as local:
        one = configured(
            "openai",
            "openai",
            server.base_url,
            api_key=Secret(KEY),
            agreed=False,
        )
        found = await examined(one, configured("ollama", "ollama", local.base_url))
        assert server.requests == []
    assert found.ok
    assert of(found, "openai") == [("key", "ok"), ("consent", "skipped")]
    assert "`aiex-lsp config set providers.openai.enabled true`" in check(found, "consent").remedy


async def test_a_provider_nobody_uses_is_no_reason_to_fail():
    async with OllamaServer() as server:
        found = await examined(
            configured("used", "ollama", server.base_url),
            configured("idle", "openai", f"http://127.0.0.1:{free_port()}/v1"),
            default_provider="used",
        )
    assert found.ok
    assert of(found, "idle") == [("address", "skipped")]


async def test_a_pinned_provider_that_is_switched_off():
    found = await examined(
        configured("a", "ollama", "http://127.0.0.1:1", enabled=False), default_provider="a"
    )
    assert not found.ok
    assert check(found, "enabled").status == "error"


async def test_a_provider_whose_address_cannot_be_used():
    gate = configured("gate", "openai", enabled=False, wrong_address=True)
    found = await examined(gate, default_provider="gate")
    told = check(found, "address")
    assert (told.status, told.message) == (
        "error",
        "Its base_url cannot be used, so it is not asked",
    )
    assert "[providers.gate]" in told.remedy
    assert not found.ok


async def test_a_pinned_provider_that_does_not_exist():
    async with OllamaServer() as server:
        held = configured("a", "ollama", server.base_url)
        assert (await examined(held, default_provider="a")).ok
        assert not (await examined(held, default_provider="b")).ok
        assert not (await examined(held, tasks={"fix": TaskSettings(provider="b")})).ok


# -- nothing configured -----------------------------------------------------------------------


async def test_nothing_configured_and_a_local_server_answers():
    async with OllamaServer() as server:
        found = await examined(
            configured("anthropic", "anthropic", agreed=False, configured=False),
            configured("ollama", "ollama", server.base_url, configured=False),
        )
    assert found.ok
    assert check(found, "any").message == "Nothing is configured; ollama answers"
    assert of(found, "anthropic") == [("key", "skipped")]


async def test_nothing_configured_and_nobody_answers():
    async with real_pool() as pool:
        held = settings(
            configured("ollama", "ollama", f"http://127.0.0.1:{free_port()}", configured=False),
            configured("embedded", "embedded", configured=False, model_path="/no/such.gguf"),
        )
        found = await diagnose(held, pool)
    assert not found.ok
    assert of(found, "ollama") == [("server", "skipped")]
    assert of(found, "embedded") == [("server", "skipped")]
    assert "aiex-lsp models install" in check(found, "any").remedy


async def test_the_built_in_model_that_is_not_there():
    async with real_pool() as pool:
        found = await diagnose(
            settings(configured("embedded", "embedded", model_path="/no.gguf")), pool
        )
    assert not found.ok
    assert of(found, "embedded") == [("server", "error")]
    assert "nstall" in check(found, "server").remedy


# -- adapters, state, configuration -----------------------------------------------------------


async def test_a_type_no_adapter_is_known_for():
    found = await examined(configured("x", "opnai", "http://127.0.0.1:1"))
    assert of(found, "x") == [("adapter", "error")]
    assert "openai" in check(found, "adapter").remedy


async def test_an_adapter_that_fails_inside():
    providers = Providers()
    providers["x"].models = RuntimeError("its secret")
    held = settings(configured("x", "probed"))
    found = await diagnose(held, providers.pool)
    assert of(found, "x") == [("adapter", "error")]
    assert "secret" not in json.dumps(diagnosis_json(found))


async def test_a_provider_that_fails_oddly():
    providers = Providers()
    providers["x"].models = ProviderError(FailureKind.QUOTA, "x has no credit", "Pay", provider="x")
    found = await diagnose(settings(configured("x", "probed")), providers.pool)
    assert of(found, "x") == [("address", "ok"), ("answer", "warning")]


@asynccontextmanager
async def shared(folder: Path, backend: str, url: str | None = None) -> AsyncIterator[SharedState]:
    held = CoordinationSettings(backend, Secret(url) if url else None)
    store = open_state(held, folder, tell=lambda _text: None, random=Random())
    try:
        yield store
    finally:
        await store.aclose()


async def state_check(store: SharedState) -> Any:
    async with OllamaServer() as server, real_pool() as pool:
        held = settings(configured("o", "ollama", server.base_url))
        found = await diagnose(held, pool, store)
    assert found.ok  # calls go on without it
    assert check(found, "state").provider is None
    return check(found, "state")


async def test_the_shared_state_that_works_tells_who_shares_it(tmp_path):
    async with shared(tmp_path, "sqlite") as store, shared(tmp_path, "sqlite") as other:
        alone = await state_check(store)
        await store.heartbeat()
        await other.heartbeat()
        found = await state_check(store)
    assert alone.message == "The shared state (sqlite) works; no other server is running"
    assert found.message == "The shared state (sqlite) works; one other server is running"
    assert (found.status, found.remedy) == ("ok", "")


async def test_memory_alone_is_no_fault(tmp_path):
    async with shared(tmp_path, "memory") as store:
        found = await state_check(store)
    assert (found.status, found.remedy) == ("ok", "")


async def test_a_state_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "state").write_text("a file")
    async with shared(tmp_path / "state", "sqlite") as store:
        found = await state_check(store)
    assert found.status == "warning"
    assert found.message.startswith("Servers do not share their limits and circuits: ")
    assert "state folder can be written to" in found.remedy


async def test_a_redis_that_is_not_there_and_its_password_is_not_told(tmp_path):
    url = f"redis://:geheim@127.0.0.1:{free_port()}/0"
    async with shared(tmp_path, "redis", url) as store:
        found = await state_check(store)
    assert found.status == "warning"
    assert "Start Redis" in found.remedy
    assert "geheim" not in found.message


async def test_problems_of_the_configuration_are_told_with_their_place():
    async with OllamaServer() as server:
        problem = Problem("Unknown key", "/h/config.toml", 3, 1, "hover.mod", "error")
        found = await examined(configured("o", "ollama", server.base_url), problems=(problem,))
    one = check(found, "config")
    assert one.message == "/h/config.toml:3: Unknown key"
    assert one.remedy == "Correct hover.mod in config.toml."
    assert found.ok  # the rest of the file applies


async def test_the_json_has_every_field_of_every_check():
    found = await examined(configured("x", "openai", f"http://127.0.0.1:{free_port()}/v1"))
    told = diagnosis_json(found)
    assert told["ok"] is False
    for one in told["checks"]:
        assert list(one) == ["id", "provider", "status", "message", "remedy"]


async def test_a_cancelled_diagnosis_leaves_no_connection():
    async with OpenAIServer() as server, real_pool() as pool:
        server.on("GET", "/v1/models", Silence())
        held = settings(configured("s", "openai", server.base_url))
        task = asyncio.create_task(diagnose(held, pool))
        async with asyncio.timeout(5):
            while not server.requests:  # noqa: ASYNC110 - the server has no event for this
                await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.requests[0].wait()
        assert server.requests[0].cut


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
