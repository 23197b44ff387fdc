"""What one server remembers of a window, to go on when the shared state is lost.

While the shared state is away, every server grants by itself as long as

    what counted before (its own rows and what it last saw of the others')
    + share * what it granted since  <=  limit

where `share` is the number of servers. If all hold to it, all together stay within the limit.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aiex_lsp.state.types import Row

UNKNOWN_SHARE = 4
"""A server that never saw the others takes a quarter of the limit (issue 3)."""

SMALL_VIEW = 200
"""Up to so many rows the others' are looked at with each reservation, else once a second."""


@dataclass(slots=True)
class _Untold:
    """What the shared state was not told of a row: its tokens, None if it was given back."""

    tokens: int | None
    at: float


class Ledger:
    """One window as this server knows it. Times are Unix times of its own clock, in seconds."""

    def __init__(self, length: float) -> None:
        self.born: str | None = None
        """The shared state's identity when it was last asked for this window."""
        self.most: int | None = None
        """The limit of requests when last asked: the others cannot have gone beyond it."""
        self.used_at = float("-inf")
        self._length = length
        self._own: dict[str, Row] = {}
        self._others: tuple[Row, ...] = ()
        self._seen_at: float | None = None
        self._untold: dict[str, _Untold] = {}

    def granted(self, row: Row, *, told: bool) -> None:
        """Remember a row of this server's; `told`: the shared state has it."""
        self._own[row.id] = row
        if told:
            self._untold.pop(row.id, None)
        else:
            self._untold[row.id] = _Untold(row.tokens, row.at)

    def settled(self, row_id: str, tokens: int) -> None:
        """Remember the tokens a row used in the end."""
        if row_id in self._own:
            self._own[row_id] = replace(self._own[row_id], tokens=tokens)

    def released(self, row_id: str) -> None:
        """Forget a row."""
        self._own.pop(row_id, None)

    def untold(self, row_id: str, tokens: int | None, now: float) -> None:
        """Remember what the shared state has to be told of a row once it is back."""
        self._untold[row_id] = _Untold(tokens, now)

    def saw(self, rows: Sequence[Row], now: float) -> None:
        """Take what the window held just now, whoever made it."""
        self._others = tuple(row for row in rows if row.id not in self._own)
        self._seen_at = now

    def wants_view(self, now: float) -> bool:
        """Return whether the others' rows should be looked at with the next reservation."""
        few = len(self._own) + len(self._others) <= SMALL_VIEW
        return few or self._seen_at is None or now - self._seen_at >= 1

    def own(self, now: float) -> list[Row]:
        """Return this server's rows that still count, oldest first."""
        self._own = {name: row for name, row in self._own.items() if row.at + self._length > now}
        return sorted(self._own.values(), key=lambda row: row.at)

    def lost(self, now: float) -> bool:
        """Return whether a store that came back empty lost rows that still count."""
        return bool(self.own(now)) or any(row.at + self._length > now for row in self._others)

    def before(self, now: float) -> list[Row]:
        """Return all that counts now: its own rows, the others' last seen, and those not seen."""
        own = self.own(now)
        others = [row for row in self._others if row.at + self._length > now]
        room = None if self.most is None else max(0, self.most - len(own) - len(others))
        gap = 0.0 if self._seen_at is None else now - self._seen_at
        return own + others + unseen(others, gap, now, room)

    @property
    def has_untold(self) -> bool:
        """Return whether there is something the shared state was not told."""
        return bool(self._untold)

    def take_untold(self, now: float) -> dict[str, int | None]:
        """Return what the shared state was not told of rows that still count, and forget it."""
        told, self._untold = self._untold, {}
        return {name: one.tokens for name, one in told.items() if one.at + self._length > now}

    def forget_untold(self, now: float) -> None:
        """Drop what no longer matters, for as long as the shared state stays away."""
        if len(self._untold) > SMALL_VIEW:
            self._untold = {
                name: one for name, one in self._untold.items() if one.at + self._length > now
            }


def unseen(others: Sequence[Row], gap: float, now: float, room: int | None) -> list[Row]:
    """Return rows that stand for what the others may have reserved since they were last seen.

    In the `gap` seconds since then they may have gone on as fast as at their fastest: so many
    rows as the busiest stretch of that length among those seen had, at most `room`.
    """
    if gap <= 0:
        return []
    ordered = sorted(others, key=lambda row: row.at)
    times = [row.at for row in ordered]
    best: list[Row] = []
    for end in range(len(ordered)):
        stretch = ordered[bisect_left(times, times[end] - gap) : end + 1]
        if len(stretch) > len(best):
            best = stretch
    best = best if room is None else best[:room]
    return [replace(row, id=f"unseen-{now}-{row.id}", at=now) for row in best]
