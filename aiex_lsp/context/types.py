"""The context of a question: items with priorities, and the workspace they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiex_lsp.config.settings import Settings
from aiex_lsp.text.snapshot import Snapshot, Span


@dataclass(frozen=True, slots=True)
class DiagnosticInfo:
    """An editor's diagnostic, positions as offsets of the document it belongs to."""

    span: Span
    message: str
    severity: str = "error"
    source: str | None = None
    code: str | None = None
    related: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkspaceView:
    """What context may look at: folders of the workspace, and open documents by uri.

    `open_document` returns the editor's text (unsaved included) or None, and is called from worker
    threads; files are read from disk only inside `roots`.
    """

    roots: tuple[Path, ...] = ()
    open_document: Callable[[str], Snapshot | None] = lambda _uri: None

    def root_of(self, path: Path) -> Path | None:
        """Return the innermost root that holds `path`, None if none does."""
        inside = [root for root in self.roots if path.is_relative_to(root)]
        return max(inside, key=lambda root: len(root.parts), default=None)


@dataclass(frozen=True, slots=True)
class ContextItem:
    """One piece of context for a template variable.

    `priority`: 0 is indispensable and never dropped, larger is dropped earlier. `min_chars`: the
    item may be cut down to so many characters before it is dropped (None: whole or not at all).
    """

    name: str
    value: str
    priority: int
    min_chars: int | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A piece of context that was wanted but is not there, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class ContextBundle:
    """All that is known for one question, before it is fitted to a window.

    `items` are texts by injection rule name; `facts` are small values every template may use
    (language, symbol name, signature, file name, has_tests, ...). `left_out` names what was wanted
    but could not be had in time.
    """

    items: tuple[ContextItem, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class ContextRequest:
    """What is to be gathered for one question.

    `span` is the selection (an empty one is a cursor), None the whole document. `needs` are the
    injection rules the chosen template uses: nothing else is gathered. `recent_analysis` has the
    newest last. `extra` are items only the task knows (question, previous_answer, existing_tests,
    test_files); they stand in place of what a rule would give.
    """

    snapshot: Snapshot
    span: Span | None
    settings: Settings = field(default_factory=Settings)
    workspace: WorkspaceView = field(default_factory=WorkspaceView)
    diagnostics: Sequence[DiagnosticInfo] = ()
    recent_analysis: Sequence[str] = ()
    session: Mapping[str, object] = field(default_factory=dict)
    extra: Sequence[ContextItem] = ()
    needs: frozenset[str] = frozenset()
