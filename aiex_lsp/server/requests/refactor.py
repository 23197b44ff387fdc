"""`aiex/refactor`: better code in place of a selection or symbol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiex_lsp.server.messages import InstructedParams
from aiex_lsp.server.places import document_place
from aiex_lsp.server.routing import add_task
from aiex_lsp.server.work import TaskMethod

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = "aiex/refactor"


def register(server: AiexServer) -> None:
    """Register the method."""
    add_task(
        server,
        TaskMethod(
            name=METHOD,
            params=InstructedParams,
            verb="Refactor",
            call=lambda tasks, request, listener: tasks.refactor(request, listener),
            place=document_place,
            options=lambda params: {"instruction": params.instruction},
            shows=False,
            edits_document=True,
        ),
    )
