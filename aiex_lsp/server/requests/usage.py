"""`aiex/usage`: requests, success rate, latency, tokens, cost and errors over days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiex_lsp.server.lifecycle import services_of
from aiex_lsp.server.messages import UsageParams
from aiex_lsp.server.routing import add_method

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = "aiex/usage"


def register(server: AiexServer) -> None:
    """Register the method."""
    add_method(server, METHOD, UsageParams, usage)


async def usage(ls: AiexServer, params: UsageParams) -> Any:
    """Return what was asked of each provider and how it went."""
    return await (await services_of(ls)).usage(params.days)
