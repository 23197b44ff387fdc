"""Questions an editor asks, and what became of each: an `Outcome`, or one still `Pending`."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from dataclasses import dataclass, field
from typing import Any

from pygls.exceptions import JsonRpcException

from tests.e2e.harness import LIMIT, Client
from tests.editor import Json
from tests.servers.base import FakeServer
from tests.servers.sockets import Request

REFUSED = -32803
CANCELLED = -32800

numbers = itertools.count(1)


def new_file(client: Client, lines: int = 0) -> tuple[str, str]:
    """Return uri and function of a fresh open document, with so many lines around it."""
    name = f"total_{next(numbers)}"
    around = "".join(f"PRICE_{n} = {n}  # one of many\n" for n in range(lines))
    text = (
        f'{around}\ndef {name}(prices, rate):\n    """Sum prices with tax."""\n'
        "    return sum(price * (1 + rate) for price in prices)\n"
    )
    return client.open_file(client.home.root / f"{name}.py", text), name


def about(server: FakeServer, name: str) -> list[Request]:
    """Return the generation requests whose prompt is about a function."""
    return [one for one in server.generations if re.search(rf"\b{name}\b", one.body.decode())]


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
    tokens = {"workDoneToken": f"work-{name}-{next(numbers)}"}
    if streamed:
        tokens["partialResultToken"] = f"part-{name}-{next(numbers)}"
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
        self._token, self._mark = f"work-{self.name}-{next(numbers)}", client.since()
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
