"""`workspace/didChangeWatchedFiles`: configuration and templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from aiex_lsp.server.reloading import Change, change_of, changed

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = types.WORKSPACE_DID_CHANGE_WATCHED_FILES


def register(server: AiexServer) -> None:
    """Register the method."""
    server.feature(METHOD)(did_change_watched_files)


def did_change_watched_files(ls: AiexServer, params: types.DidChangeWatchedFilesParams) -> None:
    """Read anew what has changed."""
    changed(ls, max((change_of(ls, one.uri) for one in params.changes), default=Change.NONE))
