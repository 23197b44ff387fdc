"""`aiex/explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiex_lsp.server.messages import ExplainParams
from aiex_lsp.server.places import document_place
from aiex_lsp.server.routing import add_task
from aiex_lsp.server.work import TaskMethod

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = "aiex/explain"


def register(server: AiexServer) -> None:
    """Register the method."""
    add_task(
        server,
        TaskMethod(
            name=METHOD,
            params=ExplainParams,
            verb="Explain",
            call=lambda tasks, request, listener: tasks.explain(request, listener),
            place=document_place,
            options=lambda params: {"level": params.level},
        ),
    )
