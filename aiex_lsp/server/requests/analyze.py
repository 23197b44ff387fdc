"""`aiex/analyze`: a review; its findings are published as diagnostics too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiex_lsp.server.messages import AnalyzeParams
from aiex_lsp.server.places import document_place
from aiex_lsp.server.routing import add_task
from aiex_lsp.server.work import TaskMethod

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = "aiex/analyze"


def register(server: AiexServer) -> None:
    """Register the method."""
    add_task(
        server,
        TaskMethod(
            name=METHOD,
            params=AnalyzeParams,
            verb="Analyze",
            call=lambda tasks, request, listener: tasks.analyze(request, listener),
            place=document_place,
            options=lambda params: {"analysis_type": params.analysis_type},
        ),
    )
