"""What a store tells the one who wraps it, beyond what the interface says."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from aiex_lsp.errors import StateError
from aiex_lsp.state.base import Store
from aiex_lsp.state.types import Reservation, Row, WindowLimits, WindowUsage


class UnsuitableError(StateError):
    """The store cannot be used here however often it is tried: a wrong place or a missing part."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A reservation, and what of the store was seen with it.

    `born` is the store's identity: another one means that it lost everything meanwhile, and
    `reservation` is None then if the caller had named the one it knew. `rows` are the window's
    after the reservation, None unless asked for.
    """

    reservation: Reservation | None
    born: str
    rows: tuple[Row, ...] | None = None


class PrimaryStore(Store):
    """A store that tells with each reservation what the others hold."""

    @abstractmethod
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
        """Reserve as `reserve` does, but nothing in a store that is another one than `born`."""

    @abstractmethod
    async def usage_seen(self, window: str) -> tuple[WindowUsage, str]:
        """Return what a window holds now, and the store's identity, "" where it has none yet."""

    async def usage(self, window: str) -> WindowUsage:
        """Return what a window holds now."""
        return (await self.usage_seen(window))[0]

    async def reserve(
        self, window: str, row: Row, limits: WindowLimits, share: int = 1
    ) -> Reservation:
        """Take one request and `row.tokens` tokens out of a window, or nothing at all."""
        seen = await self.reserve_seen(window, row, limits, share)
        assert seen.reservation is not None
        return seen.reservation
