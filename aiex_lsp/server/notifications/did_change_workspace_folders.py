"""`workspace/didChangeWorkspaceFolders`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from aiex_lsp.server.background import spawn
from aiex_lsp.server.configuration import reload
from aiex_lsp.server.documents import path_of

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS


def register(server: AiexServer) -> None:
    """Register the method."""
    server.feature(METHOD)(did_change_workspace_folders)


def did_change_workspace_folders(
    ls: AiexServer, params: types.DidChangeWorkspaceFoldersParams
) -> None:
    """Take over the folders and read their settings."""
    removed = {path_of(folder.uri) for folder in params.event.removed}
    added = [path for folder in params.event.added if (path := path_of(folder.uri)) is not None]
    kept = [root for root in ls.documents.roots if root not in removed]
    ls.documents.roots = tuple(dict.fromkeys([*kept, *added]))
    spawn(ls, reload(ls))
