"""`aiex/checkHealth`: how each provider is, probed now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiex_lsp.server.lifecycle import services_of
from aiex_lsp.server.messages import ProviderParams
from aiex_lsp.server.routing import add_method

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = "aiex/checkHealth"


def register(server: AiexServer) -> None:
    """Register the method."""
    add_method(server, METHOD, ProviderParams, check_health)


async def check_health(ls: AiexServer, params: ProviderParams) -> Any:
    """Return the status of one provider, or of all, once they were probed."""
    coordination = (await services_of(ls)).coordination
    return [] if coordination is None else await coordination.check_health(params.provider)
