"""The dialect of OpenAI's chat completions, for the adapters whose servers speak it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from aiex_lsp.llm.adapters.http import Framing
from aiex_lsp.llm.adapters.http_adapter import HttpAdapter
from aiex_lsp.llm.types import ModelCall, ModelInfo
from aiex_lsp.llm.wire import chat_completions as wire
from aiex_lsp.llm.wire.base_url import BaseUrl, with_version
from aiex_lsp.llm.wire.chat_models import chat_models
from aiex_lsp.llm.wire.vendor_errors import VendorError


class ChatCompletionsAdapter(HttpAdapter[wire.ChatDialect]):
    """A server of `/v1/chat/completions`."""

    chat_path = "/chat/completions"
    framing: ClassVar[Framing] = "sse"

    def normalise(self, base: BaseUrl) -> BaseUrl:
        """Return the address with its `/v1`."""
        return with_version(base)

    def own_headers(self) -> dict[str, str]:
        """Return the bearer token, if there is a key and no header of a gateway holds it."""
        given = {name.lower() for name in self.settings.headers}
        if not self._key or "api-key" in given:
            return {}
        return {"authorization": f"Bearer {self._key}"}

    def unlearned(self, model: str) -> wire.ChatDialect:
        """Return the widely understood form of the dialect."""
        return wire.ChatDialect()

    def learn(
        self, error: VendorError, learned: wire.ChatDialect, body: Mapping[str, Any]
    ) -> wire.ChatDialect:
        """Return what a refusal teaches."""
        return wire.learn(error, learned, body)

    def thinks(self, learned: wire.ChatDialect) -> wire.ChatDialect:
        """Return that the model needs room to think."""
        return replace(learned, reasons=True)

    async def body(self, call: ModelCall, learned: wire.ChatDialect) -> dict[str, Any]:
        """Return the request's JSON."""
        return wire.chat_body(call, learned)

    def reader(self, call: ModelCall, body: Mapping[str, Any]) -> wire.ChatReader:
        """Return a reader of chat completion chunks."""
        return wire.ChatReader(call)

    async def probe(self) -> None:
        """Ask for the model list: free of charge, refused without a valid key."""
        await self._http.json("GET", "/models", base_url=self._base.url)

    async def list_models(self) -> list[ModelInfo]:
        """Return the models of the server, the one to prefer first."""
        return chat_models(await self.get("/models"), self.name, local=self.local)
