"""`aiex/run`: any registered template; the result is that of its response type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiex_lsp.server.messages import RunParams
from aiex_lsp.server.places import document_place
from aiex_lsp.server.routing import add_task
from aiex_lsp.server.work import TaskMethod

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = "aiex/run"


def register(server: AiexServer) -> None:
    """Register the method."""
    add_task(
        server,
        TaskMethod(
            name=METHOD,
            params=RunParams,
            verb="Run on",
            call=lambda tasks, request, listener: tasks.run(request, listener),
            place=document_place,
            options=lambda params: {"template": params.template, "variables": params.variables},
            verb_of=_title,
        ),
    )


def _title(ls: AiexServer, params: RunParams) -> str | None:
    for template in ls.templates:
        if template.id == params.template:
            return f"{template.title or template.name}:"
    return None
