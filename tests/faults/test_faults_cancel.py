"""Cancelled while it waits, for whatever it waits: nothing hangs, nothing goes on upstream.

Each provider has a name of its own: one that is known would not show that the settings hold.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.harness import Home
from tests.faults.expect import DIALECTS
from tests.faults.harness import SERVERS, Bench, bench, provider
from tests.faults.plays import GOOD, said
from tests.faults.questions import Pending
from tests.servers.base import FakeServer
from tests.servers.script import Reply, Silence

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("faults-cancel"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.parametrize("dialect", DIALECTS),
]

SOON = 0.9
"""Seconds in which a cancelled call has ended, on a busy machine."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def table(make_home: Callable[[], Home]) -> AsyncIterator[Bench]:
    breaker = {"failure_threshold": 1, "open_seconds": 0.4, "max_open_seconds": 2.0}
    more: dict[str, Any] = {"request_timeout": 75.0, "circuit_breaker": breaker}
    async with bench(make_home(), **more) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def server(dialect: str) -> AsyncIterator[FakeServer]:
    async with SERVERS[dialect][0]() as found:
        yield found


async def test_in_the_wait_before_a_retry(table: Bench, server: FakeServer, dialect: str) -> None:
    """The second request is never sent."""
    server.answer = lambda _body: said(server, "rate limit")
    retry = {"backoff": 0.5, "jitter": 0.0}
    name = f"waits-{dialect}"
    await table.configure({name: provider(server)}, retry=retry)
    await table.afford(1, 1)
    pending = Pending(table.client, name)
    assert "rate_limited" in await pending.says(f"asking {name} again in 1 s")
    assert await pending.cancelled() < SOON
    await asyncio.sleep(1.2)
    assert len(server.generations) == 1
    await table.well()


async def test_in_the_wait_for_the_limit(table: Bench, server: FakeServer, dialect: str) -> None:
    """It leaves the queue, and no place in the minute is taken."""
    server.answer = lambda _body: GOOD
    limits = {"requests_per_minute": 1}
    name = f"full-{dialect}"
    await table.configure({name: provider(server, rate_limits=limits)})
    await table.well(name)
    pending = Pending(table.client, name)
    await pending.says(rf"waiting \d+ s for {name}'s limit of requests")
    assert await pending.cancelled() < SOON
    status = await table.status(name)
    assert status["rateLimit"]["requests"] == {"current": 1, "limit": 1, "remaining": 0}
    assert status["inFlight"] == 0
    assert len(server.generations) == 1
    await table.well()


async def test_in_the_middle_of_the_answer(table: Bench, server: FakeServer, dialect: str) -> None:
    """The connection is closed, so that the model stops; it counts for no failure."""
    server.answer = lambda _body: Reply(GOOD, stall_after=3)
    name = f"stalls-{dialect}"
    await table.configure({name: provider(server)}, stall_timeout=60.0)
    pending = Pending(table.client, name, partialResultToken=f"part-{dialect}")
    await table.client.until(lambda: server.generations)
    await asyncio.sleep(0.1)
    assert await pending.cancelled() < SOON
    await server.generations[0].wait()
    assert server.generations[0].cut
    assert (await table.status(name))["circuit"]["state"] == "closed"
    server.answer = lambda _body: GOOD
    await table.well(name)


async def test_the_probe_of_a_half_open_circuit(
    table: Bench, server: FakeServer, dialect: str
) -> None:
    """The probe is given back: the next call is the next probe, at once."""
    server.answer = lambda _body: said(server, "failed")
    name = f"probed-{dialect}"
    await table.configure({name: provider(server)}, retry={"tries": 1})
    await Pending(table.client, name).refusal()
    await table.circuit(name, "open")
    assert "left alone" in await Pending(table.client, name).refusal()
    await asyncio.sleep(0.5)
    server.answer = lambda _body: Silence()
    probe = Pending(table.client, name)
    await table.client.until(lambda: len(server.generations) == 2)
    await table.circuit(name, "half_open")
    assert "being tried again by another call" in await Pending(table.client, name).refusal()
    assert await probe.cancelled() < SOON
    await server.generations[1].wait()
    assert server.generations[1].cut
    server.answer = lambda _body: GOOD
    await table.well(name)
    assert len(server.generations) == 3
    await table.circuit(name, "closed")
