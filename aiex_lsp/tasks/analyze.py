"""Review the code at a place: findings with places, and a text for readers."""

from __future__ import annotations

import asyncio

from aiex_lsp.errors import UsageError
from aiex_lsp.llm.types import JsonSchema, Listener
from aiex_lsp.responses.findings import FINDINGS_SCHEMA
from aiex_lsp.responses.parser import parse
from aiex_lsp.tasks.ask import Parts, Question, Unstreamed, ask
from aiex_lsp.tasks.explain import with_cut_note
from aiex_lsp.tasks.memory import Remembered
from aiex_lsp.tasks.place import place
from aiex_lsp.tasks.types import AnalyzeResult, PlacedFinding, TaskRequest
from aiex_lsp.text.snapshot import Snapshot, Span

TYPES = ("general", "performance", "security", "maintainability")


def question_of(request: TaskRequest) -> Question:
    """Return the question; option `analysis_type`. Raises `UsageError` for an unknown type."""
    kind = request.options.get("analysis_type") or "general"
    if kind not in TYPES:
        raise UsageError(f"Analysis type {kind!r} is not known", f"Use one of {', '.join(TYPES)}")
    template = request.settings.task("analyze").template or f"analyze_{kind}"
    schema = JsonSchema("findings", FINDINGS_SCHEMA, "The findings of a code review")
    return Question("analyze", template, {"json_findings": True}, schema=schema)


async def analyze(parts: Parts, request: TaskRequest, listener: Listener) -> AnalyzeResult:
    """Return a review of the symbol, selection or document."""
    return await analyze_with(parts, request, question_of(request), listener)


async def analyze_with(
    parts: Parts, request: TaskRequest, question: Question, listener: Listener
) -> AnalyzeResult:
    """Return the review that `question` asks for."""
    # The model answers in JSON, which nobody wants to watch: readers get the text when it is done.
    result, prepared = await ask(parts, request, question, Unstreamed(listener))
    cut = result.answer.finish_reason == "length"
    parsed = await asyncio.to_thread(parse, result.text, "findings", truncated=cut)
    snapshot = request.snapshot
    shown = _shown(prepared.bundle.facts, snapshot)
    first = _fact(prepared.bundle.facts, "start_line", snapshot.line_at(shown.start) + 1)
    placed = tuple(place(finding, snapshot, shown, first) for finding in parsed.findings)
    as_json = result.text.lstrip().startswith(("{", "[", "```json"))
    text = _markdown(parsed.summary, placed, snapshot) if as_json else parsed.markdown
    text = with_cut_note(text, result.answer)
    listener.on_delta(text)
    parts.memory.remember(result.answer.id, Remembered(request, "analyze", text))
    summary = parsed.summary or f"{len(placed)} findings"
    parts.memory.note_analysis(snapshot.uri, f"{question.template}: {summary}"[:300])
    return AnalyzeResult(text, placed, result.answer)


def _shown(facts: object, snapshot: Snapshot) -> Span:
    start = _fact(facts, "code_start", 0)
    end = _fact(facts, "code_end", len(snapshot.text))
    return Span(min(start, len(snapshot.text)), min(max(start, end), len(snapshot.text)))


def _fact(facts: object, name: str, default: int) -> int:
    value = facts.get(name) if isinstance(facts, dict) else None
    return value if isinstance(value, int) else default


def _markdown(summary: str, findings: tuple[PlacedFinding, ...], snapshot: Snapshot) -> str:
    count = f"{len(findings)} finding{'s' * (len(findings) != 1)}."
    lines = [summary.strip() or count, ""] if summary or findings else []
    for one in findings:
        line = snapshot.line_at(one.span.start) + 1
        lines.append(f"- **Line {line}** ({one.severity}, {one.category}): {one.message}")
        if one.suggestion:
            lines.append(f"  - {one.suggestion}")
    return "\n".join(lines).strip() or "No findings."
