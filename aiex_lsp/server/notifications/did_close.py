"""`textDocument/didClose`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from aiex_lsp.server.configuration import problems_of

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = types.TEXT_DOCUMENT_DID_CLOSE


def register(server: AiexServer) -> None:
    """Register the method."""
    server.feature(METHOD)(did_close)


def did_close(ls: AiexServer, params: types.DidCloseTextDocumentParams) -> None:
    """Forget the document and take its findings off the editor."""
    close_document(ls, params.text_document.uri)


def close_document(ls: AiexServer, uri: str) -> None:
    """Forget one document; work that is about it goes on with the text it began with."""
    if (snapshot := ls.documents.get(uri)) is not None:
        uri = snapshot.uri
    published = ls.findings.has(uri) or bool(problems_of(ls, uri))
    ls.drafts.forget(uri)
    ls.documents.close(uri)
    ls.findings.clear(uri)
    if published:
        ls.findings.changed(uri)
    ls.outlines.forget(uri)
