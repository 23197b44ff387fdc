"""`textDocument/didChange`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lsprotocol import types

from aiex_lsp.server.documents import splices
from aiex_lsp.server.drafts import edited

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = types.TEXT_DOCUMENT_DID_CHANGE


def register(server: AiexServer) -> None:
    """Register the method."""
    server.feature(METHOD)(did_change)


def did_change(ls: AiexServer, params: types.DidChangeTextDocumentParams) -> None:
    """Take over the changes."""
    change_document(ls, params.text_document, params.content_changes)


def change_document(
    ls: AiexServer,
    document: types.VersionedTextDocumentIdentifier,
    changes: Sequence[types.TextDocumentContentChangeEvent],
) -> None:
    """Change one document and move its findings along."""
    before = ls.documents.get(document.uri)
    if before is None:
        return
    uri = before.uri
    moved = splices(before, changes, ls.client.encoding) if ls.findings.has(uri) else []
    ls.documents.change(uri, changes, document.version)
    ls.findings.edit(uri, moved)
    edited(ls, uri)
