"""One call of a task while it runs, and what selection is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aiex_lsp.config.settings import SecretsPolicy, Settings
from aiex_lsp.errors import AiexError
from aiex_lsp.llm.adapters.base import Adapter
from aiex_lsp.llm.redacting import RedactedPrompt, policy_of, without_secrets
from aiex_lsp.llm.types import (
    Attempt,
    ChoiceReport,
    CompletionRequest,
    Listener,
    Message,
    RequestFacts,
)
from aiex_lsp.redaction.placeholders import Placeholders

Detect = Callable[[str], tuple[str, ...]]
"""Describes the secrets in a text ("AWS access key, line 12"). Slow: for a thread."""

CHARACTERS_PER_TOKEN = 3.5
"""A rough count for selection; each provider's own counter has the last word."""

WINDOWS = (2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 200_000)
"""Tokens; usual sizes, tried to find the least a prompt can be compressed to."""


@dataclass(slots=True)
class Call:
    """A call's state, across its attempts.

    `waiting_since` is when the wait for a first token began. `begun` is true once the running
    attempt gave a token, `shown` once answer text reached the listener. `fallback` says what
    failed before. `sent_tokens` are the input tokens last sent to each provider, `caps` those its
    next attempt may not exceed. `known` are the placeholders of the answer this call is about,
    `without_secrets` is the prompt with its own, once somebody needed it. `flight` is what those
    have in common whose last attempt was one and the same.
    """

    id: str
    request: CompletionRequest
    settings: Settings
    listener: Listener
    started: float
    waiting_since: float
    attempts: list[Attempt] = field(default_factory=list)
    sent_tokens: dict[str, int] = field(default_factory=dict)
    caps: dict[str, int] = field(default_factory=dict)
    begun: bool = False
    shown: bool = False
    fallback: str = ""
    sent: int = 0
    choice: ChoiceReport | None = None
    known: Placeholders | None = None
    looked_for_secrets: bool = False
    without_secrets: RedactedPrompt | None = None
    told_replaced: bool = False
    flight: object | None = None

    @property
    def task(self) -> str:
        """Return the task's name."""
        return self.request.task

    @property
    def cacheable(self) -> bool:
        """Return whether a kept answer will do, and this one may be kept."""
        return self.request.cacheable and self.settings.task(self.task).cache

    def policy(self, adapter: Adapter) -> SecretsPolicy:
        """Return what happens to secrets of this call at a provider."""
        return policy_of(self.request, self.settings, adapter)

    async def redacted(self, adapter: Adapter) -> RedactedPrompt | None:
        """Return the prompt without its secrets, None where this provider gets it as it is.

        Looked for at the first provider that needs it, and then known for all.
        """
        if self.policy(adapter) == "allow":
            return None
        if not self.looked_for_secrets:
            self.without_secrets = await without_secrets(
                self.request, self.settings, adapter, self.known
            )
            # Only now: where looking failed nothing may be sent.
            self.looked_for_secrets = True
        return self.without_secrets

    @property
    def end(self) -> float:
        """Return when all of it has to be over, on the loop's clock."""
        return self.started + self.settings.max_duration

    def aboard(self, flight: object) -> None:
        """Remember whose attempt this is."""
        self.flight = flight

    def on_status(self, message: str) -> None:
        """Tell the listener; what failed before stays in the message."""
        self.listener.on_status(f"{self.fallback}{message}")

    def on_delta(self, text: str) -> None:
        """Pass a piece of the answer on."""
        self.shown = True
        self.listener.on_delta(text)

    def on_restart(self, provider: str) -> None:
        """Take back what was shown, if anything was."""
        if self.shown:
            self.shown = False
            self.listener.on_restart(provider)


async def facts_of(
    request: CompletionRequest, settings: Settings, detect: Detect | None
) -> RequestFacts:
    """Return what selection is told of a call. Reads the whole prompt, in a thread.

    `detect` None does not look for secrets.
    """
    task = settings.task(request.task)
    wanted = task.max_tokens or request.max_tokens
    found = await asyncio.to_thread(_read, request, detect)
    return RequestFacts(
        task=request.task,
        input_tokens=found[0],
        least_tokens=found[1],
        max_tokens=wanted or RequestFacts(request.task).max_tokens,
        sensitive=found[2],
        seconds_left=settings.request_timeout,
    )


def _read(
    request: CompletionRequest, detect: Detect | None
) -> tuple[int, int, tuple[str, ...] | None]:
    try:
        fitted = request.prompt.fit(None, _count)
    except AiexError:
        return 0, 0, None  # the attempt tells it better, for the model it asks
    sensitive = None
    if detect is not None:
        sensitive = detect("\n".join(message.content for message in fitted.messages))
        # Where the parts' languages tell what the whole does not.
        sensitive = sensitive or RedactedPrompt.of(request.prompt).kinds
    return fitted.input_tokens, _least(request, fitted.input_tokens), sensitive


def _least(request: CompletionRequest, tokens: int) -> int:
    """Return about how many tokens the prompt takes at least; 0 where any window will do."""
    if tokens <= WINDOWS[0]:
        return 0
    refused = 0
    for window in WINDOWS:
        try:
            request.prompt.fit(window, _count)
        except AiexError:
            refused = window
        else:
            break
    return refused + 1 if refused else 0


def _count(messages: Sequence[Message]) -> int:
    return int(sum(len(message.content) for message in messages) / CHARACTERS_PER_TOKEN) + 1
