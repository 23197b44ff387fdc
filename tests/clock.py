"""An event loop whose time passes only while nothing is left to do: a test of minutes takes none.

    @in_virtual_time
    async def test_an_hour_passes(): await asyncio.sleep(3600)

Work in threads and on sockets takes the time it takes, during which the clock stands still.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

START = 1000.0


class _Selector(selectors.DefaultSelector):
    """Waits for real events where any are due, else moves the clock to the next timer."""

    loop: VirtualTimeLoop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None or timeout <= 0 or self.loop.outside:
            # A thread or a socket is what the loop waits for.
            return super().select(timeout if timeout is None or timeout <= 0 else 0.005)
        ready = super().select(0)
        if not ready:
            self.loop.virtual += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """`virtual` is the loop's clock in seconds, `outside` the jobs that run in threads."""

    def __init__(self) -> None:
        self.virtual = START
        self.outside = 0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.virtual

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        self.outside += 1
        future = super().run_in_executor(executor, func, *args)

        def ended(_future: Any) -> None:
            self.outside -= 1

        future.add_done_callback(ended)
        return future


def in_virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Return the test run in a loop of virtual time; its fixtures are those it names."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run


def unix_time() -> float:
    """Return the running loop's time as Unix time, for stores and events."""
    return 1_767_225_600.0 + asyncio.get_running_loop().time()
