"""What leaves without its secrets, and comes back with them: by the policy of each provider.

Secrets are looked for once a call, in its texts before they are cut to any window, so that no cut
shows half of one. Everything between the provider and here, the cache and shared calls included,
has placeholders; each caller restores its own secrets.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from aiex_lsp.config.settings import SecretsPolicy, Settings
from aiex_lsp.errors import AiexError
from aiex_lsp.llm.adapters.base import Adapter
from aiex_lsp.llm.types import (
    CompletionRequest,
    CountTokens,
    FittedPrompt,
    Listener,
    Message,
    OfTexts,
    Prompt,
)
from aiex_lsp.redaction.placeholders import Placeholders
from aiex_lsp.redaction.places import Part
from aiex_lsp.redaction.restoring import Restorer
from aiex_lsp.text.gaps import GAP

NOTE = (
    "Words such as {word} stand for secrets that were taken out. Where the code has one, "
    "write the same word, unchanged; never make up another."
)
"""Told to the model with the placeholders: without it some are "corrected" or left out."""

_FENCED = re.compile(r"^(?P<fence>`{3,}|~{3,})(?P<language>[\w.+-]+)[^\n]*\n", re.MULTILINE)

KEPT_ANSWERS = 100
"""Answers whose placeholders are remembered."""

log = logging.getLogger(__name__)


class RedactedPrompt:
    """A prompt whose messages have placeholders; `placeholders` are those known so far."""

    def __init__(self, prompt: Prompt, placeholders: Placeholders) -> None:
        self.placeholders = placeholders
        self._in_texts = isinstance(prompt, OfTexts)
        self._prompt = prompt
        if isinstance(prompt, OfTexts):
            self._prompt = prompt.with_texts(lambda text, _: placeholders.replace(text, GAP))

    @classmethod
    def of(cls, prompt: Prompt, known: Placeholders | None = None) -> RedactedPrompt:
        """Return the prompt without its secrets. Slow: for a thread.

        Secrets that `known` has keep their placeholders.
        """
        parts: list[Part] = []
        if isinstance(prompt, OfTexts):

            def take(text: str, language: str | None) -> str:
                parts.append(Part(text, language))
                return text

            prompt.with_texts(take)
        try:
            whole = prompt.fit(None, _no_count)
        except AiexError as error:
            log.debug("the prompt cannot be read whole: %s", error)
        else:
            # Once more as it is sent: a template may hold secrets, or the name beside one.
            parts += _parts(whole.messages)
        return cls(prompt, Placeholders.of(parts, known))

    def fit(
        self, budget: int | None, count: CountTokens, *, small_model: bool = False
    ) -> FittedPrompt:
        """Return the messages within `budget` tokens, as `Prompt` says."""

        def counted(messages: Sequence[Message]) -> int:
            return count(self._noted(self._replaced(messages)))

        fitted = self._prompt.fit(budget, counted, small_model=small_model)
        messages = self._replaced(fitted.messages)
        if fitted.dropped and not self._in_texts:
            # A cut may have left a part that no longer looks like the whole.
            self.placeholders = Placeholders.of(_parts(messages), self.placeholders)
            messages = self._replaced(messages)
        if self.used(messages):
            messages = self._noted(messages)
        return replace(fitted, messages=messages)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return what was found, in a few words each."""
        return tuple(one.kind for one in self.placeholders.all)

    def used(self, messages: Sequence[Message]) -> tuple[str, ...]:
        """Return what was replaced in these messages, as users are told it, never the values."""
        told: dict[str, str] = {}
        for message in messages:
            for one, line in self.placeholders.used(message.content.removesuffix(self._note)):
                where = f"line {line} of the {message.role} message"
                told.setdefault(one.word, f"{one.kind}, {where} -> {one.word}")
        return tuple(told.values())

    def _replaced(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        replaced = self.placeholders.replace
        return tuple(Message(one.role, replaced(one.content).replace(GAP, "")) for one in messages)

    @property
    def _note(self) -> str:
        return NOTE.format(word=self.placeholders.all[0].word)

    def _noted(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        note = self._note
        if messages and messages[0].role == "system":
            first = Message("system", f"{messages[0].content.rstrip()}\n\n{note}")
            return (first, *messages[1:])
        return (Message("system", note), *messages)


class Restoring:
    """A listener that is told the secrets where the model wrote placeholders.

    `structured`: JSON was asked for.
    """

    def __init__(
        self, listener: Listener, redacted: RedactedPrompt, *, structured: bool = False
    ) -> None:
        self._listener = listener
        self._redacted = redacted
        self._structured = structured
        self._restorer: Restorer | None = None

    def on_status(self, message: str) -> None:
        """Pass it on."""
        self._listener.on_status(message)

    def on_delta(self, text: str) -> None:
        """Pass on what is no beginning of a placeholder."""
        if self._restorer is None:
            known = self._redacted.placeholders
            self._restorer = known.restorer(structured=self._structured)
        self._tell(self._restorer.feed(text))

    def on_restart(self, provider: str) -> None:
        """Pass it on; what was held back is forgotten."""
        self._restorer = None
        self._listener.on_restart(provider)

    def finish(self) -> None:
        """Tell what was held back: the answer is whole."""
        if self._restorer is not None:
            self._tell(self._restorer.finish())

    def _tell(self, text: str) -> None:
        if text:
            self._listener.on_delta(text)


class KnownPlaceholders:
    """The placeholders of the last answers, for questions about them. Never written to disk."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Placeholders] = OrderedDict()

    def of(self, answer_id: str | None) -> Placeholders | None:
        """Return the placeholders of an answer, None where there were none."""
        return self._kept.get(answer_id) if answer_id else None

    def keep(self, answer_id: str, redacted: RedactedPrompt | None) -> None:
        """Keep those of an answer; the oldest go."""
        if redacted is None:
            return
        self._kept[answer_id] = redacted.placeholders
        while len(self._kept) > KEPT_ANSWERS:
            self._kept.popitem(last=False)


async def without_secrets(
    request: CompletionRequest,
    settings: Settings,
    adapter: Adapter,
    known: Placeholders | None = None,
) -> RedactedPrompt | None:
    """Return the prompt for this provider without its secrets, None where there are none.

    None too where the provider may have them. Looks for them in a thread.
    """
    if policy_of(request, settings, adapter) == "allow":
        return None
    found = await asyncio.to_thread(RedactedPrompt.of, request.prompt, known)
    return found if found.placeholders else None


def policy_of(request: CompletionRequest, settings: Settings, adapter: Adapter) -> SecretsPolicy:
    """Return what happens to secrets in this request at this provider."""
    return settings.secrets_policy(request.task, adapter.settings)


def _parts(messages: Sequence[Message]) -> Iterator[Part]:
    for message in messages:
        yield Part(message.content)
        # Code of a known language again: in a file of settings an unquoted word is a value.
        place = 0
        while (begin := _FENCED.search(message.content, place)) is not None:
            end = message.content.find(f"\n{begin['fence']}", begin.end() - 1)
            end = len(message.content) if end < 0 else end
            yield Part(message.content[begin.end() : end], begin["language"].lower())
            place = max(end + 1, begin.end())


def _no_count(_messages: Sequence[Message]) -> int:
    return 0
