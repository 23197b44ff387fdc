"""`aiex/run`: any registered template; the result is that of its response type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiex_lsp.errors import TemplateUseError, UsageError
from aiex_lsp.llm.types import Listener
from aiex_lsp.server.messages import RunParams
from aiex_lsp.server.places import document_place
from aiex_lsp.server.routing import add_task
from aiex_lsp.server.work import TaskMethod
from aiex_lsp.tasks.types import TaskRequest, TaskResult

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer
    from aiex_lsp.tasks.service import Tasks

METHOD = "aiex/run"


def register(server: AiexServer) -> None:
    """Register the method."""
    add_task(
        server,
        TaskMethod(
            name=METHOD,
            params=RunParams,
            verb="Run on",
            call=_run,
            place=document_place,
            options=lambda params: {"template": params.template, "variables": params.variables},
            verb_of=_title,
        ),
    )


async def _run(tasks: Tasks, request: TaskRequest, listener: Listener) -> TaskResult:
    """Return the result; a template or variable there is not is a wrong parameter."""
    try:
        return await tasks.run(request, listener)
    except TemplateUseError as error:
        raise UsageError(error.what, error.next_step) from error


def _title(ls: AiexServer, params: RunParams) -> str | None:
    for template in ls.templates:
        if template.id == params.template:
            return f"{template.title or template.name}:"
    return None
