"""`aiex/selectProvider`: what this session uses; null is back to configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiex_lsp.server import convert
from aiex_lsp.server.lifecycle import services_of
from aiex_lsp.server.messages import SelectProviderParams
from aiex_lsp.server.routing import add_method

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = "aiex/selectProvider"


def register(server: AiexServer) -> None:
    """Register the method."""
    add_method(server, METHOD, SelectProviderParams, select_provider)


async def select_provider(ls: AiexServer, params: SelectProviderParams) -> Any:
    """Return the new selection."""
    services = await services_of(ls)
    selection = services.models.select(params.provider, params.model, params.strategy)
    ls.hovers.forget_failures()
    ls.health.poke()
    return convert.selection_json(selection)
