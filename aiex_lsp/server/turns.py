"""One edit at a time for each document; edits of others do not wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary

from aiex_lsp.server.documents import path_of


class Turns:
    """Who edits which documents; an editor may take a minute to say that it made an edit."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def at(self, uris: Iterable[str]) -> AsyncIterator[None]:
        """Hold the turn at all of these documents while the block runs."""
        async with AsyncExitStack() as stack:
            # In one order for all: two that want the same documents never wait for one another.
            for name in sorted({str(path_of(uri) or uri) for uri in uris}):
                lock = self._locks.get(name) or asyncio.Lock()
                self._locks[name] = lock
                await stack.enter_async_context(lock)
            yield
