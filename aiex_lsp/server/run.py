"""What `aiex-lsp serve` calls: a server on stdio, or on a TCP address."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading

from aiex_lsp.server.create import create_server
from aiex_lsp.server.logging import log_unhandled, set_up_logging
from aiex_lsp.server.services import ServicesFactory
from aiex_lsp.server.stderr import stderr_aside
from aiex_lsp.server.transport import accept, stdio

_LAST = 3.0
"""Seconds that threads (a model that loads, a parse) may hold up the end of the process."""


def _prefix() -> str:
    """Return what begins the ids of this process: those of the next one are others."""
    return f"aiex-{os.getpid():x}"


def serve_stdio(services_factory: ServicesFactory, log_level: str = "WARNING") -> int:
    """Return the exit status when the editor has left: 0 after shutdown and exit, else 1."""

    async def main() -> int:
        asyncio.get_running_loop().set_exception_handler(log_unhandled)
        status = await stdio(create_server(services_factory, prefix=_prefix()))
        last = threading.Timer(_LAST, os._exit, (status,))
        last.daemon = True
        last.start()
        return status

    with stderr_aside():
        set_up_logging(log_level)
        return asyncio.run(main())


def serve_tcp(
    services_factory: ServicesFactory, host: str, port: int, log_level: str = "WARNING"
) -> None:
    """Serve any number of editors at once, each with its own server, until interrupted."""

    def listening(address: str, bound: int) -> None:
        sys.stderr.write(f"aiex-lsp listens on {address}:{bound}\n")
        sys.stderr.flush()

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(log_unhandled)
        await accept(
            lambda: create_server(services_factory, prefix=_prefix()), host, port, listening
        )

    with stderr_aside(), contextlib.suppress(KeyboardInterrupt):
        set_up_logging(log_level)
        asyncio.run(main())
