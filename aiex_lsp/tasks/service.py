"""The tasks as one object: what the server and the command line call.

Each method is one task of `tasks/`, pure async, plain data in and out. Raises `AiexError`s, and
`asyncio.CancelledError` after the request upstream was closed.
"""

from __future__ import annotations

import asyncio

from aiex_lsp.llm.types import Listener
from aiex_lsp.syntax.types import Symbol
from aiex_lsp.tasks.ask import Parts
from aiex_lsp.tasks.types import (
    AnalyzeResult,
    EditResult,
    ExplainResult,
    RenderedPrompt,
    TaskRequest,
    TaskResult,
)
from aiex_lsp.text.snapshot import Snapshot, Span


class Tasks:
    """Every task, joined to one client, one template registry and one context injector."""

    def __init__(self, parts: Parts) -> None:
        from aiex_lsp.tasks.hover import Hovers

        self._parts = parts
        self._hovers = Hovers(parts)

    def preload(self) -> None:
        """Compile the templates. Blocking: for a thread, before the first question."""
        self._parts.engine.warm()

    def target(self, snapshot: Snapshot, span: Span | None) -> Symbol | None:
        """Return the symbol a task at `span` is about, None where there is none. No I/O."""
        from aiex_lsp.syntax.symbols import enclosing_symbol

        if span is None:
            return None
        return enclosing_symbol(snapshot.text, snapshot.language_id, span.start, span.end)

    async def explain(self, request: TaskRequest, listener: Listener) -> ExplainResult:
        """Return an explanation; option `level`: brief, standard or detailed."""
        from aiex_lsp.tasks.explain import explain

        return await explain(self._parts, request, listener)

    async def hover(self, request: TaskRequest, listener: Listener) -> ExplainResult:
        """Return the short explanation a hover shows; cached on the symbol's text.

        Callers at the same symbol share one call, which is cancelled when none waits any more.
        """
        symbol = request.symbol or await asyncio.to_thread(
            self.target, request.snapshot, request.span
        )
        return await self._hovers.explain(request, symbol, listener)

    def hover_cached(self, request: TaskRequest) -> ExplainResult | None:
        """Return what a hover would show without asking a model, None if nothing is known.

        Parses the text unless the request knows its symbol.
        """
        symbol = request.symbol or self.target(request.snapshot, request.span)
        return self._hovers.cached(request, symbol)

    async def analyze(self, request: TaskRequest, listener: Listener) -> AnalyzeResult:
        """Return a review; option `analysis_type`. Its text arrives as one delta when done."""
        from aiex_lsp.tasks.analyze import analyze

        return await analyze(self._parts, request, listener)

    async def generate_tests(self, request: TaskRequest, listener: Listener) -> EditResult:
        """Return tests as an edit plan for the right file; option `framework`."""
        from aiex_lsp.tasks.generate_tests import generate_tests

        return await generate_tests(self._parts, request, listener)

    async def fix(self, request: TaskRequest, listener: Listener) -> EditResult:
        """Return an edit that takes away what the request's diagnostics report.

        Its place is the first one's; options `instruction`.
        """
        from aiex_lsp.tasks.fix import fix

        return await fix(self._parts, request, listener)

    async def document(self, request: TaskRequest, listener: Listener) -> EditResult:
        """Return an edit that documents a symbol; option `instruction`."""
        from aiex_lsp.tasks.document import document

        return await document(self._parts, request, listener)

    async def refactor(self, request: TaskRequest, listener: Listener) -> EditResult:
        """Return an edit that refactors a selection or symbol; option `instruction`."""
        from aiex_lsp.tasks.refactor import refactor

        return await refactor(self._parts, request, listener)

    async def run(self, request: TaskRequest, listener: Listener) -> TaskResult:
        """Return a template's result; options `template` (an id) and `variables`."""
        from aiex_lsp.tasks.run import run

        return await run(self._parts, request, listener)

    async def follow_up(self, request: TaskRequest, listener: Listener) -> ExplainResult:
        """Return the answer to `question` about an earlier answer, `answer_id`."""
        from aiex_lsp.tasks.explain import follow_up

        return await follow_up(self._parts, request, listener)

    async def render_prompt(self, request: TaskRequest) -> RenderedPrompt:
        """Return what option `task` or `template` would send; sends nothing."""
        from aiex_lsp.tasks.render_prompt import render_prompt

        return await render_prompt(self._parts, request)
