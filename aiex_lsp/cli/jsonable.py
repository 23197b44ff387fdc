"""Results as JSON, in the form of the `aiex/*` requests (contract); columns are UTF-16 units."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiex_lsp.edits.types import EditPlan
    from aiex_lsp.llm.types import Answer, ModelInfo
    from aiex_lsp.tasks.types import (
        AnalyzeResult,
        EditResult,
        ExplainResult,
        PlacedFinding,
        RenderedPrompt,
    )
    from aiex_lsp.text.snapshot import Snapshot, Span


def dump(value: Any) -> str:
    """Return indented JSON text."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False)


def plain(value: Any) -> Any:
    """Return dataclasses as objects with camelCase keys, None left as null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {_camel(one.name): plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def explanation(result: ExplainResult, *, choice: bool = False) -> dict[str, Any]:
    """Return what `aiex/explain` answers."""
    return {
        "markdown": result.markdown,
        "summary": result.summary,
        "sections": plain(result.sections),
        "codeReferences": plain(result.code_references),
        "concepts": plain(result.concepts),
        "answer": answer(result.answer, choice=choice),
    }


def review(result: AnalyzeResult, snapshot: Snapshot, *, choice: bool = False) -> dict[str, Any]:
    """Return what `aiex/analyze` answers."""
    return {
        "markdown": result.markdown,
        "findings": [_finding(one, snapshot) for one in result.findings],
        "answer": answer(result.answer, choice=choice),
    }


def edit(result: EditResult, diff: str, applied: bool, *, choice: bool = False) -> dict[str, Any]:
    """Return what `aiex/generateTests` answers, and the diff."""
    return {
        "edit": _workspace_edit(result.plan),
        "targetUri": result.target_uri,
        "codeBlocks": [
            {"language": b.language, "code": b.code, "valid": b.valid, "error": b.error}
            for b in result.code_blocks
        ],
        "language": result.language,
        "explanation": result.explanation,
        "answer": answer(result.answer, choice=choice),
        "applied": applied,
        "diff": diff,
    }


def prompt(result: RenderedPrompt) -> dict[str, Any]:
    """Return what `aiex/renderPrompt` answers, and what was left out."""
    return {
        "messages": plain(result.messages),
        "inputTokens": result.input_tokens,
        "estimatedCost": result.estimated_cost,
        "provider": result.provider,
        "model": result.model,
        "redactions": list(result.redactions),
        "dropped": plain(result.dropped),
    }


def model(info: ModelInfo) -> dict[str, Any]:
    """Return one entry of what `aiex/models` answers."""
    return {
        "provider": info.provider,
        "id": info.id,
        "contextWindow": info.context_window,
        "local": info.local,
        "loaded": info.loaded,
        "quantization": info.quantization,
        "price": plain(info.price),
    }


def answer(value: Answer, *, choice: bool = False) -> dict[str, Any]:
    """Return the contract's `answer`; with `choice`, also why these providers were asked."""
    told = {
        "id": value.id,
        "provider": value.provider,
        "model": value.model,
        "usage": {
            "inputTokens": value.usage.input_tokens,
            "outputTokens": value.usage.output_tokens,
        },
        "cost": value.cost,
        "durationMs": value.duration_ms,
        "cached": value.cached,
        "attempts": plain(value.attempts),
        "dropped": plain(value.dropped),
        "note": value.note,
    }
    return {**told, "choice": plain(value.choice)} if choice else told


def _finding(one: PlacedFinding, snapshot: Snapshot) -> dict[str, Any]:
    found = {
        "range": _range(snapshot, one.span),
        "severity": one.severity,
        "category": one.category,
        "message": one.message,
    }
    return {**found, "suggestion": one.suggestion} if one.suggestion else found


def _workspace_edit(plan: EditPlan) -> dict[str, Any]:
    from aiex_lsp.text.snapshot import Snapshot

    changes: list[dict[str, Any]] = []
    for file in plan.files:
        old = Snapshot(file.uri, file.base_text, "plaintext")
        edits = [
            {"range": _range(old, one.span), "newText": one.new_text} for one in file.replacements
        ]
        if file.create:
            changes.append({"kind": "create", "uri": file.uri})
            start = {"line": 0, "character": 0}
            edits = [{"range": {"start": start, "end": start}, "newText": file.new_text or ""}]
        changes.append({"textDocument": {"uri": file.uri, "version": None}, "edits": edits})
    return {"documentChanges": changes}


def _range(snapshot: Snapshot, span: Span) -> dict[str, Any]:
    start, end = snapshot.position_at(span.start), snapshot.position_at(span.end)
    return {
        "start": {"line": start[0], "character": start[1]},
        "end": {"line": end[0], "character": end[1]},
    }


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)
