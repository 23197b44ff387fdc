"""Whole microseconds: the one unit of time all stores keep, so that they agree to the last digit.

Unix times of microseconds fit the 53 bits that a Lua number holds exactly.
"""

from __future__ import annotations

MICROSECONDS = 1_000_000


def to_micros(seconds: float) -> int:
    """Return seconds as whole microseconds."""
    return round(seconds * MICROSECONDS)


def to_seconds(micros: int) -> float:
    """Return microseconds as seconds."""
    return micros / MICROSECONDS
