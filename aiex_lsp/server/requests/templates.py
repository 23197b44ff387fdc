"""`aiex/templates`: the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiex_lsp.server import convert
from aiex_lsp.server.configuration import refresh_templates
from aiex_lsp.server.messages import NoParams
from aiex_lsp.server.routing import add_method

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = "aiex/templates"


def register(server: AiexServer) -> None:
    """Register the method."""
    add_method(server, METHOD, NoParams, templates)


async def templates(ls: AiexServer, _params: NoParams) -> Any:
    """Return every template, read anew."""
    await refresh_templates(ls)
    return [convert.template_json(template) for template in ls.templates]
