"""A provider that fails for a while is left alone, tried by one call at a time, and taken back."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from pygls.exceptions import JsonRpcException

from tests.e2e.harness import Home
from tests.faults.expect import SLACK
from tests.faults.harness import SPARE, Bench, bench, in_every_dialect, nobody_listens, provider
from tests.faults.plays import GOOD, forever, never_answers, says
from tests.faults.questions import Pending
from tests.servers.base import FakeServer
from tests.servers.openai import OpenAIServer
from tests.servers.script import Drop, Reply, Step

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("faults-breaker"),
    pytest.mark.asyncio(loop_scope="module"),
]

OPEN, MOST_OPEN = 0.8, 1.6
"""Seconds a circuit stays open, and at most; each up to a tenth more, at random."""

NO_RETRY = {"tries": 1}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def table(make_home: Callable[[], Home]) -> AsyncIterator[Bench]:
    breaker = {"failure_threshold": 5, "open_seconds": OPEN, "max_open_seconds": MOST_OPEN}
    async with bench(make_home(), circuit_breaker=breaker) as found:
        yield found


async def test_an_outage_with_nowhere_to_go(table: Bench) -> None:
    """Five failures, then quiet but for one probe a time, each twice as late; then well again."""

    async def outage(name: str, server: FakeServer) -> None:
        for _ in range(5):
            assert f"{name} failed (500)" in await Pending(table.client, name).refusal()
        opened = await table.circuit(name, "open")
        assert opened["failureCount"] == 5
        assert opened["lastFailure"]
        message = await Pending(table.client, name).refusal()
        assert message.startswith(f"{name} cannot be asked: left alone after 5 failures")
        assert "reset its circuit" in message
        assert len(server.generations) == 5

        # It lasts: of six calls at once one asks, and it is left alone for twice as long.
        await asyncio.sleep(OPEN * 1.1 + 0.05)
        await asyncio.gather(*(Pending(table.client, name).refusal() for _ in range(6)))
        await table.circuit(name, "open")
        probed = server.generations[-1].received_at
        while time.monotonic() - probed < MOST_OPEN - 0.2:
            await Pending(table.client, name).refusal()
            await asyncio.sleep(0.1)
        assert len(server.generations) == 6

        server.answer = lambda _body: Reply(GOOD, first_token=0.3)
        await asyncio.sleep(MOST_OPEN * 0.1 + 0.4)
        asked = [Pending(table.client, name).result() for _ in range(6)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        good = [one for one in answers if isinstance(one, dict)]
        assert len(good) == 1
        assert len(server.generations) == 7
        for one in answers:
            if isinstance(one, JsonRpcException):
                assert "being tried again by another call" in one.message
        await table.circuit(name, "closed")
        await table.well(name)

    await in_every_dialect(table, outage, forever(says("failed")), retry=NO_RETRY)


async def test_flapping_with_a_spare(table: Bench) -> None:
    """Nobody waits for it: each question is answered, and it hears few of them until it is well."""

    async def flaps(name: str, server: FakeServer) -> None:
        began = time.monotonic()
        turn = itertools.count()
        good: list[object] = []

        def flapping(body: object) -> str | Step:
            if next(turn) % 7 and time.monotonic() - began < 4.0:
                return Drop()
            good.append(body)
            return GOOD

        server.answer = flapping
        by: list[str] = []
        while time.monotonic() - began < 3.5:
            answer = await table.well(name)
            by.append(answer["provider"])
            assert answer["durationMs"] < 250 + 2000 * SLACK
        assert by.count(name) == len(good)
        assert by.count(SPARE) == len(by) - len(good)
        # Five failures until it opens and then a probe each time; it may flap well once.
        assert len(server.generations) <= 13

        async with asyncio.timeout(20):
            while (await table.status(name))["circuit"]["state"] != "closed":
                await table.well(name)
        # It recovers: it has its calls back by and by.
        async with asyncio.timeout(20):
            while (await table.well(name))["provider"] != name:
                pass

    await in_every_dialect(table, flaps, retry=NO_RETRY, fallback_providers=[SPARE])


async def test_one_that_is_silent_from_the_first_byte(table: Bench) -> None:
    """Not even its list of models comes: that is waited for by five calls, not by all to come."""

    async def mute(name: str, server: FakeServer) -> None:
        for _ in range(5):
            assert (await table.well(name))["attempts"][0]["outcome"] == "first_token_timeout"
        asked = len(server.requests)
        await table.circuit(name, "open")
        answer = await table.well(name)
        assert [one["provider"] for one in answer["attempts"]] == [SPARE]
        assert len(server.requests) == asked

    await in_every_dialect(
        table,
        mute,
        never_answers,
        retry=NO_RETRY,
        fallback_providers=[SPARE],
        first_token_timeout=0.6,
        request_timeout=10.0,
        circuit_breaker={"open_seconds": 60},
    )


async def test_one_that_is_not_there(table: Bench) -> None:
    """A closed port opens the provider's circuit; a reset closes it."""
    with nobody_listens() as address:
        gone = {**provider(OpenAIServer()), "base_url": address}
        await table.configure({"gone": gone}, retry=NO_RETRY, circuit_breaker={"open_seconds": 60})
        for _ in range(5):
            assert "not reachable" in await Pending(table.client, "gone").refusal()
        await table.circuit("gone", "open")
        assert "tried again in" in await Pending(table.client, "gone").refusal()
        status = await table.client.request("aiex/resetCircuit", {"provider": "gone"})
        assert status["circuit"]["state"] == "closed"
        assert "not reachable" in await Pending(table.client, "gone").refusal()
    await table.well()
