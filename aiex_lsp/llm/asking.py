"""One attempt at one provider: fitted, looked up, admitted, within its limits; then sent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import replace
from typing import TypeVar

from aiex_lsp.errors import FailureKind, ProviderError
from aiex_lsp.llm.adapters.base import Adapter
from aiex_lsp.llm.cache import cache_key
from aiex_lsp.llm.calls import Call
from aiex_lsp.llm.coordinator import Candidate
from aiex_lsp.llm.failures import DISPOSITIONS
from aiex_lsp.llm.fitting import Fitted
from aiex_lsp.llm.flights import Flights
from aiex_lsp.llm.rate_limiter import Lease, OwnLimitError, Wish
from aiex_lsp.llm.redacting import RedactedPrompt, Restoring
from aiex_lsp.llm.scope import scope_of
from aiex_lsp.llm.sending import Parts, Reply, Sender
from aiex_lsp.llm.telling import Teller, Told
from aiex_lsp.llm.types import Listener
from aiex_lsp.llm.watch import first_token_timeout, limits_for, over_time, request_end
from aiex_lsp.redaction.placeholders import leftovers

COMPRESS_TO = 0.5
"""Of a prompt, what has to be left after compressing it to a rate limit; less is waited for."""

T = TypeVar("T")

log = logging.getLogger(__name__)


class Asking:
    """Asks one candidate once."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._sender = Sender(parts)
        self._teller = Teller(parts.bus, parts.now)
        self._flights: Flights[Reply] = Flights()

    async def ask(self, call: Call, candidate: Candidate, *, others: bool) -> Reply:
        """Return the candidate's whole answer. Raises `ProviderError`.

        `others`: further candidates wait, so that nothing here waits for long. Deltas reach the
        call's listener as they come. Cancelling closes the request upstream.
        """
        parts = self._parts
        adapter = parts.pool.get(candidate.provider, call.settings.connect_timeout)
        call.on_status(f"asking {adapter.name}")
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            model, listed = await self._reached(call, adapter, candidate.model)
        except ProviderError as error:
            await self._note_unreached(call, adapter, candidate.model, error, clock() - began)
            raise
        fitted = await self._fit(call, adapter, model, ask=listed)
        redacted = await call.redacted(adapter)
        key = cache_key(adapter.settings, fitted.call, call.policy(adapter))
        if call.cacheable:
            kept = await parts.cache.get(key, call.settings.cache, local=adapter.local)
            if kept is not None:
                reply = _restored(call, Reply(adapter, fitted, kept, 0.0, known=True), redacted)
                call.on_delta(reply.completion.text)
                self._teller.kept(Told(call, adapter), fitted, kept)
                return reply
        told = _replaced(call, fitted)
        call.on_status(f"asking {adapter.name} ({fitted.call.model}){told}")

        async def send(listener: Listener) -> Reply:
            return await self._send(call, adapter, fitted, listener, others=others)

        listener: Listener = call
        if redacted is not None:
            listener = Restoring(call, redacted, structured=call.request.schema is not None)
        if call.cacheable:
            try:
                reply, joined = await self._flights.share(
                    key, listener, send, until=call.end, aboard=call.aboard
                )
            except TimeoutError:
                seconds = call.settings.max_duration
                raise over_time(adapter, fitted.call.model, seconds) from None
            if joined:
                reply = Reply(adapter, reply.fitted, reply.completion, 0.0, True)
        else:
            reply = await send(listener)
        if isinstance(listener, Restoring):
            listener.finish()
        return _restored(call, reply, redacted)

    async def _reached(self, call: Call, adapter: Adapter, model: str | None) -> tuple[str, bool]:
        """Return the model to ask, and whether the provider tells what it has.

        Apart from the rest of the fitting: only the time spent here is the provider's.
        """
        pool = self._parts.pool

        async def look() -> tuple[str, bool]:
            found = model or await pool.default_model(adapter)
            return found, await pool.info(adapter, found) is not None

        return await self._in_time(call, adapter, model, look())

    async def _fit(
        self,
        call: Call,
        adapter: Adapter,
        model: str,
        cap: int | None = None,
        *,
        ask: bool = True,
    ) -> Fitted:
        """Return what is to be sent; a prompt that was refused as too long is never sent again."""
        refused = call.caps.get(adapter.name)
        caps = [one for one in (cap, refused) if one is not None]
        redacted = await call.redacted(adapter)
        request = call.request if redacted is None else replace(call.request, prompt=redacted)
        fitting = self._parts.fitting.fit(
            request, call.settings, adapter, model, ask=ask, cap=min(caps, default=None)
        )
        return await self._in_time(call, adapter, model, fitting)

    async def _in_time(
        self, call: Call, adapter: Adapter, model: str | None, work: Awaitable[T]
    ) -> T:
        """Return what `work` gives. Raises `ProviderError` once a first token would be late."""
        clock = asyncio.get_running_loop().time
        limits = limits_for(adapter, call.settings, call.started, call.waiting_since, clock())
        try:
            async with asyncio.timeout_at(limits.first_token):
                return await work
        except TimeoutError:
            raise first_token_timeout(adapter, model, limits) from None

    async def _note_unreached(
        self,
        call: Call,
        adapter: Adapter,
        model: str | None,
        error: ProviderError,
        seconds: float,
    ) -> None:
        """Take a failure of a provider that was only asked about its models: it counts alike.

        Else one that is silent from the first byte would be waited for by every call to come.
        """
        parts = self._parts
        model = model or parts.pool.known_default(adapter) or ""
        self._teller.failed(Told(call, adapter), model or None, error, seconds)
        scope = scope_of(adapter.settings)
        if error.status is not None:
            await parts.holds.note(scope, model or None, error)
        if DISPOSITIONS[error.kind].counts_against is None:
            return
        breaker, settings = parts.breaker, call.settings.circuit_breaker
        try:
            permit = await breaker.admit(adapter.settings, scope, model, settings, 0.0)
        except ProviderError:
            return  # it is left alone already
        await breaker.record(permit, error.kind)

    async def _send(
        self, call: Call, adapter: Adapter, fitted: Fitted, listener: Listener, *, others: bool
    ) -> Reply:
        parts = self._parts
        scope = scope_of(adapter.settings)
        model = fitted.call.model
        clock = asyncio.get_running_loop().time
        end = request_end(adapter, call.settings, call.waiting_since)
        permit = await parts.breaker.admit(
            adapter.settings,
            scope,
            model,
            call.settings.circuit_breaker,
            call.started + call.settings.max_duration - clock(),
        )
        outcome: FailureKind | None = FailureKind.CANCELLED
        try:
            patience = call.settings.retry.max_wait if others else call.settings.request_timeout
            lease, fitted = await self._lease(
                call, adapter, scope, fitted, listener, deadline=end, patience=patience
            )
            reply = await self._sender.send(call, adapter, fitted, lease, listener)
            outcome = None
            return reply
        except ProviderError as error:
            outcome = error.kind
            await parts.holds.note(scope, model, error)
            raise
        finally:
            await parts.breaker.record(permit, outcome)

    async def _lease(
        self,
        call: Call,
        adapter: Adapter,
        scope: str,
        fitted: Fitted,
        listener: Listener,
        *,
        deadline: float,
        patience: float,
    ) -> tuple[Lease | None, Fitted]:
        """Return a place in the provider's minute, and what may be sent in it.

        Where tokens are short the prompt is compressed to what is left, else the place is waited
        for. Raises `OwnLimitError`.
        """

        def on_wait(seconds: float, limit: str) -> None:
            listener.on_status(f"waiting {seconds:.0f} s for {adapter.name}'s limit of {limit}")

        def wish(one: Fitted) -> Wish:
            tokens = one.prompt.input_tokens + one.call.max_tokens
            limits = adapter.rate_limits()
            return Wish(adapter.name, scope, one.call.model, limits, tokens)

        acquire = self._parts.limiter.acquire
        try:
            lease = await acquire(wish(fitted), deadline=deadline, patience=0.0, on_wait=None)
        except OwnLimitError as error:
            smaller = await self._compressed(call, adapter, fitted, error)
        else:
            return lease, fitted
        if smaller is not None:
            try:
                lease = await acquire(wish(smaller), deadline=deadline, patience=0.0, on_wait=None)
            except OwnLimitError:
                log.debug("%s: the room was taken meanwhile", adapter.name)
            else:
                return lease, smaller
        lease = await acquire(wish(fitted), deadline=deadline, patience=patience, on_wait=on_wait)
        return lease, fitted

    async def _compressed(
        self, call: Call, adapter: Adapter, fitted: Fitted, error: OwnLimitError
    ) -> Fitted | None:
        """Return the prompt compressed to the tokens that are left, None where too few are."""
        if error.limit != "tokens" or error.free_tokens is None:
            return None
        room = error.free_tokens - fitted.call.max_tokens
        if room < COMPRESS_TO * fitted.prompt.input_tokens:
            return None
        try:
            return await self._fit(call, adapter, fitted.call.model, cap=room)
        except ProviderError:
            return None


def _replaced(call: Call, fitted: Fitted) -> str:
    """Return what is said of replaced secrets, once a call."""
    count = 0 if call.told_replaced else len(fitted.redactions)
    call.told_replaced = call.told_replaced or count > 0
    return f", {count} secret{'s' * (count != 1)} replaced" if count else ""


def _restored(call: Call, reply: Reply, redacted: RedactedPrompt | None) -> Reply:
    """Return the answer with this caller's secrets; what others share keeps placeholders."""
    if redacted is None:
        return reply
    structured = call.request.schema is not None
    text = redacted.placeholders.restore(reply.completion.text, structured=structured)
    # What the model said before may be made up too.
    turns = [one for one in reply.fitted.call.messages if one.role != "assistant"]
    asked = "\n".join(one.content for one in turns)
    return replace(
        reply,
        completion=replace(reply.completion, text=text),
        unrestored=leftovers(text, asked),
    )
