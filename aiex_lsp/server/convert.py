"""The only conversion between aiex's own types and LSP's, in the client's position encoding."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lsprotocol import types

from aiex_lsp.config.settings import Problem
from aiex_lsp.errors import RangeError
from aiex_lsp.llm.types import Answer, ModelInfo
from aiex_lsp.responses.types import Section
from aiex_lsp.tasks.types import AnalyzeResult, ExplainResult, PlacedFinding, RenderedPrompt
from aiex_lsp.templates.types import TASK_RULES, Template
from aiex_lsp.text.snapshot import Encoding, Snapshot, Span

Json = dict[str, Any]

_SEVERITY = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "information": types.DiagnosticSeverity.Information,
    "hint": types.DiagnosticSeverity.Hint,
}


def span_of(snapshot: Snapshot, place: types.Range, encoding: Encoding) -> Span:
    """Return a client's range as offsets. Raises `RangeError` where it lies outside the text."""
    start = snapshot.offset_at(place.start.line, place.start.character, encoding)
    end = snapshot.offset_at(place.end.line, place.end.character, encoding)
    return Span(start, max(start, end))


def place_of(
    snapshot: Snapshot,
    range_: types.Range | None,
    position: types.Position | None,
    encoding: Encoding,
) -> Span | None:
    """Return what params point at, None for the whole document. Raises `RangeError`."""
    try:
        if range_ is not None:
            return span_of(snapshot, range_, encoding)
        if position is not None:
            return span_of(snapshot, types.Range(position, position), encoding)
    except RangeError as error:
        name = "range" if range_ is not None else "position"
        raise RangeError(f"`{name}`: {error.what}", error.next_step) from None
    return None


def range_of(snapshot: Snapshot, span: Span, encoding: Encoding) -> types.Range:
    """Return offsets as a client's range."""
    return types.Range(
        types.Position(*snapshot.position_at(span.start, encoding)),
        types.Position(*snapshot.position_at(span.end, encoding)),
    )


def diagnostic_of(
    snapshot: Snapshot, finding: PlacedFinding, encoding: Encoding
) -> types.Diagnostic:
    """Return a finding as a diagnostic, source `aiex`, its category as code."""
    message = finding.message
    if finding.suggestion:
        message = f"{message}\n{finding.suggestion}"
    return types.Diagnostic(
        range=range_of(snapshot, finding.span, encoding),
        severity=_SEVERITY[finding.severity],
        code=finding.category,
        source="aiex",
        message=message,
    )


def problem_diagnostic(
    snapshot: Snapshot, problem: Problem, encoding: Encoding
) -> types.Diagnostic:
    """Return a configuration problem as a diagnostic of its line, from its column on if known."""
    line = min(max((problem.line or 1) - 1, 0), snapshot.line_count - 1)
    span = snapshot.line_span(line)
    start = min(span.start + max((problem.column or 1) - 1, 0), span.end)
    return types.Diagnostic(
        range=range_of(snapshot, Span(start, span.end), encoding),
        severity=_SEVERITY[problem.severity],
        source="aiex",
        message=problem.message,
    )


def answer_json(answer: Answer) -> Json:
    """Return the contract's `answer`; `note` stands in it only where there is one."""
    body: Json = {
        "id": answer.id,
        "provider": answer.provider,
        "model": answer.model,
        "usage": {
            "inputTokens": answer.usage.input_tokens,
            "outputTokens": answer.usage.output_tokens,
        },
        "cost": answer.cost,
        "durationMs": answer.duration_ms,
        "cached": answer.cached,
        "attempts": [
            {
                "provider": attempt.provider,
                "model": attempt.model,
                "outcome": attempt.outcome,
                "durationMs": attempt.duration_ms,
            }
            for attempt in answer.attempts
        ],
    }
    if answer.note:
        body["note"] = answer.note
    return body


def explanation_json(result: ExplainResult) -> Json:
    """Return the result of `aiex/explain`."""
    return {
        "markdown": result.markdown,
        "summary": result.summary,
        "sections": [_section_json(section) for section in result.sections],
        "codeReferences": [
            {"text": ref.text, "kind": ref.kind, **({} if ref.line is None else {"line": ref.line})}
            for ref in result.code_references
        ],
        "concepts": list(result.concepts),
        "answer": answer_json(result.answer),
    }


def analysis_json(
    result: AnalyzeResult,
    findings: Iterable[PlacedFinding],
    snapshot: Snapshot,
    encoding: Encoding,
) -> Json:
    """Return the result of `aiex/analyze`; `findings` are placed in `snapshot`."""
    return {
        "markdown": result.markdown,
        "findings": [
            {
                "range": range_of(snapshot, finding.span, encoding),
                "severity": finding.severity,
                "category": finding.category,
                "message": finding.message,
                **({"suggestion": finding.suggestion} if finding.suggestion else {}),
            }
            for finding in findings
        ],
        "answer": answer_json(result.answer),
    }


def prompt_json(prompt: RenderedPrompt) -> Json:
    """Return the result of `aiex/renderPrompt`."""
    return {
        "messages": [{"role": m.role, "content": m.content} for m in prompt.messages],
        "inputTokens": prompt.input_tokens,
        "estimatedCost": prompt.estimated_cost,
        "provider": prompt.provider,
        "model": prompt.model,
        "redactions": list(prompt.redactions),
    }


def template_json(template: Template) -> Json:
    """Return one entry of `aiex/templates`; variables with `inject` are filled by the server.

    `aiex/run` has no earlier answer and no question but the user's: what only a task can fill is
    left to the user.
    """
    body: Json = {
        "id": template.id,
        "title": template.title or template.name,
        "category": template.category,
        "variables": [
            {
                "name": variable.name,
                "type": variable.type,
                "required": variable.required,
                "default": variable.default,
                "description": variable.description,
                **({"enum": list(variable.enum)} if variable.enum else {}),
                **(
                    {"inject": variable.inject}
                    if variable.inject and variable.inject not in TASK_RULES
                    else {}
                ),
            }
            for variable in template.variables
        ],
        "responseType": template.response_type,
    }
    if template.kind:
        body["kind"] = template.kind
    return body


def model_json(model: ModelInfo) -> Json:
    """Return one entry of `aiex/models`; what the provider does not tell is left out."""
    body: Json = {"provider": model.provider, "id": model.id, "local": model.local}
    if model.context_window is not None:
        body["contextWindow"] = model.context_window
    if model.price is not None:
        body["price"] = {
            "inputPer1k": model.price.input_per_1k,
            "outputPer1k": model.price.output_per_1k,
        }
    return body


def footer(answer: Answer) -> str:
    """Return the small line under an answer: where it came from, and its note."""
    cost = "cached" if answer.cached else _cost(answer.cost)
    parts = [answer.provider, answer.model, cost]
    line = "*" + " · ".join(part for part in parts if part) + "*"
    return f"{line}\n\n{answer.note}" if answer.note else line


def with_footer(markdown: str, answer: Answer) -> str:
    """Return an answer as users read it outside the protocol."""
    return f"{markdown.rstrip()}\n\n---\n\n{footer(answer)}\n"


def hover_markdown(result: ExplainResult) -> str:
    """Return a hover's text: summary first, then detail, then a small line."""
    text = result.markdown.strip()
    summary = result.summary.strip()
    if summary and not _words(text).startswith(_words(summary).removesuffix("…")):
        text = f"{summary}\n\n{text}"
    return with_footer(text, result.answer)


def _words(markdown: str) -> str:
    return " ".join(plain(markdown).split())


def plain(markdown: str) -> str:
    """Return markdown as readable plain text for clients that show no markdown."""
    lines = []
    for line in markdown.splitlines():
        if re.match(r"\s*(```|~~~)", line) or re.fullmatch(r"\s*-{3,}\s*", line):
            continue
        lines.append(re.sub(r"^#{1,6}\s+", "", line))
    text = "\n".join(lines)
    text = re.sub(r"\*\*(.+?)\*\*", r"\1", text)
    text = re.sub(r"(?<![\w*])\*(\S.*?\S|\S)\*(?![\w*])", r"\1", text)
    return re.sub(r"`([^`\n]+)`", r"\1", text).strip()


def selection_json(selection: Mapping[str, str | None]) -> Json:
    """Return the result of `aiex/selectProvider`."""
    return {key: selection.get(key) for key in ("provider", "model", "strategy")}


def _cost(cost: float | None) -> str:
    if cost is None:
        return ""
    return "free" if cost == 0 else f"${cost:.4f}"


def _section_json(section: Section) -> Json:
    return {
        "level": section.level,
        "title": section.title,
        "content": section.content,
        "children": [_section_json(child) for child in section.children],
    }
