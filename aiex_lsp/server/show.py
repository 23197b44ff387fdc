"""How a text reaches the user: by the best way this client has."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from aiex_lsp.errors import AiexError, DisabledError, EditError
from aiex_lsp.server import convert
from aiex_lsp.server.parent import alive
from aiex_lsp.server.protocol import internal_error

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

logger = logging.getLogger(__name__)

_FOLDER = "shown"


def show_view(ls: AiexServer, view_id: str, title: str, markdown: str, *, final: bool) -> None:
    """Send `aiex/showMarkdown`; the same id replaces what it showed."""
    ls.protocol.tell(
        "aiex/showMarkdown",
        {"id": view_id, "title": title, "markdown": markdown, "final": final},
    )


async def show_markdown(
    ls: AiexServer, folder: Path, view_id: str, title: str, markdown: str
) -> None:
    """Show a finished text: as a view, else as a document, else as a message."""
    if ls.client.show_markdown:
        show_view(ls, view_id, title, markdown, final=True)
        return
    if ls.client.show_document:
        path = await asyncio.to_thread(_write, folder / _FOLDER / str(os.getpid()), title, markdown)
        if await show_document(ls, path.as_uri()):
            return
    show_message(ls, convert.plain(markdown))


async def show_document(ls: AiexServer, uri: str) -> bool:
    """Return whether the client showed a document, without taking the focus."""
    params = types.ShowDocumentParams(uri=uri, external=False, take_focus=False)
    try:
        answer = await ls.protocol.ask(types.WINDOW_SHOW_DOCUMENT, params, ls.limits.client_answer)
    except (TimeoutError, JsonRpcException):
        return False
    return isinstance(answer, dict) and answer.get("success") is True


def show_message(
    ls: AiexServer, message: str, kind: types.MessageType = types.MessageType.Info
) -> None:
    """Send `window/showMessage`."""
    ls.protocol.tell(types.WINDOW_SHOW_MESSAGE, types.ShowMessageParams(kind, message))


def show_failure(ls: AiexServer, error: Exception) -> None:
    """Tell the user of a failure in one message of at most 200 characters."""
    if isinstance(error, AiexError):
        mild = isinstance(error, DisabledError | EditError)
        kind = types.MessageType.Warning if mild else types.MessageType.Error
        show_message(ls, error.user_message(), kind)
        return
    logger.error("Work failed by a fault of aiex-lsp", exc_info=error)
    show_message(ls, internal_error(error), types.MessageType.Error)


def remove_leftovers(folder: Path) -> None:
    """Remove the texts that servers which have ended wrote to be shown."""
    for left in (folder / _FOLDER).glob("*"):
        if not (left.name.isdigit() and alive(int(left.name))):
            shutil.rmtree(left, ignore_errors=True)


def _write(folder: Path, title: str, markdown: str) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    stem = re.sub(r"[^\w.-]+", "-", title).strip("-.")[:60] or "answer"
    for count in range(1, 10_000):
        path = folder / (f"{stem}.md" if count == 1 else f"{stem}-{count}.md")
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"# {title}\n\n{markdown}")
        return path
    raise EditError(f"No name is left for a text in {folder}", "Remove the files there")
