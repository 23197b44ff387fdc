"""What is done after a failure: the same provider again, the next one, or the end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakKeyDictionary, WeakSet

from aiex_lsp.config.settings import RetrySettings
from aiex_lsp.errors import ProviderError
from aiex_lsp.llm.failures import DISPOSITIONS

BUDGET_SHARE = 0.1
BUDGET_LEAST = 3
"""At most a tenth of a minute's calls are retries, or three: more would be a storm."""

MINUTE = 60.0
QUICK_AT_MOST = 1.0
"""Seconds; a quick retry that takes longer is none."""


@dataclass(frozen=True, slots=True)
class Again:
    """Ask the same provider once more, after `wait` seconds."""

    wait: float


@dataclass(frozen=True, slots=True)
class NextProvider:
    """Ask the next candidate."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Nobody else can help."""


Decision = Again | NextProvider | GiveUp


def decide(
    error: ProviderError,
    *,
    others: bool,
    tried: int,
    waited: float,
    remaining: float,
    settings: RetrySettings,
    budget: RetryBudget,
    random: Callable[[], float],
    flight: object | None = None,
) -> Decision:
    """Return what follows from a failure.

    `others`: there are further candidates. `tried` counts requests to this provider in this call,
    `waited` the seconds already waited for it, `remaining` those until the first token has to be
    there. `random` gives numbers from 0 to 1. A retry is taken out of `budget`, once for all whose
    request was the same `flight`; they ask again at the same time.
    """
    wait = _wait(error, others, tried, waited, settings, random)
    if wait is not None and flight is not None:
        wait = budget.agreed.setdefault(flight, wait)
    if wait is not None and wait < remaining and budget.take(flight):
        return Again(wait)
    return NextProvider() if others and DISPOSITIONS[error.kind].fall_back else GiveUp()


def _wait(
    error: ProviderError,
    others: bool,
    tried: int,
    waited: float,
    settings: RetrySettings,
    random: Callable[[], float],
) -> float | None:
    """Return the seconds until the same provider is asked again, None for not at all."""
    disposition = DISPOSITIONS[error.kind]
    if disposition.retry == "never" or tried >= settings.tries:
        return None
    named = error.retry_after
    quick = min(settings.quick, QUICK_AT_MOST)
    if named is not None and tried > 1:
        named = max(named, quick)  # it said "at once" before, and was not ready
    if others:
        if error.visible:
            return None  # the user has seen half an answer: whoever can give a whole one is next
        if named is not None:
            return named if waited + named <= settings.max_wait else None
        return quick if disposition.quick and tried == 1 else None
    if named is not None:
        return named
    if disposition.retry == "once":
        return quick if tried == 1 else None
    # Design document: 2^attempt seconds and up to a second of jitter.
    return settings.backoff * 2.0**tried + settings.jitter * random()


class RetryBudget:
    """How many retries the calls of the last minute allow; `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._calls: deque[float] = deque()
        self._retries: deque[float] = deque()
        self._granted: WeakSet[object] = WeakSet()
        self.agreed: WeakKeyDictionary[object, float] = WeakKeyDictionary()
        """The wait of those whose request was one and the same."""

    def call(self) -> None:
        """Count a call of a task."""
        self._forget()
        self._calls.append(self._clock())

    def take(self, flight: object | None = None) -> bool:
        """Return whether one more retry is within the budget, and take it, once a flight."""
        if flight is not None and flight in self._granted:
            return True
        self._forget()
        if len(self._retries) >= max(BUDGET_LEAST, BUDGET_SHARE * len(self._calls)):
            return False
        self._retries.append(self._clock())
        if flight is not None:
            self._granted.add(flight)
        return True

    def _forget(self) -> None:
        since = self._clock() - MINUTE
        for times in (self._calls, self._retries):
            while times and times[0] <= since:
                times.popleft()
