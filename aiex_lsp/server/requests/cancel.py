"""`aiex/cancel`: stop work by a command's id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiex_lsp.server.messages import CancelParams
from aiex_lsp.server.routing import add_method

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = "aiex/cancel"


def register(server: AiexServer) -> None:
    """Register the method."""
    add_method(server, METHOD, CancelParams, cancel)


async def cancel(ls: AiexServer, params: CancelParams) -> Any:
    """Return whether there was such work; a request's own id is taken too."""
    cancelled = ls.work.cancel(("id", params.id)) or ls.work.cancel(("request", params.id))
    return {"cancelled": cancelled}
