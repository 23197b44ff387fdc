"""The short explanation a hover shows: one call for each text of a symbol, kept."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import replace

from aiex_lsp.llm.types import Listener
from aiex_lsp.syntax.types import Symbol
from aiex_lsp.tasks.ask import NO_EMBEDDED_HOVER, Parts, Question, ask, ensure_enabled
from aiex_lsp.tasks.explain import explanation
from aiex_lsp.tasks.types import ExplainResult, TaskRequest
from aiex_lsp.text.snapshot import Span

KEPT_HOVERS = 500


class Hovers:
    """Hover answers by the symbol's text; those who ask while a call runs share it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._kept: OrderedDict[str, ExplainResult] = OrderedDict()
        self._running: dict[str, asyncio.Task[ExplainResult]] = {}
        self._waiting: dict[str, int] = {}

    def cached(self, request: TaskRequest, symbol: Symbol | None) -> ExplainResult | None:
        """Return what is known of this symbol's text, asking nobody."""
        found = self._kept.get(self._key(request, symbol))
        if found is None:
            return None
        return replace(found, answer=replace(found.answer, cached=True, cost=0.0))

    async def explain(
        self, request: TaskRequest, symbol: Symbol | None, listener: Listener
    ) -> ExplainResult:
        """Return the short explanation; the call is cancelled when nobody waits for it any more."""
        ensure_enabled(request)
        known = self.cached(request, symbol)
        if known is not None:
            return known
        key = self._key(request, symbol)
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(self._ask(key, request, symbol, listener))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))
        self._waiting[key] = self._waiting.get(key, 0) + 1
        try:
            return await asyncio.shield(task)
        finally:
            self._waiting[key] -= 1
            if self._waiting[key] == 0:
                del self._waiting[key]
                if not task.done():
                    task.cancel()

    async def _ask(
        self, key: str, request: TaskRequest, symbol: Symbol | None, listener: Listener
    ) -> ExplainResult:
        template = request.settings.task("hover").template or "hover"
        unwanted = {"embedded": NO_EMBEDDED_HOVER}
        question = Question("hover", template, {}, unwanted=unwanted)
        if symbol is not None:
            request = replace(request, span=Span(symbol.start, symbol.end))
        result, _ = await ask(self._parts, request, question, listener)
        answer = await explanation(result, "code_explanation")
        self._kept[key] = answer
        while len(self._kept) > KEPT_HOVERS:
            self._kept.popitem(last=False)
        return answer

    def _key(self, request: TaskRequest, symbol: Symbol | None) -> str:
        settings = request.settings
        text = request.snapshot.text
        span = request.span or Span(0, len(text))
        body = text[symbol.start : symbol.end] if symbol else text[span.start : span.end]
        shape = (
            request.snapshot.language_id,
            symbol.qualified_name if symbol else "",
            request.provider or settings.task("hover").provider or settings.default_provider,
            request.model,
            # An answer that saw the secrets is not for where they are not to be seen.
            tuple(
                (name, settings.secrets_policy("hover", one))
                for name, one in sorted(settings.providers.items())
            ),
            body,
        )
        return hashlib.sha256(repr(shape).encode("utf-8", "surrogatepass")).hexdigest()
