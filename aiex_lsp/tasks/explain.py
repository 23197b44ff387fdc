"""Explain the code at a place; also answers follow-up questions."""

from __future__ import annotations

import asyncio

from aiex_lsp.context.types import ContextItem
from aiex_lsp.errors import UsageError
from aiex_lsp.llm.types import Answer, ClientResult, Listener
from aiex_lsp.responses.fences import open_fence
from aiex_lsp.responses.parser import parse
from aiex_lsp.responses.types import ResponseType
from aiex_lsp.tasks.ask import Parts, Question, ask
from aiex_lsp.tasks.memory import Remembered
from aiex_lsp.tasks.types import ExplainResult, TaskRequest

LEVELS = ("brief", "standard", "detailed")


def question_of(request: TaskRequest) -> Question:
    """Return the question; option `level`. Raises `UsageError` for an unknown level."""
    level = request.options.get("level") or "standard"
    if level not in LEVELS:
        raise UsageError(f"Level {level!r} is not known", f"Use one of {', '.join(LEVELS)}")
    template = request.settings.task("explain").template or "explain"
    return Question("explain", template, {"level": level})


async def explain(parts: Parts, request: TaskRequest, listener: Listener) -> ExplainResult:
    """Return an explanation of the symbol or selection."""
    result, _ = await ask(parts, request, question_of(request), listener)
    parts.memory.remember(result.answer.id, Remembered(request, "explain", result.text))
    return await explanation(result, "code_explanation")


def follow_up_question(parts: Parts, request: TaskRequest) -> Question:
    """Return the question about an earlier answer; options `answer_id` and `question`."""
    text = str(request.options.get("question") or "").strip()
    if not text:
        raise UsageError("The question is empty", "Say what you want to know")
    turns = parts.memory.conversation(str(request.options.get("answer_id") or ""))
    earlier = "\n\n".join(
        (f"Question: {turn.question}\n\n" if turn.question else "") + turn.text for turn in turns
    )
    items = (
        ContextItem("question", text, 0),
        ContextItem("previous_answer", earlier, 1, min_chars=200),
    )
    template = request.settings.task("followUp").template or "follow_up"
    return Question("followUp", template, {}, items=items)


async def follow_up(parts: Parts, request: TaskRequest, listener: Listener) -> ExplainResult:
    """Return the answer to a question about an earlier answer and its code."""
    answer_id = str(request.options.get("answer_id") or "")
    earlier = parts.memory.recall(answer_id)
    about = TaskRequest(
        snapshot=earlier.request.snapshot,
        span=earlier.request.span,
        settings=request.settings,
        workspace=request.workspace,
        diagnostics=earlier.request.diagnostics,
        provider=request.provider or earlier.request.provider,
        model=request.model or earlier.request.model,
        strategy=request.strategy,
        options=request.options,
    )
    question = follow_up_question(parts, about)
    result, _ = await ask(parts, about, question, listener)
    asked = str(request.options["question"]).strip()
    parts.memory.remember(
        result.answer.id, Remembered(about, "followUp", result.text, asked, answer_id)
    )
    return await explanation(result, "code_explanation")


async def explanation(result: ClientResult, kind: ResponseType) -> ExplainResult:
    """Return an answer's text as an explanation."""
    cut = result.answer.finish_reason == "length"
    parsed = await asyncio.to_thread(parse, result.text, kind, truncated=cut)
    return ExplainResult(
        markdown=with_cut_note(result.text, result.answer),
        summary=parsed.summary,
        sections=parsed.sections,
        code_references=parsed.code_references,
        concepts=parsed.concepts,
        answer=result.answer,
    )


def with_cut_note(text: str, answer: Answer) -> str:
    """Return the text; one that reached the token limit says so, for it is not complete."""
    if answer.finish_reason != "length":
        return text
    tokens = answer.usage.output_tokens
    fence = open_fence(text)
    if fence is not None:
        text = f"{text}\n{fence}"
    return f"{text}\n\n*The answer was cut at {tokens} tokens; raise max_tokens for more.*"
