"""`workspace/didChangeConfiguration`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from aiex_lsp.server.background import spawn
from aiex_lsp.server.configuration import reload

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = types.WORKSPACE_DID_CHANGE_CONFIGURATION


def register(server: AiexServer) -> None:
    """Register the method."""
    server.feature(METHOD)(did_change_configuration)


def did_change_configuration(ls: AiexServer, params: types.DidChangeConfigurationParams) -> None:
    """Ask for the section again; clients that cannot be asked send it along."""
    spawn(ls, reload(ls, params.settings))
