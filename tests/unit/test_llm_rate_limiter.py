"""When a request goes out, waits, or is told to go elsewhere; minutes pass in no time."""

import asyncio
from random import Random

import pytest

from aiex_lsp.config.settings import RateLimits
from aiex_lsp.errors import FailureKind
from aiex_lsp.events.bus import EventBus
from aiex_lsp.events.types import LimitReached
from aiex_lsp.llm.rate_limiter import OwnLimitError, RateLimiter, Wish
from aiex_lsp.llm.types import LimitStatus, Quota
from aiex_lsp.state.memory import MemoryStore
from tests.clock import in_virtual_time, unix_time

LIMITS = RateLimits(3, 1000)


def now() -> float:
    return asyncio.get_running_loop().time()


class Rig:
    def __init__(self, limits=LIMITS):
        self.bus = EventBus()
        self.events = []
        self.bus.subscribe(self.events.append)
        self.limiter = RateLimiter(MemoryStore(unix_time, Random(1)), self.bus, unix_time)
        self.limits = limits
        self.waits = []

    async def acquire(self, tokens=10, *, patience=100.0, within=100.0):
        wish = Wish("anthropic", "anthropic-1", "m", self.limits, tokens)
        return await self.limiter.acquire(
            wish,
            deadline=now() + within,
            patience=patience,
            on_wait=lambda seconds, limit: self.waits.append((round(seconds), limit)),
        )

    async def status(self):
        return await self.limiter.status("anthropic-1", self.limits)


@in_virtual_time
async def test_within_the_limit_nobody_waits_and_the_status_says_what_is_left():
    rig, began = Rig(), now()
    for _ in range(3):
        await rig.acquire(tokens=100)
    assert now() == began
    assert await rig.status() == (LimitStatus(3, 3, 0), LimitStatus(300, 1000, 700))


@in_virtual_time
async def test_a_request_too_many_waits_until_the_oldest_is_a_minute_old_and_says_so():
    rig = Rig()
    await rig.acquire()
    await asyncio.sleep(20)
    await rig.acquire()
    await rig.acquire()
    began = now()
    await rig.acquire()
    assert now() - began == pytest.approx(40, abs=0.1)
    assert rig.waits == [(40, "requests")]
    (event,) = [e for e in rig.events if isinstance(e, LimitReached)]
    assert (event.provider, event.limit) == ("anthropic", "requests")


@in_virtual_time
async def test_requests_and_tokens_are_told_apart_and_taken_as_one_step():
    rig = Rig()
    await rig.acquire(tokens=900)
    with pytest.raises(OwnLimitError) as caught:
        await rig.acquire(tokens=200, patience=3.0)
    assert caught.value.limit == "tokens"
    assert caught.value.free_tokens == 100
    assert caught.value.kind is FailureKind.OWN_LIMIT
    # The refused one took no request either.
    assert (await rig.status())[0] == LimitStatus(1, 3, 2)


@in_virtual_time
async def test_a_wait_longer_than_patience_is_refused_at_once_with_the_time():
    rig = Rig()
    for _ in range(3):
        await rig.acquire()
    began = now()
    with pytest.raises(OwnLimitError) as caught:
        await rig.acquire(patience=3.0)
    assert now() == began
    assert caught.value.retry_after == pytest.approx(60, abs=0.1)
    assert str(caught.value) == (
        "The limit set for anthropic of requests a minute is used up. "
        "Try again in 60 s, or choose another provider."
    )


@in_virtual_time
async def test_what_never_fits_says_so():
    with pytest.raises(OwnLimitError) as caught:
        await Rig().acquire(tokens=5000)
    assert "smaller than this request" in str(caught.value)
    assert caught.value.retry_after is None


@in_virtual_time
async def test_who_waits_goes_in_the_order_of_deadlines():
    rig, order = Rig(RateLimits(1, None)), []
    await rig.acquire()

    async def one(name, within):
        await rig.acquire(within=within, patience=1000.0)
        order.append((name, round(now())))

    began = round(now())
    await asyncio.gather(one("late", 500), one("soon", 200), one("middle", 300))
    assert order == [("soon", began + 60), ("middle", began + 120), ("late", began + 180)]


@in_virtual_time
async def test_settled_tokens_are_what_counts_and_a_refund_frees_at_once():
    rig = Rig()
    first = await rig.acquire(tokens=900)
    waiting = asyncio.create_task(rig.acquire(tokens=500))
    await asyncio.sleep(1)
    assert not waiting.done()
    began = now()
    await rig.limiter.settle(first, 200)
    second = await waiting
    assert now() - began < 0.5
    assert (await rig.status())[1].current == 700
    await rig.limiter.release(second)
    assert await rig.status() == (LimitStatus(1, 3, 2), LimitStatus(200, 1000, 800))


@in_virtual_time
async def test_who_stops_waiting_leaves_no_trace():
    rig = Rig(RateLimits(1, None))
    await rig.acquire()
    waiting = asyncio.create_task(rig.acquire())
    after = asyncio.create_task(rig.acquire(within=400, patience=400))
    await asyncio.sleep(1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    began = now()
    await after
    assert now() - began == pytest.approx(59, abs=0.2)


@in_virtual_time
async def test_what_the_provider_says_is_left_lowers_what_goes_out():
    rig = Rig(RateLimits(50, 100_000))
    await rig.limiter.lower("anthropic-1", Quota(1, 30.0, None, None))
    await rig.acquire()
    with pytest.raises(OwnLimitError) as caught:
        await rig.acquire(patience=3.0)
    assert "anthropic's own limit" in str(caught.value)
    assert (await rig.status())[0] == LimitStatus(1, 50, 0)
    began = now()
    await rig.acquire()
    assert now() - began == pytest.approx(30, abs=0.1)


@in_virtual_time
async def test_headers_that_always_say_nothing_is_left_cost_a_minute_and_no_hour():
    rig, began = Rig(RateLimits(50, 100_000)), now()
    for _ in range(3):
        await rig.limiter.lower("anthropic-1", Quota(0, 3500.0, 0, 3500.0))
        await rig.acquire(within=400, patience=400)
    assert now() - began == pytest.approx(180, abs=1)


@in_virtual_time
async def test_unlimited_providers_cost_no_step():
    rig = Rig(RateLimits())
    assert await rig.acquire() is None
    assert await rig.status() == (LimitStatus(), LimitStatus())


@in_virtual_time
async def test_but_what_their_provider_says_is_left_holds_there_too():
    rig = Rig(RateLimits())
    await rig.limiter.lower("anthropic-1", Quota(0, 7.0, None, None))
    began = now()
    await rig.acquire()
    assert now() - began == pytest.approx(7.0, abs=0.1)
