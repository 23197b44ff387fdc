"""The table of injection rules: what a template variable's `inject` may name.

A rule is a fact, a text of the document, a text of the project, or given by the task. Smaller
priorities are more important; 0 is never dropped (see `ContextItem`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from aiex_lsp.context.project_facts import ProjectPlace
from aiex_lsp.context.target import Target, plain, surrounding
from aiex_lsp.context.types import ContextRequest
from aiex_lsp.templates.types import TASK_RULES
from aiex_lsp.text.snapshot import Span

MAX_DIAGNOSTICS = 30
MAX_ANALYSES = 5
MAX_NOTE_CHARS = 500
"""Length of one diagnostic, earlier analysis or session fact."""


@dataclass(frozen=True, slots=True)
class DocumentPlace:
    """The open document, and what of it the question is about."""

    request: ContextRequest
    target: Target
    language: str


@dataclass(frozen=True, slots=True)
class DocumentRule:
    """A text made of the open document and the request; no disk."""

    priority: int
    min_chars: int | None
    function: Callable[[DocumentPlace], str]


@dataclass(frozen=True, slots=True)
class ProjectRule:
    """A text made of the workspace's files; left out where it is not there in time."""

    priority: int
    min_chars: int | None
    function: Callable[[ProjectPlace], str]


def code(place: DocumentPlace) -> str:
    """Return the target's whole text."""
    return plain(place.request.snapshot.slice(place.target.span))


def selection(place: DocumentPlace) -> str:
    """Return the selected lines, "" where nothing is selected."""
    return code(place) if place.target.kind == "selection" else ""


def imports(place: DocumentPlace) -> str:
    """Return the document's import statements that the target does not hold itself."""
    from aiex_lsp.syntax.imports import imports as imports_of

    span = place.target.span
    found = imports_of(place.request.snapshot.text, place.language)
    return "\n".join(
        plain(one.text).strip("\n") for one in found if not span.contains(Span(one.start, one.end))
    )


def around(place: DocumentPlace) -> str:
    """Return what stands around the target."""
    return surrounding(place.request.snapshot, place.target, place.language)


def diagnostics(place: DocumentPlace) -> str:
    """Return the editor's diagnostics that touch the target, one a line."""
    snapshot, span = place.request.snapshot, place.target.span
    lines = []
    for one in sorted(place.request.diagnostics, key=lambda found: found.span):
        if one.span.start > span.end or one.span.end < span.start:
            continue
        line, column = snapshot.position_at(one.span.start, "utf-32")
        label = " ".join(part for part in (one.source, one.code) if part)
        text = f"{line + 1}:{column + 1}: {one.severity}: {_note(one.message)}"
        lines.append(f"{text} [{label}]" if label else text)
        lines.extend(f"  {_note(related)}" for related in one.related[:5])
    return "\n".join(lines[:MAX_DIAGNOSTICS])


def recent_analysis(place: DocumentPlace) -> str:
    """Return what earlier reviews of the document said, the newest first."""
    newest = [*place.request.recent_analysis][::-1][:MAX_ANALYSES]
    return "\n".join(f"- {_note(one)}" for one in newest if one.strip())


def session(place: DocumentPlace) -> str:
    """Return the session's facts, one a line."""
    facts = place.request.session
    return "\n".join(f"{name}: {_note(_shown(facts[name]))}" for name in facts if facts[name])


FACT_RULES = frozenset({"symbol", "signature", "language", "file_path"})
"""Rules whose values are facts of every bundle."""

DOCUMENT_RULES: Mapping[str, DocumentRule] = MappingProxyType(
    {
        "code": DocumentRule(0, None, code),
        "selection": DocumentRule(0, None, selection),
        "diagnostics": DocumentRule(1, 200, diagnostics),
        "imports": DocumentRule(2, 120, imports),
        "surrounding": DocumentRule(4, 300, around),
        "recent_analysis": DocumentRule(7, 200, recent_analysis),
        "session": DocumentRule(9, None, session),
    }
)

PROJECT_RULES: Mapping[str, ProjectRule] = MappingProxyType(
    {
        "existing_tests": ProjectRule(3, 600, ProjectPlace.existing_tests),
        "project_rules": ProjectRule(3, 400, ProjectPlace.rules),
        "dependencies": ProjectRule(5, 200, ProjectPlace.dependencies),
        "test_files": ProjectRule(6, None, ProjectPlace.test_files),
        "project_structure": ProjectRule(8, 200, ProjectPlace.structure),
    }
)

INJECTION_RULES = frozenset({*FACT_RULES, *TASK_RULES, *DOCUMENT_RULES, *PROJECT_RULES})
"""Every name a template variable may inject."""


def _note(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_NOTE_CHARS else line[: MAX_NOTE_CHARS - 1] + "…"


def _shown(value: object) -> str:
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(str(one) for one in value)
    return str(value)
