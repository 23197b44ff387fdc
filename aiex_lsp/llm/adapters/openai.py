"""OpenAI, and any server or gateway that speaks its chat completions."""

from __future__ import annotations

from typing import ClassVar

from aiex_lsp.config.settings import RateLimits
from aiex_lsp.llm.adapters.chat_completions import ChatCompletionsAdapter
from aiex_lsp.llm.adapters.http import StatusError
from aiex_lsp.llm.wire.chat_completions import ChatDialect


class OpenAIAdapter(ChatCompletionsAdapter):
    """OpenAI's API and its relatives: Azure, OpenRouter, vLLM, llama.cpp and others."""

    type: ClassVar[str] = "openai"
    # Rate limits by the design document.
    default_rate_limits: ClassVar[RateLimits] = RateLimits(60, 90_000)
    default_base_url = "https://api.openai.com/v1"
    needs_key_at = "//api.openai.com"

    def unlearned(self, model: str) -> ChatDialect:
        """Return the widely understood dialect; OpenAI itself deprecated `max_tokens`."""
        own = "//api.openai.com" in self._base.url
        return ChatDialect(limit="max_completion_tokens" if own else "max_tokens")

    async def probe(self) -> None:
        """Ask for the model list; a gateway without one is well if it answers at all."""
        try:
            await super().probe()
        except StatusError as error:
            if error.status not in (404, 405) or not self.settings.default_model:
                raise
