"""The cases of every provider, against the real ones that have a key or answer on this machine.

`make test-live` runs them; they cost a few cents. Never part of `make test`.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from aiex_lsp.config.urls import ollama_host_url
from tests.e2e import cases
from tests.e2e.harness import Client, Home, running

pytestmark = [
    pytest.mark.live,
    pytest.mark.xdist_group("e2e-live"),
    pytest.mark.asyncio(loop_scope="module"),
]

KEYS = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}
PASSED_ON = (
    *KEYS.values(),
    "ANTHROPIC_BASE_URL",
    "OPENAI_BASE_URL",
    "OLLAMA_URL",
    "OLLAMA_HOST",
    "LM_STUDIO_URL",
    "HTTPS_PROXY",
    "SSL_CERT_FILE",
)
CONFIG = """
    default_provider = "{provider}"
    request_timeout = 120.0
    [providers.{provider}]
    enabled = true
    [tasks.explain]
    max_tokens = 400
    [tasks.hover]
    max_tokens = 200
    [tasks.run]
    max_tokens = 1500
    [hover]
    wait = 0.3
"""


def why_not(provider: str) -> str | None:
    """Return why a provider cannot be asked here, None where it can."""
    variable = KEYS.get(provider)
    if variable is not None:
        return None if os.environ.get(variable) else f"{variable} is not set"
    if provider == "ollama":
        host = os.environ.get("OLLAMA_HOST")
        base = os.environ.get("OLLAMA_URL") or (ollama_host_url(host)[0] if host else "")
        url, key = f"{base or 'http://127.0.0.1:11434'}/api/tags", "models"
    else:
        base = os.environ.get("LM_STUDIO_URL") or "http://127.0.0.1:1234"
        url, key = f"{base.rstrip('/').removesuffix('/v1')}/v1/models", "data"
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            models = json.loads(response.read()).get(key)
    except (OSError, ValueError) as error:
        return f"nothing answers at {url} ({error})"
    return None if models else f"no model is installed at {url}"


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=["anthropic", "openai", "ollama", "lm_studio"],
)
async def client(
    request: pytest.FixtureRequest, make_home: Callable[[], Home]
) -> AsyncIterator[Client]:
    if reason := why_not(request.param):
        pytest.skip(reason)
    env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    config = CONFIG.format(provider=request.param)
    async with running(make_home(), "vscode", config=config, env=env) as client:
        client.provider = request.param
        yield client


@pytest.mark.parametrize("case", cases.ALL, ids=lambda case: case.__name__)
async def test_what_holds_with_every_provider(client: Client, case: Any) -> None:
    await case(client, client.provider)


async def test_a_command_answers_at_once(client: Client) -> None:
    await cases.command_answers_at_once(client, client.provider, times=1)


async def test_a_hover_is_kept(client: Client) -> None:
    await cases.hover_twice(client, client.provider)


async def test_a_model_that_does_not_exist(client: Client) -> None:
    if client.provider == "lm_studio":
        pytest.skip("LM Studio may answer with the model that is loaded")
    uri, name = cases.new_file(client)
    asked = {**client.at(uri, name), "provider": client.provider, "model": "no-such-model"}
    message = await cases.refused_command(client, asked)
    cases.check_message(message, client.provider, "no-such-model")


@pytest.mark.parametrize("provider", KEYS)
async def test_a_wrong_key(make_home: Callable[[], Home], provider: str) -> None:
    if reason := why_not(provider):
        pytest.skip(reason)
    env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    env[KEYS[provider]] = "sk-this-key-is-wrong"
    config = CONFIG.format(provider=provider)
    async with running(make_home(), "neovim", config=config, env=env) as client:
        uri, name = cases.new_file(client)
        message = await cases.refused_command(client, client.at(uri, name))
        cases.check_message(message, provider, "refused the API key")
        assert "this-key-is-wrong" not in message
