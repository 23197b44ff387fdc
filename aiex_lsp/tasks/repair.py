"""An answer that has to fit, and one more try where it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from aiex_lsp.errors import AnswerError, LLMError
from aiex_lsp.llm.types import (
    Answer,
    ClientResult,
    CountTokens,
    FittedPrompt,
    Listener,
    Message,
    Prompt,
    Usage,
)
from aiex_lsp.tasks.ask import Parts, Prepared
from aiex_lsp.tasks.types import TaskRequest

R = TypeVar("R")

Use = Callable[[ClientResult], R]
"""Makes the result of an answer, in a thread. Raises `AnswerError` where it cannot be used."""

_TOLD = """\
Your answer cannot be used: {why}.
Answer again, in the form that was asked for, complete, with nothing left out. Do not apologize."""


async def usable_answer(
    parts: Parts, request: TaskRequest, prepared: Prepared, use: Use[R], listener: Listener
) -> tuple[R, ClientResult]:
    """Return what `use` makes of the model's answer, and the answer, at the second try at last.

    An answer that may be bettered is sent back once with what is wrong about it; both calls are
    in the answer's cost and usage. Raises `AnswerError` with provider, reason and the last text.
    """
    # An answer that was of no use would be of no use again.
    completion = replace(prepared.completion, cacheable=False)
    first = await parts.client.complete(completion, request.settings, listener)
    try:
        return await asyncio.to_thread(_used, use, first), first
    except AnswerError as error:
        if not error.repairable:
            raise refused(error, first) from error
        failure = error
    listener.on_status(f"asking again: {failure.what}")
    listener.on_restart(first.answer.provider)
    again = replace(
        completion,
        prompt=Repair(completion.prompt, first.text, failure.what),
        follows=first.answer.id,
    )
    try:
        second = await parts.client.complete(again, request.settings, _SecondTry(listener))
    except LLMError as error:
        raise refused(failure, first) from error
    second = replace(second, answer=summed(first.answer, second.answer))
    try:
        return await asyncio.to_thread(_used, use, second), second
    except AnswerError as error:
        raise refused(error, second, tries=2) from error


def _used(use: Use[R], result: ClientResult) -> R:
    """Return what `use` makes of an answer whose secrets are all back."""
    if result.unrestored:
        # Without the word itself: in the second question it would pass for one of the code.
        raise AnswerError("it has a made-up word in place of a secret", repairable=True)
    return use(result)


class Repair:
    """A prompt that goes on: what was asked first, the answer, and why it cannot be used."""

    def __init__(self, first: Prompt, answer: str, why: str) -> None:
        self._first = first
        self._answer = answer
        self._why = " ".join(why.split()).rstrip(".")

    def with_texts(self, change: Callable[[str, str | None], str]) -> Repair:
        """Return the same prompt with each of its texts changed, as `OfTexts` says."""
        of_texts = getattr(self._first, "with_texts", None)
        first = self._first if of_texts is None else of_texts(change)
        return Repair(first, change(self._answer, None), change(self._why, None))

    def fit(
        self, budget: int | None, count: CountTokens, *, small_model: bool = False
    ) -> FittedPrompt:
        """Return the messages within `budget` tokens, as `Prompt` says."""
        told = Message("user", _TOLD.format(why=self._why))
        more = (Message("assistant", self._answer), told)
        room = None if budget is None else max(1, budget - count(more))
        fitted = self._first.fit(room, count, small_model=small_model)
        messages = (*fitted.messages, *more)
        return FittedPrompt(messages, count(messages), fitted.dropped)


def summed(first: Answer, second: Answer) -> Answer:
    """Return the second answer with what both calls took."""
    known = first.cost is not None and second.cost is not None
    one, two = first.usage, second.usage
    return replace(
        second,
        usage=Usage(
            one.input_tokens + two.input_tokens,
            one.output_tokens + two.output_tokens,
            one.thinking_tokens + two.thinking_tokens,
            one.cached_tokens + two.cached_tokens,
            one.estimated or two.estimated,
        ),
        cost=(first.cost or 0.0) + (second.cost or 0.0) if known else None,
        duration_ms=first.duration_ms + second.duration_ms,
        attempts=(*first.attempts, *second.attempts),
    )


def refused(error: AnswerError, result: ClientResult, *, tries: int = 1) -> AnswerError:
    """Return why an answer is not used, as the user is told it; its text is kept."""
    answer = result.answer
    what = error.what.rstrip(".")
    step = error.next_step or "Ask again, or choose a larger model"
    untouched = "" if "othing was changed" in f"{what}{step}" else "; nothing was changed"
    again = ", asked twice" if tries > 1 else ""
    return AnswerError(
        f"{answer.provider} ({answer.model}{again}): {what[:1].lower()}{what[1:]}{untouched}",
        step,
        text=result.text,
    )


class _SecondTry:
    """Passes on, with a word that it is the second try."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def on_status(self, message: str) -> None:
        self._listener.on_status(f"second try: {message}")

    def on_delta(self, text: str) -> None:
        self._listener.on_delta(text)

    def on_restart(self, provider: str) -> None:
        self._listener.on_restart(provider)
