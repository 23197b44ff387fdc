"""Hover calls that are under way: one for each symbol text, outliving the hover that asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from aiex_lsp.tasks.types import ExplainResult

Key = tuple[str, str, str]
"""(uri, symbol, its text)"""

_MOST = 4
"""Calls under way at once; moving through a file must not ask for every symbol passed."""


@dataclass
class Running:
    """A call and who wants it: hovers that wait now, or one that was told to come again."""

    task: asyncio.Task[ExplainResult]
    waiting: int = 0
    announced: bool = False


class Hovers:
    """The calls under way, and failures of a moment ago."""

    def __init__(self, failure_ttl: float) -> None:
        self.hinted = False
        self._failure_ttl = failure_ttl
        self._running: dict[Key, Running] = {}
        self._tasks: set[asyncio.Task[ExplainResult]] = set()
        self._failed: dict[Key, tuple[float, Exception]] = {}

    def failure(self, key: Key) -> Exception | None:
        """Return why the call failed lately, None if it may be tried (again)."""
        found = self._failed.get(key)
        if found is None:
            return None
        if asyncio.get_running_loop().time() - found[0] > self._failure_ttl:
            del self._failed[key]
            return None
        return found[1]

    def forget_failures(self) -> None:
        """Try again what failed: the settings have changed."""
        self._failed.clear()
        self.hinted = False

    async def wait(
        self,
        key: Key,
        call: Callable[[], Coroutine[Any, Any, ExplainResult]],
        limit: float,
    ) -> ExplainResult | None:
        """Return the result, None where it is not there within `limit` seconds: the call goes on.

        A hover that is cancelled while it waits takes the call along if nobody else wants it.
        Raises what the call raises.
        """
        running = self._running.get(key) or self._start(key, call)
        running.waiting += 1
        try:
            await asyncio.wait({running.task}, timeout=limit)
        except asyncio.CancelledError:
            if running.waiting == 1 and not running.announced:
                # Whoever hovers next must not wait for a call that is about to end.
                self._drop(key, running)
                running.task.cancel()
            raise
        finally:
            running.waiting -= 1
        if running.task.done() and not running.task.cancelled():
            return running.task.result()
        running.announced = True
        return None

    def cancel(self) -> None:
        """Cancel every call under way."""
        self._running.clear()
        for task in list(self._tasks):
            task.cancel()

    def tasks(self) -> set[asyncio.Task[ExplainResult]]:
        """Return the calls under way, those that are cancelled and have not ended included."""
        return set(self._tasks)

    def _start(self, key: Key, call: Callable[[], Coroutine[Any, Any, ExplainResult]]) -> Running:
        while len(self._running) >= _MOST:
            oldest = next(iter(self._running))
            self._running.pop(oldest).task.cancel()
        running = self._running[key] = Running(asyncio.create_task(call()))
        self._tasks.add(running.task)

        def done(task: asyncio.Task[ExplainResult]) -> None:
            self._tasks.discard(task)
            self._drop(key, running)
            error = None if task.cancelled() else task.exception()
            if isinstance(error, Exception):
                while len(self._failed) >= 100:
                    del self._failed[next(iter(self._failed))]
                self._failed[key] = (task.get_loop().time(), error)

        running.task.add_done_callback(done)
        return running

    def _drop(self, key: Key, running: Running) -> None:
        if self._running.get(key) is running:
            del self._running[key]
