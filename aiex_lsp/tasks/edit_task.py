"""What tasks that change code share: the place, the question, the answer's way to an edit plan."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aiex_lsp.context.ignore import WorkspaceFiles
from aiex_lsp.context.injector import language_of
from aiex_lsp.context.target import Target, find_target, plain
from aiex_lsp.errors import AnswerError, UsageError
from aiex_lsp.llm.types import ClientResult, Listener
from aiex_lsp.syntax.languages import language_of_path
from aiex_lsp.tasks.ask import NO_EMBEDDED_EDITS, Parts, Question, prepare
from aiex_lsp.tasks.memory import Remembered
from aiex_lsp.tasks.others import check_uses
from aiex_lsp.tasks.repair import usable_answer
from aiex_lsp.tasks.types import EditResult, TaskRequest
from aiex_lsp.templates.types import Template
from aiex_lsp.text.snapshot import Snapshot

if TYPE_CHECKING:
    from aiex_lsp.edits.answer import Intent

LARGE_LINES = 150
"""Lines of code from which on a model is asked for the changed parts only: to write all of it
again takes minutes, and models leave things out."""

LARGE_MAX_TOKENS = 8192

INTENTS: tuple[Intent, ...] = ("fix", "document", "refactor")
"""Tasks that change code, each with a built-in template of its name."""


@dataclass(frozen=True, slots=True)
class EditQuestion:
    """A question whose answer is an edit of `target`; `request` points at that very code."""

    request: TaskRequest
    question: Question
    target: Target
    intent: Intent


async def locate(request: TaskRequest) -> Target:
    """Return the code the request is about. Raises `UsageError` where there is none."""
    snapshot = request.snapshot
    target = await asyncio.to_thread(find_target, snapshot, request.span, language_of(snapshot))
    if not snapshot.slice(target.span).strip():
        raise UsageError("There is no code at this place", "Put the cursor on code, or select it")
    return target


async def edit_question(
    parts: Parts, request: TaskRequest, target: Target, intent: Intent, variables: Mapping[str, Any]
) -> EditQuestion:
    """Return the question of a task by its template; option `instruction`. Raises `UsageError`."""
    name = request.settings.task(intent).template or intent
    await asyncio.to_thread(parts.registry.reload_if_changed)
    template = parts.registry.get(name)
    instruction = " ".join(str(request.options.get("instruction") or "").split())
    if instruction and "instruction" not in {one.name for one in template.variables}:
        raise UsageError(
            f"Template {name} has no variable `instruction`", "Leave the instruction out"
        )
    question = Question(
        intent,
        name,
        {"instruction": instruction, **variables},
        unwanted={"embedded": NO_EMBEDDED_EDITS},
    )
    return EditQuestion(request, _sized(question, request, target), target, intent)


async def own_question(
    request: TaskRequest, question: Question, template: Template
) -> EditQuestion:
    """Return the question of a template that gives code."""
    target = await locate(request)
    return EditQuestion(request, _sized(question, request, target), target, intent_of(template))


def intent_of(template: Template) -> Intent:
    """Return what a template wants with the code: that of the built-in one it extends, if any."""
    one: Template | None = template
    while one is not None:
        for intent in INTENTS:
            if one.id == intent:
                return intent
        one = one.parent
    return "run"


def _sized(question: Question, request: TaskRequest, target: Target) -> Question:
    large = is_large(request.snapshot, target)
    given = question.max_tokens or 0
    return replace(
        question,
        variables={"large": large, **question.variables},
        max_tokens=max(given, LARGE_MAX_TOKENS) if large else question.max_tokens,
    )


def is_large(snapshot: Snapshot, target: Target) -> bool:
    """Return whether a model should only write the parts that change."""
    first, last = snapshot.line_at(target.span.start), snapshot.line_at(target.span.end)
    return last - first >= LARGE_LINES


async def edit_code(parts: Parts, asked: EditQuestion, listener: Listener) -> EditResult:
    """Return the change of the code as an edit plan.

    Raises `AnswerError` with the text where the model gave none that can be used.
    """
    listener.on_status("reading the context")
    prepared = await prepare(parts, asked.request, asked.question)

    def use(result: ClientResult) -> EditResult:
        return _edit_of(asked, result)

    edit, result = await usable_answer(parts, asked.request, prepared, use, listener)
    parts.memory.remember(
        result.answer.id, Remembered(asked.request, asked.question.task, result.text)
    )
    return replace(edit, answer=result.answer)


def _edit_of(asked: EditQuestion, result: ClientResult) -> EditResult:
    from aiex_lsp.edits.answer import EditTarget, plan_answer
    from aiex_lsp.edits.plan import result_of
    from aiex_lsp.redaction.placeholders import blanked

    request, target = asked.request, asked.target
    snapshot = request.snapshot
    aim = EditTarget(
        snapshot=snapshot,
        span=target.span,
        intent=asked.intent,
        symbol=target.symbol if target.kind == "symbol" else None,
        shown=plain(snapshot.slice(target.span)),
        roots=request.workspace.roots,
        read=reader(request),
        instruction=_wish(request),
    )
    cut = result.answer.finish_reason == "length"
    planned = plan_answer(aim, result.text, truncated=cut)
    files = planned.plan.files
    for file in files:
        gone = blanked(file.base_text, result_of(file), snapshot.language_id)
        if gone:
            raise AnswerError(f"it has a filler in place of a secret ({gone[0]})", repairable=True)
    check_uses(request, planned.plan)
    uris = [file.uri for file in files]
    return EditResult(
        plan=replace(planned.plan, label=planned.plan.label or _label(asked)),
        target_uri=snapshot.uri if not uris or snapshot.uri in uris else uris[0],
        code_blocks=planned.code_blocks,
        explanation=planned.explanation,
        language=planned.language,
        answer=result.answer,
    )


def _wish(request: TaskRequest) -> str:
    """Return what the user asked for in words: names that stand there may go."""
    variables = request.options.get("variables")
    words = [request.options.get("instruction")]
    words += variables.values() if isinstance(variables, Mapping) else []
    return " ".join(str(one) for one in words if one)


def _label(asked: EditQuestion) -> str:
    verb = asked.intent.capitalize() if asked.intent != "run" else "Change"
    symbol = asked.target.symbol
    return f"{verb} {symbol.name}" if symbol else f"{verb} code"


def reader(request: TaskRequest) -> Callable[[str], Snapshot | None]:
    """Return what reads other documents of the workspace by relative path, None for all else.

    What is never sent to a model is not edited by one either.
    """
    workspace = request.workspace

    def read(name: str) -> Snapshot | None:
        for root in workspace.roots:
            path = root / name
            files = WorkspaceFiles(root)
            if not files.allows(path) or files.refusal(path) is not None:
                continue
            opened = workspace.open_document(path.as_uri())
            if opened is not None:
                return opened
            text = files.read(path)
            if text is not None:
                return Snapshot(path.as_uri(), text, language_of_path(path.name))
        return None

    return read
