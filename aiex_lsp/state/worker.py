"""One thread for work that blocks, one piece after the other."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Job:
    """One piece of work; `abandoned` once nobody waits for it any more."""

    def __init__(self, work: Callable[[Job], Any]) -> None:
        self.work = work
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.abandoned = False

    def run(self) -> None:
        """Do the work and hand its result or error to the loop; called in the thread."""
        if self.abandoned:
            return
        value: Any = None
        error: BaseException | None = None
        try:
            value = self.work(self)
        except BaseException as raised:  # noqa: BLE001 - whatever it is, the caller gets it
            error = raised
        try:
            self.loop.call_soon_threadsafe(self._finish, value, error)
        except RuntimeError:  # the loop was closed meanwhile: nobody is left to hear of it
            self.abandoned = True

    def _finish(self, value: Any, error: BaseException | None) -> None:
        if self.future.done():
            return
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(value)


class Worker:
    """A daemon thread, started at the first use: a disk that hangs must not hold up the exit."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run(self, work: Callable[[Job], T]) -> T:
        """Return what `work` returns in the thread.

        Cancelling marks the job as abandoned: it is not begun any more, and one that runs can
        look at the mark before it makes anything lasting.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()
        job = Job(work)
        self._jobs.put(job)
        try:
            result: T = await job.future
        except asyncio.CancelledError:
            job.abandoned = True
            raise
        return result

    def stop(self) -> None:
        """End the thread once it has done what it was given."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread = None

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.run()
