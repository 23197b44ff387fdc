"""The one interface of every provider."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, cast

from aiex_lsp.config.settings import ProviderSettings, RateLimits
from aiex_lsp.errors import FailureKind, ProviderError
from aiex_lsp.llm.types import (
    Chunk,
    Completion,
    Finish,
    Health,
    ModelCall,
    ModelInfo,
    Text,
    Thinking,
    Usage,
)

PriceOf = Callable[[str, str, Usage], float | None]
"""(provider type, model, usage) -> US dollars, or None where the price is unknown."""


@dataclass(frozen=True, slots=True)
class AdapterContext:
    """What an adapter is given beside its settings: time limits in seconds, prices, the clock.

    `now` is Unix time, to read the dates of `Retry-After`.
    `models_dir` is where `aiex-lsp models install` keeps GGUF files; None if there is no state.
    """

    connect_timeout: float = 5.0
    price_of: PriceOf = lambda _type, _model, _usage: None
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    models_dir: Path | None = None


class Adapter(ABC):
    """One provider on one wire format.

    Made once and kept for the server's life; connections and heavy imports come with the first
    use. Every method raises only `ProviderError` (classified) or `asyncio.CancelledError`.
    Closing the iterator of `stream`, or cancelling the task that awaits, closes the connection
    upstream before it returns. No method retries and none has a time limit but the connect one:
    both are the client's business.
    """

    type: ClassVar[str]
    default_rate_limits: ClassVar[RateLimits]

    def __init__(self, settings: ProviderSettings, context: AdapterContext) -> None:
        self.settings = settings
        self.context = context

    @property
    def name(self) -> str:
        """Return the provider's name in the configuration."""
        return self.settings.name

    @property
    def local(self) -> bool:
        """Return whether text sent here stays on this machine."""
        return self.settings.is_local

    @abstractmethod
    def stream(self, call: ModelCall) -> AsyncIterator[Chunk]:
        """Yield the answer's chunks; the last is `Finish`. A cut stream raises TRUNCATED."""

    async def complete(self, call: ModelCall) -> Completion:
        """Return the whole answer. Adapters override it where the vendor's unstreamed form differs.

        The default joins the stream.
        """
        text: list[str] = []
        thinking: list[str] = []
        finish: Finish | None = None
        async with aclosing(cast(AsyncGenerator[Chunk, None], self.stream(call))) as chunks:
            async for chunk in chunks:
                match chunk:
                    case Text():
                        text.append(chunk.text)
                    case Thinking():
                        thinking.append(chunk.text)
                    case Finish():
                        finish = chunk
                    case _:
                        pass
        if finish is None:
            raise ProviderError(
                FailureKind.TRUNCATED,
                f"{self.name} broke off before the answer was complete",
                "Try again.",
                provider=self.name,
                model=call.model,
                visible=bool(text),
            )
        return Completion(
            "".join(text),
            "".join(thinking),
            finish.model or call.model,
            finish.reason,
            finish.usage,
        )

    @abstractmethod
    async def check_health(self) -> Health:
        """Return the result of one probe, free of charge where the vendor allows. Never raises."""

    @abstractmethod
    async def list_models(self) -> list[ModelInfo]:
        """Return the models that can be asked now, the one to prefer first."""

    async def default_model(self) -> str:
        """Return the configured default model, else the first chat model of the provider's list.

        Raises MODEL_NOT_FOUND where the provider has none.
        """
        if self.settings.default_model:
            return self.settings.default_model
        for model in await self.list_models():
            if model.chat:
                return model.id
        what, step = self.no_model()
        raise ProviderError(FailureKind.MODEL_NOT_FOUND, what, step, provider=self.name)

    def no_model(self) -> tuple[str, str]:
        """Return what to tell, and the next step, where the provider has no model that chats."""
        return f"{self.name} offers no chat model", f"Set default_model for {self.name}."

    def estimate_cost(self, model: str, usage: Usage) -> float | None:
        """Return US dollars for `usage`; 0.0 for local providers, None for an unknown price."""
        return 0.0 if self.local else self.context.price_of(self.type, model, usage)

    def rate_limits(self) -> RateLimits:
        """Return requests and tokens a minute, configured or the type's default."""
        return self.settings.rate_limits or self.default_rate_limits

    async def aclose(self) -> None:  # noqa: B027 - nothing to close is a fair default
        """Close what was opened; may be called twice."""
