"""Correct what a diagnostic reports, in the smallest piece of code around it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from aiex_lsp.context.injector import language_of
from aiex_lsp.context.target import Target
from aiex_lsp.context.types import DiagnosticInfo
from aiex_lsp.llm.types import Listener
from aiex_lsp.syntax.types import Symbol
from aiex_lsp.tasks.ask import Parts
from aiex_lsp.tasks.edit_task import LARGE_LINES, EditQuestion, edit_code, edit_question, locate
from aiex_lsp.tasks.types import EditResult, TaskRequest
from aiex_lsp.text.snapshot import Snapshot, Span

MAX_MESSAGE = 1500
"""Characters of a diagnostic's message: compilers of templates and types write pages."""

MAX_LINE = 300
"""Characters shown of the line a diagnostic is about."""

MAX_RELATED = 5


async def question_of(parts: Parts, request: TaskRequest) -> EditQuestion:
    """Return the question about the request's diagnostics, else about bugs at its place.

    Option `problem` says what is wrong where no diagnostic has a place.
    """
    request = await asyncio.to_thread(aimed, request)
    target = await locate(request)
    problem = "\n\n".join(described(one, request.snapshot, target) for one in request.diagnostics)
    problem = problem or str(request.options.get("problem") or "").strip()[:MAX_MESSAGE]
    return await edit_question(parts, request, target, "fix", {"diagnostics": problem})


async def fix(parts: Parts, request: TaskRequest, listener: Listener) -> EditResult:
    """Return an edit that takes away what the request's diagnostics report."""
    return await edit_code(parts, await question_of(parts, request), listener)


def aimed(request: TaskRequest) -> TaskRequest:
    """Return the request for the smallest symbol around its first diagnostic, else some lines."""
    from aiex_lsp.syntax.symbols import enclosing_symbol, fallback_block

    if not request.diagnostics:
        return request
    snapshot, place = request.snapshot, request.diagnostics[0].span
    symbol = enclosing_symbol(snapshot.text, language_of(snapshot), place.start, place.end)
    if symbol is not None and not _vast(snapshot, symbol):
        return replace(request, span=Span(symbol.name_start, symbol.name_end))
    start, end = fallback_block(snapshot.text, place.start, place.start)
    return replace(request, span=Span(min(start, place.start), max(end, place.end)))


def _vast(snapshot: Snapshot, symbol: Symbol) -> bool:
    """Return whether a symbol is a long list of others: what is wrong is in few lines of it."""
    holds_others = symbol.kind not in ("function", "method")
    lines = snapshot.line_at(symbol.end) - snapshot.line_at(symbol.start)
    return holds_others and lines >= LARGE_LINES


def described(one: DiagnosticInfo, snapshot: Snapshot, target: Target) -> str:
    """Return a diagnostic in words, with its place in the code as the model is shown it."""
    label = " ".join(part for part in (one.source, one.code) if part)
    message = one.message.strip()[:MAX_MESSAGE]
    lines = [f"{one.severity}{f' [{label}]' if label else ''}: {message}"]
    start = min(one.span.start, len(snapshot.text))
    line = snapshot.line_at(start)
    first = snapshot.line_at(target.span.start)
    code = snapshot.slice(snapshot.line_span(line)).strip()
    if code and line >= first:
        lines.append(f"In line {line - first + 1} of the code: {_short(code)}")
        marked = snapshot.slice(Span(start, min(one.span.end, snapshot.line_span(line).end)))
        if marked.strip() and marked.strip() != code:
            lines.append(f"Exactly at: {_short(marked.strip())}")
    lines += [f"See also {_short(' '.join(note.split()))}" for note in one.related[:MAX_RELATED]]
    return "\n".join(lines)


def _short(text: str) -> str:
    return text if len(text) <= MAX_LINE else text[: MAX_LINE - 1] + "…"
