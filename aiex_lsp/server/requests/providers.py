"""`aiex/providers`: how each provider is, as far as it is known without asking it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiex_lsp.server.lifecycle import services_of
from aiex_lsp.server.messages import NoParams
from aiex_lsp.server.routing import add_method

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = "aiex/providers"


def register(server: AiexServer) -> None:
    """Register the method."""
    add_method(server, METHOD, NoParams, providers)


async def providers(ls: AiexServer, _params: NoParams) -> Any:
    """Return the status of every provider that is switched on."""
    coordination = (await services_of(ls)).coordination
    return [] if coordination is None else await coordination.providers()
