"""A provider's stream under the time limits of the contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

from aiex_lsp.config.settings import Settings
from aiex_lsp.errors import FailureKind, ProviderError
from aiex_lsp.llm.adapters.base import Adapter
from aiex_lsp.llm.types import Chunk, Finish, Heartbeat, ModelCall, Quota, Text, Thinking
from aiex_lsp.llm.wire.base_url import shown

FIRST_TOKEN_TIMEOUT = 15.0
LOCAL_FIRST_TOKEN_TIMEOUT = 120.0
"""Seconds; a local model may have to be loaded from disk first."""

MOST_CHARACTERS = 4_000_000
"""Of an answer and its thinking together: some ten times what the largest models can write. A
server that never stops would else fill the memory before the longest time is over."""

DEFAULT_REQUEST_TIMEOUT = Settings().request_timeout


@dataclass(frozen=True, slots=True)
class Limits:
    """Points on the loop's clock, and the longest silence in seconds.

    `setting` is the one that ends the wait for the first token.
    """

    first_token: float
    end: float
    stall: float
    first_token_seconds: float
    duration_seconds: float
    setting: str = "first_token_timeout"


def limits_for(
    adapter: Adapter, settings: Settings, started: float, waiting_since: float, now: float
) -> Limits:
    """Return the limits of one attempt of a call that began at `started`.

    `waiting_since` is when the wait for a first token began: with the call, or anew where an
    answer that had begun broke off.
    """
    seconds = _first_token_seconds(adapter, settings)
    end = started + settings.max_duration
    ends = {
        "first_token_timeout": now + seconds,
        "request_timeout": request_end(adapter, settings, waiting_since),
        "max_duration": end,
    }
    setting, first = min(ends.items(), key=lambda one: one[1])
    return Limits(
        first_token=first,
        end=end,
        stall=settings.stall_timeout,
        first_token_seconds=first - now,
        duration_seconds=settings.max_duration,
        setting=setting,
    )


def request_end(adapter: Adapter, settings: Settings, waiting_since: float) -> float:
    """Return when the first token has to be there, retries and fallbacks included.

    A local provider's longer first-token limit also widens a `request_timeout` left at its
    default: 30 s would make 120 s meaningless.
    """
    request = settings.request_timeout
    if (
        adapter.local
        and settings.first_token_timeout is None
        and request == DEFAULT_REQUEST_TIMEOUT
    ):
        request = max(request, _first_token_seconds(adapter, settings))
    return waiting_since + request


async def watched(adapter: Adapter, call: ModelCall, limits: Limits) -> AsyncIterator[Chunk]:
    """Yield the adapter's chunks; raise a time-out `ProviderError` where they stay away.

    Thinking counts as a token, a heartbeat only as life inside a running stream.
    """
    clock = asyncio.get_running_loop().time
    begun = False
    finished = False
    characters = 0
    async with aclosing(cast("Any", adapter.stream(call))) as stream:
        deadline = limits.first_token
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    chunk: Chunk = await anext(stream)
            except StopAsyncIteration:
                break
            except TimeoutError:
                raise _timeout(adapter, call, limits, begun, clock()) from None
            if isinstance(chunk, Text | Thinking):
                characters += len(chunk.text)
                if characters > MOST_CHARACTERS:
                    raise _endless(adapter, call.model)
            yield chunk
            finished = finished or isinstance(chunk, Finish)
            begun = begun or not isinstance(chunk, Heartbeat | Quota)
            if begun:
                deadline = min(clock() + limits.stall, limits.end)
    if not finished:
        raise cut_off(adapter, call.model)


def cut_off(adapter: Adapter, model: str) -> ProviderError:
    """Return the error of a stream that ended without a finish reason."""
    return ProviderError(
        FailureKind.TRUNCATED,
        f"{adapter.name} broke the answer off half way",
        "Ask again, or choose another provider",
        provider=adapter.name,
        model=model,
    )


def _endless(adapter: Adapter, model: str) -> ProviderError:
    return ProviderError(
        FailureKind.MALFORMED,
        f"{adapter.name} wrote more than an answer can have, and was stopped",
        "Choose another model or provider",
        provider=adapter.name,
        model=model,
    )


def first_token_timeout(adapter: Adapter, model: str | None, limits: Limits) -> ProviderError:
    """Return the error of a provider that sent no token in time."""
    step = (
        f"Check that {shown(adapter.settings.base_url)} runs, or raise {limits.setting}"
        if adapter.local and adapter.settings.base_url
        else f"Ask again, choose another provider, or raise {limits.setting}"
    )
    seconds = limits.first_token_seconds
    return ProviderError(
        FailureKind.FIRST_TOKEN_TIMEOUT,
        f"{adapter.name} sent no answer within {seconds:.3g} s"
        if seconds > 0
        else f"The time was over before {adapter.name} could be asked",
        step,
        provider=adapter.name,
        model=model,
    )


def over_time(adapter: Adapter, model: str, seconds: float) -> ProviderError:
    """Return the error of an answer that took all the time a call may take."""
    return ProviderError(
        FailureKind.DEADLINE,
        f"{adapter.name} was not done after {seconds:.3g} s",
        "Ask for less, or raise max_duration",
        provider=adapter.name,
        model=model,
    )


def _first_token_seconds(adapter: Adapter, settings: Settings) -> float:
    default = LOCAL_FIRST_TOKEN_TIMEOUT if adapter.local else FIRST_TOKEN_TIMEOUT
    return adapter.settings.first_token_timeout or settings.first_token_timeout or default


def _timeout(
    adapter: Adapter, call: ModelCall, limits: Limits, begun: bool, now: float
) -> ProviderError:
    if not begun and now < limits.end:
        return first_token_timeout(adapter, call.model, limits)
    if now >= limits.end:
        return over_time(adapter, call.model, limits.duration_seconds)
    return ProviderError(
        FailureKind.STALL,
        f"{adapter.name} fell silent for {limits.stall:.3g} s in the middle of its answer",
        "Ask again, choose another provider, or raise stall_timeout",
        provider=adapter.name,
        model=call.model,
    )
