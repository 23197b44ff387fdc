"""LM Studio: OpenAI's dialect under `/v1`, and its own REST API beside it.

https://lmstudio.ai/docs/developer/rest: `/api/v1/models` since 0.4, `/api/v0/models` before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiex_lsp.config.settings import RateLimits
from aiex_lsp.llm.adapters.chat_completions import ChatCompletionsAdapter
from aiex_lsp.llm.adapters.http import StatusError
from aiex_lsp.llm.types import ModelInfo
from aiex_lsp.llm.wire.base_url import BaseUrl, without
from aiex_lsp.llm.wire.chat_models import chat_models
from aiex_lsp.llm.wire.reader import items, mapping, text, whole


class LMStudioAdapter(ChatCompletionsAdapter):
    """A local LM Studio server."""

    type: ClassVar[str] = "lm_studio"
    default_rate_limits: ClassVar[RateLimits] = RateLimits()
    default_base_url = "http://127.0.0.1:1234/v1"

    def normalise(self, base: BaseUrl) -> BaseUrl:
        """Return the address with its `/v1`, also where that of the REST API is given."""
        return super().normalise(without(base, "/api/v1", "/api/v0"))

    async def list_models(self) -> list[ModelInfo]:
        """Return the installed models with their metadata, loaded ones first.

        The window is the loaded one: LM Studio loads a model with less than it could have.
        """
        root = self._base.url.removesuffix("/v1")
        async with self._errors(None):
            for path in ("/api/v1/models", "/api/v0/models"):
                try:
                    found = await self._http.json("GET", path, base_url=root)
                except StatusError as error:
                    if error.status in (404, 405):
                        continue
                    raise
                # Old versions answer unknown paths with 200 and an error text.
                entries = items(mapping(found).get("models")) or items(mapping(found).get("data"))
                if entries:
                    models = [self._model(entry) for entry in entries]
                    return sorted(models, key=lambda m: (not m.chat, not m.loaded))
            found = await self._http.json("GET", "/models", base_url=self._base.url)
        return chat_models(found, self.name, local=self.local)

    def no_model(self) -> tuple[str, str]:
        """Return what to tell where no model is installed."""
        return f"{self.name} has no model installed", "Download one in LM Studio (`lms get`)."

    def _model(self, entry: Mapping[str, Any]) -> ModelInfo:
        instances = items(entry.get("loaded_instances"))
        loaded = bool(instances) or entry.get("state") == "loaded"
        config = mapping(instances[0].get("config")) if instances else {}
        quantization = entry.get("quantization")
        return ModelInfo(
            id=text(entry.get("key")) or text(entry.get("id")),
            provider=self.name,
            local=self.local,
            context_window=(
                whole(config.get("context_length"))
                or (whole(entry.get("loaded_context_length")) if loaded else 0)
                or whole(entry.get("max_context_length"))
                or None
            ),
            loaded=loaded,
            quantization=text(quantization) or text(mapping(quantization).get("name")) or None,
            parameters=text(entry.get("params_string")) or None,
            chat=text(entry.get("type")) in ("llm", "vlm"),
        )
