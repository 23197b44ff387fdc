"""`notebookDocument/didClose`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from aiex_lsp.server.notifications.did_close import close_document

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = types.NOTEBOOK_DOCUMENT_DID_CLOSE


def register(server: AiexServer) -> None:
    """Register the method."""
    server.feature(METHOD)(notebook_did_close)


def notebook_did_close(ls: AiexServer, params: types.DidCloseNotebookDocumentParams) -> None:
    """Forget the cells."""
    for cell in params.cell_text_documents:
        close_document(ls, cell.uri)
