"""`initialized`: from here on the client may be asked."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from aiex_lsp.errors import AiexError
from aiex_lsp.server import configuration, reloading, show
from aiex_lsp.server.background import spawn
from aiex_lsp.server.lifecycle import services_of

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

METHOD = types.INITIALIZED


def register(server: AiexServer) -> None:
    """Register the method."""
    server.feature(METHOD)(initialized)


def initialized(ls: AiexServer, _params: Any) -> None:
    """Let the log through, watch the settings, and make ready what the first request wants."""
    loop = asyncio.get_running_loop()

    def send(params: types.LogMessageParams) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            loop.call_soon_threadsafe(ls.protocol.tell, types.WINDOW_LOG_MESSAGE, params)

    ls.log_handler.attach(send)
    spawn(ls, _watch_settings(ls))
    spawn(ls, _make_ready(ls))


async def _make_ready(ls: AiexServer) -> None:
    try:
        await configuration.reload(ls)
    except AiexError as error:
        show.show_failure(ls, error)
        return
    services = await services_of(ls)
    await asyncio.to_thread(show.remove_leftovers, services.state_dir)


async def _watch_settings(ls: AiexServer) -> None:
    registrations = []
    if ls.client.register_configuration:
        options = types.DidChangeConfigurationRegistrationOptions(section=configuration.SECTION)
        registrations.append(
            types.Registration(
                "aiex-configuration", types.WORKSPACE_DID_CHANGE_CONFIGURATION, options
            )
        )
    if ls.client.register_watched_files:
        watched = [
            types.FileSystemWatcher(
                one if isinstance(one, str) else types.RelativePattern(one[0].as_uri(), one[1])
            )
            for one in await reloading.watchers(ls)
        ]
        registrations.append(
            types.Registration(
                "aiex-files",
                types.WORKSPACE_DID_CHANGE_WATCHED_FILES,
                types.DidChangeWatchedFilesRegistrationOptions(watchers=watched),
            )
        )
    if registrations:
        params = types.RegistrationParams(registrations)
        try:
            await ls.protocol.ask(types.CLIENT_REGISTER_CAPABILITY, params, ls.limits.client_answer)
        except (TimeoutError, JsonRpcException):
            return
