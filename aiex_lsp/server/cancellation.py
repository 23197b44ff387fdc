"""The registry of running work: what can be cancelled, and by which names.

pygls cancels a request's coroutine, but knows nothing of work a command started.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

Name = tuple[Literal["id", "token", "request"], int | str]
"""What a client calls the work by: a command's id, a progress token, a request's id."""


class RunningWork:
    """Asyncio tasks under the names a client knows them by: ids and progress tokens.

    `prefix` begins each id: one of its own for each process keeps an editor that shows answers by
    their ids from putting those of a restarted server in place of earlier ones.
    """

    def __init__(self, prefix: str = "aiex") -> None:
        self._tasks: dict[Name, asyncio.Task[Any]] = {}
        self._prefix = prefix
        self._count = 0

    def new_id(self) -> str:
        """Return an id that no other work of this server has."""
        self._count += 1
        return f"{self._prefix}-{self._count}"

    @contextmanager
    def track(self, *names: Name) -> Iterator[None]:
        """Make the current task cancellable by `names` while the block runs."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("work is tracked inside a task")
        self._tasks.update(dict.fromkeys(names, task))
        try:
            yield
        finally:
            self._forget(names, task)

    def add(self, task: asyncio.Task[Any], *names: Name) -> None:
        """Make `task` cancellable by `names` until it is done."""
        self._tasks.update(dict.fromkeys(names, task))
        task.add_done_callback(lambda done: self._forget(names, done))

    def cancel(self, name: Name) -> bool:
        """Return whether work of that name was running; it is cancelled."""
        task = self._tasks.get(name)
        return task is not None and task.cancel()

    async def cancel_all(self, limit: float) -> None:
        """Return when all work has ended, or `limit` seconds have passed."""
        current = asyncio.current_task()
        tasks = {task for task in self._tasks.values() if task is not current}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=limit)

    def _forget(self, names: tuple[Name, ...], task: asyncio.Task[Any]) -> None:
        for name in names:
            if self._tasks.get(name) is task:
                del self._tasks[name]
