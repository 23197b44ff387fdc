"""A real server between an editor and providers that misbehave."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from typing import Any, Literal

from lsprotocol import types

from tests.e2e.harness import LIMIT, Client, Home, running
from tests.editor import Json
from tests.faults.expect import SETTINGS, Expect, Fault
from tests.faults.plays import GOOD
from tests.faults.questions import Outcome, Pending, about, ask, new_file, numbers
from tests.servers import anthropic, lm_studio, ollama, openai
from tests.servers.base import FakeServer
from tests.servers.script import Reply

SERVERS: dict[str, tuple[type[FakeServer], str]] = {
    "anthropic": (anthropic.AnthropicServer, anthropic.MODEL),
    "openai": (openai.OpenAIServer, openai.MODEL),
    "ollama": (ollama.OllamaServer, ollama.MODEL),
    "lm_studio": (lm_studio.LMStudioServer, lm_studio.MODEL),
}

KEY = "sk-fake-key-of-the-tests"
SPARE = "spare"

Situation = Literal["alone", "spare"]
Variant = tuple[str, bool]
"""Dialect, and whether the answer is streamed."""


def toml(value: Any) -> str:
    """Return a value as TOML; tables inline."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)


def config(settings: Mapping[str, Any]) -> str:
    """Return a config.toml that holds these settings."""
    return "\n".join(f"{key} = {toml(value)}" for key, value in settings.items())


def provider(server: FakeServer, **more: Any) -> Json:
    """Return the settings of a provider that a fake plays.

    A port may come again; with the header the state of its last user does not.
    """
    model = SERVERS[server.dialect][1]
    return {
        "headers": {"x-fault": f"server-{id(server)}-{server.born}"},
        "type": server.dialect,
        "base_url": server.base_url,
        "default_model": model,
        "api_key": {"env": "FAKE_KEY"},
        "rate_limits": "unlimited",
        **more,
    }


@contextmanager
def nobody_listens() -> Iterator[str]:
    """Yield an address at which connections are refused as long as this lasts."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


@contextmanager
def nobody_accepts() -> Iterator[str]:
    """Yield an address that takes no connection: its queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


class Bench:
    """One server process at which one fault after another is tried.

    Between faults the editor's settings change: new providers at new addresses, which no circuit
    and no hold knows. The spare stays.
    """

    def __init__(self, client: Client, spare: FakeServer) -> None:
        self.client = client
        self.spare = spare
        self._calls: deque[float] = deque()
        self._retries: deque[float] = deque()
        self._filler: tuple[str, str] | None = None

    async def configure(
        self, providers: Mapping[str, Json], ready: Sequence[str] | None = None, **more: Any
    ) -> None:
        """Make the editor's settings hold these providers, and the spare.

        They hold once `ready` are shown, by default all of them.
        """
        client = self.client
        ready = list(providers) if ready is None else ready
        # It is never what is slow here: a machine that is shall not look like it.
        spare = provider(self.spare, first_token_timeout=10.0)
        settings = {"providers": {SPARE: spare, **providers}, **more}
        client.set_configuration(settings, section="aiex")
        client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings=None))
        async with asyncio.timeout(LIMIT):
            while True:
                known = {one["provider"] for one in await client.request("aiex/providers")}
                if known >= set(ready):
                    return
                await asyncio.sleep(0.01)

    async def status(self, name: str) -> Json:
        """Return a provider's status as the editor is told it."""
        found = await self.client.request("aiex/providers")
        return dict(next(one for one in found if one["provider"] == name))

    async def circuit(self, name: str, state: str) -> Json:
        """Return a provider's circuit once it has this state."""
        async with asyncio.timeout(LIMIT):
            while True:
                found = (await self.status(name))["circuit"]
                if found["state"] == state:
                    return dict(found)
                await asyncio.sleep(0.02)

    async def well(self, name: str | None = None, **more: Any) -> Json:
        """Return the answer to one more question: the server still serves."""
        result = await Pending(self.client, name or SPARE, **more).result()
        assert result["markdown"] == GOOD
        return dict(result["answer"])

    async def chosen(self, strategy: str) -> Json:
        """Return the answer to one more question, of whomever the strategy chooses."""
        result = await Pending(self.client, None, strategy=strategy).result()
        assert result["markdown"] == GOOD
        return dict(result["answer"])

    async def run(self, fault: Fault, situation: Situation) -> dict[Variant, Outcome]:
        """Return what a fault comes to in every dialect, streamed and not, all at once."""
        expect: Expect = getattr(fault, situation)
        variants = [(dialect, streamed) for dialect in fault.dialects for streamed in (False, True)]
        async with AsyncExitStack() as stack:
            servers, providers = {}, {}
            number = next(numbers)
            for dialect, streamed in variants:
                server = await stack.enter_async_context(SERVERS[dialect][0]())
                fault.play(server)
                # A port may come again; with the header the state of its last user does not.
                address: Json = {"headers": {"x-fault": f"{number}"}}
                if fault.down or fault.deaf:
                    place = nobody_listens() if fault.down else nobody_accepts()
                    address["base_url"] = stack.enter_context(place)
                name = f"{dialect}-{number}{'s' if streamed else 'w'}"
                servers[dialect, streamed] = name, server
                providers[name] = provider(server, **{**address, **fault.settings})
            fallbacks = [SPARE] if situation == "spare" else []
            await self.configure(providers, fallback_providers=fallbacks)
            await self.afford(len(variants), len(variants) * max(0, len(expect.outcomes) - 1))
            found = await asyncio.gather(
                *(self._case(*servers[one], one[1], expect) for one in variants)
            )
        return dict(zip(variants, found, strict=True))

    async def _case(self, name: str, server: FakeServer, streamed: bool, expect: Expect) -> Outcome:
        uri, function = new_file(self.client, lines=100)
        outcome = await ask(self.client, uri, function, name, streamed=streamed)
        outcome.requests = about(server, function)
        outcome.spare = about(self.spare, function)
        await self._ask_next(outcome, name, server, expect)
        return outcome

    async def _ask_next(
        self, outcome: Outcome, name: str, server: FakeServer, expect: Expect
    ) -> None:
        """Ask another question, with the provider well again."""
        server.answer, server.key = lambda _body: GOOD, None
        server.__dict__.pop("route", None)
        uri, function = new_file(self.client)
        if expect.after == "barred":
            refused = await ask(self.client, uri, function, name, streamed=False)
            outcome.next_error = refused.error.message if refused.error else "answered"
            assert not about(server, function)
        asked = name if expect.after == "self" else SPARE
        uri, function = new_file(self.client)
        answered = await ask(self.client, uri, function, asked, streamed=False)
        outcome.next_result = answered.result

    async def afford(self, calls: int, retries: int) -> None:
        """Ask what is known often enough that so many retries are a tenth of the minute's calls."""
        now = time.monotonic()
        for times in (self._calls, self._retries):
            while times and times[0] < now - 50.0:
                times.popleft()
        missing = 10 * (len(self._retries) + retries) + 10 - len(self._calls)
        if self._filler is None:
            self._filler = new_file(self.client)
        uri, name = self._filler
        for _ in range(0, missing, 25):
            asked = [self._known(uri, name) for _ in range(25)]
            await asyncio.gather(*asked)
        self._calls.extend([now] * (max(0, missing) + calls))
        self._retries.extend([time.monotonic() + 15.0] * retries)

    async def _known(self, uri: str, name: str) -> None:
        await self.client.request("aiex/explain", {**self.client.at(uri, name), "provider": SPARE})


async def in_every_dialect(
    table: Bench,
    scenario: Callable[[str, FakeServer], Awaitable[None]],
    prepare: Callable[[FakeServer], None] = lambda _server: None,
    each: Mapping[str, Any] | None = None,
    more: Mapping[str, Json] | None = None,
    **settings: Any,
) -> None:
    """Run a scenario at a provider of each dialect, all at once: it is told name and fake.

    `each` are further settings of each provider, `more` further providers like the spare, each
    with settings of its own, `settings` the general ones.
    """
    async with AsyncExitStack() as stack:
        servers = {}
        number = next(numbers)
        for dialect, (kind, _model) in SERVERS.items():
            server = await stack.enter_async_context(kind())
            prepare(server)
            servers[f"{dialect}-{number}"] = server
        given = {
            name: provider(server, headers={"x-fault": name}, **(each or {}))
            for name, server in servers.items()
        }
        given |= {name: provider(table.spare, **one) for name, one in (more or {}).items()}
        await table.configure(given, **settings)
        runs = [scenario(name, server) for name, server in servers.items()]
        ended = await asyncio.gather(*runs, return_exceptions=True)
    for name, error in zip(servers, ended, strict=True):
        if error is not None:
            error.add_note(f"in {name}")
            raise error


@asynccontextmanager
async def bench(home: Home, **more: Any) -> AsyncIterator[Bench]:
    """Yield a server process with a spare provider, on this machine, that takes its time."""
    async with ollama.OllamaServer() as spare:
        spare.answer = lambda _body: Reply(GOOD, first_token=0.25)
        text = config({**SETTINGS, **more})
        options = {"config": text, "env": {"FAKE_KEY": KEY, "AIEX_LOG_LEVEL": "error"}}
        async with running(home, "vscode", settings={}, **options) as client:
            found = Bench(client, spare)
            # The first question of a process imports much; the time limits here are for others.
            await in_every_dialect(
                found, _warm(found), first_token_timeout=30.0, request_timeout=40.0
            )
            yield found


def _warm(found: Bench) -> Callable[[str, FakeServer], Awaitable[None]]:
    async def warm(name: str, server: FakeServer) -> None:
        server.answer = lambda _body: GOOD
        await found.well(name)

    return warm
