"""Bytes in and out: stdio and TCP. The event loop never waits for a slow editor."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import queue
import re
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from aiex_lsp.server import lifecycle
from aiex_lsp.server.protocol import PARSE_ERROR

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

logger = logging.getLogger(__name__)

_CHUNK = 1 << 16
_LENGTH = re.compile(rb"content-length[ \t]*:[ \t]*(\d{1,15})\s*$", re.IGNORECASE)
"""At the end of a line: after a message of wrong length its rest stands before the next header."""

_FLUSH = 2.0
"""Seconds the last messages have to leave."""


class Writer(Protocol):
    """Where messages go; `write` returns at once."""

    def write(self, data: bytes) -> None:
        """Send bytes."""

    def close(self) -> None:
        """Flush and close."""


async def serve(ls: AiexServer, reader: asyncio.StreamReader, writer: Writer) -> int:
    """Return the exit status when the connection has ended: by `exit`, by its end, or by us.

    0 after a shutdown: some clients close their end then without saying `exit`.
    """
    ls.log_handler.begin()
    ls.protocol.set_writer(writer)
    reading = asyncio.create_task(_read_messages(ls, reader))
    stopping = asyncio.create_task(ls.stopped.wait())
    try:
        await asyncio.wait({reading, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (reading, stopping):
            task.cancel()
        await asyncio.gather(reading, stopping, return_exceptions=True)
        await lifecycle.close(ls)
        writer.close()
    if ls.exit_code is not None:
        return ls.exit_code
    return 0 if ls.protocol.shut_down else 1


async def stdio(ls: AiexServer) -> int:
    """Return the exit status of a server on this process's standard input and output.

    Both are taken over: what anything else prints goes to stderr.
    """
    source, sink = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    sys.stdout = sys.stderr
    if sys.platform == "win32":
        import msvcrt

        for descriptor in (source, sink):
            msvcrt.setmode(descriptor, os.O_BINARY)
    reader = asyncio.StreamReader(limit=_CHUNK)
    _feed(reader, source)
    return await serve(ls, reader, PipeWriter(sink))


async def accept(
    ls_factory: Callable[[], AiexServer],
    host: str,
    port: int,
    listening: Callable[[str, int], None] = lambda _host, _port: None,
) -> None:
    """Serve any number of editors, each with a server of its own, until cancelled.

    `listening` is told the address once connections are taken; port 0 is any free one.
    """

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(ls_factory(), reader, writer)
        except ConnectionError:
            logger.info("An editor went away")

    server = await asyncio.start_server(connected, host, port)
    async with server:
        address = server.sockets[0].getsockname()
        listening(address[0], address[1])
        await server.serve_forever()


class PipeWriter:
    """Writes to a descriptor in a thread, in order."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="aiex-stdout", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Queue bytes."""
        self._queue.put(data)

    def close(self) -> None:
        """Write what is queued, waiting a moment at most."""
        self._queue.put(None)
        self._thread.join(_FLUSH)

    def _run(self) -> None:
        while (data := self._queue.get()) is not None:
            view = memoryview(data)
            while view:
                try:
                    view = view[os.write(self._descriptor, view) :]
                except OSError:
                    return


def _feed(reader: asyncio.StreamReader, descriptor: int) -> None:
    """Feed a descriptor's bytes to `reader` by a thread that never holds up the process's end."""
    loop = asyncio.get_running_loop()

    def run() -> None:
        while True:
            try:
                data = os.read(descriptor, _CHUNK)
            except OSError:
                data = b""
            try:
                if not data:
                    loop.call_soon_threadsafe(reader.feed_eof)
                    return
                loop.call_soon_threadsafe(reader.feed_data, data)
            except RuntimeError:  # the loop is closed
                return

    threading.Thread(target=run, name="aiex-stdin", daemon=True).start()


async def _read_messages(ls: AiexServer, reader: asyncio.StreamReader) -> None:
    while True:
        length = await _content_length(reader)
        if length is None:
            return
        try:
            body = await reader.readexactly(length)
        except asyncio.IncompleteReadError:
            return
        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            ls.protocol.refuse(None, PARSE_ERROR, "Not JSON")
            continue
        try:
            ls.protocol.handle_message(message)
        except Exception:
            logger.exception("A message could not be handled")
        # What came in one read is handled in its order: a request takes the document as it is
        # now, and is known by its tokens, before the next message changes the one or cancels it.
        await asyncio.sleep(0)


async def _content_length(reader: asyncio.StreamReader) -> int | None:
    """Return the length of the next message, None at the end of the stream."""
    length = None
    while True:
        try:
            line = await reader.readline()
        except (ValueError, ConnectionError):
            return None
        if not line:
            return None
        if (found := _LENGTH.search(line)) is not None:
            length = int(found[1])
        elif not line.strip() and length is not None:
            return length
