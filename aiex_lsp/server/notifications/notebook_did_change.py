"""`notebookDocument/didChange`: cells that come, go and change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from aiex_lsp.server.notifications.did_change import change_document
from aiex_lsp.server.notifications.did_close import close_document
from aiex_lsp.server.notifications.did_open import open_document

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = types.NOTEBOOK_DOCUMENT_DID_CHANGE


def register(server: AiexServer) -> None:
    """Register the method."""
    server.feature(METHOD)(notebook_did_change)


def notebook_did_change(ls: AiexServer, params: types.DidChangeNotebookDocumentParams) -> None:
    """Take over the cells' changes."""
    cells = params.change.cells
    if cells is None:
        return
    if cells.structure is not None:
        # A cell that changes its language is closed and opened in one change.
        for closed in cells.structure.did_close or ():
            close_document(ls, closed.uri)
        for opened in cells.structure.did_open or ():
            open_document(ls, opened)
    for content in cells.text_content or ():
        change_document(ls, content.document, content.changes)
