"""`aiex/fix`: an edit that takes away what one diagnostic reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiex_lsp.server.messages import FixParams
from aiex_lsp.server.places import reported_place
from aiex_lsp.server.routing import add_task
from aiex_lsp.server.work import TaskMethod

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = "aiex/fix"


def register(server: AiexServer) -> None:
    """Register the method."""
    add_task(
        server,
        TaskMethod(
            name=METHOD,
            params=FixParams,
            verb="Fix",
            call=lambda tasks, request, listener: tasks.fix(request, listener),
            place=reported_place,
            options=lambda _params: {},
            shows=False,
            edits_document=True,
        ),
    )
