"""What a task gave, on its way to the client: text, findings or an edit plan."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiex_lsp.edits.types import EditPlan
from aiex_lsp.errors import StaleEditError
from aiex_lsp.server import convert, edits
from aiex_lsp.server.findings import placed_now
from aiex_lsp.tasks.types import (
    AnalyzeResult,
    EditResult,
    ExplainResult,
    PlacedFinding,
    TaskResult,
)
from aiex_lsp.text.snapshot import Snapshot, Span

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer


@dataclass(frozen=True)
class Outcome:
    """A task's result with the document its findings are placed in."""

    result: TaskResult
    snapshot: Snapshot
    findings: tuple[PlacedFinding, ...] = ()

    @property
    def at_uri(self) -> str:
        """Return the document that was asked about."""
        return self.snapshot.uri

    @property
    def text(self) -> str | None:
        """Return the text that streamed deltas join to, None for an edit."""
        return None if isinstance(self.result, EditResult) else self.result.markdown

    @property
    def plan(self) -> EditPlan | None:
        """Return the edit plan of an edit."""
        return self.result.plan if isinstance(self.result, EditResult) else None

    @property
    def explanation(self) -> str:
        """Return the prose beside an edit."""
        return self.result.explanation if isinstance(self.result, EditResult) else ""

    async def json(self, ls: AiexServer) -> dict[str, Any]:
        """Return the contract's result. Raises `StaleEditError` for an edit of changed text."""
        if isinstance(self.result, ExplainResult):
            return convert.explanation_json(self.result)
        if isinstance(self.result, AnalyzeResult):
            return convert.analysis_json(
                self.result, self.findings, self.snapshot, ls.client.encoding
            )
        result = self.result
        try:
            plan = await edits.current_plan(ls, result.plan)
        except StaleEditError as error:
            error.text = await self.diff(ls)
            raise
        body: dict[str, Any] = {
            "edit": edits.workspace_edit(ls.client, plan, confirm=False),
            "targetUri": result.target_uri,
            "codeBlocks": [
                {
                    "language": block.language,
                    "code": block.code,
                    "valid": block.valid,
                    **({"error": block.error} if block.error else {}),
                }
                for block in result.code_blocks
            ],
            "explanation": result.explanation,
            "language": result.language,
            "answer": convert.answer_json(result.answer),
        }
        return body

    async def diff(self, ls: AiexServer) -> str:
        """Return an edit as markdown for readers: what was said about it, the diff, its source."""
        if not isinstance(self.result, EditResult):
            return ""
        plan = self.result.plan
        with suppress(StaleEditError):
            plan = await edits.current_plan(ls, plan)
        diff = await asyncio.to_thread(edits.diff_of, ls, plan)
        text = f"{self.result.explanation}\n\n```diff\n{diff}```\n".lstrip()
        return convert.with_footer(text, self.result.answer)


async def outcome_of(
    ls: AiexServer, result: TaskResult, snapshot: Snapshot, span: Span | None
) -> Outcome:
    """Return the outcome; findings are published where the document is still open."""
    if not isinstance(result, AnalyzeResult):
        return Outcome(result, snapshot)
    reviewed = _reviewed(ls, snapshot, span)
    now = ls.documents.get(snapshot.uri)
    while True:
        seen = now
        place, findings = await asyncio.to_thread(
            placed_now, result.findings, reviewed, snapshot, seen
        )
        now = ls.documents.get(snapshot.uri)
        if now is seen:
            break
    if now is not None:
        ls.findings.put(snapshot.uri, place, findings)
    return Outcome(result, now or snapshot, findings)


def _reviewed(ls: AiexServer, snapshot: Snapshot, span: Span | None) -> Span:
    """Return the whole text a review was about: the symbol's, the selection's or all."""
    if span is None:
        return Span(0, len(snapshot.text))
    outline = ls.outlines.ready(snapshot)
    if outline is None:
        return span
    symbol = outline.enclosing(span.start, span.end)
    if symbol is None or (not span.empty and span.contains(Span(symbol.start, symbol.end))):
        return span
    inside_name = symbol.name_start <= span.start and span.end <= symbol.name_end
    return Span(symbol.start, symbol.end) if span.empty or inside_name else span
