"""`workspace/didChangeWatchedFiles`: the workspace's `.aiex.toml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from aiex_lsp.server.background import spawn
from aiex_lsp.server.configuration import reload

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = types.WORKSPACE_DID_CHANGE_WATCHED_FILES


def register(server: AiexServer) -> None:
    """Register the method."""
    server.feature(METHOD)(did_change_watched_files)


def did_change_watched_files(ls: AiexServer, params: types.DidChangeWatchedFilesParams) -> None:
    """Read the settings anew."""
    if any(change.uri.endswith("/.aiex.toml") for change in params.changes):
        spawn(ls, reload(ls))
