"""The only door between tasks and providers: choice, retries, fallback, time limits."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from random import Random

from aiex_lsp.config.settings import ProviderSettings, Settings
from aiex_lsp.errors import AiexError, FailureKind, NoProviderError, ProviderError
from aiex_lsp.llm.adapters.base import Adapter
from aiex_lsp.llm.asking import Asking
from aiex_lsp.llm.calls import Call, Detect, facts_of
from aiex_lsp.llm.coordinator import Candidate, Choice, ModelCoordinator
from aiex_lsp.llm.fitting import TOO_LONG_SHARE, Fitted
from aiex_lsp.llm.redacting import KnownPlaceholders, without_secrets
from aiex_lsp.llm.retrying import Again, Decision, GiveUp, NextProvider, RetryBudget, decide
from aiex_lsp.llm.sending import Parts, Reply
from aiex_lsp.llm.strategies import NAMES
from aiex_lsp.llm.types import (
    Answer,
    Attempt,
    ClientResult,
    CompletionRequest,
    Listener,
    ModelInfo,
    RequestFacts,
    SilentListener,
)
from aiex_lsp.llm.watch import request_end

EMBEDDED_NOTE = (
    "Answered by the small built-in model; a larger one answers better: start Ollama "
    "(`ollama pull qwen2.5-coder`) or LM Studio, or set ANTHROPIC_API_KEY or OPENAI_API_KEY."
)

log = logging.getLogger(__name__)


class LLMClient:
    """Answers requests of tasks; one for a server's life.

    `detect` finds secrets in what would leave this machine, None where nobody looks. `recall` is
    awaited before each choice: it brings what others measured, the first time.
    """

    def __init__(
        self,
        parts: Parts,
        coordinator: ModelCoordinator,
        random: Random,
        detect: Detect | None = None,
        recall: Callable[[], Awaitable[None]] | None = None,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._parts = parts
        self._pool = parts.pool
        self._fitting = parts.fitting
        self._coordinator = coordinator
        self._asking = Asking(parts)
        self._random = random
        self._detect = detect
        self._recall = recall
        self._new_id = new_id
        self._budget: RetryBudget | None = None
        self._known = KnownPlaceholders()

    async def complete(
        self, request: CompletionRequest, settings: Settings, listener: Listener | None = None
    ) -> ClientResult:
        """Return the answer of the first candidate that gives one.

        Deltas reach `listener` as they come; after a failure past the first delta it is told to
        restart. Raises `ProviderError` or `NoProviderError`, and `AiexError` for a prompt that
        fits nobody. Cancelling closes the request upstream.
        """
        clock = asyncio.get_running_loop().time
        if self._budget is None:
            self._budget = RetryBudget(clock)
        self._budget.call()
        started = clock()
        listener = listener or SilentListener()
        call = Call(self._new_id(), request, settings, listener, started, started)
        call.known = self._known.of(request.follows)
        if self._recall is not None:
            await self._recall()
        facts = await self._facts(request, settings)
        choice = await self._coordinator.choose(request, settings, facts, call_id=call.id)
        call.choice = choice.report
        queue = list(choice.candidates)
        failures: list[ProviderError] = []
        tried, waited = 0, 0.0
        while True:
            candidate = queue[0]
            began = clock()
            call.begun, call.flight = False, None
            try:
                reply = await self._asking.ask(call, candidate, others=len(queue) > 1)
                return self._result(call, reply, clock() - began)
            except asyncio.CancelledError:
                log.info("%s: cancelled at %s", request.task, candidate.provider.name)
                raise
            except ProviderError as error:
                failures.append(error)
                self._record(call, candidate, error, clock() - began)
                tried += 1
                decision = self._decide(call, error, queue, tried, waited)
            match decision:
                case Again(wait):
                    waited += wait
                    self._announce(call, failures[-1], candidate, again_in=wait)
                    await asyncio.sleep(wait)
                case NextProvider():
                    queue.pop(0)
                    tried, waited = 0, 0.0
                    self._announce(call, failures[-1], queue[0])
                case GiveUp():
                    raise _final_error(failures, choice)

    async def choose(self, request: CompletionRequest, settings: Settings) -> Choice:
        """Return which providers a call would ask, in order, and why; asks none."""
        facts = await self._facts(request, settings)
        return await self._coordinator.choose(request, settings, facts, preview=True)

    async def fit(self, request: CompletionRequest, settings: Settings) -> tuple[Fitted, Adapter]:
        """Return what would be sent to the first candidate, and its adapter; sends nothing.

        A provider that cannot name its default model now is shown with the model "unknown".
        """
        choice = await self.choose(request, settings)
        candidate = choice.candidates[0]
        adapter = self._pool.get(candidate.provider, settings.connect_timeout)
        known = self._known.of(request.follows)
        redacted = await without_secrets(request, settings, adapter, known)
        if redacted is not None:
            request = replace(request, prompt=redacted)
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

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()

    async def _facts(self, request: CompletionRequest, settings: Settings) -> RequestFacts | None:
        """Return what selection is told; None where there is nothing to select by it.

        Secrets are looked for where it matters: a policy that keeps them here, or a strategy of
        the user's own.
        """
        task = settings.task(request.task)
        strategy = request.strategy or task.strategy or settings.strategy
        usable = [one for one in settings.providers.values() if one.enabled and one.configured]
        policies = {task.secrets or settings.secrets, *(one.secrets for one in usable)}
        looks = bool(policies & {"local_only", "block"}) or strategy not in NAMES
        if not looks and len(usable) < 2:
            return None
        return await facts_of(request, settings, self._detect if looks else None)

    def _decide(
        self,
        call: Call,
        error: ProviderError,
        queue: Sequence[Candidate],
        tried: int,
        waited: float,
    ) -> Decision:
        now = asyncio.get_running_loop().time()
        candidate, others = queue[0], len(queue) > 1
        if call.begun or call.shown:
            # The first token was in time; another answer gets the same time anew.
            call.waiting_since = now
        if now >= call.end:
            return GiveUp()
        if error.kind is FailureKind.CONTEXT_TOO_LONG:
            return self._after_too_long(call, error, queue)
        adapter = self._pool.get(candidate.provider, call.settings.connect_timeout)
        end = min(request_end(adapter, call.settings, call.waiting_since), call.end)
        assert self._budget is not None
        return decide(
            error,
            others=others,
            tried=tried,
            waited=waited,
            remaining=end - now,
            settings=call.settings.retry,
            budget=self._budget,
            flight=call.flight,
            random=self._random.random,
        )

    def _after_too_long(
        self, call: Call, error: ProviderError, queue: Sequence[Candidate]
    ) -> Decision:
        """Return who gets a prompt that was refused as too long: a larger window, or nobody whole.

        The same provider gets it once more, compressed, where no other window is larger.
        """
        first, *others = queue
        name = first.provider.name
        if error.status is None and not call.sent_tokens.get(name):
            return NextProvider() if others else GiveUp()  # it was never sent
        if any(self._window(call, one) > self._window(call, first) for one in others):
            return NextProvider()
        if name in call.caps:
            return NextProvider() if others else GiveUp()
        call.caps[name] = int(call.sent_tokens.get(name, 0) * TOO_LONG_SHARE)
        return Again(0.0)

    def _window(self, call: Call, one: Candidate) -> int:
        adapter = self._pool.get(one.provider, call.settings.connect_timeout)
        return self._fitting.window(adapter, one.model)

    def _announce(
        self,
        call: Call,
        error: ProviderError,
        candidate: Candidate,
        again_in: float | None = None,
    ) -> None:
        name = candidate.provider.name
        # It stays in what is said next: of a burst of messages an editor shows the last.
        call.fallback = f"{error.provider} failed ({error.kind}), "
        again = f" again in {again_in:{'.2g' if again_in < 10 else '.0f'}} s" if again_in else ""
        call.on_status(f"asking {name}{again}")
        call.on_restart(name)

    def _record(
        self, call: Call, candidate: Candidate, error: ProviderError, seconds: float
    ) -> None:
        error.visible = call.shown
        call.attempts.append(
            Attempt(candidate.provider.name, error.model, error.kind.value, seconds * 1000)
        )
        log.warning("%s: %s failed: %s", call.task, candidate.provider.name, error)
        if error.kind is FailureKind.MODEL_NOT_FOUND:
            adapter = self._pool.get(candidate.provider, call.settings.connect_timeout)
            self._pool.forget_models(adapter)

    def _result(self, call: Call, reply: Reply, seconds: float) -> ClientResult:
        completion, adapter = reply.completion, reply.adapter
        model = completion.model or reply.fitted.call.model
        total = asyncio.get_running_loop().time() - call.started
        log.info("%s: answered by %s (%s) in %.1f s", call.task, adapter.name, model, total)
        answer = Answer(
            id=self._new_id(),
            provider=adapter.name,
            model=model,
            usage=completion.usage,
            cost=reply.cost,
            duration_ms=total * 1000,
            cached=reply.known,
            attempts=(*call.attempts, Attempt(adapter.name, model, "ok", seconds * 1000)),
            finish_reason=completion.finish_reason,
            dropped=reply.fitted.prompt.dropped,
            note=EMBEDDED_NOTE if adapter.settings.type == "embedded" else None,
            choice=call.choice,
        )
        self._known.keep(answer.id, call.without_secrets)
        return ClientResult(completion.text, answer, reply.unrestored)


def _final_error(failures: Sequence[ProviderError], choice: Choice) -> AiexError:
    """Return the error of the one provider that was asked, or of all that were."""
    last = {error.provider: error for error in failures}
    if len(last) == 1:
        return failures[-1]
    reasons = {**choice.left_out, **{name: error.what for name, error in last.items()}}
    told = "; ".join(error.what for error in last.values())
    first = next(iter(last.values()))
    return NoProviderError(f"No provider answered: {told}", first.next_step, reasons=reasons)
