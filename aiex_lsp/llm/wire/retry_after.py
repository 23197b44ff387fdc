"""How long a provider asks to wait, out of the response headers vendors are known to send."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_WAIT = 3600.0
"""Seconds; a provider that asks for more is told apart by its quota error, not waited for."""

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)s)?(?:([\d.]+)ms)?")
_UNITS = (86400.0, 3600.0, 60.0, 1.0, 0.001)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds to wait, within 0 and `MAX_WAIT`; None if the provider does not tell.

    `headers` have lower-case names, `now` is Unix time. Read are `retry-after-ms`, `retry-after`
    (seconds or HTTP date), OpenAI's `x-ratelimit-reset-*` ("6m0s") and Anthropic's
    `anthropic-ratelimit-*-reset` (RFC 3339). Of several limits those used up count, else the
    longest. Points in time are told by the provider's clock, of which its `date` is.
    """
    now = their_now(headers, now)
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return _bounded(milliseconds / 1000)
    plain = headers.get("retry-after")
    if plain is not None:
        seconds = _number(plain)
        if seconds is None:
            seconds = _until_date(plain, now)
        if seconds is not None:
            return _bounded(seconds)
    waits = _resets(headers, now)
    return _bounded(max(waits)) if waits else None


def their_now(headers: Mapping[str, str], now: float) -> float:
    """Return Unix time by the clock of whoever sent `headers`; `now` where they do not tell.

    By this machine's, an hour wrong, a wait of seconds would be an hour's, or none.
    """
    date = headers.get("date")
    ahead = None if date is None else _until_date(date, now)
    return now if ahead is None else now + ahead


def _resets(headers: Mapping[str, str], now: float) -> list[float]:
    found: dict[str, float] = {}
    for name, value in headers.items():
        if name.startswith("x-ratelimit-reset"):
            limit, wait = name.removeprefix("x-ratelimit-reset").lstrip("-"), duration(value, now)
            left = headers.get(f"x-ratelimit-remaining-{limit}", "")
        elif name.startswith("anthropic-ratelimit-") and name.endswith("-reset"):
            limit = name.removeprefix("anthropic-ratelimit-").removesuffix("-reset")
            wait = _until_rfc3339(value, now)
            left = headers.get(f"anthropic-ratelimit-{limit}-remaining", "")
        else:
            continue
        if wait is not None:
            found[f"{limit}:{'used up' if left.strip() == '0' else ''}"] = wait
    used_up = [wait for key, wait in found.items() if key.endswith("used up")]
    return used_up or list(found.values())


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), MAX_WAIT)


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def duration(text: str, now: float) -> float | None:
    """Return the seconds of "6m0s", "120ms", "1.5" or of a point in time; None of anything else."""
    text = text.strip().lower()
    number = _number(text)
    if number is not None:
        # OpenRouter sends the point in time, in milliseconds.
        if number > 1e11:
            return number / 1000 - now
        return number - now if number > 1e9 else number
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        return _until_rfc3339(text.upper(), now)
    parts = [_number(part) for part in match.groups()]
    return sum((part or 0.0) * unit for part, unit in zip(parts, _UNITS, strict=True))


def _until_date(text: str, now: float) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    return _seconds_until(moment, now)


def _until_rfc3339(text: str, now: float) -> float | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return _seconds_until(moment, now)


def _seconds_until(moment: datetime, now: float) -> float | None:
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
    except (OverflowError, ValueError, OSError):
        return None
