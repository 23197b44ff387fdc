"""An editor, a real server, and providers that misbehave: what all three see is an `Outcome`."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import socket
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.e2e.harness import LIMIT, Client, Home, running
from tests.editor import Json
from tests.faults.table import GOOD, LATE, SETTINGS, SLACK, Expect, Fault
from tests.servers import anthropic, lm_studio, ollama, openai
from tests.servers.base import FakeServer
from tests.servers.script import Reply
from tests.servers.sockets import Request

SERVERS: dict[str, tuple[type[FakeServer], str]] = {
    "anthropic": (anthropic.AnthropicServer, anthropic.MODEL),
    "openai": (openai.OpenAIServer, openai.MODEL),
    "ollama": (ollama.OllamaServer, ollama.MODEL),
    "lm_studio": (lm_studio.LMStudioServer, lm_studio.MODEL),
}

KEY = "sk-fake-key-of-the-tests"
SPARE = "spare"
REFUSED = -32803
CANCELLED = -32800

Situation = Literal["alone", "spare"]
Variant = tuple[str, bool]
"""Dialect, and whether the answer is streamed."""

_numbers = itertools.count(1)


def toml(value: Any) -> str:
    """Return a value as TOML; tables inline."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)


def config(settings: Mapping[str, Any]) -> str:
    """Return a config.toml that holds these settings."""
    return "\n".join(f"{key} = {toml(value)}" for key, value in settings.items())


def provider(server: FakeServer, **more: Any) -> Json:
    """Return the settings of a provider that a fake plays."""
    model = SERVERS[server.dialect][1]
    return {
        "type": server.dialect,
        "base_url": server.base_url,
        "default_model": model,
        "api_key": {"env": "FAKE_KEY"},
        "rate_limits": "unlimited",
        **more,
    }


def new_file(client: Client, lines: int = 0) -> tuple[str, str]:
    """Return uri and function of a fresh open document, with so many lines around it."""
    name = f"total_{next(_numbers)}"
    around = "".join(f"PRICE_{n} = {n}  # one of many\n" for n in range(lines))
    text = (
        f'{around}\ndef {name}(prices, rate):\n    """Sum prices with tax."""\n'
        "    return sum(price * (1 + rate) for price in prices)\n"
    )
    return client.open_file(client.home.root / f"{name}.py", text), name


def about(server: FakeServer, name: str) -> list[Request]:
    """Return the generation requests whose prompt is about a function."""
    return [one for one in server.generations if re.search(rf"\b{name}\b", one.body.decode())]


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


@dataclass
class Outcome:
    """What one question came to, and the one after it. Times in seconds."""

    name: str
    provider: str
    streamed: bool
    result: Json | None = None
    error: JsonRpcException | None = None
    seconds: float = 0.0
    joined: str = ""
    values: list[Json] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    edits: int = 0
    changed: bool = False
    requests: list[Request] = field(default_factory=list)
    spare: list[Request] = field(default_factory=list)
    next_result: Json | None = None
    next_error: str = ""

    @property
    def attempts(self) -> list[tuple[str, str]]:
        """Return (provider, outcome) of each attempt the answer tells of."""
        tried = self.result["answer"]["attempts"] if self.result else []
        return [(one["provider"], one["outcome"]) for one in tried]

    @property
    def restarts(self) -> list[Json]:
        return [value for value in self.values if value.get("restart")]

    @property
    def gaps(self) -> list[float]:
        """Return the seconds between the requests at the provider that was asked."""
        times = [request.received_at for request in self.requests]
        return [later - sooner for sooner, later in itertools.pairwise(times)]

    def line(self) -> str:
        """Return a line of the summary."""
        seen = f'"{self.error.message}"' if self.error else "answered"
        if self.result:
            seen += f" by {self.result['answer']['provider']}"
            seen += f", {len(self.restarts)} restarts" if self.restarts else ""
        tried = " ".join(kind for _, kind in self.attempts)
        gaps = " ".join(f"{gap:.2f}" for gap in self.gaps)
        return (
            f"{self.provider:20} {len(self.requests)} requests [{gaps}] {self.seconds:5.2f} s  "
            f"{tried:32} {seen}"
        )


async def ask(
    client: Client,
    uri: str,
    name: str,
    provider: str | None,
    *,
    streamed: bool,
    keep: bool = False,
    **more: Any,
) -> Outcome:
    """Return what a question about a document came to, which is closed then, unless kept."""
    outcome = Outcome(name, provider or "", streamed)
    before, mark = client.text(uri), client.since()
    tokens = {"workDoneToken": f"work-{name}-{next(_numbers)}"}
    if streamed:
        tokens["partialResultToken"] = f"part-{name}-{next(_numbers)}"
    asked = {**client.at(uri, name), **tokens, **more}
    if provider is not None:
        asked["provider"] = provider
    began = time.monotonic()
    try:
        outcome.result = await client.request("aiex/explain", asked)
    except JsonRpcException as error:
        outcome.error = error
    outcome.seconds = time.monotonic() - began
    if streamed:
        outcome.values = mark.progress(tokens["partialResultToken"])
        outcome.joined = mark.joined(tokens["partialResultToken"])
    work = mark.progress(tokens["workDoneToken"])
    outcome.told = [value["message"] for value in work if value.get("message")]
    assert [value["kind"] for value in work].count("end") == 1
    outcome.edits = len(mark.received("workspace/applyEdit"))
    outcome.changed = client.text(uri) != before
    if not keep:
        client.editor.close(uri)
    return outcome


class Pending:
    """A question under way, that may be cancelled."""

    def __init__(
        self,
        client: Client,
        provider: str | None,
        at: tuple[str, str] | None = None,
        **more: Any,
    ) -> None:
        self.client = client
        self.uri, self.name = at or new_file(client)
        self._token, self._mark = f"work-{self.name}-{next(_numbers)}", client.since()
        asked = {**client.at(self.uri, self.name), "workDoneToken": self._token, **more}
        if provider is not None:
            asked["provider"] = provider
        self._id, self._future = client.start("aiex/explain", asked)

    @property
    def told(self) -> list[str]:
        """Return the progress messages so far."""
        values = self._mark.progress(self._token)
        return [value["message"] for value in values if value.get("message")]

    async def says(self, pattern: str) -> str:
        """Return the first progress message that matches, waited for."""

        def found() -> str | None:
            assert not self._future.done(), (pattern, self.told)
            return next((one for one in self.told if re.search(pattern, one)), None)

        return str(await self.client.until(found))

    async def cancelled(self) -> float:
        """Cancel it; return the seconds until that was answered."""
        began = time.monotonic()
        self.client.cancel(self._id)
        [outcome] = await asyncio.gather(self._future, return_exceptions=True)
        assert isinstance(outcome, JsonRpcException), outcome
        assert outcome.code == CANCELLED
        values = self._mark.progress(self._token)
        assert [value["kind"] for value in values].count("end") == 1
        return time.monotonic() - began

    async def result(self, limit: float = LIMIT) -> Json:
        """Return its result, there within `limit` seconds. Raises `JsonRpcException`."""
        async with asyncio.timeout(limit):
            return dict(await self._future)

    async def refusal(self) -> str:
        """Return the message by which it fails."""
        [outcome] = await asyncio.gather(self._future, return_exceptions=True)
        assert isinstance(outcome, JsonRpcException), outcome
        assert outcome.code == REFUSED
        assert len(outcome.message) <= 200
        return str(outcome.message)


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
        settings = {"providers": {SPARE: provider(self.spare), **providers}, **more}
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
            number = next(_numbers)
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
        number = next(_numbers)
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


# -- what is checked --------------------------------------------------------------------------


def check(outcome: Outcome, expect: Expect, situation: Situation) -> None:
    """Check what the editor and the providers saw against a row of the table."""
    _check_provider(outcome, expect)
    if expect.answers or (situation == "spare" and not expect.refused):
        _check_answer(outcome, expect)
    else:
        _check_refusal(outcome, expect)
    waited = sum(outcome.gaps)
    least, most = expect.took
    spare = 0.25 + SLACK if outcome.spare else 0.0
    assert least <= outcome.seconds <= most + waited + spare + LATE
    assert not outcome.changed
    assert outcome.edits == 0
    assert outcome.next_result is not None
    assert outcome.next_result["markdown"] == GOOD
    if expect.after == "barred":
        assert re.search("asked to be left alone for .* s more", outcome.next_error)
        assert len(outcome.next_error) <= 200


def _check_provider(outcome: Outcome, expect: Expect) -> None:
    requests = len(expect.outcomes) if expect.requests is None else expect.requests
    assert len(outcome.requests) == requests, outcome.line()
    for gap, (least, most) in zip(outcome.gaps, expect.gaps, strict=True):
        assert least <= gap <= most
    sizes = [len(request.body) for request in outcome.requests]
    if "context_too_long" in expect.outcomes:
        assert sizes == sorted(sizes, reverse=True)
        assert len(set(sizes)) == len(sizes)
    for kind, request in zip(expect.outcomes, outcome.requests, strict=False):
        if kind in ("first_token_timeout", "stall"):
            assert request.cut


def _check_answer(outcome: Outcome, expect: Expect) -> None:
    assert outcome.result is not None, outcome.error
    assert outcome.result["markdown"] == GOOD
    answered = [] if expect.answers else [(SPARE, "ok")]
    wanted = [*((outcome.provider, kind) for kind in expect.outcomes), *answered]
    assert outcome.attempts == wanted
    answer = outcome.result["answer"]
    assert answer["provider"] == (outcome.provider if expect.answers else SPARE)
    assert answer["cached"] is False
    assert len(outcome.spare) == (0 if expect.answers else 1)
    if outcome.streamed:
        assert outcome.joined == GOOD
        assert len(outcome.restarts) == expect.restarts
        if expect.restarts:
            assert outcome.restarts[-1]["provider"] == answer["provider"]
    failed = [kind for kind in expect.outcomes if kind != "ok"]
    if failed:
        told = f"{outcome.provider} failed ({failed[-1]}), asking {answer['provider']}"
        slow = not expect.answers or max(outcome.gaps, default=0.0) > 0.15
        assert not slow or any(one.startswith(told) for one in outcome.told), outcome.told


def _check_refusal(outcome: Outcome, expect: Expect) -> None:
    assert outcome.result is None
    assert outcome.error is not None
    assert outcome.error.code == REFUSED
    said = outcome.error.message
    assert len(said) <= 200
    assert re.search(rf"\b{re.escape(outcome.provider)}\b", said), said
    assert re.search(expect.cause, said), said
    assert re.search(expect.step, said), said
    assert "\n" not in said
    assert outcome.name not in said
    assert KEY not in said
    assert outcome.spare == []
    if outcome.streamed:
        assert len(outcome.restarts) == expect.restarts
