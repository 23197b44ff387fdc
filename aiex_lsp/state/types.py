"""The words of the shared state: windows, circuits, members. Plain, immutable, no database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

WINDOW_SECONDS = 60.0
"""Length of the sliding window of rate limits: they are a minute's (design document)."""

MEMBER_SECONDS = 30.0
"""A member not heard of for so many seconds is gone."""

Limited = Literal["requests", "tokens"]
CircuitState = Literal["closed", "open", "half_open"]
CallOutcome = Literal["success", "failure", "nothing"]
"""What a call says about a circuit; "nothing" of one that was cancelled or failed otherwise."""


@dataclass(frozen=True, slots=True)
class WindowLimits:
    """Requests and tokens in a window; None is unlimited."""

    requests: int | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One request in a window's log: its id, when it was reserved (Unix time), its tokens."""

    id: str
    at: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What a provider said is left of its own limits, in its headers.

    None: it did not tell. `*_reset` are seconds from now until more is left. Each replaces what
    was said before of the same limit.
    """

    requests: int | None = None
    requests_reset: float | None = None
    tokens: int | None = None
    tokens_reset: float | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """The answer to a wish for one request of so many tokens.

    `refused` tells which limit has no room, `wait` the seconds until it has if nobody else comes
    (infinite where the wish is larger than the whole limit). `requests` and `tokens` are what the
    window holds, this wish included if granted. `free_tokens` is what a request could have now,
    None where tokens are unlimited. `by_provider`: the provider's own remaining quota refused.
    """

    granted: bool
    id: str
    at: float
    requests: int
    tokens: int
    refused: Limited | None = None
    wait: float = 0.0
    free_tokens: int | None = None
    by_provider: bool = False


@dataclass(frozen=True, slots=True)
class WindowUsage:
    """What a window holds now. `rows` are all of it, oldest first, whoever made them.

    `requests_left` and `tokens_left` are what the provider said is left, less what was reserved
    since; None where it did not tell or its time has passed.
    """

    requests: int = 0
    tokens: int = 0
    rows: tuple[Row, ...] = ()
    requests_left: int | None = None
    tokens_left: int | None = None


@dataclass(frozen=True, slots=True)
class CircuitPolicy:
    """When a circuit opens and closes. Times in seconds.

    Opens at `failure_threshold` failures in a row (design document: 5), or where at least
    `share_least` calls of the last `share_window` seconds ended and `failure_share` of them
    failed. Stays open `open_seconds`, twice as long each time its probe fails, at most
    `max_open_seconds`, each lengthened by up to `jitter` of itself at random, so that the servers
    of a team do not probe in step. `ramp_seconds` after it closed it has its full share of calls
    again.
    """

    failure_threshold: int = 5
    open_seconds: float = 60.0
    max_open_seconds: float = 600.0
    failure_share: float = 0.5
    share_window: float = 60.0
    share_least: int = 10
    ramp_seconds: float = 30.0
    jitter: float = 0.1


@dataclass(frozen=True, slots=True)
class Circuit:
    """One circuit as it is now. Points in time are Unix times of the store's clock.

    `retry_at`: when an open circuit admits a probe. `closed_at`: when it last closed after having
    been open, None once its ramp is over. `probe`: who holds the half-open probe.
    """

    name: str
    state: CircuitState = "closed"
    failure_count: int = 0
    last_failure: float | None = None
    opened_at: float | None = None
    retry_at: float | None = None
    closed_at: float | None = None
    probe: str | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a call may go through all circuits it named.

    `probe`: it is the one probe of a half-open circuit. `refused_by` is the circuit that said no,
    with its `retry_at`; `now` the store's clock.
    """

    admitted: bool
    now: float
    probe: bool = False
    refused_by: Circuit | None = None


@dataclass(frozen=True, slots=True)
class CircuitChange:
    """A circuit after an outcome was recorded, and the state it had before."""

    circuit: Circuit
    before: CircuitState

    @property
    def changed(self) -> bool:
        """Return whether the state is another one."""
        return self.circuit.state != self.before


@dataclass(frozen=True, slots=True)
class Member:
    """A server that takes part. `payload` is JSON of what it tells the others."""

    id: str
    host: str
    last_seen: float = 0.0
    payload: str = field(default="{}", repr=False)
