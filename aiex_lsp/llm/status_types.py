"""How providers stand and what is chosen by it: the words of selection, limits and circuits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class CircuitStatus:
    """A circuit as users see it. Times are Unix times; `retry_at` when it may be probed."""

    state: Literal["closed", "open", "half_open"] = "closed"
    failure_count: int = 0
    last_failure: float | None = None
    retry_at: float | None = None


@dataclass(frozen=True, slots=True)
class LimitStatus:
    """One limit of a minute: what is used, allowed and left; None is unlimited."""

    current: int = 0
    limit: int | None = None
    remaining: int | None = None


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """One provider as users see it (contract: `ProviderStatus`).

    `last_check` and `last_selected` are Unix times. `circuit` is the worst of the provider's own
    and its models' circuits. `in_flight` and `request_count` are this server's.
    """

    provider: str
    type: str
    local: bool
    status: Literal["healthy", "unhealthy", "error", "unknown"] = "unknown"
    response_time_ms: float | None = None
    last_check: float | None = None
    error: str | None = None
    circuit: CircuitStatus = CircuitStatus()
    requests: LimitStatus = LimitStatus()
    tokens: LimitStatus = LimitStatus()
    model: str | None = None
    in_flight: int = 0
    request_count: int = 0
    last_selected: float | None = None


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What selection is told of a call, never its text.

    `input_tokens` is a rough count of the whole prompt, `least_tokens` of its indispensable part;
    `max_tokens` the longest answer. `sensitive` describes secrets that were found ("AWS access
    key, line 12"), None where nobody looked. `seconds_left` is the time until the first token has
    to be there.
    """

    task: str
    input_tokens: int = 0
    least_tokens: int = 0
    max_tokens: int = 1000
    sensitive: tuple[str, ...] | None = None
    seconds_left: float = 30.0


@dataclass(frozen=True, slots=True)
class NotBefore:
    """A provider is not worth asking before `until` (Unix time), for a failure of `kind`.

    `hard`: it asked to be left alone until then. Otherwise it is asked where nobody else can be.
    """

    until: float
    kind: str
    hard: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """How a provider stands just now, as far as is known without asking it.

    `circuit` is the worst of its circuits, `ramp` the share of calls it should have (1.0: all; a
    circuit that has just closed grows to it), `retry_in` the seconds until an open circuit may be
    probed. `limit_wait` is the seconds until this request fits its limits, infinite where it never
    does. `requests_left` and `tokens_left` None are unlimited. `window` is in tokens, None if
    unknown; `known_models` None if unknown.
    """

    circuit: CircuitStatus = CircuitStatus()
    ramp: float = 1.0
    retry_in: float = 0.0
    not_before: NotBefore | None = None
    not_before_in: float = 0.0
    requests_left: int | None = None
    tokens_left: int | None = None
    limit_wait: float = 0.0
    window: int | None = None
    known_models: tuple[str, ...] | None = None
    health: Literal["healthy", "unhealthy", "error", "unknown"] = "unknown"
    model: str | None = None


@dataclass(frozen=True, slots=True)
class CandidateReport:
    """One candidate of a choice: the smaller `score`, the sooner it is asked; None: not scored."""

    provider: str
    model: str | None
    score: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ChoiceReport:
    """Why providers were asked in this order, and why others were left out."""

    strategy: str
    reason: str
    candidates: tuple[CandidateReport, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
