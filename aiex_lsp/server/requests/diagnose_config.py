"""`aiex/diagnoseConfig`: what `aiex-lsp doctor --json` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiex_lsp.server.lifecycle import services_of
from aiex_lsp.server.messages import NoParams
from aiex_lsp.server.routing import add_method

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = "aiex/diagnoseConfig"


def register(server: AiexServer) -> None:
    """Register the method."""
    add_method(server, METHOD, NoParams, diagnose_config)


async def diagnose_config(ls: AiexServer, _params: NoParams) -> Any:
    """Return every check with its remedy."""
    coordination = (await services_of(ls)).coordination
    if coordination is None:
        return {"ok": True, "checks": []}
    return await coordination.diagnose()
