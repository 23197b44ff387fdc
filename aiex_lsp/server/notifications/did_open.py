"""`textDocument/didOpen`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from aiex_lsp.server.background import spawn
from aiex_lsp.server.configuration import problems_of

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = types.TEXT_DOCUMENT_DID_OPEN


def register(server: AiexServer) -> None:
    """Register the method."""
    server.feature(METHOD)(did_open)


def did_open(ls: AiexServer, params: types.DidOpenTextDocumentParams) -> None:
    """Keep the document and begin its outline."""
    open_document(ls, params.text_document)


def open_document(ls: AiexServer, item: types.TextDocumentItem) -> None:
    """Keep one document; whatever was known under its uri is gone."""
    ls.findings.clear(item.uri)
    snapshot = ls.documents.open(item.uri, item.text, str(item.language_id), item.version)

    if problems_of(ls, item.uri):
        ls.findings.changed(item.uri)

    async def parse() -> None:
        await ls.outlines.get(snapshot)

    spawn(ls, parse())
