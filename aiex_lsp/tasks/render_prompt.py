"""Show exactly what would be sent; sends nothing."""

from __future__ import annotations

from aiex_lsp.errors import UsageError
from aiex_lsp.tasks import analyze, document, explain, fix, generate_tests, refactor, run
from aiex_lsp.tasks.ask import NO_EMBEDDED_HOVER, Parts, Question, prepare
from aiex_lsp.tasks.edit_task import own_question
from aiex_lsp.tasks.types import RenderedPrompt, TaskRequest

TASKS = (
    *("explain", "analyze", "generateTests", "fix", "document", "refactor"),
    *("hover", "followUp"),
)
_EDITS = {
    "fix": fix.question_of,
    "document": document.question_of,
    "refactor": refactor.question_of,
}


async def asked_of(parts: Parts, request: TaskRequest) -> tuple[TaskRequest, Question]:
    """Return the question of option `task` or `template`, and the request it belongs to."""
    task = str(request.options.get("task") or "")
    if (edit := _EDITS.get(task)) is not None:
        asked = await edit(parts, request)
        return asked.request, asked.question
    return request, await _question_of(parts, request)


async def _question_of(parts: Parts, request: TaskRequest) -> Question:
    task = str(request.options.get("task") or "")
    if not task and request.options.get("template"):
        question = run.question_of(request)
        own = parts.registry.get(question.template)
        question = run.fitted_to(question, own)
        if own.response_type == "test_generation":
            return (await generate_tests.plan_question(parts, request, question)).question
        if own.response_type == "code_generation":
            return (await own_question(request, question, own)).question
        return question
    match task:
        case "explain":
            return explain.question_of(request)
        case "analyze":
            return analyze.question_of(request)
        case "generateTests" | "tests" | "generate_tests":
            return (await generate_tests.plan_question(parts, request)).question
        case "hover":
            template = request.settings.task("hover").template or "hover"
            return Question("hover", template, {}, unwanted={"embedded": NO_EMBEDDED_HOVER})
        case "followUp" | "follow_up":
            return explain.follow_up_question(parts, request)
    raise UsageError(f"Task {task!r} is not known", f"Use one of {', '.join(TASKS)}")


async def render_prompt(parts: Parts, request: TaskRequest) -> RenderedPrompt:
    """Return the messages to the byte, their tokens, and the price if all of it were used."""
    request, question = await asked_of(parts, request)
    prepared = await prepare(parts, request, question)
    fitted, adapter = await parts.client.fit(prepared.completion, request.settings)
    return RenderedPrompt(
        messages=fitted.call.messages,
        input_tokens=fitted.prompt.input_tokens,
        estimated_cost=parts.client.estimate_cost(fitted, adapter),
        provider=adapter.name,
        model=fitted.call.model,
        redactions=fitted.redactions,
        dropped=fitted.prompt.dropped,
    )
