"""A request made to measure for one model: its window, its tokens, its answer's length."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from aiex_lsp.config.settings import Settings
from aiex_lsp.errors import AiexError, FailureKind, ProviderError
from aiex_lsp.llm.adapters.base import Adapter
from aiex_lsp.llm.pool import AdapterPool
from aiex_lsp.llm.tokens import TokenCounter
from aiex_lsp.llm.types import (
    Completion,
    CompletionRequest,
    Effort,
    FittedPrompt,
    Message,
    ModelCall,
    Usage,
)

DEFAULT_MAX_TOKENS = 1000
DEFAULT_TEMPERATURE = 0.7
"""The design document's defaults."""

EDIT_MAX_TOKENS = 4096

THINKING_TOKENS: dict[Effort, int] = {"low": 2048, "medium": 8192, "high": 16384}
"""Room for thinking on top of the answer's tokens, as vendors count both into one limit."""

KNOWN_WINDOWS = {"anthropic": 200_000, "openai": 128_000}
"""Tokens; the smallest window of the current models where the vendor's list tells none."""

UNKNOWN_LOCAL_WINDOW = 8_192
"""Tokens; assumed for a server that does not tell: most load at least this much."""

MIN_ANSWER = 128
"""Tokens left for an answer, however small the window."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A call ready to be sent; `window` is in tokens."""

    call: ModelCall
    prompt: FittedPrompt
    window: int


class Fitting:
    """Fits requests to models, and learns from the usage that comes back."""

    def __init__(self, pool: AdapterPool, tokens: TokenCounter) -> None:
        self._pool = pool
        self._tokens = tokens

    async def fit(
        self,
        request: CompletionRequest,
        settings: Settings,
        adapter: Adapter,
        model: str | None,
        *,
        ask: bool = True,
    ) -> Fitted:
        """Return the call for this adapter: input and answer together stay within its window.

        `ask` False does not ask the provider for its models. Raises `ProviderError`, of kind
        CONTEXT_TOO_LONG where the indispensable part is too large.
        """
        task = settings.task(request.task)
        model = model or await self._pool.default_model(adapter)
        info = await self._pool.info(adapter, model) if ask else None
        told = info.context_window if info else None
        default = UNKNOWN_LOCAL_WINDOW if adapter.local else _known_window(adapter)
        window = adapter.settings.context_window or told or default
        effort = request.effort or task.effort or adapter.settings.effort
        wanted = task.max_tokens or request.max_tokens or DEFAULT_MAX_TOKENS
        wanted += THINKING_TOKENS[effort] if effort else 0
        if info and info.max_output_tokens:
            wanted = min(wanted, info.max_output_tokens)
        answer = min(wanted, max(window // 2, MIN_ANSWER))
        counter = self._tokens.for_model(adapter.settings.type, model)

        try:
            prompt = await asyncio.to_thread(request.prompt.fit, window - answer, counter)
        except ProviderError:
            raise
        except AiexError as error:
            raise ProviderError(
                FailureKind.CONTEXT_TOO_LONG,
                f"{adapter.name} ({model}): {error.what}",
                error.next_step,
                provider=adapter.name,
                model=model,
            ) from error
        call = ModelCall(
            messages=prompt.messages,
            model=model,
            max_tokens=answer,
            temperature=_first(task.temperature, request.temperature, DEFAULT_TEMPERATURE),
            effort=effort,
            schema=request.schema,
            context_window=window,
            input_tokens=prompt.input_tokens,
        )
        return Fitted(call, prompt, window)

    def learn(self, adapter: Adapter, fitted: Fitted, completion: Completion) -> Completion:
        """Return the completion, with our own counts where the provider told none."""
        usage = completion.usage
        kind, model = adapter.settings.type, fitted.call.model
        if usage.input_tokens > 0 and not usage.estimated:
            self._tokens.calibrate(kind, model, fitted.prompt.input_tokens, usage.input_tokens)
            return completion
        counter = self._tokens.for_model(kind, model)
        output = counter((Message("assistant", completion.text),))
        own = Usage(fitted.prompt.input_tokens, output, estimated=True)
        return replace(completion, usage=own)

    def assumed_usage(self, fitted: Fitted) -> Usage:
        """Return the usage of a call whose answer takes all the tokens it may."""
        return Usage(fitted.prompt.input_tokens, fitted.call.max_tokens, estimated=True)


def _known_window(adapter: Adapter) -> int:
    return KNOWN_WINDOWS.get(adapter.settings.type, UNKNOWN_LOCAL_WINDOW)


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)
