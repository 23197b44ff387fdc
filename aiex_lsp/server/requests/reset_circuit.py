"""`aiex/resetCircuit`: let a provider be asked again at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiex_lsp.server.lifecycle import services_of
from aiex_lsp.server.messages import ResetCircuitParams
from aiex_lsp.server.routing import add_method

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = "aiex/resetCircuit"


def register(server: AiexServer) -> None:
    """Register the method."""
    add_method(server, METHOD, ResetCircuitParams, reset_circuit)


async def reset_circuit(ls: AiexServer, params: ResetCircuitParams) -> Any:
    """Return the status of a provider whose circuits were closed."""
    coordination = (await services_of(ls)).coordination
    return None if coordination is None else await coordination.reset_circuit(params.provider)
