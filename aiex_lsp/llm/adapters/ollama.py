"""Ollama, by its own API: the one that takes `num_ctx`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from aiex_lsp.config.settings import ProviderSettings, RateLimits
from aiex_lsp.errors import FailureKind, ProviderError
from aiex_lsp.llm.adapters.base import AdapterContext
from aiex_lsp.llm.adapters.http import Framing, StatusError
from aiex_lsp.llm.adapters.http_adapter import HttpAdapter
from aiex_lsp.llm.failures import FaultError
from aiex_lsp.llm.types import ModelCall, ModelInfo, Usage
from aiex_lsp.llm.wire import ollama_chat as wire
from aiex_lsp.llm.wire.base_url import BaseUrl, without
from aiex_lsp.llm.wire.reader import mapping, whole
from aiex_lsp.llm.wire.vendor_errors import VendorError

SHOWN_MODELS = 50
"""Models whose details are asked for in a list; one request each."""


class OllamaAdapter(HttpAdapter[wire.OllamaDialect]):
    """An Ollama server, on this machine or another."""

    type: ClassVar[str] = "ollama"
    default_rate_limits: ClassVar[RateLimits] = RateLimits()
    default_base_url = "http://127.0.0.1:11434"
    chat_path = "/api/chat"
    framing: ClassVar[Framing] = "ndjson"

    def __init__(self, settings: ProviderSettings, context: AdapterContext) -> None:
        super().__init__(settings, context)
        self._shown: dict[str, wire.ShownModel] = {}

    def normalise(self, base: BaseUrl) -> BaseUrl:
        """Return the server's own address: its API lies beside `/v1`."""
        return without(base, "/v1", "/api")

    def own_headers(self) -> dict[str, str]:
        """Return the bearer token of a hosted or guarded server."""
        return {"authorization": f"Bearer {self._key}"} if self._key else {}

    def unlearned(self, model: str) -> wire.OllamaDialect:
        """Return the newest form; models without it refuse it."""
        return wire.OllamaDialect()

    def learn(
        self, error: VendorError, learned: wire.OllamaDialect, body: Mapping[str, Any]
    ) -> wire.OllamaDialect:
        """Return what a refusal teaches."""
        return wire.learn(error, learned, body)

    async def body(self, call: ModelCall, learned: wire.OllamaDialect) -> dict[str, Any]:
        """Return the request's JSON, with a window as large as the call needs."""
        return wire.chat_body(call, learned, await self._about(call.model))

    def reader(self, call: ModelCall, body: Mapping[str, Any]) -> wire.OllamaReader:
        """Return a reader of chat lines."""
        window = whole(mapping(body.get("options")).get("num_ctx"))
        return wire.OllamaReader(call, window, certain=call.model in self._shown)

    async def probe(self) -> None:
        """Ask for the list of models: a server that answers it is up."""
        await self._http.json("GET", "/api/tags")

    async def list_models(self) -> list[ModelInfo]:
        """Return the installed models: chat before others, local, loaded, then last changed."""
        async with self._errors(None):
            tags, running = await asyncio.gather(
                self._http.json("GET", "/api/tags"), self._quietly("GET", "/api/ps", None)
            )
            found = wire.tagged_models(tags, running, self.name, local=self.local)
            shows = await asyncio.gather(
                *(self._show(model.id) for model, _ in found[:SHOWN_MODELS])
            )
        known = zip(found, shows, strict=False)
        self._shown |= {model.id: wire.shown_model(show) for (model, _), show in known if show}
        shows += [None] * (len(found) - len(shows))
        models = [wire.shown(model, show) for (model, _), show in zip(found, shows, strict=True)]
        return sorted(models, key=lambda model: not model.chat)

    async def default_model(self) -> str:
        """Return the configured default model, else the first chat model on the server's machine.

        Its cloud models need to be named: they send the text elsewhere.
        """
        if self.settings.default_model:
            return self.settings.default_model
        for model in await self.list_models():
            if model.chat and (model.local or not self.local):
                return model.id
        what, step = self.no_model()
        raise ProviderError(FailureKind.MODEL_NOT_FOUND, what, step, provider=self.name)

    def estimate_cost(self, model: str, usage: Usage) -> float | None:
        """Return US dollars for `usage`; 0.0 for local models, None for cloud models."""
        return None if wire.is_cloud(model) else super().estimate_cost(model, usage)

    def no_model(self) -> tuple[str, str]:
        """Return what to tell where no model is installed."""
        return f"{self.name} has no model installed", "Run `ollama pull qwen3:4b`, for example."

    async def _about(self, model: str) -> wire.ShownModel:
        if model not in self._shown:
            show = await self._show(model)
            if show is None:
                return wire.ShownModel()
            self._shown[model] = wire.shown_model(show)
        return self._shown[model]

    async def _show(self, model: str) -> Any:
        return await self._quietly("POST", "/api/show", {"model": model})

    async def _quietly(self, method: str, path: str, body: Any) -> Any:
        """Return what only embellishes a list or a request, None where it cannot be had."""
        try:
            return await self._http.json(method, path, body=body)
        except (StatusError, FaultError):
            return None
