"""What is expected where a provider fails: the words of the fault table, and its times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.servers.base import FakeServer
from tests.servers.script import Step

DIALECTS = ("anthropic", "openai", "ollama", "lm_studio")

SETTINGS: dict[str, Any] = {
    "request_timeout": 6.0,
    "first_token_timeout": 1.5,
    "stall_timeout": 1.0,
    "connect_timeout": 1.0,
    "max_duration": 20.0,
    "retry": {"backoff": 0.1, "jitter": 0.05, "quick": 0.1, "max_wait": 2.1},
    "health": {"interval": 0},
    "context": {"project": False},
}
"""The design's times, scaled down by configuration alone."""

SLACK, LATE = 0.9, 2.5
"""Seconds by which a busy machine may be late with one step, and with a whole call."""

Bounds = tuple[float, float]
QUICK: Bounds = (0.1, 0.1 + SLACK)
BACKOFF: tuple[Bounds, Bounds] = ((0.2, 0.25 + SLACK), (0.4, 0.45 + SLACK))
"""2 and 4 times `backoff`, and up to `jitter` more."""

AT_ONCE: Bounds = (0.0, SLACK)
SILENT: Bounds = (1.5, 1.5 + SLACK)
STALLED: Bounds = (1.0, 1.0 + SLACK)


def waits(least: float, most: float | None = None) -> Bounds:
    """Return the bounds of a wait of so many seconds."""
    return least, (least if most is None else most) + SLACK


@dataclass(frozen=True)
class Expect:
    """What is seen in one situation.

    `first` are the outcomes at the provider that is asked, "ok" if it answers in the end; `gaps`
    the seconds between its requests, `requests` their number where it is another one than that of
    the outcomes. `restarts`: how often shown text is taken back. `took` bounds the whole call
    beyond the gaps. `refused`: nobody answers, though the spare could. `cause` and `step` are what
    the one message says. `after`: who answers the next question, or "barred": nobody is asked.
    """

    first: str
    gaps: tuple[Bounds, ...] = ()
    requests: int | None = None
    restarts: int = 0
    took: Bounds = AT_ONCE
    refused: bool = False
    cause: str = ""
    step: str = ""
    after: str = "self"

    @property
    def outcomes(self) -> list[str]:
        return self.first.split()

    @property
    def answers(self) -> bool:
        """Return whether the provider that is asked answers in the end."""
        return self.outcomes[-1:] == ["ok"]


Play = Callable[[FakeServer], None]
Make = Callable[[FakeServer], Step]


@dataclass(frozen=True)
class Fault:
    """One row. `settings` are further ones of the provider that fails."""

    name: str
    play: Play
    alone: Expect
    spare: Expect
    dialects: tuple[str, ...] = DIALECTS
    settings: Mapping[str, Any] = field(default_factory=dict)
    down: bool = False
    """Nothing listens at its address."""
    deaf: bool = False
    """Its address takes no connection in time."""
