"""Run any registered template; its response type decides what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from aiex_lsp.errors import UsageError
from aiex_lsp.llm.fitting import EDIT_MAX_TOKENS
from aiex_lsp.llm.types import Listener
from aiex_lsp.tasks.analyze import analyze_with
from aiex_lsp.tasks.ask import NO_EMBEDDED_EDITS, Parts, Question, ask
from aiex_lsp.tasks.edit_task import edit_code, own_question
from aiex_lsp.tasks.explain import explanation
from aiex_lsp.tasks.generate_tests import generate_tests_with
from aiex_lsp.tasks.memory import Remembered
from aiex_lsp.tasks.types import TaskRequest, TaskResult
from aiex_lsp.templates.types import Template


def question_of(request: TaskRequest) -> Question:
    """Return the question; options `template` and `variables`."""
    template = str(request.options.get("template") or "")
    if not template:
        raise UsageError("No template is named", "Give a template's id; `templates list` has them")
    variables = request.options.get("variables") or {}
    if not isinstance(variables, Mapping):
        raise UsageError("Variables must be an object of names and values")
    return Question("run", template, dict(variables))


def fitted_to(question: Question, template: Template) -> Question:
    """Return the question as what its template answers with needs it: code is no small matter."""
    if template.response_type not in ("test_generation", "code_generation"):
        return question
    return replace(
        question,
        unwanted={"embedded": NO_EMBEDDED_EDITS},
        max_tokens=template.max_tokens or EDIT_MAX_TOKENS,
    )


async def run(parts: Parts, request: TaskRequest, listener: Listener) -> TaskResult:
    """Return the result of the template's response type."""
    question = question_of(request)
    await asyncio.to_thread(parts.registry.reload_if_changed)
    template = parts.registry.get(question.template)
    question = fitted_to(question, template)
    known = {variable.name for variable in template.variables}
    unknown = [name for name in question.variables if name not in known]
    if unknown:
        raise UsageError(
            f"Template {template.id} has no variable {unknown[0]!r}",
            f"It has {', '.join(sorted(known))}",
        )
    if template.response_type == "findings":
        return await analyze_with(parts, request, question, listener)
    if template.response_type == "test_generation":
        return await generate_tests_with(parts, request, question, listener)
    if template.response_type == "code_generation":
        asked = await own_question(request, question, template)
        return await edit_code(parts, asked, listener)
    result, _ = await ask(parts, request, question, listener)
    parts.memory.remember(result.answer.id, Remembered(request, template.id, result.text))
    return await explanation(result, "code_explanation")
