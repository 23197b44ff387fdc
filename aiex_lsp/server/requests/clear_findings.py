"""`aiex/clearFindings`: take findings off the editor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiex_lsp.server.messages import ClearFindingsParams
from aiex_lsp.server.routing import add_method

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = "aiex/clearFindings"


def register(server: AiexServer) -> None:
    """Register the method."""
    add_method(server, METHOD, ClearFindingsParams, clear_findings)


async def clear_findings(ls: AiexServer, params: ClearFindingsParams) -> None:
    """Clear one document's findings, or all."""
    uri = params.text_document
    if uri is not None and (snapshot := ls.documents.get(uri)) is not None:
        uri = snapshot.uri  # as the editor spells it
    ls.findings.clear(uri)
