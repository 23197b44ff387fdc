"""The only door between tasks and providers: choice, cache, time limits, fallback, cancellation."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

from aiex_lsp.config.settings import ProviderSettings, Settings
from aiex_lsp.errors import AiexError, FailureKind, NoProviderError, ProviderError
from aiex_lsp.llm.adapters.base import Adapter
from aiex_lsp.llm.cache import AnswerCache, cache_key
from aiex_lsp.llm.coordinator import Candidate, Choice, ModelCoordinator
from aiex_lsp.llm.failures import falls_back
from aiex_lsp.llm.fitting import Fitted, Fitting
from aiex_lsp.llm.pool import AdapterPool
from aiex_lsp.llm.types import (
    Answer,
    Attempt,
    ClientResult,
    Completion,
    CompletionRequest,
    Finish,
    Heartbeat,
    Listener,
    ModelInfo,
    SilentListener,
    Text,
    Thinking,
)
from aiex_lsp.llm.watch import first_token_timeout, limits_for, watched

EMBEDDED_NOTE = (
    "Answered by the small built-in model; a larger one answers better: start Ollama "
    "(`ollama pull qwen2.5-coder`) or LM Studio, or set ANTHROPIC_API_KEY or OPENAI_API_KEY."
)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Call:
    """One call while it runs.

    `shown` is true once answer text reached the listener; `fallback` says what failed before.
    """

    request: CompletionRequest
    settings: Settings
    listener: Listener
    started: float
    attempts: list[Attempt]
    shown: bool = False
    fallback: str = ""


class LLMClient:
    """Answers requests of tasks; one for a server's life."""

    def __init__(
        self,
        pool: AdapterPool,
        coordinator: ModelCoordinator,
        fitting: Fitting,
        cache: AnswerCache,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._pool = pool
        self._coordinator = coordinator
        self._fitting = fitting
        self._cache = cache
        self._new_id = new_id

    async def complete(
        self, request: CompletionRequest, settings: Settings, listener: Listener | None = None
    ) -> ClientResult:
        """Return the answer of the first candidate that gives one.

        Deltas reach `listener` as they come; after a failure past the first delta it is told to
        restart. Raises `ProviderError` or `NoProviderError`, and `AiexError` for a prompt that
        fits nobody. Cancelling closes the request upstream.
        """
        choice = await self._coordinator.choose(request, settings)
        _log_choice(request, choice)
        clock = asyncio.get_running_loop().time
        call = _Call(request, settings, listener or SilentListener(), clock(), [])
        failures: list[ProviderError] = []
        for index, candidate in enumerate(choice.candidates):
            if failures:
                self._announce(call, failures[-1], candidate)
            began = clock()
            try:
                return await self._attempt(call, candidate, began)
            except ProviderError as error:
                failures.append(error)
                self._record(call, candidate, error, clock() - began)
                last = index + 1 == len(choice.candidates)
                late = clock() - call.started >= settings.max_duration
                if last or late or not falls_back(error.kind):
                    break
            except asyncio.CancelledError:
                log.info("%s: cancelled at %s", request.task, candidate.provider.name)
                raise
        raise _final_error(failures, choice)

    async def choose(self, request: CompletionRequest, settings: Settings) -> Choice:
        """Return which providers a call would ask, in order, and why; asks none."""
        return await self._coordinator.choose(request, settings)

    async def fit(self, request: CompletionRequest, settings: Settings) -> tuple[Fitted, Adapter]:
        """Return what would be sent to the first candidate, and its adapter; sends nothing.

        A provider that cannot name its default model now is shown with the model "unknown".
        """
        choice = await self._coordinator.choose(request, settings)
        candidate = choice.candidates[0]
        adapter = self._pool.get(candidate.provider, settings.connect_timeout)
        try:
            fitted = await self._fitting.fit(request, settings, adapter, candidate.model)
        except ProviderError as error:
            if error.kind is FailureKind.CONTEXT_TOO_LONG:
                raise
            fitted = await self._fitting.fit(request, settings, adapter, "unknown", ask=False)
        return fitted, adapter

    def estimate_cost(self, fitted: Fitted, adapter: Adapter) -> float | None:
        """Return the price in US dollars if the answer took all tokens it may, None if unknown."""
        usage = self._fitting.assumed_usage(fitted)
        return adapter.estimate_cost(fitted.call.model, usage)

    async def models(
        self, provider: ProviderSettings, settings: Settings, *, fresh: bool = False
    ) -> list[ModelInfo]:
        """Return what models a provider has. Raises `ProviderError`."""
        adapter = self._pool.get(provider, settings.connect_timeout)
        return await self._pool.models(adapter, fresh=fresh)

    async def settings_changed(self, providers: list[ProviderSettings]) -> None:
        """Close adapters that no longer stand in any settings."""
        for adapter in self._pool.retire(providers):
            await adapter.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()

    async def _attempt(self, call: _Call, candidate: Candidate, began: float) -> ClientResult:
        clock = asyncio.get_running_loop().time
        adapter = self._pool.get(candidate.provider, call.settings.connect_timeout)
        limits = limits_for(adapter, call.settings, call.started, began)
        call.listener.on_status(f"{call.fallback}asking {adapter.name}")
        try:
            async with asyncio.timeout_at(limits.first_token):
                fitted = await self._fitting.fit(
                    call.request, call.settings, adapter, candidate.model
                )
        except TimeoutError:
            seconds = limits.first_token_seconds
            raise first_token_timeout(adapter, candidate.model, seconds) from None
        secrets = call.settings.task(call.request.task).secrets or call.settings.secrets
        key = cache_key(adapter.settings, fitted.call, secrets)
        ttl = call.settings.cache.ttl if self._cacheable(call) else 0.0
        kept = self._cache.get(key) if ttl > 0 else None
        if kept is not None:
            call.listener.on_delta(kept.text)
            return self._result(call, adapter, fitted, kept, clock() - began, cached=True)
        call.listener.on_status(f"{call.fallback}asking {adapter.name} ({fitted.call.model})")
        measured = self._coordinator.measured(adapter.name)
        measured.in_flight += 1
        measured.turn += 1
        try:
            parts: list[str] = []
            thinking: list[str] = []
            finish: Finish | None = None
            begun = False
            stream = watched(adapter, fitted.call, limits)
            async with aclosing(cast("Any", stream)):
                async for chunk in stream:
                    if isinstance(chunk, Heartbeat):
                        if chunk.message:
                            call.listener.on_status(f"{adapter.name}: {chunk.message}")
                        continue
                    if not begun and isinstance(chunk, Text | Thinking):
                        begun = True
                        measured.observe(clock() - began)
                    if isinstance(chunk, Text) and chunk.text:
                        parts.append(chunk.text)
                        call.shown = True
                        call.listener.on_delta(chunk.text)
                    elif isinstance(chunk, Thinking):
                        thinking.append(chunk.text)
                        call.listener.on_status(f"{adapter.name} is thinking")
                    elif isinstance(chunk, Finish):
                        finish = chunk
        finally:
            measured.in_flight -= 1
        completion = _completion(adapter, fitted, parts, thinking, finish)
        completion = self._fitting.learn(adapter, fitted, completion)
        self._cache.put(key, completion, ttl if completion.finish_reason == "stop" else 0.0)
        return self._result(call, adapter, fitted, completion, clock() - began, cached=False)

    def _cacheable(self, call: _Call) -> bool:
        return call.request.cacheable and call.settings.task(call.request.task).cache

    def _announce(self, call: _Call, error: ProviderError, candidate: Candidate) -> None:
        name = candidate.provider.name
        # It stays in what is said next: of a burst of messages an editor shows the last.
        call.fallback = f"{error.provider} failed ({error.kind}), "
        call.listener.on_status(f"{call.fallback}asking {name}")
        if call.shown:
            call.shown = False
            call.listener.on_restart(name)

    def _record(
        self, call: _Call, candidate: Candidate, error: ProviderError, seconds: float
    ) -> None:
        error.visible = call.shown
        call.attempts.append(
            Attempt(candidate.provider.name, error.model, error.kind.value, seconds * 1000)
        )
        log.warning("%s: %s failed: %s", call.request.task, candidate.provider.name, error)
        if error.kind is FailureKind.MODEL_NOT_FOUND:
            adapter = self._pool.get(candidate.provider, call.settings.connect_timeout)
            self._pool.forget_models(adapter)

    def _result(
        self,
        call: _Call,
        adapter: Adapter,
        fitted: Fitted,
        completion: Completion,
        seconds: float,
        *,
        cached: bool,
    ) -> ClientResult:
        model = completion.model or fitted.call.model
        attempts = [*call.attempts, Attempt(adapter.name, model, "ok", seconds * 1000)]
        cost = 0.0 if cached else adapter.estimate_cost(model, completion.usage)
        total = asyncio.get_running_loop().time() - call.started
        log.info("%s: answered by %s (%s) in %.1f s", call.request.task, adapter.name, model, total)
        answer = Answer(
            id=self._new_id(),
            provider=adapter.name,
            model=model,
            usage=completion.usage,
            cost=cost,
            duration_ms=total * 1000,
            cached=cached,
            attempts=tuple(attempts),
            finish_reason=completion.finish_reason,
            dropped=fitted.prompt.dropped,
            note=EMBEDDED_NOTE if adapter.settings.type == "embedded" else None,
        )
        return ClientResult(completion.text, answer)


def _completion(
    adapter: Adapter, fitted: Fitted, parts: list[str], thinking: list[str], finish: Finish | None
) -> Completion:
    assert finish is not None  # `watched` raises where a stream ends without one
    text = "".join(parts)
    if finish.reason == "content_filter":
        raise ProviderError(
            FailureKind.CONTENT_FILTER,
            f"{adapter.name} refused to answer this for its content rules",
            "Ask differently, or name another provider",
            provider=adapter.name,
            model=fitted.call.model,
        )
    if not text.strip():
        long = finish.reason == "length"
        raise ProviderError(
            FailureKind.EMPTY,
            f"{adapter.name} ({fitted.call.model}) "
            + ("used all answer tokens for thinking" if long else "gave an empty answer"),
            f"Raise max_tokens above {fitted.call.max_tokens}"
            if long
            else "Ask again, or choose another model",
            provider=adapter.name,
            model=fitted.call.model,
        )
    return Completion(
        text=text,
        thinking="".join(thinking),
        model=finish.model or fitted.call.model,
        finish_reason=finish.reason,
        usage=finish.usage,
    )


def _final_error(failures: list[ProviderError], choice: Choice) -> AiexError:
    if len(failures) == 1:
        return failures[0]
    reasons = {**choice.left_out, **{error.provider: error.what for error in failures}}
    told = "; ".join(error.what for error in failures)
    return NoProviderError(f"No provider answered: {told}", failures[0].next_step, reasons=reasons)


def _log_choice(request: CompletionRequest, choice: Choice) -> None:
    names = ", ".join(one.provider.name for one in choice.candidates)
    left = "; ".join(f"{name}: {reason}" for name, reason in choice.left_out.items())
    log.debug("%s: %s -> %s; left out: %s", request.task, choice.reason, names, left or "none")
