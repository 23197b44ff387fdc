"""`ProviderStatus` as JSON, and what servers tell each other of theirs.

What another server wrote is of any shape: nothing of it is believed before it was looked at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, get_args

from aiex_lsp.llm.health_record import HealthStatus, number
from aiex_lsp.llm.types import CircuitStatus, LimitStatus, ProviderStatus

MAX_PAYLOAD = 256 * 1024
"""Longest payload of a member that is read, in characters: a hundred times what ours take."""

MAX_PROVIDERS = 100
MAX_TEXT = 300
"""Most providers, and the longest text in characters, that are taken of another server."""

_CIRCUIT_STATES = ("closed", "open", "half_open")


@dataclass(frozen=True, slots=True)
class MemberView:
    """What another server tells: its providers as JSON objects, and its measurements."""

    providers: tuple[dict[str, Any], ...] = ()
    board: Mapping[str, Any] = field(default_factory=dict)


def status_json(status: ProviderStatus) -> dict[str, Any]:
    """Return the contract's `ProviderStatus`; times are ISO 8601 in UTC."""
    milliseconds = status.response_time_ms
    return {
        "provider": status.provider,
        "type": status.type,
        "local": status.local,
        "status": status.status,
        "responseTimeMs": None if milliseconds is None else round(milliseconds),
        "lastCheck": iso(status.last_check),
        "error": status.error,
        "circuit": _circuit_json(status.circuit),
        "rateLimit": {
            "requests": _limit_json(status.requests),
            "tokens": _limit_json(status.tokens),
        },
        "model": status.model,
        "inFlight": status.in_flight,
        "requestCount": status.request_count,
        "lastSelected": iso(status.last_selected),
    }


def payload(statuses: Sequence[ProviderStatus], board: Mapping[str, Any]) -> str:
    """Return what this server tells the others: JSON text of its providers and measurements."""
    told = {"providers": [status_json(one) for one in statuses], "board": board}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def read_payload(text: str) -> MemberView:
    """Return what is usable of another server's payload; whatever has a wrong shape is left out."""
    if len(text) > MAX_PAYLOAD:
        return MemberView()
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return MemberView()
    if not isinstance(found, Mapping):
        return MemberView()
    listed, board = found.get("providers"), found.get("board")
    some = listed[:MAX_PROVIDERS] if isinstance(listed, list) else []
    providers = [_read_status(one) for one in some]
    return MemberView(
        tuple(one for one in providers if one is not None),
        board if isinstance(board, Mapping) else {},
    )


def iso(at: float | None) -> str | None:
    """Return a Unix time as ISO 8601 in UTC, None for one that no calendar has."""
    if at is None:
        return None
    try:
        moment = datetime.fromtimestamp(at, UTC)
    except (OverflowError, OSError, ValueError):
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _circuit_json(circuit: CircuitStatus) -> dict[str, Any]:
    return {
        "state": circuit.state,
        "failureCount": circuit.failure_count,
        "lastFailure": iso(circuit.last_failure),
        "retryAt": iso(circuit.retry_at),
    }


def _limit_json(limit: LimitStatus) -> dict[str, Any]:
    return {"current": limit.current, "limit": limit.limit, "remaining": limit.remaining}


def _read_status(raw: Any) -> dict[str, Any] | None:
    """Return a status as ours are written, None where it names no provider."""
    if not isinstance(raw, Mapping) or not _text(raw.get("provider")):
        return None
    circuit, limits = _mapping(raw.get("circuit")), _mapping(raw.get("rateLimit"))
    return {
        "provider": _text(raw.get("provider")),
        "type": _text(raw.get("type")) or "",
        "local": raw.get("local") is True,
        "status": _one_of(raw.get("status"), get_args(HealthStatus), "unknown"),
        "responseTimeMs": _whole(raw.get("responseTimeMs")),
        "lastCheck": _moment(raw.get("lastCheck")),
        "error": _text(raw.get("error")),
        "circuit": {
            "state": _one_of(circuit.get("state"), _CIRCUIT_STATES, "closed"),
            "failureCount": _whole(circuit.get("failureCount")) or 0,
            "lastFailure": _moment(circuit.get("lastFailure")),
            "retryAt": _moment(circuit.get("retryAt")),
        },
        "rateLimit": {name: _read_limit(limits.get(name)) for name in ("requests", "tokens")},
        "model": _text(raw.get("model")),
        "inFlight": _whole(raw.get("inFlight")) or 0,
        "requestCount": _whole(raw.get("requestCount")) or 0,
        "lastSelected": _moment(raw.get("lastSelected")),
    }


def _read_limit(raw: Any) -> dict[str, Any]:
    found = _mapping(raw)
    return {
        "current": _whole(found.get("current")) or 0,
        "limit": _whole(found.get("limit")),
        "remaining": _whole(found.get("remaining")),
    }


def _mapping(raw: Any) -> Mapping[str, Any]:
    return raw if isinstance(raw, Mapping) else {}


def _one_of(raw: Any, known: Sequence[str], otherwise: str) -> str:
    return raw if isinstance(raw, str) and raw in known else otherwise


def _text(raw: Any) -> str | None:
    """Return a text on one line without control characters."""
    if not isinstance(raw, str):
        return None
    return "".join(c for c in " ".join(raw[:MAX_TEXT].split()) if c.isprintable())


def _whole(raw: Any) -> int | None:
    found = number(raw)
    return None if found is None or found < 0 else round(found)


def _moment(raw: Any) -> str | None:
    """Return a time of ISO 8601 as we write it, None for what is none."""
    if not isinstance(raw, str) or len(raw) > 40:
        return None
    try:
        moment = datetime.fromisoformat(raw)
        return iso(moment.timestamp()) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
