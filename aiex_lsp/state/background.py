"""Steps that are done to their end whether or not their caller still waits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Background:
    """The steps under way."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, step: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Return the task that does `step`; nobody needs to wait for it."""
        task = asyncio.create_task(step)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def run(self, step: Coroutine[Any, Any, T]) -> T:
        """Return what `step` returns; cancelled, the step goes on."""
        return await asyncio.shield(self.start(step))

    async def aclose(self, limit: float) -> None:
        """Wait up to `limit` seconds for what is under way, then cancel it."""
        tasks = list(self._tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=limit)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
