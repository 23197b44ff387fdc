"""The words between tasks, client and adapters. Plain, immutable, no wire format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from aiex_lsp.llm.listener import Listener as Listener
from aiex_lsp.llm.listener import SilentListener as SilentListener
from aiex_lsp.llm.status_types import CandidateReport as CandidateReport
from aiex_lsp.llm.status_types import ChoiceReport as ChoiceReport
from aiex_lsp.llm.status_types import CircuitStatus as CircuitStatus
from aiex_lsp.llm.status_types import LimitStatus as LimitStatus
from aiex_lsp.llm.status_types import NotBefore as NotBefore
from aiex_lsp.llm.status_types import ProviderStatus as ProviderStatus
from aiex_lsp.llm.status_types import RequestFacts as RequestFacts
from aiex_lsp.llm.status_types import Standing as Standing

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length", "content_filter"]
Effort = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; at most one `system` message, and it comes first."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them (or, with `estimated`, as we did).

    `input_tokens` include cached ones; `output_tokens` include `thinking_tokens`.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    thinking_tokens: int = 0
    cached_tokens: int = 0
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """An answer wanted as JSON of this schema, where the provider offers that."""

    name: str
    schema: Mapping[str, Any]
    description: str = ""


@dataclass(frozen=True, slots=True)
class ModelCall:
    """What one adapter is asked to do: the messages fitted to this model, nothing more to decide.

    `temperature` None leaves the model's default. `max_tokens` bounds the answer, thinking
    included where the vendor counts so. `context_window` is in tokens, None if unknown (Ollama
    sends it as `num_ctx`). `input_tokens` is our estimate, to notice a prompt cut silently.
    """

    messages: tuple[Message, ...]
    model: str
    max_tokens: int = 1000
    temperature: float | None = 0.7
    effort: Effort | None = None
    schema: JsonSchema | None = None
    context_window: int | None = None
    input_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the visible answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """A piece of the model's thinking; a sign of life, never part of the answer. May be empty."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A keep-alive of the provider (Anthropic `ping`, model loading): life, but no token."""

    message: str = ""


@dataclass(frozen=True, slots=True)
class Finish:
    """The last chunk of every complete stream. A stream that ends without one was cut."""

    reason: FinishReason
    usage: Usage
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """What the provider said is left of its limits, in an answer's headers; no sign of life.

    None where it did not tell; `*_reset` are seconds until more is left.
    """

    requests: int | None = None
    requests_reset: float | None = None
    tokens: int | None = None
    tokens_reset: float | None = None


Chunk = Text | Thinking | Heartbeat | Quota | Finish


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer of one provider."""

    text: str
    thinking: str
    model: str
    finish_reason: FinishReason
    usage: Usage


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per thousand tokens."""

    input_per_1k: float
    output_per_1k: float


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model a provider has. None means the provider does not tell."""

    id: str
    provider: str
    local: bool
    context_window: int | None = None
    max_output_tokens: int | None = None
    loaded: bool | None = None
    quantization: str | None = None
    parameters: str | None = None
    price: Price | None = None
    chat: bool = True
    created: float | None = None
    """Unix time of release, to prefer newer models."""


@dataclass(frozen=True, slots=True)
class Health:
    """The result of one probe. `response_time_ms` is None unless healthy."""

    status: Literal["healthy", "unhealthy", "error", "unknown"]
    response_time_ms: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one provider. `outcome` is "ok", "cancelled" or a `FailureKind` value."""

    provider: str
    model: str | None
    outcome: str
    duration_ms: float


@dataclass(frozen=True, slots=True)
class Dropped:
    """A part of the context that was left out or cut to fit: its name, and its tokens."""

    name: str
    tokens: int
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class FittedPrompt:
    """Messages that fit one model's window, as its own counter counts."""

    messages: tuple[Message, ...]
    input_tokens: int
    dropped: tuple[Dropped, ...] = ()


CountTokens = Callable[[Sequence[Message]], int]
"""Tokens that these messages take with one model, its chat format included."""


class Prompt(Protocol):
    """A prompt that can be fitted to any window; the client fits it anew for each provider."""

    def fit(
        self, budget: int | None, count: CountTokens, *, small_model: bool = False
    ) -> FittedPrompt:
        """Return the messages within `budget` input tokens (None: no bound).

        `small_model`: worded for a model that follows only the plainest request. A prompt whose
        indispensable part does not fit raises `AiexError` with the sizes.
        """
        ...


ChangeText = Callable[[str, str | None], str]
"""Returns what stands in place of a text, whose language is named where it is known."""


@runtime_checkable
class OfTexts(Protocol):
    """A prompt that tells the texts it is made of, before they are cut to any window."""

    def with_texts(self, change: ChangeText) -> Prompt:
        """Return the same prompt with each of its texts changed."""
        ...


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """One question of a task to the client.

    Fields left None come from the settings of `task`, then from the general ones. `provider`,
    `model`, `strategy` are what the call named. `unwanted` maps a provider type to the reason it
    must not be chosen unless named (the embedded model and edits). `cacheable` False skips the
    cache. `workspace` separates cached answers of differing privacy settings. `follows` is the id
    of the answer this is about: its secrets keep their placeholders.
    """

    task: str
    prompt: Prompt
    provider: str | None = None
    model: str | None = None
    strategy: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    effort: Effort | None = None
    schema: JsonSchema | None = None
    unwanted: Mapping[str, str] = field(default_factory=dict)
    cacheable: bool = True
    workspace: str | None = None
    follows: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Where an answer came from, as users are told it. `cost` is USD, None if unknown."""

    id: str
    provider: str
    model: str
    usage: Usage
    cost: float | None
    duration_ms: float
    cached: bool
    attempts: tuple[Attempt, ...]
    finish_reason: FinishReason = "stop"
    dropped: tuple[Dropped, ...] = ()
    note: str | None = None
    """One line for the user about this answer's source (the embedded model's limits)."""
    choice: ChoiceReport | None = None


@dataclass(frozen=True, slots=True)
class ClientResult:
    """The client's whole answer: visible text and where it came from.

    `unrestored` are words in it that look like placeholders of secrets and stand for none: code
    with such a word must not be applied.
    """

    text: str
    answer: Answer
    unrestored: tuple[str, ...] = ()
