"""Tasks that do what a test says, and services around them: the server's side of its own tests."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiex_lsp.config.settings import HoverSettings, Settings
from aiex_lsp.edits.plan import plan_for
from aiex_lsp.edits.types import EditPlan
from aiex_lsp.errors import UsageError
from aiex_lsp.llm.types import (
    Answer,
    Attempt,
    Listener,
    Message,
    ModelInfo,
    Price,
    SilentListener,
    Usage,
)
from aiex_lsp.responses.types import CodeBlock, Section
from aiex_lsp.server.services import InitInfo, Services
from aiex_lsp.tasks.service import Tasks
from aiex_lsp.tasks.types import (
    AnalyzeResult,
    EditResult,
    ExplainResult,
    PlacedFinding,
    RenderedPrompt,
    TaskRequest,
)
from aiex_lsp.templates.types import Template, Variable
from aiex_lsp.text.snapshot import Snapshot, Span

Step = Callable[[TaskRequest, Listener], Awaitable[Any]]

ANSWER = Answer(
    id="a1",
    provider="scripted",
    model="small",
    usage=Usage(10, 5),
    cost=0.0012,
    duration_ms=12.0,
    cached=False,
    attempts=(Attempt("scripted", "small", "ok", 12.0),),
)


def explanation(markdown: str = "Adds two numbers.\n\nNothing else.") -> ExplainResult:
    return ExplainResult(
        markdown, markdown.split("\n")[0], (Section(1, "What", "it does"),), (), ("sum",), ANSWER
    )


def edit_result(plan: EditPlan) -> EditResult:
    target = plan.files[0].uri if plan.files else ""
    block = CodeBlock("python", "def test(): ...", True)
    return EditResult(plan, target, (block,), "One test.", "python", ANSWER)


def new_file(uri: str, text: str) -> EditPlan:
    return plan_for(Snapshot(uri, "", "python"), text, create=True, label="Add tests")


def say(*deltas: str, result: Any = None) -> Step:
    """Return a step that streams `deltas`; its result is their explanation, or `result`."""

    async def step(_request: TaskRequest, listener: Listener) -> Any:
        listener.on_status("asking scripted")
        for delta in deltas:
            listener.on_delta(delta)
            await asyncio.sleep(0)
        return result if result is not None else explanation("".join(deltas))

    return step


def fail(error: Exception) -> Step:
    async def step(_request: TaskRequest, _listener: Listener) -> Any:
        raise error

    return step


class Gate:
    """A step that waits until a test opens it, and tells when it began and was cancelled."""

    def __init__(self, then: Step | None = None) -> None:
        self.then = then or say("Opened.")
        self.begun = asyncio.Event()
        self.opened = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.calls = 0

    async def __call__(self, request: TaskRequest, listener: Listener) -> Any:
        self.calls += 1
        self.begun.set()
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return await self.then(request, listener)


class ScriptedTasks(Tasks):
    """`script` maps a task's name to its step; `asked` is what was asked, in order."""

    def __init__(self, **script: Step) -> None:
        self.script: dict[str, Step] = script
        self.asked: list[tuple[str, TaskRequest]] = []
        self.hovers: dict[str, ExplainResult] = {}

    async def _do(self, name: str, request: TaskRequest, listener: Listener) -> Any:
        self.asked.append((name, request))
        return await self.script.get(name, say("Adds ", "two ", "numbers."))(request, listener)

    async def explain(self, request: TaskRequest, listener: Listener) -> ExplainResult:
        return await self._do("explain", request, listener)

    async def hover(self, request: TaskRequest, listener: Listener) -> ExplainResult:
        result = await self._do("hover", request, listener)
        self.hovers[self._key(request)] = result
        return result

    def hover_cached(self, request: TaskRequest) -> ExplainResult | None:
        return self.hovers.get(self._key(request))

    async def analyze(self, request: TaskRequest, listener: Listener) -> AnalyzeResult:
        return await self._do("analyze", request, listener)

    async def generate_tests(self, request: TaskRequest, listener: Listener) -> EditResult:
        return await self._do("generate_tests", request, listener)

    async def fix(self, request: TaskRequest, listener: Listener) -> EditResult:
        return await self._do("fix", request, listener)

    async def document(self, request: TaskRequest, listener: Listener) -> EditResult:
        return await self._do("document", request, listener)

    async def refactor(self, request: TaskRequest, listener: Listener) -> EditResult:
        return await self._do("refactor", request, listener)

    async def run(self, request: TaskRequest, listener: Listener) -> Any:
        return await self._do("run", request, listener)

    async def follow_up(self, request: TaskRequest, listener: Listener) -> ExplainResult:
        return await self._do("follow_up", request, listener)

    async def render_prompt(self, request: TaskRequest) -> RenderedPrompt:
        self.asked.append(("render_prompt", request))
        if (step := self.script.get("render_prompt")) is not None:
            return await step(request, SilentListener())
        return RenderedPrompt((Message("user", "Explain f"),), 4, None, "scripted", "small")

    @staticmethod
    def _key(request: TaskRequest) -> str:
        return request.snapshot.text


def finding(snapshot: Snapshot, code: str, message: str = "Look here") -> PlacedFinding:
    start = snapshot.text.index(code)
    return PlacedFinding(Span(start, start + len(code)), "warning", "general", message, "Do so")


def review(*codes: str) -> Step:
    async def step(request: TaskRequest, _listener: Listener) -> AnalyzeResult:
        found = tuple(finding(request.snapshot, code) for code in codes)
        return AnalyzeResult("# Review\n\nSome remarks.", found, ANSWER)

    return step


class ScriptedModels:
    async def models(self, provider: str | None) -> list[ModelInfo]:
        return [ModelInfo("small", provider or "scripted", True, 4096, price=Price(0.0, 0.0))]

    def select(
        self, provider: str | None, model: str | None, strategy: str | None
    ) -> dict[str, str | None]:
        return {"provider": provider, "model": model, "strategy": strategy}


TEMPLATE = Template(
    id="haiku",
    name="Haiku",
    title="Write a haiku",
    kind="aiex.haiku",
    variables=(Variable("mood", default="calm"),),
)


def provider_status(name: str, **changes: Any) -> dict[str, Any]:
    limit = {"current": 0, "limit": None, "remaining": None}
    circuit = {"state": "closed", "failureCount": 0, "lastFailure": None, "retryAt": None}
    return {
        "provider": name,
        "type": "openai",
        "local": False,
        "status": "healthy",
        "responseTimeMs": 120,
        "lastCheck": "2026-05-04T08:52:19.385Z",
        "error": None,
        "circuit": circuit,
        "rateLimit": {"requests": limit, "tokens": limit},
        "model": "small",
        "inFlight": 0,
        "requestCount": 0,
        "lastSelected": None,
        **changes,
    }


class ScriptedCoordination:
    """Providers that are as a test says; it calls `change` when it has changed something."""

    def __init__(self) -> None:
        self.statuses = {name: provider_status(name) for name in ("anthropic", "ollama")}
        self.severity = "ok"
        self.started = 0
        self.reports = 0
        self.watchers: list[Callable[[], None]] = []

    async def providers(self) -> list[dict[str, Any]]:
        return copy.deepcopy(list(self.statuses.values()))

    async def check_health(self, provider: str | None) -> list[dict[str, Any]]:
        if provider is None:
            return await self.providers()
        return [self._named(provider)]

    async def reset_circuit(self, provider: str) -> dict[str, Any]:
        return self._named(provider)

    async def cluster_health(self) -> dict[str, Any]:
        return {"backend": "sqlite", "members": []}

    async def diagnose(self) -> dict[str, Any]:
        return {"ok": False, "checks": [{"id": "key", "status": "error"}]}

    async def report(self) -> dict[str, Any]:
        self.reports += 1
        await asyncio.sleep(0)
        return {
            "summary": {"text": "anthropic", "tooltip": "", "severity": self.severity},
            "active": {"provider": "anthropic", "model": "small", "strategy": "random"},
            "providers": await self.providers(),
            "todayCost": 0.12,
        }

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        self.watchers.append(callback)
        return lambda: self.watchers.remove(callback)

    def start(self) -> None:
        self.started += 1

    def change(self, severity: str | None = None) -> None:
        self.severity = severity or self.severity
        for callback in list(self.watchers):
            callback()

    def _named(self, name: str) -> dict[str, Any]:
        if name not in self.statuses:
            raise UsageError(f"`provider`: {name!r} is not configured", "Did you mean ollama?")
        return self.statuses[name]


class World:
    """Everything a scripted server rests on; a test changes what it wants."""

    def __init__(self, state_dir: Path, **script: Step) -> None:
        self.tasks = ScriptedTasks(**script)
        self.settings = Settings(hover=HoverSettings(wait=0.05))
        self.state_dir = state_dir
        self.configured: list[dict[str, Any]] = []
        self.question: Any = None
        self.agreed: list[tuple[str, bool]] = []
        self.init: InitInfo | None = None
        self.coordination: ScriptedCoordination | None = ScriptedCoordination()
        self.closed = False

    def set(self, **settings: Any) -> None:
        self.settings = replace(self.settings, **settings)

    def services(self, init: InitInfo) -> Services:
        self.init = init

        async def aclose() -> None:
            self.closed = True

        return Services(
            tasks=self.tasks,
            models=ScriptedModels(),
            settings_for=lambda _folder: self.settings,
            state_dir=self.state_dir,
            configure=lambda settings: self.configured.append(dict(settings)),
            templates=lambda: [TEMPLATE],
            consent_question=lambda: self.question,
            consent=lambda provider, agreed: self.agreed.append((provider, agreed)),
            aclose=aclose,
            coordination=self.coordination,
        )
