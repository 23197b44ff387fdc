"""One request to one provider, with everybody told what it took, whatever happens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

from aiex_lsp.errors import FailureKind, ProviderError
from aiex_lsp.events.bus import EventBus
from aiex_lsp.llm.adapters.base import Adapter
from aiex_lsp.llm.cache import AnswerCache, cache_key
from aiex_lsp.llm.calls import Call
from aiex_lsp.llm.circuit_breaker import CircuitBreaker
from aiex_lsp.llm.failures import DISPOSITIONS
from aiex_lsp.llm.fitting import Fitted, Fitting
from aiex_lsp.llm.holds import Holds
from aiex_lsp.llm.measured import Board
from aiex_lsp.llm.pool import AdapterPool
from aiex_lsp.llm.rate_limiter import Lease, RateLimiter
from aiex_lsp.llm.scope import scope_of
from aiex_lsp.llm.telling import Teller, Told
from aiex_lsp.llm.types import (
    Completion,
    Finish,
    Heartbeat,
    Listener,
    Quota,
    Text,
    Thinking,
)
from aiex_lsp.llm.watch import limits_for, watched

NOTHING_SENT = frozenset(
    {FailureKind.CONNECT, FailureKind.CONNECT_TIMEOUT, FailureKind.NOT_CONFIGURED}
)
"""Failures after which a reservation is given back whole: the provider has seen no request."""

CHARACTERS_PER_TOKEN = 4
"""For the tokens of an answer that broke off: no provider tells them."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer of one attempt. `known`: it was kept, or another caller's call gave it.

    `unrestored` as in `ClientResult`.
    """

    adapter: Adapter
    fitted: Fitted
    completion: Completion
    cost: float | None
    known: bool = False
    unrestored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parts:
    """What an attempt is made with. `now` is Unix time, for events."""

    pool: AdapterPool
    fitting: Fitting
    cache: AnswerCache
    breaker: CircuitBreaker
    limiter: RateLimiter
    holds: Holds
    board: Board
    bus: EventBus
    now: Callable[[], float]


@dataclass(slots=True)
class _Sending:
    """What one request has shown so far; times in seconds, `began` on the loop's clock."""

    call: Call
    attempt: int
    adapter: Adapter
    fitted: Fitted
    began: float
    parts: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    first_token: float | None = None
    finish: Finish | None = None
    completion: Completion | None = None
    cost: float | None = None
    error: ProviderError | None = None

    @property
    def model(self) -> str:
        return self.fitted.call.model

    @property
    def verdict(self) -> bool | None:
        """Return whether it speaks for the provider, against it (False), or says nothing."""
        if self.completion is not None:
            return True
        if self.error is None:
            return None
        return False if DISPOSITIONS[self.error.kind].counts_against else None


class Sender:
    """Sends requests that were fitted, admitted and given a place in the provider's minute."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._teller = Teller(parts.bus, parts.now)

    async def send(
        self,
        call: Call,
        adapter: Adapter,
        fitted: Fitted,
        lease: Lease | None,
        listener: Listener,
    ) -> Reply:
        """Return the answer. Raises `ProviderError`; cancelling closes the request upstream."""
        parts = self._parts
        scope = scope_of(adapter.settings)
        clock = asyncio.get_running_loop().time
        call.sent += 1
        call.sent_tokens[adapter.name] = fitted.prompt.input_tokens
        sending = _Sending(call, call.sent, adapter, fitted, clock())
        parts.board.started(scope, sending.model)
        about = Told(call, adapter, sending.attempt)
        self._teller.started(about, fitted)
        try:
            await self._read(sending, scope, listener)
            completion = parts.fitting.learn(adapter, fitted, _completion(sending))
            sending.completion = completion
            # The first price of a process reads a long list.
            sending.cost = await asyncio.to_thread(
                adapter.estimate_cost, completion.model, completion.usage
            )
        except ProviderError as error:
            sending.error = error
            if error.kind is FailureKind.CONTEXT_TOO_LONG:
                parts.fitting.learn_window(adapter, fitted, error.window)
            raise
        finally:
            seconds = clock() - sending.began
            parts.board.finished(
                scope,
                sending.model,
                ok=sending.verdict,
                first_token=sending.first_token,
                seconds=seconds,
                output_tokens=sending.completion.usage.output_tokens if sending.completion else 0,
            )
            if sending.completion is not None:
                self._teller.answered(
                    about, sending.completion, seconds, sending.first_token, sending.cost
                )
            else:
                self._teller.failed(about, sending.model, sending.error, seconds)
            await self._settle(sending, lease)
        await parts.holds.clear(scope, sending.model)
        if call.cacheable and completion.finish_reason == "stop":
            key = cache_key(adapter.settings, fitted.call, call.policy(adapter))
            await parts.cache.put(key, completion, call.settings.cache, local=adapter.local)
        return Reply(adapter, fitted, completion, sending.cost)

    async def _read(self, sending: _Sending, scope: str, listener: Listener) -> None:
        call, adapter = sending.call, sending.adapter
        clock = asyncio.get_running_loop().time
        limits = limits_for(adapter, call.settings, call.started, call.waiting_since, clock())
        stream = watched(adapter, sending.fitted.call, limits)
        async with aclosing(cast("Any", stream)):
            async for chunk in stream:
                if isinstance(chunk, Heartbeat):
                    if chunk.message:
                        listener.on_status(f"{adapter.name}: {chunk.message}")
                elif isinstance(chunk, Quota):
                    await self._parts.limiter.lower(scope, chunk)
                elif isinstance(chunk, Finish):
                    sending.finish = chunk
                else:
                    if sending.first_token is None:
                        sending.first_token = clock() - sending.began
                        call.begun = True
                    if isinstance(chunk, Thinking):
                        sending.thinking.append(chunk.text)
                        listener.on_status(f"{adapter.name} is thinking")
                    elif isinstance(chunk, Text) and chunk.text:
                        sending.parts.append(chunk.text)
                        listener.on_delta(chunk.text)

    async def _settle(self, sending: _Sending, lease: Lease | None) -> None:
        """Set what was used of the provider's minute; a refused request used no tokens."""
        error, limiter = sending.error, self._parts.limiter
        if sending.completion is not None:
            usage = sending.completion.usage
            await limiter.settle(lease, usage.input_tokens + usage.output_tokens)
        elif error is not None and error.kind in NOTHING_SENT:
            await limiter.release(lease)
        elif error is not None and error.status is not None and not sending.parts:
            await limiter.settle(lease, 0)
        else:
            written = sum(map(len, sending.parts)) + sum(map(len, sending.thinking))
            tokens = sending.fitted.prompt.input_tokens + written // CHARACTERS_PER_TOKEN
            await limiter.settle(lease, tokens)


def _completion(sending: _Sending) -> Completion:
    """Return the whole answer. Raises `ProviderError` where it is none."""
    finish, sent = sending.finish, sending.fitted.call
    assert finish is not None  # `watched` raises where a stream ends without one
    name = sending.adapter.name
    text = "".join(sending.parts)
    if finish.reason == "content_filter":
        raise ProviderError(
            FailureKind.CONTENT_FILTER,
            f"{name} refused to answer this for its content rules",
            "Ask differently, or name another provider",
            provider=name,
            model=sent.model,
        )
    if not text.strip():
        long = finish.reason == "length"
        raise ProviderError(
            FailureKind.EMPTY,
            f"{name} ({sent.model}) "
            + ("used all answer tokens for thinking" if long else "gave an empty answer"),
            f"Raise max_tokens above {sent.max_tokens}"
            if long
            else "Ask again, or choose another model",
            provider=name,
            model=sent.model,
        )
    return Completion(
        text=text,
        thinking="".join(sending.thinking),
        model=finish.model or sent.model,
        finish_reason=finish.reason,
        usage=finish.usage,
    )
