"""`aiex/followUp`: a question about an earlier answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiex_lsp.server.messages import FollowUpParams
from aiex_lsp.server.places import answered_place
from aiex_lsp.server.routing import add_task
from aiex_lsp.server.work import TaskMethod

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = "aiex/followUp"


def register(server: AiexServer) -> None:
    """Register the method."""
    add_task(
        server,
        TaskMethod(
            name=METHOD,
            params=FollowUpParams,
            verb="Question about",
            call=lambda tasks, request, listener: tasks.follow_up(request, listener),
            place=answered_place,
            options=lambda params: {"answer_id": params.answer_id, "question": params.question},
        ),
    )
