"""The rate limiter: a request goes out when its provider's minute has room for it.

Requests and tokens are taken as one step out of an exact sliding window that all servers share.
Tokens are reserved by an estimate, then settled to what was used, or given back.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from aiex_lsp.config.settings import RateLimits
from aiex_lsp.errors import FailureKind, ProviderError
from aiex_lsp.events.bus import EventBus
from aiex_lsp.events.types import LimitReached
from aiex_lsp.llm.scope import window_name
from aiex_lsp.llm.types import LimitStatus, Quota
from aiex_lsp.state.base import Store
from aiex_lsp.state.types import (
    WINDOW_SECONDS,
    Ceiling,
    Limited,
    Reservation,
    Row,
    WindowLimits,
    WindowUsage,
)

COUNTED_SECONDS = WINDOW_SECONDS + 1.0
"""How long a request counts. The provider's minute begins when a request arrives there, and one
may take up to so much longer on its way than the next (seen: a tenth of a second on loopback, with
four servers busy). Without it up to half as many again reach the provider in its minute."""

LEAST_WAIT = 0.01
"""Seconds; a wait that was computed to nothing is still a turn for the others."""


class OwnLimitError(ProviderError):
    """The window has no room in time. `limit` tells which, `free_tokens` what there is room for."""

    def __init__(self, provider: str, model: str | None, found: Reservation) -> None:
        self.limit: Limited = found.refused or "requests"
        self.free_tokens = found.free_tokens
        who = f"{provider}'s own limit" if found.by_provider else f"The limit set for {provider}"
        if math.isinf(found.wait):
            what = f"{who} of {self.limit} a minute is smaller than this request"
            step = f"Select less, or raise rate_limits under [providers.{provider}]"
        else:
            what = f"{who} of {self.limit} a minute is used up"
            step = f"Try again in {max(1, math.ceil(found.wait))} s, or choose another provider"
        super().__init__(
            FailureKind.OWN_LIMIT,
            what,
            step,
            provider=provider,
            model=model,
            retry_after=None if math.isinf(found.wait) else found.wait,
        )


@dataclass(frozen=True, slots=True)
class Wish:
    """One request that wants to go out: to whom, and with how many tokens in and out."""

    provider: str
    scope: str
    model: str
    limits: RateLimits
    tokens: int


@dataclass(frozen=True, slots=True)
class Lease:
    """A place in a window; settled or released once."""

    window: str
    row_id: str
    tokens: int


@dataclass(order=True, slots=True)
class _Waiter:
    deadline: float
    turn: int
    woken: asyncio.Event = field(default_factory=asyncio.Event, compare=False)


@dataclass(slots=True)
class _Queue:
    """Who waits for one window, the earliest deadline first; `due` is when the first goes on."""

    waiters: list[_Waiter] = field(default_factory=list)
    due: float = 0.0

    def wake_first(self) -> None:
        if self.waiters:
            self.waiters[0].woken.set()


class RateLimiter:
    """The windows of all providers. `now` is Unix time, for events; waits use the loop's clock."""

    def __init__(
        self,
        store: Store,
        bus: EventBus,
        now: Callable[[], float],
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._store = store
        self._bus = bus
        self._now = now
        self._new_id = new_id
        self._queues: dict[str, _Queue] = {}
        self._turns = itertools.count()
        self._lowered: set[str] = set()

    async def acquire(
        self,
        wish: Wish,
        *,
        deadline: float,
        patience: float,
        on_wait: Callable[[float, Limited], None] | None,
    ) -> Lease | None:
        """Return the place in the window, waited for in the order of deadlines; None needs none.

        `deadline` is a point on the loop's clock, `patience` the longest single wait in seconds;
        a longer one raises `OwnLimitError` at once. `on_wait` is told the seconds to wait and the
        limit that is used up; None only looks whether there is room now.
        """
        window = window_name(wish.scope)
        if is_unlimited(wish.limits) and window not in self._lowered:
            return None
        queue = self._queues.setdefault(window, _Queue())
        waiter = _Waiter(deadline, next(self._turns))
        heapq.heappush(queue.waiters, waiter)
        queue.wake_first()
        try:
            return await self._wait(wish, window, queue, waiter, patience, on_wait)
        finally:
            queue.waiters.remove(waiter)
            heapq.heapify(queue.waiters)
            queue.wake_first()
            if not queue.waiters:
                self._queues.pop(window, None)

    async def settle(self, lease: Lease | None, tokens: int) -> None:
        """Set the tokens that were used in the end."""
        if lease is not None and tokens != lease.tokens:
            await self._store.settle(lease.window, lease.row_id, tokens)
            self._wake(lease)

    async def release(self, lease: Lease | None) -> None:
        """Give a place back: nothing was sent."""
        if lease is not None:
            await self._store.release(lease.window, lease.row_id)
            self._wake(lease)

    async def lower(self, scope: str, quota: Quota) -> None:
        """Hold the window to what the provider said is left, for a minute at most.

        Who means longer says so again, or refuses and names the time; a header that lies would
        else keep everybody from asking.
        """
        ceiling = Ceiling(
            quota.requests,
            _a_minute(quota.requests_reset),
            quota.tokens,
            _a_minute(quota.tokens_reset),
        )
        self._lowered.add(window_name(scope))
        await self._store.lower(window_name(scope), ceiling)

    async def status(self, scope: str, limits: RateLimits) -> tuple[LimitStatus, LimitStatus]:
        """Return requests and tokens of the last minute: current, limit and remaining."""
        if is_unlimited(limits):
            return LimitStatus(), LimitStatus()
        return status_of(await self._store.usage(window_name(scope)), limits)

    async def _wait(
        self,
        wish: Wish,
        window: str,
        queue: _Queue,
        waiter: _Waiter,
        patience: float,
        on_wait: Callable[[float, Limited], None] | None,
    ) -> Lease:
        clock = asyncio.get_running_loop().time
        row_id = self._new_id()
        limits = WindowLimits(wish.limits.requests_per_minute, wish.limits.tokens_per_minute)
        behind = clock()
        while True:
            waiter.woken.clear()
            if queue.waiters[0] is not waiter:
                # Somebody with an earlier deadline waits for the same window.
                known = max(queue.due - clock(), 0.0)
                if known > patience or clock() + known > waiter.deadline:
                    raise OwnLimitError(wish.provider, wish.model, _queued(row_id, known))
                left = min(behind + patience, waiter.deadline) - clock()
                if left <= 0 or not await _within(waiter.woken, left):
                    raise OwnLimitError(wish.provider, wish.model, _queued(row_id, known))
                continue
            found = await self._store.reserve(window, Row(row_id, 0.0, wish.tokens), limits)
            if found.granted:
                return Lease(window, row_id, wish.tokens)
            wait = max(found.wait, LEAST_WAIT)
            limit = found.refused or "requests"
            if on_wait is None:
                raise OwnLimitError(wish.provider, wish.model, found)
            self._bus.publish(
                LimitReached(
                    timestamp=self._now(),
                    provider=wish.provider,
                    limit=limit,
                    wait=wait,
                    by_provider=found.by_provider,
                )
            )
            if wait > patience or clock() + wait > waiter.deadline:
                raise OwnLimitError(wish.provider, wish.model, found)
            on_wait(wait, limit)
            queue.due = clock() + wait
            await _within(waiter.woken, wait)

    def _wake(self, lease: Lease) -> None:
        queue = self._queues.get(lease.window)
        if queue is not None:
            queue.wake_first()


def is_unlimited(limits: RateLimits) -> bool:
    """Return whether neither requests nor tokens are limited."""
    return limits.requests_per_minute is None and limits.tokens_per_minute is None


def status_of(usage: WindowUsage, limits: RateLimits) -> tuple[LimitStatus, LimitStatus]:
    """Return requests and tokens as users see them (design document: current, limit, remaining).

    What the provider said is left lowers what remains.
    """

    def one(current: int, limit: int | None, said: int | None) -> LimitStatus:
        own = None if limit is None else max(0, limit - current)
        known = [left for left in (own, said) if left is not None]
        return LimitStatus(current, limit, max(0, min(known)) if known else None)

    return (
        one(usage.requests, limits.requests_per_minute, usage.requests_left),
        one(usage.tokens, limits.tokens_per_minute, usage.tokens_left),
    )


def _a_minute(reset: float | None) -> float | None:
    return None if reset is None else min(reset, WINDOW_SECONDS)


def _queued(row_id: str, wait: float) -> Reservation:
    return Reservation(False, row_id, 0.0, 0, 0, "requests", max(wait, LEAST_WAIT))


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Return whether the event came within `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
