"""What tasks take and give: plain data, no LSP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiex_lsp.config.settings import Settings
from aiex_lsp.context.types import DiagnosticInfo, WorkspaceView
from aiex_lsp.edits.types import EditPlan
from aiex_lsp.llm.types import Answer, Dropped, Message
from aiex_lsp.responses.types import CodeBlock, CodeReference, Section, Severity
from aiex_lsp.syntax.types import Symbol
from aiex_lsp.text.snapshot import Snapshot, Span


@dataclass(frozen=True)
class TaskRequest:
    """One question about one place of one document.

    `span` is the selection (an empty one is a cursor), None the whole document. `settings` are
    those of the document's folder. `provider`, `model`, `strategy` are what the call named.
    `options` are the task's own: level, analysis_type, framework, instruction, template,
    variables, question, answer_id.
    """

    snapshot: Snapshot
    span: Span | None
    settings: Settings
    workspace: WorkspaceView = field(default_factory=WorkspaceView)
    diagnostics: tuple[DiagnosticInfo, ...] = ()
    provider: str | None = None
    model: str | None = None
    strategy: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    symbol: Symbol | None = None
    """The symbol at `span` where the caller knows it: a hover need not parse the text again."""


@dataclass(frozen=True, slots=True)
class ExplainResult:
    """An explanation; also what a follow-up and a text template give."""

    markdown: str
    summary: str
    sections: tuple[Section, ...]
    code_references: tuple[CodeReference, ...]
    concepts: tuple[str, ...]
    answer: Answer


@dataclass(frozen=True, slots=True)
class PlacedFinding:
    """A finding with its place in the document."""

    span: Span
    severity: Severity
    category: str
    message: str
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class AnalyzeResult:
    """A review: the text for readers and the findings for the editor."""

    markdown: str
    findings: tuple[PlacedFinding, ...]
    answer: Answer


@dataclass(frozen=True, slots=True)
class EditResult:
    """Code the model wrote, as an edit plan. `language` is the primary block's."""

    plan: EditPlan
    target_uri: str
    code_blocks: tuple[CodeBlock, ...]
    explanation: str
    language: str | None
    answer: Answer


@dataclass(frozen=True, slots=True)
class RenderedPrompt:
    """What would be sent, to the byte. `redactions` are descriptions, never the secrets."""

    messages: tuple[Message, ...]
    input_tokens: int
    estimated_cost: float | None
    provider: str
    model: str
    redactions: tuple[str, ...] = ()
    dropped: tuple[Dropped, ...] = ()


TaskResult = ExplainResult | AnalyzeResult | EditResult
