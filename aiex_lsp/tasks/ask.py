"""What every task does alike: context, template, one question to the client."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiex_lsp.context.documents import file_path
from aiex_lsp.context.injector import ContextInjector
from aiex_lsp.context.types import ContextBundle, ContextItem, ContextRequest
from aiex_lsp.errors import DisabledError
from aiex_lsp.llm.client import LLMClient
from aiex_lsp.llm.types import (
    ClientResult,
    CompletionRequest,
    JsonSchema,
    Listener,
    Message,
    SilentListener,
)
from aiex_lsp.tasks.memory import Memory
from aiex_lsp.tasks.prompt import TemplatePrompt, needs_of
from aiex_lsp.tasks.types import TaskRequest
from aiex_lsp.templates.engine import Engine
from aiex_lsp.templates.registry import TemplateRegistry
from aiex_lsp.templates.types import Template

NO_EMBEDDED_EDITS = "the built-in model is too small to write code unless it is named"
NO_EMBEDDED_HOVER = "the built-in model answers hovers only when it is named"


@dataclass(frozen=True, slots=True)
class Parts:
    """What tasks are made of; `registry` and `engine` belong together."""

    client: LLMClient
    registry: TemplateRegistry
    engine: Engine
    injector: ContextInjector
    memory: Memory


@dataclass(frozen=True, slots=True)
class Question:
    """One task's question before it meets a provider.

    `variables` were given by name, `items` are context only the task knows, `unwanted` as in
    `CompletionRequest`.
    """

    task: str
    template: str
    variables: Mapping[str, Any]
    items: Sequence[ContextItem] = ()
    history: Sequence[Message] = ()
    schema: JsonSchema | None = None
    unwanted: Mapping[str, str] | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question ready for the client, with the template and the context it was made of."""

    completion: CompletionRequest
    template: Template
    bundle: ContextBundle


async def prepare(parts: Parts, request: TaskRequest, question: Question) -> Prepared:
    """Return the request for the client. Raises `DisabledError`, `TemplateError`."""
    ensure_enabled(request)
    await asyncio.to_thread(parts.registry.reload_if_changed)
    template = parts.registry.get(question.template)
    bundle = await parts.injector.gather(
        ContextRequest(
            snapshot=request.snapshot,
            span=request.span,
            settings=request.settings,
            workspace=request.workspace,
            diagnostics=request.diagnostics,
            recent_analysis=parts.memory.analyses(request.snapshot.uri),
            session=parts.memory.session(),
            extra=tuple(question.items),
            needs=needs_of(template, question.variables),
        )
    )
    prompt = TemplatePrompt(parts.engine, template, bundle, question.variables, question.history)
    completion = CompletionRequest(
        task=question.task,
        prompt=prompt,
        provider=request.provider,
        model=request.model,
        strategy=request.strategy,
        max_tokens=question.max_tokens or template.max_tokens,
        temperature=template.temperature,
        schema=question.schema,
        unwanted=question.unwanted or {},
        follows=str(request.options.get("answer_id") or "") or None,
    )
    return Prepared(completion, template, bundle)


async def ask(
    parts: Parts, request: TaskRequest, question: Question, listener: Listener
) -> tuple[ClientResult, Prepared]:
    """Return the client's answer, and what was asked."""
    listener.on_status("reading the context")
    prepared = await prepare(parts, request, question)
    result = await parts.client.complete(prepared.completion, request.settings, listener)
    return result, prepared


def ensure_enabled(request: TaskRequest) -> None:
    """Raise `DisabledError` where aiex is switched off, says the document's settings."""
    features = request.settings.features
    if not features.enabled:
        raise DisabledError("aiex is paused", "Resume it, or set features.enabled = true")
    if request.snapshot.language_id in features.disabled_languages:
        raise DisabledError(
            f"aiex is off for {request.snapshot.language_id}",
            "Take the language out of features.disabled_languages",
        )
    path = file_path(request.snapshot.uri)
    for folder in features.disabled_folders if path else ():
        bases = [Path(folder).expanduser(), *(root / folder for root in request.workspace.roots)]
        if any(base.is_absolute() and path.is_relative_to(base) for base in bases if path):
            raise DisabledError(
                f"aiex is off in the folder {folder}",
                "Take the folder out of features.disabled_folders",
            )


class Unstreamed(SilentListener):
    """Passes status on but no text: for answers whose raw text is not what users read."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def on_status(self, message: str) -> None:
        """Pass it on."""
        self._listener.on_status(message)
