"""Limits of a minute, the provider's own and ours; retries kept few; one call for two who ask."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from tests.e2e.harness import Home
from tests.faults.expect import SLACK
from tests.faults.harness import SPARE, Bench, bench, in_every_dialect, provider
from tests.faults.plays import GOOD, forever, once, says
from tests.faults.questions import Pending, about, ask, new_file
from tests.servers.base import FakeServer
from tests.servers.openai import OpenAIServer
from tests.servers.script import Reply, Step

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("faults-limits"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def table(make_home: Callable[[], Home]) -> AsyncIterator[Bench]:
    async with bench(make_home()) as found:
        yield found


# -- our own limit ------------------------------------------------------------------------------


async def test_a_limit_that_is_reached_with_a_spare(table: Bench) -> None:
    """The next provider is asked at once, and the limited one hears nothing."""

    async def full(name: str, server: FakeServer) -> None:
        assert (await table.well(name))["provider"] == name
        answer = await table.well(name)
        assert answer["provider"] == SPARE
        assert answer["durationMs"] < 250 + 1000 * SLACK
        assert len(server.generations) == 1
        requests = (await table.status(name))["rateLimit"]["requests"]
        assert requests == {"current": 1, "limit": 1, "remaining": 0}

    limits = {"rate_limits": {"requests_per_minute": 1}}
    await in_every_dialect(table, full, forever(_good), each=limits, fallback_providers=[SPARE])


async def test_a_limit_that_is_reached_with_nowhere_to_go(table: Bench) -> None:
    """Longer than anybody waits: the message names the limit and the time."""

    async def full(name: str, server: FakeServer) -> None:
        await table.well(name)
        pending = Pending(table.client, name)
        message = await pending.refusal()
        assert f"The limit set for {name} of requests a minute is used up" in message
        found = re.search(r"Try again in (\d+) s", message)
        assert found is not None
        assert 50 <= int(found[1]) <= 61
        assert len(server.generations) == 1

    limits = {"rate_limits": {"requests_per_minute": 1}}
    await in_every_dialect(table, full, forever(_good), each=limits)


async def test_tokens_that_come_free_are_waited_for(table: Bench) -> None:
    """A question reserves all its answer may take; what it did not take is the next one's."""

    async def short(name: str, server: FakeServer) -> None:
        first = Pending(table.client, name)
        await table.client.until(lambda: server.generations)
        second = Pending(table.client, name)
        told = await second.says("waiting")
        assert re.search(rf"waiting \d+ s for {name}'s limit of tokens", told)
        assert len(server.generations) == 1
        for pending in (first, second):
            assert (await pending.result())["markdown"] == GOOD
        assert len(server.generations) == 2
        earlier, later = (one.received_at for one in server.generations)
        assert 0.7 <= later - earlier <= 0.8 + SLACK

    limits = {"rate_limits": {"tokens_per_minute": 1900}}
    slow = forever(lambda _: Reply(GOOD, first_token=0.8))
    await in_every_dialect(table, short, slow, each=limits, request_timeout=75.0)


# -- the provider's own -------------------------------------------------------------------------


def _used_up(server: FakeServer) -> Step:
    """Answer well, and say that for 1.2 s no further request is welcome."""
    if server.dialect == "anthropic":
        at = (datetime.now(UTC) + timedelta(seconds=1.2)).isoformat()
        headers = {
            "anthropic-ratelimit-requests-remaining": "0",
            "anthropic-ratelimit-requests-reset": at.replace("+00:00", "Z"),
        }
    else:
        headers = {
            "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-requests": "1200ms",
        }
    return Reply(GOOD, headers=headers)


async def test_what_the_provider_says_is_left_is_kept_to(table: Bench) -> None:
    """The next request is held back until the time it named, and progress says so."""

    async def held(name: str, server: FakeServer) -> None:
        await table.well(name)
        pending = Pending(table.client, name)
        told = await pending.says("waiting")
        assert f"waiting 1 s for {name}'s limit of requests" in told
        assert (await pending.result())["markdown"] == GOOD
        earlier, later = (one.received_at for one in server.generations)
        assert 1.1 <= later - earlier <= 1.2 + SLACK

    limits = {"rate_limits": {"requests_per_minute": 1000}}
    await in_every_dialect(table, held, once(_used_up), each=limits)


# -- the call's own end ---------------------------------------------------------------------------


async def test_an_answer_that_does_not_end(table: Bench) -> None:
    """It is cut at the longest time a call may take, upstream too, and shown as no answer."""

    async def endless(name: str, server: FakeServer) -> None:
        uri, function = new_file(table.client)
        outcome = await ask(table.client, uri, function, name, streamed=True)
        assert outcome.error is not None
        assert f"{name} was not done after 1.5 s" in outcome.error.message
        assert "max_duration" in outcome.error.message
        assert 1.4 <= outcome.seconds <= 1.5 + SLACK
        (request,) = server.generations
        await request.wait()
        assert request.cut

    talk = forever(lambda _: Reply(pieces=["and so on "] * 200, between=0.1))
    await in_every_dialect(table, endless, talk, max_duration=1.5, fallback_providers=[SPARE])


# -- retries --------------------------------------------------------------------------------------


async def test_retries_are_few(make_home: Callable[[], Home]) -> None:
    """Each question fails once: three of a minute are asked again, the others fail at once."""
    never_open = {"failure_threshold": 1000}
    async with (
        bench(make_home(), circuit_breaker=never_open) as table,
        OpenAIServer() as server,
    ):
        seen: set[str] = set()

        def once_a_prompt(body: dict[str, object]) -> str | Step:
            text = str(body["messages"])
            if text in seen:
                return GOOD
            seen.add(text)
            return server.error(500, "The server had an error")

        server.answer = once_a_prompt
        await table.configure({"shaky": provider(server)})
        pending = [Pending(table.client, "shaky") for _ in range(8)]
        ended = await asyncio.gather(*(one.result() for one in pending), return_exceptions=True)
        assert sum(isinstance(one, dict) for one in ended) == 3
        assert len(server.generations) == 8 + 3

        # With a spare nobody notices.
        await table.configure({"shaky": provider(server)}, fallback_providers=[SPARE])
        for _ in range(3):
            assert (await table.well("shaky"))["provider"] == SPARE
        assert len(server.generations) == 8 + 3 + 3


# -- two who ask the same -----------------------------------------------------------------------


async def test_the_same_question_twice_at_once_is_one_request(table: Bench) -> None:
    """Both stream the whole answer; the second's says that it was not asked for anew."""

    async def twice(name: str, server: FakeServer) -> None:
        uri, function = new_file(table.client)
        again = table.client.text(uri)
        answers = await asyncio.gather(
            *(ask(table.client, uri, function, name, streamed=True, keep=True) for _ in range(2))
        )
        assert len(server.generations) == 1
        for one in answers:
            assert one.result is not None
            assert one.result["markdown"] == one.joined == GOOD
        cached = [one.result["answer"]["cached"] for one in answers if one.result]
        assert sorted(cached) == [False, True]
        assert table.client.text(uri) == again

        later = await ask(table.client, uri, function, name, streamed=True)
        assert later.result is not None
        assert later.result["answer"]["cached"] is True
        assert later.result["answer"]["cost"] in (0, 0.0)
        assert later.joined == GOOD
        assert len(server.generations) == 1

    slow = forever(lambda _: Reply(GOOD, first_token=0.3, between=0.01))
    await in_every_dialect(table, twice, slow)


async def test_one_of_two_who_ask_the_same_is_cancelled(table: Bench) -> None:
    """The other has its answer; cancelled by both it ends upstream."""

    async def pair(name: str, server: FakeServer) -> None:
        uri, function = new_file(table.client)
        for left in (1, 0):
            server.requests.clear()
            pending = [Pending(table.client, name, at=(uri, function)) for _ in range(2)]
            await table.client.until(lambda: about(server, function))
            await asyncio.sleep(0.1)
            await pending[0].cancelled()
            if left:
                assert (await pending[1].result())["markdown"] == GOOD
                assert len(server.generations) == 1
            else:
                await pending[1].cancelled()
                (request,) = server.generations
                await request.wait()
                assert request.cut

    slow = forever(lambda _: Reply(GOOD, first_token=0.6))
    await in_every_dialect(table, pair, slow, cache={"ttl": 0})


async def test_a_failure_is_shared_as_an_answer_is(table: Bench) -> None:
    """Two who ask the same of one that is down cause no more requests than one."""

    async def both(name: str, server: FakeServer) -> None:
        uri, function = new_file(table.client)
        pending = [Pending(table.client, name, at=(uri, function)) for _ in range(2)]
        for one in pending:
            assert "failed (500)" in await one.refusal()
        assert len(server.generations) <= 2

    await in_every_dialect(table, both, forever(says("failed")), retry={"tries": 1})


def _good(_server: FakeServer) -> Step:
    return Reply(GOOD)
