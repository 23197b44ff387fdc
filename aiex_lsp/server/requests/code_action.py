"""`textDocument/codeAction`: answered from the outline kept in memory; no model, no disk."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from aiex_lsp.config.settings import Settings
from aiex_lsp.errors import AiexError, RangeError
from aiex_lsp.server import convert, guard
from aiex_lsp.server.actions import FIX, MAX_FIXES, Place, fix_titles, is_wanted, offers
from aiex_lsp.server.lifecycle import services_of
from aiex_lsp.server.outlines import symbol_at, word_at
from aiex_lsp.server.reloading import look
from aiex_lsp.text.snapshot import Snapshot, Span

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = types.TEXT_DOCUMENT_CODE_ACTION


def register(server: AiexServer) -> None:
    """Register the method."""
    server.feature(METHOD)(code_action)


async def code_action(
    ls: AiexServer, params: types.CodeActionParams
) -> list[types.CodeAction] | list[types.Command]:
    """Return the actions of a place, nothing where aiex is silent."""
    snapshot = ls.documents.get(params.text_document.uri)
    context = params.context
    automatic = context.trigger_kind == types.CodeActionTriggerKind.Automatic
    others = [d for d in context.diagnostics if d.source != "aiex" or d.code is not None]
    if snapshot is None or "\0" in snapshot.text or (automatic and not others):
        return []
    settings = await _settings(ls, snapshot)
    if settings is None:
        return []
    if guard.why_silent(ls, snapshot, settings) is not None:
        return []
    only = None
    if context.only is not None:
        only = tuple(str(getattr(kind, "value", kind)) for kind in context.only)
    found: list[types.CodeAction] = []
    if is_wanted(FIX, only):
        found += _fixes(ls, snapshot, others)
    if not automatic:
        found += await _offered(ls, params, snapshot, only)
    if found:
        ls.documents.keep_listed(snapshot)
    if not ls.client.action_literals:
        return [action.command for action in found if action.command is not None]
    return found


async def _settings(ls: AiexServer, snapshot: Snapshot) -> Settings | None:
    """Return a document's settings, None where there are none because they cannot be made.

    While a slow server still makes them ready their defaults hold: actions need only the
    document, and one that turns out to be off says so when it is run.
    """
    try:
        async with asyncio.timeout(ls.limits.start):
            services = await services_of(ls)
    except TimeoutError:
        return Settings()
    except AiexError:
        return None
    look(ls)
    return services.settings_for(ls.documents.folder_of(snapshot.uri))


def _fixes(
    ls: AiexServer, snapshot: Snapshot, reported: Sequence[types.Diagnostic]
) -> Iterator[types.CodeAction]:
    """Yield an action for each diagnostic, which it carries."""
    inside = [one for one in reported if one.range.end.line <= snapshot.line_count][:MAX_FIXES]
    titles = fix_titles(
        [(d.message, d.range.start.line + 1, d.range.start.character + 1) for d in inside]
    )
    for diagnostic, title in zip(inside, titles, strict=True):
        argument = {
            "textDocument": _named(snapshot),
            "range": diagnostic.range,
            "diagnostic": diagnostic,
        }
        command = types.Command(title, "aiex/fix", arguments=[argument])
        yield _action(ls, title, FIX, command, [diagnostic])


async def _offered(
    ls: AiexServer,
    params: types.CodeActionParams,
    snapshot: Snapshot,
    only: tuple[str, ...] | None,
) -> list[types.CodeAction]:
    """Return the actions of the table and of templates."""
    try:
        span = convert.span_of(snapshot, params.range, ls.client.encoding)
    except RangeError:
        return []
    place = await _place(ls, snapshot, span)
    if place.span is None:
        return []
    base: dict[str, Any] = {
        "textDocument": _named(snapshot),
        "range": convert.range_of(snapshot, place.span, ls.client.encoding),
    }
    others = [d for d in params.context.diagnostics if d.source != "aiex"]
    if others:
        base["diagnostics"] = others
    return [
        _action(
            ls,
            offer.title,
            offer.kind,
            types.Command(offer.title, offer.command, arguments=[{**base, **offer.arguments}]),
        )
        for offer in offers(place, ls.templates, only, automatic=False)
    ]


def _named(snapshot: Snapshot) -> dict[str, Any]:
    """Return the document with the version the action is for: it may be run much later."""
    return {"uri": snapshot.uri, "version": snapshot.version}


def _action(
    ls: AiexServer,
    title: str,
    kind: str,
    command: types.Command,
    diagnostics: Sequence[types.Diagnostic] | None = None,
) -> types.CodeAction:
    tags = [types.CodeActionTag.LlmGenerated] if ls.client.llm_tag else None
    return types.CodeAction(
        title=title, kind=kind, command=command, diagnostics=diagnostics, tags=tags
    )


async def _place(ls: AiexServer, snapshot: Snapshot, span: Span) -> Place:
    """Return the symbol meant and the selection, without the symbol while a first parse runs."""
    outline = await ls.outlines.get(snapshot, ls.limits.outline)
    selected = snapshot.slice(span)
    # Editors with block cursors always select a character.
    real = len(selected.strip()) > 1 and word_at(snapshot.text, span.start) != selected
    if outline is None:
        return Place(None, span if real else None)
    symbol = symbol_at(outline, snapshot.text, span.start, span.end)
    if symbol is None:
        return Place(None, span if real else None)
    whole = Span(symbol.start, symbol.end)
    from_doc = Span(symbol.doc_start if symbol.doc_start is not None else symbol.start, symbol.end)
    if real and not (from_doc.contains(span) and selected.strip() == snapshot.slice(whole).strip()):
        around = outline.enclosing(span.start, span.end)
        return Place(around, span)
    return Place(symbol, None)
