"""Tasks that edit, over a real workspace and real HTTP: the model says what a test scripts."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiex_lsp.app import App
from aiex_lsp.context.types import DiagnosticInfo, WorkspaceView
from aiex_lsp.edits.plan import result_of
from aiex_lsp.syntax.languages import language_of_path
from aiex_lsp.tasks.types import EditResult, TaskRequest
from aiex_lsp.text.snapshot import Snapshot, Span
from tests.servers.openai import OpenAIServer
from tests.servers.script import Reply


@dataclass
class Heard:
    """A listener that keeps what it hears."""

    text: str = ""
    status: list[str] = field(default_factory=list)

    def on_status(self, message: str) -> None:
        self.status.append(message)

    def on_delta(self, text: str) -> None:
        self.text += text

    def on_restart(self, provider: str) -> None:
        self.text = ""


class Rig:
    """A project on disk, its tasks, and the server they ask."""

    def __init__(self, app: App, server: OpenAIServer, root: Path) -> None:
        self.app, self.server, self.root = app, server, root
        self.tasks = app.tasks
        self.heard = Heard()
        self.opened: dict[str, Snapshot] = {}

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")

    def request(self, name: str, at: str | Span | None, **more: Any) -> TaskRequest:
        """Return a request at the first place of `at` (a cursor there), or about a span."""
        path = self.root / name
        text = path.read_bytes().decode()
        snapshot = Snapshot(path.as_uri(), text, language_of_path(name), 1)
        span = Span(text.index(at), text.index(at)) if isinstance(at, str) else at
        view = WorkspaceView((self.root,), self.opened.get)
        return TaskRequest(snapshot, span, self.app.settings, view, **more)

    def diagnostic(self, name: str, at: str, message: str, **more: Any) -> TaskRequest:
        """Return a request whose diagnostic lies on the first place of `at`."""
        text = (self.root / name).read_bytes().decode()
        start = text.index(at)
        info = DiagnosticInfo(Span(start, start + len(at)), message, **more)
        return self.request(name, info.span, diagnostics=(info,))

    @property
    def calls(self) -> int:
        return len(self.server.generations)

    def sent(self, call: int = -1) -> str:
        """Return the messages of a call as text."""
        messages = self.server.generations[call].json["messages"]
        return "\n".join(message["content"] for message in messages)


@asynccontextmanager
async def edit_rig(
    folder: Path,
    *answers: str | Callable[[Any], str],
    files: dict[str, str] | None = None,
    config: str = "",
    window: int = 8000,
    **reply: Any,
) -> AsyncIterator[Rig]:
    """Yield a rig whose model gives `answers` in turn, the last one again and again."""
    root = folder / "work"
    root.mkdir()
    count = 0

    def replying(body: Any) -> Reply:
        nonlocal count
        answer = answers[min(count, len(answers) - 1)]
        count += 1
        return Reply(answer(body) if callable(answer) else answer, **reply)

    async with OpenAIServer(answer=replying) as server:
        file = folder / "config.toml"
        file.write_text(
            f'default_provider = "gateway"\n{config}\n[providers.gateway]\n'
            f'type = "openai"\nbase_url = "{server.base_url}"\ncontext_window = {window}\n'
        )
        env = {"HOME": str(folder), "AIEX_STATE_DIR": str(folder / "state")}
        app = App.create(root, {}, file, env | {"PATH": os.environ["PATH"]})
        rig = Rig(app, server, root)
        for name, text in (files or {}).items():
            rig.write(name, text)
        try:
            yield rig
        finally:
            await app.aclose()


def new_text(result: EditResult, index: int = 0) -> str:
    """Return the text a file of the plan has afterwards."""
    return result_of(result.plan.files[index])


def fenced(code: str, language: str = "python", after: str = "") -> str:
    """Return an answer of one code block."""
    return f"```{language}\n{code.rstrip()}\n```\n{after}"
