"""What servers tell one another of their measurements; read as untrusted, whatever its form."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

MOST_TOLD = 48
"""Measurements told to peers, and read of one peer."""

NEWS_SECONDS = 300.0
"""Older measurements are neither told nor taken."""

MOST_IN_FLIGHT = 1000
LONGEST_NAME = 300
"""Bounds of what is believed of one entry."""


@dataclass(frozen=True, slots=True)
class News:
    """One measurement of a peer.

    `told` is the peer's own time of it, only to be compared with itself; `sampled` the same on
    this server's clock, `sampled_turn` this server's call count when it first heard of it.
    """

    first_token: float | None
    per_token: float | None
    success: float
    calls: int
    in_flight: int
    told: float | None
    sampled: float | None
    sampled_turn: int
    pace: float = 1.0


@dataclass(frozen=True, slots=True)
class Told:
    """One measurement as it is told: `sampled` is this server's Unix time of it, `age` seconds."""

    scope: str
    model: str | None
    first_token: float | None
    per_token: float | None
    success: float
    calls: int
    in_flight: int
    sampled: float | None
    age: float | None


def export(measurements: Iterable[Told]) -> dict[str, Any]:
    """Return what is worth telling as JSON: what is in flight, and the newest measurements."""
    told = [
        one
        for one in measurements
        if one.in_flight or (one.age is not None and one.age <= NEWS_SECONDS)
    ]
    told.sort(key=lambda one: (not one.in_flight, math.inf if one.age is None else one.age))
    return {"measured": [asdict(one) for one in told[:MOST_TOLD]]}


def heard(
    payload: object,
    now: float,
    turn: int,
    before: Mapping[tuple[str, str | None], News],
) -> dict[tuple[str, str | None], News]:
    """Return the news of one peer; what is malformed or too old is left out.

    `turn` counts this server's calls. `before` is what the peer told last: news heard again stay
    as old as they are.
    """
    entries = payload.get("measured") if isinstance(payload, Mapping) else None
    if not isinstance(entries, list):
        return {}
    found: dict[tuple[str, str | None], News] = {}
    for one in entries[:MOST_TOLD]:
        if not isinstance(one, Mapping):
            continue
        scope, model = _name(one.get("scope")), _name(one.get("model"))
        if scope is None or (model is None and one.get("model") is not None):
            continue
        key = (scope, model)
        news = _news(one, now, turn, before.get(key))
        if news is not None:
            found[key] = news
    return found


def _news(one: Mapping[str, Any], now: float, turn: int, before: News | None) -> News | None:
    first_token, per_token = _number(one.get("first_token")), _number(one.get("per_token"))
    success, calls = _number(one.get("success")), _number(one.get("calls"))
    in_flight = min(int(_number(one.get("in_flight")) or 0), MOST_IN_FLIGHT)
    told, age = _number(one.get("sampled")), _number(one.get("age"))
    sampled: float | None = None
    sampled_turn = turn
    complete = success is not None and success <= 1 and calls is not None and told is not None
    if complete and age is not None and age <= NEWS_SECONDS:
        if before is not None and before.told == told:
            # No later than now: the clock may have been set back since.
            sampled = None if before.sampled is None else min(before.sampled, now)
            sampled_turn = before.sampled_turn
        else:
            sampled = now - age
    if sampled is None and not in_flight:
        return None
    return News(
        first_token=first_token,
        per_token=per_token,
        success=min(1.0, success if success is not None else 1.0),
        calls=min(int(calls or 0), MOST_IN_FLIGHT),
        in_flight=in_flight,
        told=told,
        sampled=sampled,
        sampled_turn=sampled_turn,
    )


def _name(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_NAME else None


def _number(value: object) -> float | None:
    """Return a finite number that is zero or not minute, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and (number == 0 or number > 1e-9) else None
