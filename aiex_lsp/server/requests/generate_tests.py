"""`aiex/generateTests`: tests as an edit of the right file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiex_lsp.server.messages import GenerateTestsParams
from aiex_lsp.server.places import document_place
from aiex_lsp.server.routing import add_task
from aiex_lsp.server.work import TaskMethod

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = "aiex/generateTests"


def register(server: AiexServer) -> None:
    """Register the method."""
    add_task(
        server,
        TaskMethod(
            name=METHOD,
            params=GenerateTestsParams,
            verb="Generate tests for",
            call=lambda tasks, request, listener: tasks.generate_tests(request, listener),
            place=document_place,
            options=lambda params: {"framework": params.framework},
            shows=False,
        ),
    )
