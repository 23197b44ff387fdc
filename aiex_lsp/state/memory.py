"""Shared state of one process: in memory, gone with it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random

from aiex_lsp.state import circuit as breaker
from aiex_lsp.state import window as windows
from aiex_lsp.state.primary import PrimaryStore, Seen
from aiex_lsp.state.types import (
    MEMBER_SECONDS,
    WINDOW_SECONDS,
    Admission,
    CallOutcome,
    Ceiling,
    Circuit,
    CircuitChange,
    CircuitPolicy,
    Member,
    Row,
    WindowLimits,
    WindowUsage,
)
from aiex_lsp.state.units import to_micros, to_seconds


class MemoryStore(PrimaryStore):
    """A store without a file or server. It never fails, and no method waits for anything.

    `clock` is Unix time in seconds, `random` gives the breaker's jitter, `window` is the length
    of the rate limits' window in seconds.
    """

    kind = "memory"

    def __init__(
        self, clock: Callable[[], float], random: Random, window: float = WINDOW_SECONDS
    ) -> None:
        self._clock = clock
        self._random = random
        self._length = to_micros(window)
        self._windows: dict[str, windows.Window] = {}
        self._circuits: dict[str, breaker.Record] = {}
        self._values: dict[str, tuple[str, int]] = {}
        self._cache: OrderedDict[str, tuple[bytes, int]] = OrderedDict()
        self._members: dict[str, Member] = {}

    async def reserve_seen(
        self,
        window: str,
        row: Row,
        limits: WindowLimits,
        share: int = 1,
        *,
        born: str | None = None,
        view: bool = False,
    ) -> Seen:
        """Reserve; memory is always the same store."""
        after, reservation = windows.reserve(
            self._window(window), row, limits, share, self._now(), self._length
        )
        self._windows[window] = after
        return Seen(reservation, self.kind, windows.rows_of(after) if view else None)

    async def settle(self, window: str, row_id: str, tokens: int) -> None:
        """Set the tokens a granted request used in the end."""
        self._windows[window] = windows.settle(self._window(window), row_id, tokens)

    async def release(self, window: str, row_id: str) -> None:
        """Give a reservation back whole."""
        self._windows[window] = windows.release(self._window(window), row_id)

    async def publish(self, window: str, rows: Sequence[Row]) -> None:
        """Add rows that are not there."""
        self.add(window, rows)

    def add(self, window: str, rows: Sequence[Row]) -> None:
        """Add rows that are not there, before anything else can happen."""
        self._windows[window] = windows.publish(
            self._window(window), rows, self._now(), self._length
        )

    async def lower(self, window: str, ceiling: Ceiling) -> None:
        """Hold a window to what the provider said is left."""
        self._windows[window] = windows.lower(
            self._window(window), ceiling, self._now(), self._length
        )

    async def usage_seen(self, window: str) -> tuple[WindowUsage, str]:
        """Return what a window holds now; memory is always the same store."""
        return windows.usage(self._window(window), self._now(), self._length), self.kind

    async def admit(
        self, circuits: Sequence[str], holder: str, lease: float, policy: CircuitPolicy
    ) -> Admission:
        """Return whether a call may go through all of `circuits`."""
        now = self._now()
        records = {name: self._circuit(name, now) for name in circuits}
        for name, record in records.items():
            if not breaker.admits(record, holder, now):
                return Admission(
                    False, to_seconds(now), refused_by=breaker.shown(name, record, now)
                )
        for name, record in records.items():
            self._keep(name, breaker.admitted(record, holder, to_micros(lease), now))
        probe = any(record.state != "closed" for record in records.values())
        return Admission(True, to_seconds(now), probe=probe)

    async def record(
        self, outcomes: Mapping[str, CallOutcome], holder: str, policy: CircuitPolicy
    ) -> list[CircuitChange]:
        """Take what a call showed of each circuit."""
        now, chance = self._now(), self._random.random()
        changes = []
        for name, outcome in outcomes.items():
            before = self._circuit(name, now)
            after = breaker.recorded(before, outcome, holder, policy, now, chance)
            self._keep(name, after)
            changes.append(CircuitChange(breaker.shown(name, after, now), before.state))
        return changes

    async def permit(self, circuits: Sequence[str]) -> None:
        """Let open circuits probe now."""
        now = self._now()
        for name in circuits:
            self._keep(name, breaker.permitted(self._circuit(name, now), now))

    async def circuits(self, names: Sequence[str]) -> list[Circuit]:
        """Return circuits as they are."""
        now = self._now()
        return [breaker.shown(name, self._circuit(name, now, write=False), now) for name in names]

    async def reset(self, circuits: Sequence[str]) -> None:
        """Close circuits and forget their failures."""
        for name in circuits:
            self._circuits.pop(name, None)

    def adopt(self, circuits: Sequence[Circuit]) -> None:
        """Go on from these circuits of another store; all others are closed."""
        now = self._now()
        self._circuits = {one.name: breaker.current(breaker.adopted(one), now) for one in circuits}

    async def get(self, key: str) -> str | None:
        """Return a value, None where there is none or its time has passed."""
        value, until = self._values.get(key, ("", 0))
        return value if until > self._now() else None

    async def put(self, key: str, value: str, ttl: float) -> None:
        """Keep a value for `ttl` seconds; 0 or less removes it."""
        now = self._now()
        self._values = {name: kept for name, kept in self._values.items() if kept[1] > now}
        self._values.pop(key, None)
        if ttl > 0:
            self._values[key] = (value, now + to_micros(ttl))

    async def cached(self, key: str) -> bytes | None:
        """Return a cached answer, None where there is none or it is too old."""
        value, until = self._cache.get(key, (b"", 0))
        if until <= self._now():
            return None
        self._cache.move_to_end(key)
        return value

    async def cache(self, key: str, value: bytes, ttl: float, max_bytes: int) -> None:
        """Keep an answer; those used least recently go."""
        now = self._now()
        self._cache.pop(key, None)
        for name in [name for name, kept in self._cache.items() if kept[1] <= now]:
            del self._cache[name]
        if ttl > 0 and len(value) <= max_bytes:
            self._cache[key] = (value, now + to_micros(ttl))
        total = sum(len(kept[0]) for kept in self._cache.values())
        while total > max_bytes:
            total -= len(self._cache.popitem(last=False)[1][0])

    async def beat(self, member: Member) -> list[Member]:
        """Tell that this server is there; return all members."""
        self._members[member.id] = replace(member, last_seen=to_seconds(self._now()))
        return await self.members()

    async def members(self) -> list[Member]:
        """Return the members of the last `MEMBER_SECONDS`, by id."""
        now = to_seconds(self._now())
        self._members = {
            name: replace(member, last_seen=min(member.last_seen, now))
            for name, member in self._members.items()
            if member.last_seen > now - MEMBER_SECONDS
        }
        return [self._members[name] for name in sorted(self._members)]

    async def leave(self, member_id: str) -> None:
        """Take a member out at once."""
        self._members.pop(member_id, None)

    async def now(self) -> float:
        """Return the clock."""
        return to_seconds(self._now())

    async def aclose(self) -> None:
        """Do nothing: there is nothing to close."""

    def _now(self) -> int:
        return to_micros(self._clock())

    def _window(self, name: str) -> windows.Window:
        return self._windows.get(name, windows.Window())

    def _circuit(self, name: str, now: int, *, write: bool = True) -> breaker.Record:
        record = breaker.current(self._circuits.get(name, breaker.Record()), now)
        if write:
            self._keep(name, record)
        return record

    def _keep(self, name: str, record: breaker.Record) -> None:
        if record == breaker.Record():
            self._circuits.pop(name, None)
        else:
            self._circuits[name] = record
