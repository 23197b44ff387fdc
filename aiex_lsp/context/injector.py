"""All that a template wants to know, gathered off the event loop and in bounded time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from aiex_lsp.context.documents import display_name, file_path, named_path, root_for
from aiex_lsp.context.ignore import AIEX_IGNORE, WorkspaceFiles
from aiex_lsp.context.project_facts import ProjectFacts, ProjectPlace
from aiex_lsp.context.rules import DOCUMENT_RULES, PROJECT_RULES, DocumentPlace
from aiex_lsp.context.target import find_target
from aiex_lsp.context.types import ContextBundle, ContextItem, ContextRequest, LeftOut
from aiex_lsp.errors import DisabledError, DocumentError
from aiex_lsp.text.snapshot import Snapshot

TIME_LIMIT = 0.5
"""Seconds the project's facts may take: more is felt, and the code itself is what matters."""

TTL = 5.0
"""Seconds a walk over a folder holds."""

LARGE_FILE_LINES = 10_000
MAX_SIGNATURE = 500


class ContextInjector:
    """Gathers the context of questions. `clock` is in seconds; times are those above."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        time_limit: float = TIME_LIMIT,
        ttl: float = TTL,
    ) -> None:
        self._time_limit = time_limit
        self._facts = ProjectFacts(clock, ttl)

    async def gather(self, request: ContextRequest) -> ContextBundle:
        """Return the items and facts the request needs.

        Raises `DisabledError` for a document that is never sent, `DocumentError` for a binary
        one, `RangeError` for a span outside the text. What of the project is not known in time
        stands in `left_out`.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._time_limit
        given = {item.name: item for item in request.extra}
        if not request.settings.context.project:
            given = {name: item for name, item in given.items() if name not in PROJECT_RULES}
        place = await asyncio.to_thread(self._project_place, request)
        running: dict[str, asyncio.Future[str]] = {}
        try:
            for name, rule in PROJECT_RULES.items():
                if place is not None and name in request.needs and name not in given:
                    running[name] = loop.run_in_executor(None, rule.function, place)
            items, facts = await asyncio.to_thread(_document_part, request)
            if running:
                await asyncio.wait(running.values(), timeout=max(0.0, deadline - loop.time()))
        finally:
            # Their threads end by their own bounds and fill the cache for the next question.
            late = [name for name, one in running.items() if one.cancel()]
        left_out = [LeftOut(name, "not known in time") for name in late]
        found = {item.name: item for item in items}
        for name, future in running.items():
            if name in late:
                continue
            if error := future.exception():
                left_out.append(LeftOut(name, f"not readable ({type(error).__name__})"))
            elif text := future.result():
                rule = PROJECT_RULES[name]
                found[name] = ContextItem(name, text, rule.priority, rule.min_chars)
        found.update(given)
        facts["has_tests"] = bool({"existing_tests", "test_files"} & set(found))
        ordered = sorted(found.values(), key=lambda item: item.priority)
        return ContextBundle(tuple(ordered), facts, tuple(left_out))

    def _refuse(self, request: ContextRequest) -> None:
        path = named_path(request.snapshot.uri)
        if path is None:
            return
        folders = [*request.workspace.roots, *_folders_with_rules(path)]
        checks = [self._facts.files(folder) for folder in folders] or [WorkspaceFiles(path.parent)]
        for files in checks:
            reason = files.refusal(path)
            if reason is not None:
                raise DisabledError(
                    f"{path.name[:60]} {reason} and is never sent to a model",
                    f"Change {AIEX_IGNORE} to allow it"
                    if AIEX_IGNORE in reason
                    else "Ask about another file",
                )

    def _project_place(self, request: ContextRequest) -> ProjectPlace | None:
        self._refuse(request)
        snapshot = request.snapshot
        root = root_for(snapshot.uri, request.workspace)
        if root is None or not request.settings.context.project:
            return None
        return ProjectPlace(
            facts=self._facts,
            root=root,
            path=file_path(snapshot.uri),
            snapshot=snapshot,
            language=language_of(snapshot),
            rules_files=request.settings.context.rules_files,
            open_document=request.workspace.open_document,
        )


def language_of(snapshot: Snapshot) -> str:
    """Return the document's language as the syntax room calls it, else the editor's name for it."""
    from aiex_lsp.syntax.languages import canonical, language_of_path

    path = named_path(snapshot.uri)
    known = canonical(snapshot.language_id)
    if known is None and path is not None and snapshot.language_id in ("", "plaintext"):
        known = language_of_path(path.name)
    return known or snapshot.language_id or "plaintext"


def _document_part(request: ContextRequest) -> tuple[list[ContextItem], dict[str, object]]:
    snapshot = request.snapshot
    if "\0" in snapshot.text:
        raise DocumentError("The document is binary, not text", "Open a text file")
    language = language_of(snapshot)
    target = find_target(snapshot, request.span, language)
    place = DocumentPlace(request, target, language)
    items = []
    for name, rule in DOCUMENT_RULES.items():
        value = rule.function(place) if name in request.needs else ""
        if value or (name in request.needs and name == "code"):
            items.append(ContextItem(name, value, rule.priority, rule.min_chars))
    first = snapshot.line_at(target.span.start)
    last = snapshot.line_at(max(target.span.start, target.span.end - 1))
    facts: dict[str, object] = {
        "language": language,
        "file_path": display_name(snapshot.uri, root_for(snapshot.uri, request.workspace)),
        "target_kind": target.kind,
        "start_line": first + 1,
        "end_line": last + 1,
        "line_count": snapshot.line_count,
        "large_file": snapshot.line_count > LARGE_FILE_LINES,
        "code_start": target.span.start,
        "code_end": target.span.end,
    }
    if target.symbol is not None:
        facts["symbol"] = target.symbol.qualified_name
        facts["symbol_name"] = target.symbol.name
        facts["symbol_kind"] = target.symbol.kind
        facts["signature"] = target.symbol.signature[:MAX_SIGNATURE]
        facts["is_test"] = target.symbol.is_test
    return items, facts


def _folders_with_rules(path: Path) -> list[Path]:
    """Return the folders above a file that hold an `.aiexignore`, workspace or not."""
    found = []
    for folder in [*path.parents][:30] if path.is_absolute() else []:
        try:
            if (folder / AIEX_IGNORE).exists():
                found.append(folder)
        except OSError:
            continue
    return found
