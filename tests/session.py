"""A real server in this process, joined to a test's editor by a pair of streams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiex_lsp.server.create import create_server
from aiex_lsp.server.outlines import Build, Outlines
from aiex_lsp.server.server import AiexServer, Limits
from aiex_lsp.server.transport import serve
from tests.editor import Editor
from tests.scripted import World

QUICK = Limits(
    client_answer=0.3,
    apply_edit=0.3,
    edit_seen=0.05,
    confirmed_edit=0.3,
    question=0.3,
    start=0.3,
    apart=0.0,
    progress_interval=0.0,
    delta_interval=0.0,
    view_interval=0.0,
    health_interval=0.0,
    shutdown=1.0,
)


class Session(Editor):
    """An editor with the server it talks to at hand."""

    server: AiexServer
    status: asyncio.Task[int]


class _ToEditor:
    """The server's way out: frames back to messages."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._loop = asyncio.get_running_loop()

    def write(self, data: bytes) -> None:
        head, _, body = data.partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}".encode() in head
        self._loop.call_soon(self._editor.take, json.loads(body))

    def close(self) -> None:
        return None


@asynccontextmanager
async def connected(
    world: World,
    capabilities: dict[str, Any],
    *,
    limits: Limits = QUICK,
    build: Build | None = None,
) -> AsyncIterator[Session]:
    """Yield an editor connected to a server, not initialized yet."""
    reader = asyncio.StreamReader()
    editor = Session(capabilities, reader.feed_data)
    editor.server = create_server(world.services, limits)
    if build is not None:
        editor.server.outlines = Outlines(build)
    editor.status = asyncio.create_task(serve(editor.server, reader, _ToEditor(editor)))
    try:
        yield editor
    finally:
        reader.feed_eof()
        async with asyncio.timeout(5):
            await editor.status


@asynccontextmanager
async def session(
    world: World,
    capabilities: dict[str, Any],
    *,
    root: Path | None = None,
    options: Any = None,
    limits: Limits = QUICK,
    build: Build | None = None,
) -> AsyncIterator[Session]:
    """Yield an editor whose server is initialized."""
    async with connected(world, capabilities, limits=limits, build=build) as editor:
        await editor.initialize(root, options)
        await editor.until(lambda: world.configured)
        yield editor
