"""`aiex/clusterHealth`: who shares the state, and what each server sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiex_lsp.server.lifecycle import services_of
from aiex_lsp.server.messages import NoParams
from aiex_lsp.server.routing import add_method

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = "aiex/clusterHealth"


def register(server: AiexServer) -> None:
    """Register the method."""
    add_method(server, METHOD, NoParams, cluster_health)


async def cluster_health(ls: AiexServer, _params: NoParams) -> Any:
    """Return the backend and its members."""
    coordination = (await services_of(ls)).coordination
    if coordination is None:
        return {"backend": "memory", "members": []}
    return await coordination.cluster_health()
