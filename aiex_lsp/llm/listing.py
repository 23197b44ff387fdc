"""The models of all providers, with what they cost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from aiex_lsp.config.settings import Settings
from aiex_lsp.errors import ProviderError, UsageError
from aiex_lsp.llm.coordinator import has_access
from aiex_lsp.llm.types import ModelInfo, Price

if TYPE_CHECKING:
    from aiex_lsp.llm.client import LLMClient


async def list_models(
    client: LLMClient, settings: Settings, provider: str | None = None
) -> list[ModelInfo]:
    """Return the models of one provider, or of all that may be asked and answer.

    Raises `UsageError` for an unknown provider, `ProviderError` where a named one fails.
    """
    if provider is not None:
        named = settings.providers.get(provider)
        if named is None:
            raise UsageError(
                f"Provider {provider!r} is not configured",
                f"Known are {', '.join(settings.providers)}",
            )
        return await _priced(await client.models(named, settings, fresh=True), settings)
    found: list[ModelInfo] = []
    for one in settings.providers.values():
        if not (one.enabled and one.agreed and has_access(one)):
            continue
        try:
            found += await client.models(one, settings)
        except ProviderError:
            continue
    return await _priced(found, settings)


async def _priced(models: Sequence[ModelInfo], settings: Settings) -> list[ModelInfo]:
    """Return the models with what they cost: nothing where they run here, None if unknown."""
    from aiex_lsp.llm.pricing import price

    def of(one: ModelInfo) -> Price | None:
        if one.local:
            return Price(0.0, 0.0)
        return one.price or price(settings.providers[one.provider].type, one.id)

    # The price list takes 0.2 s to load.
    return await asyncio.to_thread(lambda: [replace(one, price=of(one)) for one in models])
