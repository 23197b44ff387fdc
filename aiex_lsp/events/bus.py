"""One bus for all that happens to calls."""

from __future__ import annotations

import logging
from collections.abc import Callable

from aiex_lsp.events.types import Event

Subscriber = Callable[[Event], None]
"""Takes each event at once, on the event loop; may not block. What it raises is logged."""

log = logging.getLogger(__name__)


class EventBus:
    """Hands each event to all who listen, in the order they came."""

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Listen from now on; return what ends it."""
        self._subscribers.append(subscriber)

        def end() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)

        return end

    def publish(self, event: Event) -> None:
        """Tell everybody; a listener that fails harms nobody else."""
        for subscriber in list(self._subscribers):
            try:
                subscriber(event)
            except Exception:
                log.exception("A listener failed at %s", type(event).__name__)
