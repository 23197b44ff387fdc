"""A language's own server, as far as a neighbour notices: it answers everything in 50 ms.

It counts columns in utf-16 units, as most servers do, whatever its client prefers. Run as a
program on stdin and stdout: `python tests/editors/beside_server.py`.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, default_converter
from pygls.protocol.language_server import lsp_method

DELAY = 0.05
"""Seconds each answer takes."""

WRONG = "discount"
"""The word it reports, renames and mends."""


class Utf16(LanguageServerProtocol):
    """The protocol without a choice of encodings."""

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Any:
        """Answer as if the client had no preference."""
        params.capabilities.general = None
        return (yield from super().lsp_initialize(params))


def other() -> LanguageServer:
    """Return the server."""
    server = LanguageServer("other", "1", protocol_cls=Utf16, converter_factory=default_converter)
    _language(server)
    _marks(server)
    _changes(server)

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(ls: LanguageServer, params: types.DidOpenTextDocumentParams) -> None:
        await _report(ls, params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(ls: LanguageServer, params: types.DidChangeTextDocumentParams) -> None:
        await _report(ls, params.text_document.uri)

    return server


def _language(server: LanguageServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(_ls: LanguageServer, _params: types.HoverParams) -> types.Hover:
        await asyncio.sleep(DELAY)
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, "other: a function"))

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=["."])
    )
    async def completion(
        _ls: LanguageServer, _params: types.CompletionParams
    ) -> list[types.CompletionItem]:
        await asyncio.sleep(DELAY)
        return [types.CompletionItem(name) for name in ("other_one", "other_two")]

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def definition(
        _ls: LanguageServer, params: types.DefinitionParams
    ) -> list[types.Location]:
        await asyncio.sleep(DELAY)
        return [types.Location(params.text_document.uri, _range(0, 0, 0))]


def _marks(server: LanguageServer) -> None:
    """Register what shows at the words it knows: tokens, hints, highlights, help, symbols."""
    legend = types.SemanticTokensLegend(["parameter"], ["readonly"])

    @server.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, legend)
    async def tokens(ls: LanguageServer, params: Any) -> types.SemanticTokens:
        await asyncio.sleep(DELAY)
        data, line, column = [], 0, 0
        for place in _places(ls, params.text_document.uri):
            start, length = place.start, place.end.character - place.start.character
            ahead = start.character - (column if start.line == line else 0)
            data += [start.line - line, ahead, length, 0, 1]
            line, column = start.line, start.character
        return types.SemanticTokens(data)

    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    async def hints(ls: LanguageServer, params: types.InlayHintParams) -> list[types.InlayHint]:
        await asyncio.sleep(DELAY)
        return [types.InlayHint(p.end, ": other") for p in _places(ls, params.text_document.uri)]

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    async def highlight(
        ls: LanguageServer, params: types.DocumentHighlightParams
    ) -> list[types.DocumentHighlight]:
        await asyncio.sleep(DELAY)
        return [types.DocumentHighlight(p) for p in _places(ls, params.text_document.uri)]

    @server.feature(
        types.TEXT_DOCUMENT_SIGNATURE_HELP, types.SignatureHelpOptions(trigger_characters=["("])
    )
    async def help_(_ls: LanguageServer, _params: types.SignatureHelpParams) -> types.SignatureHelp:
        await asyncio.sleep(DELAY)
        return types.SignatureHelp([types.SignatureInformation("other(prices, discount)")])

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def symbols(
        ls: LanguageServer, params: types.DocumentSymbolParams
    ) -> list[types.DocumentSymbol]:
        await asyncio.sleep(DELAY)
        place = _places(ls, params.text_document.uri)[0]
        return [types.DocumentSymbol("other_symbol", types.SymbolKind.Function, place, place)]


def _changes(server: LanguageServer) -> None:
    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix]),
    )
    async def actions(ls: LanguageServer, params: types.CodeActionParams) -> list[types.CodeAction]:
        await asyncio.sleep(DELAY)
        mine = [d for d in params.context.diagnostics if d.source == "other"]
        return [
            types.CodeAction(
                "Other: spell it out",
                kind=types.CodeActionKind.QuickFix,
                diagnostics=mine,
                is_preferred=True,
                edit=_renamed(ls, params.text_document.uri, "price_reduction"),
            )
        ][: len(mine)]

    @server.feature(types.TEXT_DOCUMENT_RENAME)
    async def rename(ls: LanguageServer, params: types.RenameParams) -> types.WorkspaceEdit:
        await asyncio.sleep(DELAY)
        return _renamed(ls, params.text_document.uri, params.new_name)

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    async def formatting(
        _ls: LanguageServer, _params: types.DocumentFormattingParams
    ) -> list[types.TextEdit]:
        await asyncio.sleep(DELAY)
        return [types.TextEdit(_range(0, 0, 0), "# formatted by other\n")]


async def _report(ls: LanguageServer, uri: str) -> None:
    await asyncio.sleep(DELAY)
    found = [
        types.Diagnostic(
            place, "Too short a word", types.DiagnosticSeverity.Warning, source="other"
        )
        for place in _places(ls, uri)[:1]
    ]
    ls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found))


def _renamed(ls: LanguageServer, uri: str, name: str) -> types.WorkspaceEdit:
    return types.WorkspaceEdit({uri: [types.TextEdit(place, name) for place in _places(ls, uri)]})


def _places(ls: LanguageServer, uri: str) -> list[types.Range]:
    lines = ls.workspace.get_text_document(uri).lines

    def column(line: str, index: int) -> int:
        return len(line[:index].encode("utf-16-le")) // 2

    return [
        _range(number, column(line, found.start()), column(line, found.end()))
        for number, line in enumerate(lines)
        for found in re.finditer(rf"\b{WRONG}\b", line)
    ]


def _range(line: int, start: int, end: int) -> types.Range:
    return types.Range(types.Position(line, start), types.Position(line, end))


if __name__ == "__main__":
    other().start_io()
