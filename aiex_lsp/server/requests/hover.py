"""`textDocument/hover`: what is known of a symbol, at once; a model is asked behind it."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING
from urllib.parse import quote

from lsprotocol import types

from aiex_lsp.config.settings import HoverSettings
from aiex_lsp.errors import AiexError, NoProviderError, RangeError
from aiex_lsp.llm.types import SilentListener
from aiex_lsp.server import convert, guard
from aiex_lsp.server.consent import ask_once
from aiex_lsp.server.lifecycle import services_of
from aiex_lsp.server.outlines import symbol_at, word_span
from aiex_lsp.server.services import Services
from aiex_lsp.syntax.types import Symbol
from aiex_lsp.tasks.types import TaskRequest
from aiex_lsp.text.snapshot import Snapshot, Span

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

logger = logging.getLogger(__name__)

METHOD = types.TEXT_DOCUMENT_HOVER


def register(server: AiexServer) -> None:
    """Register the method."""
    server.feature(METHOD)(hover)


async def hover(ls: AiexServer, params: types.HoverParams) -> types.Hover | None:
    """Return the explanation of the symbol under the cursor, or one line; never an error."""
    snapshot = ls.documents.get(params.text_document.uri)
    if snapshot is None or "\0" in snapshot.text:
        return None
    loop = asyncio.get_running_loop()
    asked = loop.time()
    try:
        # Before the settings are known, their default is what a hover may hold the editor.
        async with asyncio.timeout(min(ls.limits.start, HoverSettings().wait)):
            services = await services_of(ls)
    except (TimeoutError, AiexError):
        return None
    settings = services.settings_for(ls.documents.folder_of(snapshot.uri))
    if settings.hover.mode == "off" or guard.why_silent(ls, snapshot, settings) is not None:
        return None
    try:
        position = types.Range(params.position, params.position)
        offset = convert.span_of(snapshot, position, ls.client.encoding).start
    except RangeError:
        return None
    until = asked + settings.hover.wait
    outline = await ls.outlines.get(snapshot, until - loop.time())
    if outline is None or not _on_identifier(snapshot, offset):
        return None
    symbol = symbol_at(outline, snapshot.text, offset, offset)
    if symbol is None:
        return None
    request = TaskRequest(
        snapshot=snapshot,
        span=Span(symbol.name_start, symbol.name_end),
        settings=settings,
        workspace=ls.documents.view(),
        symbol=symbol,
    )
    place = _range(ls, snapshot, symbol, offset)
    known = services.tasks.hover_cached(request)
    if known is not None:
        return _shown(ls, convert.hover_markdown(known), place)
    if settings.hover.mode == "cached":
        return _link(ls, snapshot, symbol, place)
    ask_once(ls, services)
    return await _uncached(ls, services, request, symbol, place, until - loop.time())


async def _uncached(
    ls: AiexServer,
    services: Services,
    request: TaskRequest,
    symbol: Symbol,
    place: types.Range,
    wait: float,
) -> types.Hover | None:
    key = (
        request.snapshot.uri,
        symbol.qualified_name,
        request.snapshot.text[symbol.start : symbol.end],
    )
    error = ls.hovers.failure(key)
    if error is None:
        try:
            result = await ls.hovers.wait(
                key, lambda: services.tasks.hover(request, SilentListener()), max(wait, 0.0)
            )
        except Exception as failed:
            if not isinstance(failed, AiexError):
                logger.error("A hover failed by a fault of aiex-lsp", exc_info=failed)
            error = failed
        else:
            if result is not None:
                return _shown(ls, convert.hover_markdown(result), place)
            return _shown(ls, f"aiex: explaining `{symbol.name}`…, hover again", place)
    if isinstance(error, NoProviderError):
        # Said once: a hint on every hover would be a popup of its own.
        if ls.hovers.hinted:
            return None
        ls.hovers.hinted = True
    text = error.user_message() if isinstance(error, AiexError) else "failed inside; see its log"
    return _shown(ls, f"aiex: {text}", place)


def _on_identifier(snapshot: Snapshot, offset: int) -> bool:
    from aiex_lsp.syntax.symbols import identifier_at

    return identifier_at(snapshot.text, snapshot.language_id, offset) is not None


def _shown(ls: AiexServer, markdown: str, place: types.Range) -> types.Hover:
    if ls.client.hover_markdown:
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, markdown), place)
    text = convert.plain(markdown)
    return types.Hover(types.MarkupContent(types.MarkupKind.PlainText, text), place)


def _link(
    ls: AiexServer, snapshot: Snapshot, symbol: Symbol, place: types.Range
) -> types.Hover | None:
    if not (ls.client.command_links and ls.client.hover_markdown):
        return None
    name = convert.range_of(snapshot, Span(symbol.name_start, symbol.name_end), ls.client.encoding)
    argument = {
        "textDocument": {"uri": snapshot.uri},
        "position": {"line": name.start.line, "character": name.start.character},
    }
    target = "command:aiex/explain?" + quote(json.dumps([argument]), safe="")
    return _shown(ls, f"[Explain `{symbol.name}`]({target})", place)


def _range(ls: AiexServer, snapshot: Snapshot, symbol: Symbol, offset: int) -> types.Range:
    """Return the symbol's range, or the word's where it is a use of it elsewhere."""
    span = Span(symbol.start, symbol.end)
    if not span.start <= offset <= span.end:
        span = word_span(snapshot.text, offset)
    return convert.range_of(snapshot, span, ls.client.encoding)
