"""Four server processes share one limit and one circuit: on a file, and on a real Redis.

Both kinds run at the same time, for each takes over a minute of waiting and little else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.harness import Client, Home, running
from tests.faults.expect import SETTINGS
from tests.faults.harness import KEY, config, provider
from tests.faults.plays import GOOD, said
from tests.faults.questions import Pending
from tests.servers.openai import OpenAIServer
from tests.servers.redis import MISSING, redis_program, redis_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("faults-team"),
    pytest.mark.asyncio(loop_scope="module"),
]

SERVERS = 4
LIMIT = 20
"""Requests a minute."""

WINDOW = 60.0
OFFERED = 4 * LIMIT
PATIENCE = 75.0
"""Seconds a question waits for the limit."""

OPEN = 4.0
"""Seconds a circuit stays open."""

BACKENDS = [
    "sqlite",
    pytest.param("redis", marks=pytest.mark.skipif(redis_program() is None, reason=MISSING)),
]


@dataclass
class Team:
    """What one run came to. `sent` are the times of requests, seconds from the first one."""

    sent: list[float] = field(default_factory=list)
    answered: int = 0
    refused: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    circuits: list[str] = field(default_factory=list)
    asked_while_open: int = 0
    probes: int = 0
    backends: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


@asynccontextmanager
async def _team(
    home: Home, folder: Path, settings: Mapping[str, Any]
) -> AsyncIterator[list[Client]]:
    """Yield editors of servers that share a state folder; each has its own home."""
    async with AsyncExitStack() as stack:
        clients = []
        for number in range(SERVERS):
            own = Home(folder / f"home-{number}")
            own.state = home.state
            env = {"FAKE_KEY": KEY, "AIEX_LOG_LEVEL": "error"}
            started = running(own, "neovim", config=config(settings), env=env)
            clients.append(await stack.enter_async_context(started))
        yield clients


async def _offered(clients: list[Client], server: OpenAIServer) -> list[Pending]:
    """Return four times the limit of questions, asked at once at all servers."""
    pending = [Pending(clients[n % SERVERS], "busy") for n in range(OFFERED)]
    await server.generations_come(LIMIT, 30)
    return pending


async def _limits(pending: list[Pending], server: OpenAIServer, team: Team) -> None:
    """Wait for all of them."""
    ended = await asyncio.gather(*(one.result(120) for one in pending), return_exceptions=True)
    team.answered = sum(isinstance(one, dict) for one in ended)
    team.refused = [str(one) for one in ended if not isinstance(one, dict)]
    team.told = [message for one in pending for message in one.told]
    times = [request.received_at for request in server.generations]
    team.sent = [at - min(times) for at in times]


async def _breaker(clients: list[Client], server: OpenAIServer, team: Team) -> None:
    """Let one server see failures, then ask the others what they know of it."""
    # The first question of a process takes long; what follows must not.
    await asyncio.gather(*(Pending(client, "warm").result() for client in clients))
    await _all_there(clients[-1])
    server.answer = lambda _body: said(server, "failed")
    for _ in range(5):
        await Pending(clients[0], "down").refusal()
    opened = time.monotonic()
    for client in clients:
        found = await client.request("aiex/providers")
        team.circuits += [one["circuit"]["state"] for one in found if one["provider"] == "down"]
    before = len(server.generations)
    for client in clients:
        assert "left alone after 5 failures" in await Pending(client, "down").refusal()
    team.asked_while_open = len(server.generations) - before
    team.backends = await _members(clients[0])

    # Its time has come: of all that ask at once in four processes one goes through.
    await asyncio.sleep(max(0.0, opened + 1.1 * OPEN - time.monotonic()))
    await asyncio.gather(*(Pending(clients[n % SERVERS], "down").refusal() for n in range(24)))
    team.probes = len(server.generations) - before


async def _members(client: Client) -> list[str]:
    """Return the shared state's kind for each server that takes part in it."""
    cluster = await client.request("aiex/clusterHealth")
    return [cluster["backend"]] * len(cluster["members"])


async def _all_there(client: Client) -> None:
    async with asyncio.timeout(40):
        while True:
            if len(await _members(client)) == SERVERS:
                return
            await asyncio.sleep(0.2)


async def _run(
    home: Home, folder: Path, backend: Mapping[str, Any], busy_machine: asyncio.Lock
) -> Team:
    team = Team()
    async with OpenAIServer() as busy, OpenAIServer() as down, OpenAIServer() as warm:
        busy.answer = warm.answer = lambda _body: GOOD
        settings = {
            **SETTINGS,
            "request_timeout": PATIENCE,
            "first_token_timeout": 15.0,
            "max_duration": 2 * PATIENCE,
            "retry": {"tries": 1},
            "circuit_breaker": {"open_seconds": OPEN, "max_open_seconds": 60.0},
            "coordination": dict(backend),
            "providers": {
                "busy": provider(busy, rate_limits={"requests_per_minute": LIMIT}),
                "down": provider(down),
                "warm": provider(warm),
            },
        }
        async with AsyncExitStack() as stack:
            # One team's work at a time; the minute of waiting after it is for both.
            async with busy_machine:
                clients = await stack.enter_async_context(_team(home, folder, settings))
                await _breaker(clients, down, team)
                pending = await _offered(clients, busy)
            await _limits(pending, busy, team)
            for client in clients:
                shown = client.editor.notifications("window/showMessage")
                team.messages += [one["message"] for one in shown]
    return team


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def teams(
    make_home: Callable[[], Home], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Team]:
    busy_machine = asyncio.Lock()
    with ExitStack() as stack:
        backends: dict[str, dict[str, str]] = {"sqlite": {"backend": "sqlite"}}
        if redis_program() is not None:
            redis = stack.enter_context(redis_server(tmp_path_factory.mktemp("redis")))
            backends["redis"] = {"backend": "redis", "url": redis.url}
        runs = [
            _run(make_home(), tmp_path_factory.mktemp(name), backend, busy_machine)
            for name, backend in backends.items()
        ]
        return dict(zip(backends, await asyncio.gather(*runs), strict=True))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("backend", BACKENDS)
async def test_the_limit_holds_and_is_used(teams: dict[str, Team], backend: str) -> None:
    team = teams[backend]
    sent = sorted(team.sent)
    most = max(sum(start <= at < start + WINDOW for at in sent) for start in sent)
    last = sent[-1]
    print(
        f"{backend}: {len(sent)} requests of {OFFERED} offered in {last:.1f} s, at most {most} in "
        f"any minute; {team.answered} answered, {len(team.refused)} refused; {team.messages}"
    )
    assert most <= LIMIT
    # All that the limit allows until nobody waits any more: the first minute's and the next one's.
    minutes = 1 + int(PATIENCE // WINDOW)
    assert len(sent) >= 0.95 * LIMIT * minutes
    # The second minute's go out as soon as the first one's have left the window.
    assert sent[LIMIT - 1] < 5.0
    assert sent[min(2 * LIMIT, len(sent)) - 1] < WINDOW + 8.0
    assert team.answered == len(sent)
    assert any("waiting" in one and "busy's limit of requests" in one for one in team.told)
    for message in team.refused:
        assert "of requests a minute is used up" in message
        assert len(message) <= 200


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_circuit_that_one_opens_is_open_for_all(
    teams: dict[str, Team], backend: str
) -> None:
    team = teams[backend]
    assert team.circuits == ["open"] * SERVERS
    assert team.asked_while_open == 0
    assert team.probes == 1
    assert team.backends == [backend] * SERVERS
