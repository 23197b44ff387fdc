"""Strategies against providers that drift, in simulated time: no provider, no sleep.

Real boards, strategies and coordinators; only the providers and the clock are made up. Several
servers share what they measured by heartbeats, as they do through the shared state.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from aiex_lsp.config.settings import ProviderSettings, Settings
from aiex_lsp.llm.coordinator import Choice, ModelCoordinator
from aiex_lsp.llm.measured import Board
from aiex_lsp.llm.scope import scope_of
from aiex_lsp.llm.types import CompletionRequest, FittedPrompt, Price, RequestFacts

HEARTBEAT = 10.0
"""Seconds between two heartbeats of a server."""

NOISE = 0.25
"""Spread of latencies: the standard deviation of their logarithm."""

START = 1_700_000_000.0
MODEL = "m"


@dataclass(frozen=True)
class Behaviour:
    """How a provider is from `since` on (seconds): to the first token, a second, failing."""

    since: float = 0.0
    first_token: float = 1.0
    tokens_per_second: float = 60.0
    failure: float = 0.0
    failure_seconds: float = 0.3


@dataclass(frozen=True)
class Provider:
    """A simulated provider; behaviours in order of time."""

    name: str
    behaviours: tuple[Behaviour, ...] = (Behaviour(),)
    price: Price | None = None
    local: bool = False

    def at(self, seconds: float) -> Behaviour:
        return [one for one in self.behaviours if one.since <= seconds][-1]


@dataclass(frozen=True)
class Scenario:
    """`rate` is calls a second of each server; the run ends after `duration` seconds."""

    providers: tuple[Provider, ...]
    servers: int = 1
    rate: float = 0.5
    duration: float = 600.0
    most_calls: int = 100_000


@dataclass
class Call:
    """One call: `asked` in order, `seconds` until its whole answer was there."""

    began: float
    server: int
    asked: list[str] = field(default_factory=list)
    seconds: float = math.inf

    @property
    def first(self) -> str:
        return self.asked[0]


class _NoPrompt:
    def fit(self, budget: object, count: object, *, small_model: bool = False) -> FittedPrompt:
        raise AssertionError("no prompt is ever read")


class _Server:
    def __init__(self, number: int, now: Callable[[], float], seed: int, scenario: Scenario):
        self.name = f"server-{number}"
        self.board = Board(now, Random(f"{seed}/board/{number}"))
        prices = {one.name: one.price for one in scenario.providers}

        async def nothing_answers(_provider: ProviderSettings) -> bool:
            return False

        self.coordinator = ModelCoordinator(
            nothing_answers,
            lambda one, _model: prices[one.name],
            Random(f"{seed}/choice/{number}"),
            board=self.board,
            now=now,
        )


class Simulation:
    """One run of a scenario with a strategy; the same seed is the same run."""

    def __init__(self, scenario: Scenario, strategy: str, seed: int) -> None:
        self._scenario = scenario
        self._random = Random(seed)
        self._seconds = 0.0
        self._queue: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._providers = {one.name: one for one in scenario.providers}
        self._settings = settings_of(scenario.providers, strategy)
        self._scopes = {one.name: scope_of(one) for one in self._settings.providers.values()}
        self._servers = [
            _Server(number, self._now, seed, scenario) for number in range(scenario.servers)
        ]
        self._payloads: dict[str, dict[str, object]] = {}
        self._request = CompletionRequest("explain", _NoPrompt())
        self._facts = RequestFacts("explain", input_tokens=2000, max_tokens=600)
        self.calls: list[Call] = []

    async def run(self) -> list[Call]:
        """Return all calls that ended, in the order they began."""
        for server in self._servers:
            self._at(self._random.expovariate(self._scenario.rate), self._arrival(server))
            self._at(self._random.uniform(0, HEARTBEAT), self._heartbeat(server))
        while self._queue and self._queue[0][0] <= self._scenario.duration:
            self._seconds, _, happens = heapq.heappop(self._queue)
            result = happens()
            if asyncio.iscoroutine(result):
                await result
            if len(self.calls) >= self._scenario.most_calls:
                break
        return [one for one in self.calls if one.asked]

    def _now(self) -> float:
        return START + self._seconds

    def _at(self, delay: float, happens: Callable[[], object]) -> None:
        heapq.heappush(self._queue, (self._seconds + delay, next(self._order), happens))

    def _arrival(self, server: _Server) -> Callable[[], object]:
        async def arrive() -> None:
            self._at(self._random.expovariate(self._scenario.rate), self._arrival(server))
            choice = await server.coordinator.choose(self._request, self._settings, self._facts)
            call = Call(self._seconds, self._servers.index(server))
            self.calls.append(call)
            self._attempt(server, call, choice, 0)

        return arrive

    def _attempt(self, server: _Server, call: Call, choice: Choice, index: int) -> None:
        if index == len(choice.candidates):
            return
        name = choice.candidates[index].provider.name
        call.asked.append(name)
        scope = self._scopes[name]
        now = self._providers[name].at(self._seconds)
        server.board.started(scope, MODEL)
        noise = self._random.lognormvariate(0, NOISE)
        if self._random.random() < now.failure:
            seconds = now.failure_seconds * noise

            def failed() -> None:
                server.board.finished(scope, MODEL, ok=False, seconds=seconds)
                self._attempt(server, call, choice, index + 1)

            self._at(seconds, failed)
            return
        first_token = now.first_token * noise
        tokens = max(20, int(self._random.gauss(300, 100)))
        seconds = first_token + tokens / (now.tokens_per_second / noise)

        def answered() -> None:
            server.board.finished(
                scope,
                MODEL,
                ok=True,
                first_token=first_token,
                seconds=seconds,
                output_tokens=tokens,
            )
            call.seconds = self._seconds - call.began

        self._at(seconds, answered)

    def _heartbeat(self, server: _Server) -> Callable[[], object]:
        def beat() -> None:
            self._at(HEARTBEAT, self._heartbeat(server))
            self._payloads[server.name] = json.loads(json.dumps(server.board.export()))
            others = {name: one for name, one in self._payloads.items() if name != server.name}
            server.board.take_peers(others)

        return beat


def run(scenario: Scenario, strategy: str, seed: int) -> list[Call]:
    """Return the calls of one run."""
    return asyncio.run(Simulation(scenario, strategy, seed).run())


def settings_of(providers: Sequence[Provider], strategy: str) -> Settings:
    """Return settings with these providers."""
    made = [
        ProviderSettings(
            one.name,
            "openai",
            base_url=f"http://{one.name}/v1",
            is_local=one.local,
            default_model=MODEL,
            agreed=True,
            configured=True,
        )
        for one in providers
    ]
    return replace(Settings(providers={one.name: one for one in made}), strategy=strategy)


def after(calls: Sequence[Call], since: float, skipped: int = 0) -> list[Call]:
    """Return the calls that began after `since`, without the first `skipped` of them."""
    return [one for one in calls if one.began >= since][skipped:]


def share(calls: Sequence[Call], name: str) -> float:
    """Return the share of calls that were first sent to a provider."""
    return sum(one.first == name for one in calls) / len(calls) if calls else 0.0


def largest_share(calls: Sequence[Call]) -> float:
    """Return the largest share of any provider."""
    return max(Counter(one.first for one in calls).values()) / len(calls)


def p95(calls: Sequence[Call]) -> float:
    """Return the 95th percentile of seconds; calls that had not ended are left out."""
    seconds = sorted(one.seconds for one in calls if math.isfinite(one.seconds))
    return seconds[min(len(seconds) - 1, math.ceil(0.95 * len(seconds)) - 1)]
