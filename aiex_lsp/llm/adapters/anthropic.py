"""Anthropic's messages API, and servers that speak it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from aiex_lsp.config.settings import RateLimits
from aiex_lsp.llm.adapters.http import Framing
from aiex_lsp.llm.adapters.http_adapter import HttpAdapter
from aiex_lsp.llm.types import ModelCall, ModelInfo
from aiex_lsp.llm.wire import messages as wire
from aiex_lsp.llm.wire.base_url import BaseUrl, with_version
from aiex_lsp.llm.wire.reader import items, mapping, text
from aiex_lsp.llm.wire.vendor_errors import VendorError

MAX_PAGES = 20
"""Of 100 models; a server whose list never ends is not followed for ever."""


class AnthropicAdapter(HttpAdapter[wire.MessagesDialect]):
    """Claude."""

    type: ClassVar[str] = "anthropic"
    # Rate limits by the design document.
    default_rate_limits: ClassVar[RateLimits] = RateLimits(50, 100_000)
    default_base_url = "https://api.anthropic.com/v1"
    chat_path = "/messages"
    framing: ClassVar[Framing] = "sse"
    needs_key_at = "//api.anthropic.com"

    def normalise(self, base: BaseUrl) -> BaseUrl:
        """Return the address with its `/v1`."""
        return with_version(base)

    def own_headers(self) -> dict[str, str]:
        """Return the API's version, and the key unless a header of a gateway replaces it."""
        given = {name.lower() for name in self.settings.headers}
        key = {"x-api-key": self._key} if self._key and "authorization" not in given else {}
        return {"anthropic-version": "2023-06-01", **key}

    def unlearned(self, model: str) -> wire.MessagesDialect:
        """Return the newest form; models before it refuse what they do not know."""
        return wire.MessagesDialect()

    def learn(
        self, error: VendorError, learned: wire.MessagesDialect, body: Mapping[str, Any]
    ) -> wire.MessagesDialect:
        """Return what a refusal teaches."""
        return wire.learn(error, learned, body)

    def thinks(self, learned: wire.MessagesDialect) -> wire.MessagesDialect:
        """Return that the model needs room to think, asked or not."""
        return replace(learned, thinks=True)

    async def body(self, call: ModelCall, learned: wire.MessagesDialect) -> dict[str, Any]:
        """Return the request's JSON."""
        return wire.messages_body(call, learned)

    def reader(self, call: ModelCall, body: Mapping[str, Any]) -> wire.MessagesReader:
        """Return a reader of message events."""
        return wire.MessagesReader(call)

    async def probe(self) -> None:
        """Ask for one model: free of charge, refused without a valid key."""
        await self._http.json("GET", "/models", query={"limit": "1"}, base_url=self._base.url)

    async def list_models(self) -> list[ModelInfo]:
        """Return the models of the account: the newest Sonnet, then the others by age."""
        entries: list[Mapping[str, Any]] = []
        query = {"limit": "100"}
        for _ in range(MAX_PAGES):
            page = mapping(await self.get("/models", **query))
            entries += items(page.get("data"))
            last = text(page.get("last_id"))
            if page.get("has_more") is not True or not last:
                break
            query["after_id"] = last
        entries.sort(key=wire.preference, reverse=True)
        found = [wire.model_info(entry, self.name, local=self.local) for entry in entries]
        return [model for model in found if model.id]
