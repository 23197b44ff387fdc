"""A client whose providers do what a test says; its shared state is in memory."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from aiex_lsp.config.settings import ProviderSettings, RateLimits, Settings
from aiex_lsp.errors import (
    AiexError,
    FailureKind,
    ProviderError,
)
from aiex_lsp.events.bus import EventBus
from aiex_lsp.llm.adapters.base import Adapter, AdapterContext
from aiex_lsp.llm.cache import AnswerCache
from aiex_lsp.llm.circuit_breaker import CircuitBreaker
from aiex_lsp.llm.client import LLMClient
from aiex_lsp.llm.coordinator import ModelCoordinator
from aiex_lsp.llm.fitting import Fitting
from aiex_lsp.llm.holds import Holds
from aiex_lsp.llm.measured import Board
from aiex_lsp.llm.pool import AdapterPool
from aiex_lsp.llm.rate_limiter import RateLimiter
from aiex_lsp.llm.sending import Parts
from aiex_lsp.llm.standing import Standings
from aiex_lsp.llm.tokens import TokenCounter
from aiex_lsp.llm.types import (
    Chunk,
    CompletionRequest,
    Finish,
    FittedPrompt,
    Health,
    Message,
    ModelCall,
    ModelInfo,
    Text,
    Usage,
)
from aiex_lsp.state.memory import MemoryStore

DONE = Finish("stop", Usage(10, 5))
SILENCE = object()


class Prompt:
    """A prompt that needs `tokens` input tokens, at least."""

    def __init__(self, text: str = "hello", tokens: int = 10) -> None:
        self.text, self.tokens = text, tokens

    def fit(self, budget, count, *, small_model=False) -> FittedPrompt:
        if budget is not None and self.tokens > budget:
            raise AiexError(f"it needs {self.tokens} tokens, the model takes {budget}", "Ask less")
        return FittedPrompt((Message("user", self.text),), self.tokens)


class Scripted(Adapter):
    """Answers with the script its `extra_body` holds: chunks, errors, silence, or seconds to wait.

    A script of lists plays one a call, then "hi" for good.
    """

    type = "scripted"
    default_rate_limits = RateLimits()

    def __init__(self, settings, context) -> None:
        super().__init__(settings, context)
        self.calls: list[ModelCall] = []
        self.closed_midway = 0
        self.running = 0
        self.silent = asyncio.Event()

    async def stream(self, call: ModelCall) -> AsyncIterator[Chunk]:
        self.calls.append(call)
        self.running += 1
        finished = False
        try:
            script = self.settings.extra_body.get("script", (Text("hi"), DONE))
            if script and isinstance(script[0], list):
                played = len(self.calls) - 1
                script = script[played] if played < len(script) else (Text("hi"), DONE)
            for step in script:
                if isinstance(step, float):
                    await asyncio.sleep(step)
                    continue
                if isinstance(step, Exception):
                    raise step
                if step is SILENCE:
                    self.silent.set()
                    await asyncio.Event().wait()
                if isinstance(step, FailureKind):
                    raise ProviderError(step, f"{self.name}: {step}", "Do x", provider=self.name)
                yield step
            finished = True
        finally:
            self.closed_midway += not finished
            self.running -= 1

    async def check_health(self) -> Health:
        return Health("healthy", 1.0)

    async def list_models(self) -> list[ModelInfo]:
        window = self.settings.extra_body.get("window")
        return [ModelInfo("m1", self.name, self.local, context_window=window)]

    async def default_model(self) -> str:
        return "m1"


@dataclass
class Heard:
    events: list = field(default_factory=list)

    def on_status(self, message: str) -> None:
        self.events.append(("status", message))

    def on_delta(self, text: str) -> None:
        self.events.append(("delta", text))

    def on_restart(self, provider: str) -> None:
        self.events.append(("restart", provider))

    @property
    def shown(self) -> str:
        """What a user sees at the end: deltas after the last restart."""
        text = ""
        for kind, value in self.events:
            text = "" if kind == "restart" else text + value if kind == "delta" else text
        return text


def provider(name: str, *script: object, **changes: object) -> ProviderSettings:
    body: dict[str, object] = {"script": script} if script else {}
    if "window" in changes:
        body["window"] = changes.pop("window")
    base = ProviderSettings(
        name, "scripted", agreed=True, configured=True, extra_body=body, base_url=f"http://{name}"
    )
    return replace(base, **changes)


def settings(*providers: ProviderSettings, **changes: object) -> Settings:
    return replace(Settings(providers={p.name: p for p in providers}), **changes)


class Rig:
    def __init__(self, answering: Sequence[str] = (), detect=None, clock=None, store=None) -> None:
        self.adapters: dict[str, Scripted] = {}

        def make(one, context):
            return self.adapters.setdefault(one.name, Scripted(one, context))

        self.now = 1000.0
        clock = clock or (lambda: self.now)
        self.store = store or MemoryStore(clock, Random(1))
        pool = AdapterPool(make, lambda _t: AdapterContext(), clock)

        async def probe(one):
            return one.name in answering

        self.bus, self.events = EventBus(), []
        self.bus.subscribe(self.events.append)
        self.board = Board(clock, Random(1))
        fitting, holds = Fitting(pool, TokenCounter()), Holds(self.store)
        standing = Standings(self.store, pool, fitting, holds)
        coordinator = ModelCoordinator(
            probe, lambda _p, _m: None, Random(1), board=self.board, standing=standing, bus=self.bus
        )
        self.parts = parts = Parts(
            pool=pool,
            fitting=fitting,
            cache=AnswerCache(clock, self.store),
            breaker=CircuitBreaker(self.store, self.bus, clock),
            limiter=RateLimiter(self.store, self.bus, clock),
            holds=holds,
            board=self.board,
            bus=self.bus,
            now=clock,
        )
        self.client = LLMClient(parts, coordinator, Random(1), detect)

    async def ask(self, held: Settings, heard: Heard | None = None, **request: object):
        request = {"task": "explain", "prompt": Prompt(), **request}
        return await self.client.complete(CompletionRequest(**request), held, heard)
