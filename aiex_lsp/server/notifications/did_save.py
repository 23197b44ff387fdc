"""`textDocument/didSave`: a template that was saved is read anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from aiex_lsp.server.background import spawn
from aiex_lsp.server.configuration import problems_of, refresh_templates, reload

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = types.TEXT_DOCUMENT_DID_SAVE


def register(server: AiexServer) -> None:
    """Register the method."""
    server.feature(METHOD)(did_save)


def did_save(ls: AiexServer, params: types.DidSaveTextDocumentParams) -> None:
    """Read templates and the workspace's settings anew where the saved file is one of them."""
    uri = params.text_document.uri
    if uri.endswith(".j2"):
        spawn(ls, refresh_templates(ls))
    elif uri.endswith("/.aiex.toml") or problems_of(ls, uri):
        spawn(ls, reload(ls))
