"""The words between tasks, client and adapters. Plain, immutable, no wire format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

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
class CircuitStatus:
    """A circuit as users see it. Times are Unix times; `retry_at` when it may be probed."""

    state: Literal["closed", "open", "half_open"] = "closed"
    failure_count: int = 0
    last_failure: float | None = None
    retry_at: float | None = None


@dataclass(frozen=True, slots=True)
class LimitStatus:
    """One limit of a minute: what is used, allowed and left; None is unlimited."""

    current: int = 0
    limit: int | None = None
    remaining: int | None = None


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """One provider as users see it (contract: `ProviderStatus`).

    `last_check` and `last_selected` are Unix times. `circuit` is the worst of the provider's own
    and its models' circuits. `in_flight` and `request_count` are this server's.
    """

    provider: str
    type: str
    local: bool
    status: Literal["healthy", "unhealthy", "error", "unknown"] = "unknown"
    response_time_ms: float | None = None
    last_check: float | None = None
    error: str | None = None
    circuit: CircuitStatus = CircuitStatus()
    requests: LimitStatus = LimitStatus()
    tokens: LimitStatus = LimitStatus()
    model: str | None = None
    in_flight: int = 0
    request_count: int = 0
    last_selected: float | None = None


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
class RequestFacts:
    """What selection is told of a call, never its text.

    `input_tokens` is a rough count of the whole prompt, `least_tokens` of its indispensable part;
    `max_tokens` the longest answer. `sensitive` describes secrets that were found ("AWS access
    key, line 12"), None where nobody looked. `seconds_left` is the time until the first token has
    to be there.
    """

    task: str
    input_tokens: int = 0
    least_tokens: int = 0
    max_tokens: int = 1000
    sensitive: tuple[str, ...] | None = None
    seconds_left: float = 30.0


@dataclass(frozen=True, slots=True)
class NotBefore:
    """A provider is not worth asking before `until` (Unix time), for a failure of `kind`.

    `hard`: it asked to be left alone until then. Otherwise it is asked where nobody else can be.
    """

    until: float
    kind: str
    hard: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """How a provider stands just now, as far as is known without asking it.

    `circuit` is the worst of its circuits, `ramp` the share of calls it should have (1.0: all; a
    circuit that has just closed grows to it), `retry_in` the seconds until an open circuit may be
    probed. `limit_wait` is the seconds until this request fits its limits, infinite where it never
    does. `requests_left` and `tokens_left` None are unlimited. `window` is in tokens, None if
    unknown; `known_models` None if unknown.
    """

    circuit: CircuitStatus = CircuitStatus()
    ramp: float = 1.0
    retry_in: float = 0.0
    not_before: NotBefore | None = None
    not_before_in: float = 0.0
    requests_left: int | None = None
    tokens_left: int | None = None
    limit_wait: float = 0.0
    window: int | None = None
    known_models: tuple[str, ...] | None = None
    health: Literal["healthy", "unhealthy", "error", "unknown"] = "unknown"
    model: str | None = None


@dataclass(frozen=True, slots=True)
class CandidateReport:
    """One candidate of a choice: the smaller `score`, the sooner it is asked; None: not scored."""

    provider: str
    model: str | None
    score: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ChoiceReport:
    """Why providers were asked in this order, and why others were left out."""

    strategy: str
    reason: str
    candidates: tuple[CandidateReport, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)


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


class Listener(Protocol):
    """Who watches a call while it runs. Methods return at once and never raise."""

    def on_status(self, message: str) -> None:
        """Tell what is going on ("asking anthropic", "loading the model 40%", a fallback)."""

    def on_delta(self, text: str) -> None:
        """Take a piece of the visible answer."""

    def on_restart(self, provider: str) -> None:
        """Forget the deltas so far: the answer begins anew at `provider`."""


class SilentListener:
    """A listener that ignores everything."""

    def on_status(self, message: str) -> None:
        """Ignore it."""

    def on_delta(self, text: str) -> None:
        """Ignore it."""

    def on_restart(self, provider: str) -> None:
        """Ignore it."""
