"""`textDocument/didSave`: configuration and templates that were saved are read anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from aiex_lsp.server.configuration import problems_of
from aiex_lsp.server.reloading import Change, change_of, changed, look

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = types.TEXT_DOCUMENT_DID_SAVE


def register(server: AiexServer) -> None:
    """Register the method."""
    server.feature(METHOD)(did_save)


def did_save(ls: AiexServer, params: types.DidSaveTextDocumentParams) -> None:
    """Read anew what was saved where it is one of the user's own files."""
    uri = params.text_document.uri
    what = change_of(ls, uri)
    if what is Change.NONE and problems_of(ls, uri):
        what = Change.SETTINGS
    if uri in ls.drafts.unsaved:
        ls.drafts.forget(uri)
        ls.findings.changed(uri)
    changed(ls, what)
    look(ls)
