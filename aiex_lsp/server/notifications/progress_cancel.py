"""`window/workDoneProgress/cancel`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = types.WINDOW_WORK_DONE_PROGRESS_CANCEL


def register(server: AiexServer) -> None:
    """Register the method."""
    server.feature(METHOD)(progress_cancel)


def progress_cancel(ls: AiexServer, params: types.WorkDoneProgressCancelParams) -> None:
    """Stop the work of a progress."""
    ls.work.cancel(("token", params.token))
