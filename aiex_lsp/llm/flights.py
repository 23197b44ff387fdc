"""Identical requests in flight share one call; it ends when nobody waits for it any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from aiex_lsp.llm.types import Listener

T = TypeVar("T")


@dataclass(slots=True)
class _Broadcast:
    """The listener of a shared call: passes on to all who wait, and tells latecomers the rest."""

    listeners: list[Listener] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    status: str = ""

    def join(self, listener: Listener) -> None:
        self.listeners.append(listener)
        if self.status:
            listener.on_status(self.status)
        if self.text:
            listener.on_delta("".join(self.text))

    def on_status(self, message: str) -> None:
        self.status = message
        for listener in list(self.listeners):
            listener.on_status(message)

    def on_delta(self, text: str) -> None:
        self.text.append(text)
        for listener in list(self.listeners):
            listener.on_delta(text)

    def on_restart(self, provider: str) -> None:
        self.text.clear()
        for listener in list(self.listeners):
            listener.on_restart(provider)


@dataclass(slots=True)
class _Flight(Generic[T]):
    task: asyncio.Task[T]
    broadcast: _Broadcast
    waiting: int = 0


class Flights(Generic[T]):
    """Calls under way by key."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[T]] = {}

    async def share(
        self,
        key: str,
        listener: Listener,
        work: Callable[[Listener], Awaitable[T]],
        *,
        until: float | None = None,
        aboard: Callable[[object], None] = lambda _flight: None,
    ) -> tuple[T, bool]:
        """Return the result of `work`, and whether somebody else's call gave it.

        Raises what `work` raises, and `TimeoutError` where somebody else's call is not over at
        `until` on the loop's clock. `aboard` is told what all who share the call have in common.
        Cancelling the last who waits cancels `work`, and returns when it has ended.
        """
        flight = self._flights.get(key)
        joined = flight is not None
        if flight is None:
            broadcast = _Broadcast()

            async def run() -> T:
                return await work(broadcast)

            flight = _Flight(asyncio.create_task(run()), broadcast)
            self._flights[key] = flight
            flight.task.add_done_callback(lambda _task: self._land(key, flight))
        flight.broadcast.join(listener)
        flight.waiting += 1
        aboard(flight.task)
        try:
            async with asyncio.timeout_at(until if joined else None):
                return await asyncio.shield(flight.task), joined
        finally:
            flight.waiting -= 1
            if listener in flight.broadcast.listeners:
                flight.broadcast.listeners.remove(listener)
            if not flight.waiting and not flight.task.done():
                # A newcomer begins anew: this one is ending.
                self._land(key, flight)
                flight.task.cancel()
                await asyncio.wait([flight.task])

    def _land(self, key: str, flight: _Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if flight.task.done() and not flight.task.cancelled():
            flight.task.exception()  # looked at: whoever waited has it
