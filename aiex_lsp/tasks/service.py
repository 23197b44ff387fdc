"""The tasks as one object: what the server and the command line call.

Each method is one task of `tasks/`, pure async, plain data in and out. Raises `AiexError`s, and
`asyncio.CancelledError` after the request upstream was closed.
"""

from __future__ import annotations

from aiex_lsp.llm.types import Listener
from aiex_lsp.syntax.types import Symbol
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

    def target(self, snapshot: Snapshot, span: Span | None) -> Symbol | None:
        """Return the symbol a task at `span` is about, None where there is none. No I/O."""
        raise NotImplementedError

    async def explain(self, request: TaskRequest, listener: Listener) -> ExplainResult:
        """Return an explanation; option `level`: brief, standard or detailed."""
        raise NotImplementedError

    async def hover(self, request: TaskRequest, listener: Listener) -> ExplainResult:
        """Return the short explanation a hover shows; cached on the symbol's text."""
        raise NotImplementedError

    def hover_cached(self, request: TaskRequest) -> ExplainResult | None:
        """Return what a hover would show without asking a model, None if nothing is known."""
        raise NotImplementedError

    async def analyze(self, request: TaskRequest, listener: Listener) -> AnalyzeResult:
        """Return a review; option `analysis_type`."""
        raise NotImplementedError

    async def generate_tests(self, request: TaskRequest, listener: Listener) -> EditResult:
        """Return tests as an edit plan for the right file; option `framework`."""
        raise NotImplementedError

    async def run(self, request: TaskRequest, listener: Listener) -> TaskResult:
        """Return a template's result; options `template` (an id) and `variables`."""
        raise NotImplementedError

    async def follow_up(self, request: TaskRequest, listener: Listener) -> ExplainResult:
        """Return the answer to `question` about an earlier answer, `answer_id`."""
        raise NotImplementedError

    async def render_prompt(self, request: TaskRequest) -> RenderedPrompt:
        """Return what option `task` or `template` would send; sends nothing."""
        raise NotImplementedError
