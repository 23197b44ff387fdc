"""What happens to calls, as those who listen are told it. No prompt, no answer, no secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at `timestamp` (Unix time)."""

    timestamp: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected(Event):
    """Providers were chosen for a call. `left_out` maps a name to why."""

    call_id: str
    task: str
    strategy: str
    candidates: tuple[str, ...]
    scores: Mapping[str, float] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestStarted(Event):
    """A request goes out to a provider (`llm_request` of the design document).

    `prompt_length` is in characters; `attempt` counts the requests of one call from 1.
    """

    call_id: str
    attempt: int
    task: str
    provider: str
    provider_type: str
    model: str
    prompt_length: int
    input_tokens: int
    max_tokens: int
    temperature: float | None = None
    streamed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseReceived(Event):
    """A whole answer came (`llm_response`), or, with `cached`, was known already.

    `duration` and `first_token` are seconds, `response_length` characters, `cost` USD or None.
    """

    call_id: str
    attempt: int
    task: str
    provider: str
    provider_type: str
    model: str
    duration: float
    response_length: int
    input_tokens: int
    output_tokens: int
    first_token: float | None = None
    cost: float | None = None
    cached: bool = False
    finish_reason: str = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFailed(Event):
    """A request failed or was cancelled (`llm_error`). `error` is a `FailureKind` value."""

    call_id: str
    attempt: int
    task: str
    provider: str
    provider_type: str
    model: str | None
    error: str
    message: str
    duration: float
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitChanged(Event):
    """A circuit has another state."""

    provider: str
    model: str
    before: Literal["closed", "open", "half_open"]
    after: Literal["closed", "open", "half_open"]
    failure_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitReached(Event):
    """Our own limit, or what the provider said is left, held a request up for `wait` seconds."""

    provider: str
    limit: Literal["requests", "tokens"]
    wait: float
    by_provider: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthChecked(Event):
    """A probe ended. `response_time` is in seconds, None unless healthy."""

    provider: str
    status: Literal["healthy", "unhealthy", "error", "unknown"]
    before: Literal["healthy", "unhealthy", "error", "unknown"]
    response_time: float | None = None
    error: str | None = None
