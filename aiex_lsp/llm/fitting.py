"""A request made to measure for one model: its window, its tokens, its answer's length."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aiex_lsp.config.settings import ProviderSettings, Settings
from aiex_lsp.errors import AiexError, FailureKind, ProviderError, TemplateError
from aiex_lsp.llm.adapters.base import Adapter
from aiex_lsp.llm.pool import AdapterPool
from aiex_lsp.llm.redacting import RedactedPrompt
from aiex_lsp.llm.tokens import TokenCounter
from aiex_lsp.llm.types import (
    Completion,
    CompletionRequest,
    CountTokens,
    FittedPrompt,
    Message,
    ModelCall,
    ModelInfo,
    Usage,
)

DEFAULT_MAX_TOKENS = 1000
DEFAULT_TEMPERATURE = 0.7
"""The design document's defaults."""

EDIT_MAX_TOKENS = 4096

KNOWN_WINDOWS = {"anthropic": 200_000, "openai": 128_000}
"""Tokens; the smallest window of the current models where the vendor's list tells none."""

UNKNOWN_LOCAL_WINDOW = 8_192
"""Tokens; assumed for a server that does not tell: most load at least this much."""

SMALL_MODEL_INPUT = 600
"""Tokens of input the built-in model gets unless the code itself is longer: on a CPU it reads a
few hundred a second, and a small model answers worse the more surrounds the code."""

SMALL_MODEL_ANSWER = 300
SMALL_MODEL_TEMPERATURE = 0.2
"""Where neither user nor template says otherwise: at 0.7 it wanders, and after 300 tokens it
repeats itself (seen with SmolLM2-135M)."""

MIN_ANSWER = 256
"""Tokens kept for an answer, however small the window."""


TOO_LONG_SHARE = 0.75
"""Of a prompt that was refused as too long, what is sent next: tokenizers differ by a third."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A call ready to be sent; `window` is in tokens.

    `redactions` describe the secrets that were replaced.
    """

    call: ModelCall
    prompt: FittedPrompt
    window: int
    redactions: tuple[str, ...] = ()


class Fitting:
    """Fits requests to models, and learns from the usage that comes back."""

    def __init__(self, pool: AdapterPool, tokens: TokenCounter) -> None:
        self._pool = pool
        self._tokens = tokens
        self._refused: dict[tuple[str, str], int] = {}

    async def fit(
        self,
        request: CompletionRequest,
        settings: Settings,
        adapter: Adapter,
        model: str | None,
        *,
        ask: bool = True,
        cap: int | None = None,
    ) -> Fitted:
        """Return the call for this adapter: input and answer together stay within its window.

        `ask` False does not ask the provider for its models; `cap` are input tokens not to be
        exceeded for another reason than the window. Raises `ProviderError`, of kind
        CONTEXT_TOO_LONG where the indispensable part is too large.
        """
        task = settings.task(request.task)
        model = model or await self._pool.default_model(adapter)
        info = await self._pool.info(adapter, model) if ask else None
        if info is not None and adapter.local and not info.local:
            raise _leaves_this_machine(adapter, model)
        window = self._window(adapter.settings, model, info)
        effort = request.effort or task.effort or adapter.settings.effort
        small = is_small(adapter)
        wanted = task.max_tokens or request.max_tokens
        wanted = wanted or (SMALL_MODEL_ANSWER if small else DEFAULT_MAX_TOKENS)
        if info and info.max_output_tokens:
            wanted = min(wanted, info.max_output_tokens)
        budgets = _budgets(window, wanted)
        if cap is not None:
            budgets = tuple(min(budget, cap) for budget in budgets)
        counter = self._tokens.for_model(adapter.settings.type, model)

        try:
            prompt = await self._fit_prompt(request, adapter, budgets, counter)
        except (ProviderError, TemplateError):
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
            max_tokens=max(1, min(wanted, window - prompt.input_tokens)),
            temperature=_first(
                task.temperature,
                request.temperature,
                SMALL_MODEL_TEMPERATURE if small else DEFAULT_TEMPERATURE,
            ),
            effort=effort,
            schema=request.schema,
            context_window=window,
            input_tokens=prompt.input_tokens,
        )
        redacted = request.prompt if isinstance(request.prompt, RedactedPrompt) else None
        return Fitted(call, prompt, window, redacted.used(prompt.messages) if redacted else ())

    async def _fit_prompt(
        self,
        request: CompletionRequest,
        adapter: Adapter,
        budgets: Sequence[int],
        counter: CountTokens,
    ) -> FittedPrompt:
        """Return the prompt within the first budget it fits. Raises the last one's `AiexError`."""
        small = is_small(adapter)
        tried = [SMALL_MODEL_INPUT, *budgets] if small else list(budgets)
        for budget in tried[:-1]:
            try:
                return await asyncio.to_thread(
                    request.prompt.fit, min(budget, tried[-1]), counter, small_model=small
                )
            except AiexError as error:
                log.debug("more of the window is needed: %s", error)
        return await asyncio.to_thread(request.prompt.fit, tried[-1], counter, small_model=small)

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

    def window(self, adapter: Adapter, model: str | None) -> int:
        """Return a model's window in tokens, as far as is known without asking its provider."""
        model = model or self._pool.known_default(adapter) or ""
        listed = self._pool.known_models(adapter)
        info = next((one for one in listed if one.id == model), None)
        return self._window(adapter.settings, model, info)

    def _window(self, provider: ProviderSettings, model: str, info: ModelInfo | None) -> int:
        told = info.context_window if info else None
        known = {} if provider.is_local else KNOWN_WINDOWS
        window = provider.context_window or told or known.get(provider.type, UNKNOWN_LOCAL_WINDOW)
        return min(window, self._refused.get((provider.name, model), window))

    def learn_window(self, adapter: Adapter, fitted: Fitted, told: int | None) -> None:
        """Take a refusal of a prompt as too long: the window is `told`, or less than was sent."""
        sent = fitted.prompt.input_tokens
        window = told or max(MIN_ANSWER, int(sent * TOO_LONG_SHARE) + fitted.call.max_tokens)
        key = (adapter.name, fitted.call.model)
        self._refused[key] = min(window, self._refused.get(key, window))

    def assumed_usage(self, fitted: Fitted) -> Usage:
        """Return the usage of a call whose answer takes all the tokens it may."""
        return Usage(fitted.prompt.input_tokens, fitted.call.max_tokens, estimated=True)


def _budgets(window: int, wanted: int) -> tuple[int, ...]:
    """Return input budgets to try: half a window is kept for the answer, an eighth if it must."""
    comfortable = window - min(wanted, window // 2)
    return comfortable, max(comfortable, window - max(MIN_ANSWER, window // 8))


def is_small(adapter: Adapter) -> bool:
    """Return whether this is the built-in model, not a GGUF file the user chose."""
    return adapter.settings.type == "embedded" and adapter.settings.model_path is None


def _leaves_this_machine(adapter: Adapter, model: str) -> ProviderError:
    return ProviderError(
        FailureKind.PERMISSION,
        f"{adapter.name}: {model} runs in a cloud, and {adapter.name} is meant to be local",
        f"Choose an installed model, or set local = false under [providers.{adapter.name}]",
        provider=adapter.name,
        model=model,
    )


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)
