"""The exact sliding window of a rate limit, as pure functions over one immutable value.

A log with one row a request: a row counts from the moment it was reserved until the window's
length has passed, and what it counts can be changed or given back meanwhile. (A bucket that
refills admits a whole burst on top of its refill, and fixed windows admit twice the limit around
their edge.) All times here are whole microseconds of the store's clock. `lua/window.lua` says the
same for Redis; the tests of the stores hold both to the same answers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aiex_lsp.state.types import Ceiling, Limited, Reservation, Row, WindowLimits, WindowUsage
from aiex_lsp.state.units import MICROSECONDS, to_micros, to_seconds


@dataclass(frozen=True, slots=True)
class Entry:
    """One row as stores keep it.

    `weight` is the share it was granted with: it counts so often toward the limits. `order` is
    its place among all that was ever added to the window.
    """

    id: str
    at: int
    tokens: int
    weight: int
    order: int


@dataclass(frozen=True, slots=True)
class Left:
    """What a provider said is left of one limit, less what was reserved since.

    It ends at `until`. Entries count against it that came after it: not before `seen_at`, and
    with at least this `order` (two things may happen in one microsecond).
    """

    left: int
    until: int
    seen_at: int
    order: int

    def covers(self, entry: Entry) -> bool:
        """Return whether `entry` came after the provider had spoken."""
        return entry.order >= self.order and entry.at >= self.seen_at


@dataclass(frozen=True, slots=True)
class Window:
    """A window's rows, oldest first, and what the provider said is left."""

    entries: tuple[Entry, ...] = ()
    requests: Left | None = None
    tokens: Left | None = None
    order: int = 0


@dataclass(frozen=True, slots=True)
class _Refusal:
    limited: Limited
    wait: float
    by_provider: bool


def current(window: Window, now: int, length: int) -> Window:
    """Return the window as it is at `now`: without what has left it.

    What lies in the future, because the clock was set back, is taken as of now: it is neither
    lost nor blocks for longer than a window.
    """
    entries = tuple(
        entry if entry.at <= now else replace(entry, at=now)
        for entry in window.entries
        if entry.at + length > now
    )
    return replace(
        window,
        entries=tuple(sorted(entries, key=lambda entry: (entry.at, entry.order))),
        requests=_still_left(window.requests, now),
        tokens=_still_left(window.tokens, now),
    )


def reserve(
    window: Window, wish: Row, limits: WindowLimits, share: int, now: int, length: int
) -> tuple[Window, Reservation]:
    """Return the window after a wish for one request of `wish.tokens`, and the answer to it.

    With a share the wish, and later its row, count `share` times. Where the whole limit is too
    small for that, one such row at a time is allowed, else a limit smaller than the number of
    servers would stop all of them.
    """
    window = current(window, now, length)
    for entry in window.entries:
        if entry.id == wish.id:
            return window, _granted(window, entry, limits, share)
    refusals = _refusals(window, wish.tokens, limits, share, now, length)
    if refusals:
        worst = max(refusals, key=lambda refusal: refusal.wait)
        return window, Reservation(
            granted=False,
            id=wish.id,
            at=to_seconds(now),
            requests=len(window.entries),
            tokens=sum(entry.tokens for entry in window.entries),
            refused=worst.limited,
            wait=worst.wait / MICROSECONDS,
            free_tokens=_free_tokens(window, limits, share),
            by_provider=worst.by_provider,
        )
    entry = Entry(wish.id, now, wish.tokens, share, window.order)
    window = _added(window, entry)
    return window, _granted(window, entry, limits, share)


def settle(window: Window, row_id: str, tokens: int) -> Window:
    """Return the window with the tokens a row used in the end."""
    for index, entry in enumerate(window.entries):
        if entry.id == row_id:
            entries = list(window.entries)
            entries[index] = replace(entry, tokens=tokens)
            left = _less(window.tokens, entry, entry.weight * (tokens - entry.tokens))
            return replace(window, entries=tuple(entries), tokens=left)
    return window


def release(window: Window, row_id: str) -> Window:
    """Return the window without a row."""
    for entry in window.entries:
        if entry.id == row_id:
            return replace(
                window,
                entries=tuple(kept for kept in window.entries if kept.id != row_id),
                requests=_less(window.requests, entry, -entry.weight),
                tokens=_less(window.tokens, entry, -entry.weight * entry.tokens),
            )
    return window


def publish(window: Window, rows: Sequence[Row], now: int, length: int) -> Window:
    """Return the window with the rows it lacks of those that are not over."""
    window = current(window, now, length)
    known = {entry.id for entry in window.entries}
    for row in rows:
        at = min(to_micros(row.at), now)
        if row.id not in known and at + length > now:
            known.add(row.id)
            window = _added(window, Entry(row.id, at, row.tokens, 1, window.order))
    return current(window, now, length)


def lower(window: Window, ceiling: Ceiling, now: int, length: int) -> Window:
    """Return the window held to what the provider said is left.

    It holds until its reset, for a window's length where the provider named none.
    """
    window = current(window, now, length)

    def told(value: int | None, reset: float | None, before: Left | None) -> Left | None:
        if value is None:
            return before
        until = now + (length if reset is None else to_micros(reset))
        return Left(value, until, now, window.order) if until > now else None

    return replace(
        window,
        requests=told(ceiling.requests, ceiling.requests_reset, window.requests),
        tokens=told(ceiling.tokens, ceiling.tokens_reset, window.tokens),
    )


def usage(window: Window, now: int, length: int) -> WindowUsage:
    """Return what the window holds at `now`."""
    window = current(window, now, length)
    return WindowUsage(
        requests=len(window.entries),
        tokens=sum(entry.tokens for entry in window.entries),
        rows=rows_of(window),
        requests_left=None if window.requests is None else max(0, window.requests.left),
        tokens_left=None if window.tokens is None else max(0, window.tokens.left),
    )


def rows_of(window: Window) -> tuple[Row, ...]:
    """Return a window's rows, oldest first."""
    return tuple(Row(entry.id, to_seconds(entry.at), entry.tokens) for entry in window.entries)


def _still_left(left: Left | None, now: int) -> Left | None:
    if left is None:
        return None
    if left.seen_at > now:  # the clock was set back
        back = left.seen_at - now
        left = replace(left, seen_at=now, until=left.until - back)
    return left if left.until > now else None


def _less(left: Left | None, entry: Entry, amount: int) -> Left | None:
    if left is None or not left.covers(entry):
        return left
    return replace(left, left=left.left - amount)


def _added(window: Window, entry: Entry) -> Window:
    return Window(
        (*window.entries, entry),
        _less(window.requests, entry, entry.weight),
        _less(window.tokens, entry, entry.weight * entry.tokens),
        window.order + 1,
    )


def _granted(window: Window, entry: Entry, limits: WindowLimits, share: int) -> Reservation:
    return Reservation(
        granted=True,
        id=entry.id,
        at=to_seconds(entry.at),
        requests=len(window.entries),
        tokens=sum(one.tokens for one in window.entries),
        free_tokens=_free_tokens(window, limits, share),
    )


def _refusals(
    window: Window, tokens: int, limits: WindowLimits, share: int, now: int, length: int
) -> list[_Refusal]:
    """Return each limit without room, with the microseconds until it has; requests first."""
    ones = [(entry.at, entry.weight, entry.weight > 1) for entry in window.entries]
    sized = [(entry.at, entry.weight * entry.tokens, entry.weight > 1) for entry in window.entries]
    found: list[_Refusal] = []
    named: tuple[tuple[Limited, list[tuple[int, int, bool]], int, int | None, Left | None], ...] = (
        ("requests", ones, 1, limits.requests, window.requests),
        ("tokens", sized, tokens, limits.tokens, window.tokens),
    )
    for limited, counted, size, limit, left in named:
        if limit is not None:
            room_at = _room_at(counted, size, limit, share, length)
            if room_at is None or room_at > now:
                wait = math.inf if room_at is None else float(room_at - now)
                found.append(_Refusal(limited, wait, by_provider=False))
        if left is not None and share * size > left.left:
            found.append(_Refusal(limited, float(left.until - now), by_provider=True))
    return found


def _room_at(
    counted: list[tuple[int, int, bool]], size: int, limit: int, share: int, length: int
) -> int | None:
    """Return when a limit has room for a wish: 0 if now, None if never.

    `counted` is (time, amount, whether granted with a share) of each row, oldest first.
    """
    used = sum(amount for _, amount, _ in counted)
    shared = sum(by_share for _, _, by_share in counted)
    at = 0
    for time, amount, by_share in (*counted, (0, 0, False)):
        wish = size if share * size > limit and not shared else share * size
        if used + wish <= limit:
            return at
        used -= amount
        shared -= by_share
        at = time + length
    return None


def _free_tokens(window: Window, limits: WindowLimits, share: int) -> int | None:
    room: list[int] = []
    if limits.tokens is not None:
        free = limits.tokens - sum(entry.weight * entry.tokens for entry in window.entries)
        shared = any(entry.weight > 1 for entry in window.entries)
        room.append(free if share * free > limits.tokens and not shared else free // share)
    if window.tokens is not None:
        room.append(window.tokens.left // share)
    return max(0, min(room)) if room else None
