"""From `initialize` to the end of a connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from aiex_lsp.server import capabilities, parent
from aiex_lsp.server.actions import KINDS
from aiex_lsp.server.background import spawn
from aiex_lsp.server.documents import path_of
from aiex_lsp.server.logging import ROOT
from aiex_lsp.server.services import InitInfo, Services

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

logger = logging.getLogger(__name__)


def initialize(ls: AiexServer, params: Mapping[str, Any]) -> types.InitializeResult:
    """Return what the server can do for this client; everything slow begins afterwards."""
    ls.client = capabilities.read_client(params)
    ls.documents.encoding = ls.client.encoding
    ls.documents.roots = _roots(params)
    options = params.get("initializationOptions")
    settings = options.get("settings") if isinstance(options, Mapping) else None
    info = params.get("clientInfo")
    name = info.get("name") if isinstance(info, Mapping) else None
    ls.init_info = InitInfo(
        roots=ls.documents.roots,
        editor_settings=dict(settings) if isinstance(settings, Mapping) else {},
        client_name=name if isinstance(name, str) else None,
    )
    logging.getLogger(ROOT).addHandler(ls.log_handler)
    process_id = params.get("processId")
    if isinstance(process_id, int) and not isinstance(process_id, bool):
        spawn(ls, _end_with_parent(ls, process_id))
    _start_services(ls)
    return types.InitializeResult(
        capabilities=capabilities.server_capabilities(
            ls.client, version=ls.version, commands=ls.methods, kinds=KINDS
        ),
        server_info=types.ServerInfo(name=ls.name, version=ls.version),
    )


async def services_of(ls: AiexServer) -> Services:
    """Return the services; after a failure to make them they are tried again."""
    task = ls.services
    if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
        from aiex_lsp.server import configuration

        task = _start_services(ls)
        spawn(ls, configuration.reload(ls))
    return await asyncio.shield(task)


async def close(ls: AiexServer) -> None:
    """Return when everything of a connection has ended."""
    logging.getLogger(ROOT).removeHandler(ls.log_handler)
    hovers = ls.hovers.tasks()
    ls.hovers.cancel()
    if hovers:
        await asyncio.wait(hovers, timeout=ls.limits.shutdown)
    await ls.work.cancel_all(ls.limits.shutdown)
    for task in list(ls.background):
        task.cancel()
    if ls.background:
        await asyncio.wait(list(ls.background), timeout=ls.limits.shutdown)
    if ls.services is not None:
        try:
            async with asyncio.timeout(ls.limits.shutdown):
                services = await asyncio.shield(ls.services)
                await services.aclose()
        except Exception:
            logger.warning("The services were not closed in order", exc_info=True)


def uri_path(uri: object) -> Path | None:
    """Return a folder's path of a file uri, None for anything else."""
    return path_of(uri) if isinstance(uri, str) else None


def _start_services(ls: AiexServer) -> asyncio.Task[Services]:
    ls.services = asyncio.create_task(asyncio.to_thread(ls.services_factory, ls.init_info))
    # A failure is told to whoever asks; one that nobody asked for is no news.
    ls.services.add_done_callback(lambda task: task.cancelled() or task.exception())
    return ls.services


async def _end_with_parent(ls: AiexServer, process_id: int) -> None:
    await parent.wait_for_death(process_id)
    logger.warning("The editor (process %d) has ended; so does its server", process_id)
    ls.stopped.set()


def _roots(params: Mapping[str, Any]) -> tuple[Path, ...]:
    folders = params.get("workspaceFolders")
    uris = (
        [f.get("uri") for f in folders if isinstance(f, Mapping)]
        if isinstance(folders, list)
        else []
    )
    if not uris:
        uris = [params.get("rootUri")]
    found = [path for uri in uris if (path := uri_path(uri)) is not None]
    if not found and isinstance(root := params.get("rootPath"), str) and root:
        found = [Path(root)]
    return tuple(dict.fromkeys(found))
