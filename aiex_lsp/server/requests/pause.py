"""`aiex/pause`: nothing is offered and no model asked until it is resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiex_lsp.server.messages import PauseParams
from aiex_lsp.server.routing import add_method

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = "aiex/pause"


def register(server: AiexServer) -> None:
    """Register the method."""
    add_method(server, METHOD, PauseParams, pause)


async def pause(ls: AiexServer, params: PauseParams) -> Any:
    """Return whether aiex is paused by now; hover calls under way end, asked work goes on."""
    if params.paused is not None:
        ls.paused = params.paused
        if ls.paused:
            ls.hovers.cancel()
    return {"paused": ls.paused}
