"""The one interface of shared state: SQLite, Redis or memory behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from aiex_lsp.state.types import (
    Admission,
    CallOutcome,
    Ceiling,
    Circuit,
    CircuitChange,
    CircuitPolicy,
    Member,
    Reservation,
    Row,
    WindowLimits,
    WindowUsage,
)


class Store(ABC):
    """Shared state. Each method is one step that no other server can come between.

    Methods raise only `StateError` (the store is lost, slow, full, locked or corrupt) or
    `asyncio.CancelledError`; none blocks the event loop. Names of windows and circuits begin with
    a provider's scope and a `/`. All times are Unix times of the store's own clock, durations
    seconds.
    """

    kind: str
    """sqlite, redis or memory."""

    @abstractmethod
    async def reserve(
        self, window: str, row: Row, limits: WindowLimits, share: int = 1
    ) -> Reservation:
        """Take one request and `row.tokens` tokens out of a window, or nothing at all.

        `row.at` is ignored: it is the store's time. `share` counts the wish so often: a server
        that cannot see the others takes its part of what is left. A row of this id that is there
        already is granted again and counts once.
        """

    @abstractmethod
    async def settle(self, window: str, row_id: str, tokens: int) -> None:
        """Set the tokens a granted request used in the end. Nothing happens if it has gone."""

    @abstractmethod
    async def release(self, window: str, row_id: str) -> None:
        """Give a reservation back whole: nothing was sent."""

    @abstractmethod
    async def publish(self, window: str, rows: Sequence[Row]) -> None:
        """Add rows of this server's that a new store lacks; those it has stay as they are."""

    @abstractmethod
    async def lower(self, window: str, ceiling: Ceiling) -> None:
        """Hold a window to what the provider said is left."""

    @abstractmethod
    async def usage(self, window: str) -> WindowUsage:
        """Return what a window holds now."""

    @abstractmethod
    async def admit(
        self, circuits: Sequence[str], holder: str, lease: float, policy: CircuitPolicy
    ) -> Admission:
        """Return whether a call may go through all of `circuits`.

        An open circuit whose time has come turns half open and gives its one probe to `holder`
        for `lease` seconds; whoever holds a probe and does not report loses it then. Where one
        circuit refuses, no probe of the others is taken.
        """

    @abstractmethod
    async def record(
        self, outcomes: Mapping[str, CallOutcome], holder: str, policy: CircuitPolicy
    ) -> list[CircuitChange]:
        """Take what a call showed of each circuit; a probe that `holder` holds is given back."""

    @abstractmethod
    async def permit(self, circuits: Sequence[str]) -> None:
        """Let open circuits probe now: a health check was good. Closes none."""

    @abstractmethod
    async def circuits(self, names: Sequence[str]) -> list[Circuit]:
        """Return circuits as they are, closed ones for names never seen."""

    @abstractmethod
    async def reset(self, circuits: Sequence[str]) -> None:
        """Close circuits and forget their failures."""

    @abstractmethod
    async def get(self, key: str) -> str | None:
        """Return a value, None where there is none or its time has passed."""

    @abstractmethod
    async def put(self, key: str, value: str, ttl: float) -> None:
        """Keep a value for `ttl` seconds; 0 or less removes it."""

    @abstractmethod
    async def cached(self, key: str) -> bytes | None:
        """Return a cached answer, None where there is none or it is too old."""

    @abstractmethod
    async def cache(self, key: str, value: bytes, ttl: float, max_bytes: int) -> None:
        """Keep an answer; those used least recently go until all take at most `max_bytes`."""

    @abstractmethod
    async def beat(self, member: Member) -> list[Member]:
        """Tell that this server is there; return all members of the last `MEMBER_SECONDS`.

        `member.last_seen` is ignored: it is the store's time.
        """

    @abstractmethod
    async def members(self) -> list[Member]:
        """Return all members of the last `MEMBER_SECONDS`, without telling anything."""

    @abstractmethod
    async def leave(self, member_id: str) -> None:
        """Take a member out at once."""

    @abstractmethod
    async def now(self) -> float:
        """Return the store's clock, to tell how long ago its times are."""

    @abstractmethod
    async def aclose(self) -> None:
        """Close connections and files; may be called twice."""
