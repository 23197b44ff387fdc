"""One health check's result, as servers keep and share it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

HealthStatus = Literal["healthy", "unhealthy", "error", "unknown"]

MAX_RECORD = 4096
"""Longest record in characters that is read; ours take at most some hundred."""

MAX_ERROR = 300
"""Longest error that is kept of another server's record, in characters."""


@dataclass(frozen=True, slots=True)
class HealthRecord:
    """How a provider was at `last_check` (Unix time). `response_time_ms` is None unless healthy."""

    status: HealthStatus
    response_time_ms: float | None
    last_check: float
    error: str | None = None

    def moved(self, seconds: float) -> HealthRecord:
        """Return it with its time on a clock that shows so many seconds more."""
        return replace(self, last_check=self.last_check + seconds)

    def to_json(self) -> str:
        """Return the text that is kept in the shared state."""
        return json.dumps(
            {
                "status": self.status,
                "responseTimeMs": self.response_time_ms,
                "lastCheck": self.last_check,
                "error": self.error,
            },
            ensure_ascii=False,
        )


def read_record(text: str | None) -> HealthRecord | None:
    """Return the record of a text another server wrote, None where it is none."""
    if text is None or len(text) > MAX_RECORD:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, Mapping) or found.get("status") not in get_args(HealthStatus):
        return None
    at = number(found.get("lastCheck"))
    if at is None:
        return None
    error = found.get("error")
    return HealthRecord(
        found["status"],
        number(found.get("responseTimeMs")),
        at,
        error[:MAX_ERROR] if isinstance(error, str) else None,
    )


def number(value: Any) -> float | None:
    """Return a JSON number that is finite and no boolean, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if abs(found) < 1e15 else None
