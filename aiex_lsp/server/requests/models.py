"""`aiex/models`: what each provider has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiex_lsp.server import convert
from aiex_lsp.server.lifecycle import services_of
from aiex_lsp.server.messages import ProviderParams
from aiex_lsp.server.routing import add_method

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = "aiex/models"


def register(server: AiexServer) -> None:
    """Register the method."""
    add_method(server, METHOD, ProviderParams, models)


async def models(ls: AiexServer, params: ProviderParams) -> Any:
    """Return the models of one provider, or of all."""
    services = await services_of(ls)
    return [convert.model_json(model) for model in await services.models.models(params.provider)]
