"""`$/setTrace`: taken without effect; the log level is the server's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = types.SET_TRACE


def register(server: AiexServer) -> None:
    """Register the method."""
    server.feature(METHOD)(set_trace)


def set_trace(ls: AiexServer, _params: types.SetTraceParams) -> None:
    """Do nothing."""
