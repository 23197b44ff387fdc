"""Keys that providers refused while others answered: problems of the configuration, told once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from aiex_lsp.config.settings import Problem
from aiex_lsp.errors import FailureKind
from aiex_lsp.events.types import Event, RequestFailed, RequestStarted, ResponseReceived

KEPT_CALLS = 100
"""Calls whose refusal is remembered until somebody else is asked."""

Place = Callable[[str], tuple[str | None, int | None, int | None]]
"""A provider's name -> file, line and column in which its key is set."""


class RefusedKeys:
    """Listens to the bus. A refusal that failed the whole call was told by its error already."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._refused: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._problems: dict[str, Problem] = {}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return one problem for each provider whose key is refused."""
        return tuple(self._problems.values())

    def forget(self) -> None:
        """Forget all: the configuration is another one."""
        self._refused.clear()
        self._problems.clear()

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, RequestFailed) and event.error == FailureKind.CREDENTIALS.value:
            self._refused[event.call_id] = (event.provider, event.message)
            while len(self._refused) > KEPT_CALLS:
                self._refused.popitem(last=False)
        elif isinstance(event, RequestStarted) and event.call_id in self._refused:
            provider, message = self._refused.pop(event.call_id)
            if provider != event.provider and provider not in self._problems:
                file, line, column = self._place(provider)
                key = f"providers.{provider}.api_key"
                self._problems[provider] = Problem(message, file, line, column, key)
        elif isinstance(event, ResponseReceived) and not event.cached:
            self._problems.pop(event.provider, None)
