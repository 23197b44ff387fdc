"""`aiex/renderPrompt`: what would be sent; sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiex_lsp.errors import TemplateUseError, UsageError
from aiex_lsp.server import convert, guard
from aiex_lsp.server.diagnostics import reported_in
from aiex_lsp.server.lifecycle import services_of
from aiex_lsp.server.messages import RenderPromptParams
from aiex_lsp.server.places import document_place
from aiex_lsp.server.routing import add_method
from aiex_lsp.tasks.types import TaskRequest

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = "aiex/renderPrompt"

_TASKS = {"generateTests": "generate_tests"}
"""Tasks whose name in the protocol is not their own."""


def register(server: AiexServer) -> None:
    """Register the method."""
    add_method(server, METHOD, RenderPromptParams, render_prompt)


async def render_prompt(ls: AiexServer, params: RenderPromptParams) -> Any:
    """Return the messages, their tokens, price and redactions."""
    if (params.task is None) == (params.template is None):
        raise UsageError("Name one of `task` and `template`")
    at = document_place(ls, params)
    services = await services_of(ls)
    settings = services.settings_for(ls.documents.folder_of(at.snapshot.uri))
    guard.ensure_at_work(ls, at.snapshot, settings)
    options = {
        "task": _TASKS.get(params.task, params.task) if params.task else None,
        "template": params.template,
        "variables": params.variables,
        "level": params.level,
        "analysis_type": params.analysis_type,
        "framework": params.framework,
        "instruction": params.instruction,
        "answer_id": params.answer_id,
        "question": params.question,
    }
    request = TaskRequest(
        snapshot=at.snapshot,
        span=at.span,
        settings=settings,
        workspace=ls.documents.view(),
        diagnostics=await reported_in(ls, at.snapshot, params.reported, settings),
        provider=params.provider,
        model=params.model,
        strategy=params.strategy,
        options={key: value for key, value in options.items() if value is not None},
    )
    try:
        return convert.prompt_json(await services.tasks.render_prompt(request))
    except TemplateUseError as error:
        if params.template is None:
            raise
        raise UsageError(error.what, error.next_step) from error
