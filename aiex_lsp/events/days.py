"""Local days as spans of Unix time; a day of daylight saving has 23 or 25 hours."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo
from datetime import time as clock_time


def local_date(at: float, zone: tzinfo | None = None) -> date:
    """Return the day of a Unix time in `zone`, left out: this machine's."""
    return datetime.fromtimestamp(at, zone).date()


def midnight(day: date, zone: tzinfo | None = None) -> float:
    """Return the Unix time at which a day begins."""
    return datetime.combine(day, clock_time.min, zone).timestamp()


def last_days(now: float, days: int, zone: tzinfo | None = None) -> list[date]:
    """Return today and the days before it, `days` in all, oldest first."""
    today = local_date(now, zone)
    return [today - timedelta(days=back) for back in reversed(range(days))]
