"""`notebookDocument/didOpen`: each cell is a document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from aiex_lsp.server.notifications.did_open import open_document

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = types.NOTEBOOK_DOCUMENT_DID_OPEN


def register(server: AiexServer) -> None:
    """Register the method."""
    server.feature(METHOD)(notebook_did_open)


def notebook_did_open(ls: AiexServer, params: types.DidOpenNotebookDocumentParams) -> None:
    """Keep the cells."""
    for cell in params.cell_text_documents:
        open_document(ls, cell)
