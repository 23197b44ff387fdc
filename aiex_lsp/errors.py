"""The error tree of aiex-lsp.

::

    AiexError                    says what happened, why, and what to do next
    ├── UsageError               wrong parameters of a caller (InvalidParams, exit status 2)
    │   ├── DocumentError        unknown, closed, binary or too large document
    │   └── RangeError           a range or position outside the text
    ├── ConfigError              a configuration value cannot be used
    ├── TemplateError            a template cannot be loaded or rendered; has file and line
    │   └── TemplateUseError     there is no such template, or its variables were filled wrongly
    ├── AnswerError              the model answered, but not with what was asked
    ├── EditError                an edit cannot be applied
    │   └── StaleEditError       its text changed meanwhile
    ├── DisabledError            paused, or switched off for this language or folder
    ├── StateError               the state shared by servers cannot be used just now
    └── LLMError                 no answer could be had
        ├── ProviderError        one provider's failure, classified by `FailureKind`
        └── NoProviderError      no provider is left; names why for each

Cancellation is `asyncio.CancelledError` and is never wrapped.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

MAX_MESSAGE = 200
"""Longest text of an error as a user sees it, in characters."""


class FailureKind(StrEnum):
    """What went wrong between us and a provider; `llm/failures.py` says what follows from each."""

    TRANSIENT = "transient"
    OVERLOADED = "overloaded"
    RATE_LIMITED = "rate_limited"
    QUOTA = "quota"
    CREDENTIALS = "credentials"
    PERMISSION = "permission"
    REGION = "region"
    MODEL_NOT_FOUND = "model_not_found"
    CONTEXT_TOO_LONG = "context_too_long"
    CONTENT_FILTER = "content_filter"
    CONNECT = "connect"
    CONNECT_TIMEOUT = "connect_timeout"
    FIRST_TOKEN_TIMEOUT = "first_token_timeout"
    STALL = "stall"
    DEADLINE = "deadline"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    EMPTY = "empty"
    BAD_REQUEST = "bad_request"
    NOT_CONFIGURED = "not_configured"
    OWN_LIMIT = "own_limit"
    """Our own rate limit has no room in time; nothing was sent."""
    CIRCUIT_OPEN = "circuit_open"
    """The provider failed too often and is left alone; nothing was sent."""
    CANCELLED = "cancelled"


class AiexError(Exception):
    """Base of every error raised on purpose; `str()` is one plain sentence or two for the user.

    `what` tells what happened and why, `next_step` one step that can be taken. Neither may hold
    a secret or the user's code.
    """

    def __init__(self, what: str, next_step: str = "") -> None:
        super().__init__(what, next_step)
        self.what = what.strip()
        self.next_step = next_step.strip()

    def __str__(self) -> str:
        return self.user_message()

    def user_message(self, limit: int = MAX_MESSAGE) -> str:
        """Return at most `limit` characters; the next step survives, the cause is shortened."""
        what, step = _sentence(self.what), _sentence(self.next_step)
        if not step:
            return _shorten(what, limit)
        room = limit - len(step) - 1
        if room < 40:
            return _shorten(f"{what} {step}", limit)
        return f"{_shorten(what, room)} {step}"


class UsageError(AiexError):
    """The caller's parameters are wrong."""


class DocumentError(UsageError):
    """The document is unknown, was closed, is binary or too large."""


class RangeError(UsageError):
    """A range or position lies outside the text."""


class ConfigError(AiexError):
    """A configuration value cannot be used."""


class TemplateError(AiexError):
    """A template cannot be loaded or rendered; `file` and `line` (1-based) where known."""

    def __init__(
        self, what: str, next_step: str = "", *, file: str | None = None, line: int | None = None
    ) -> None:
        super().__init__(what, next_step)
        self.file = file
        self.line = line


class TemplateUseError(TemplateError):
    """There is no template of that name, or it was given values its variables do not take."""


class AnswerError(AiexError):
    """The model answered, but not with what was asked; `text` keeps the answer for the user.

    `repairable`: asking once more, with this error in the prompt, may help.
    """

    def __init__(
        self, what: str, next_step: str = "", *, text: str = "", repairable: bool = False
    ) -> None:
        super().__init__(what, next_step)
        self.text = text
        self.repairable = repairable


class EditError(AiexError):
    """An edit cannot be applied; nothing was changed. `text` keeps it for the user, as a diff."""

    text: str = ""


class StaleEditError(EditError):
    """The text an edit is bound to has changed meanwhile."""


class DisabledError(AiexError):
    """aiex is paused, or switched off for this language or folder."""


class StateError(AiexError):
    """The state shared by servers cannot be used just now; whoever asks goes on without it."""


class LLMError(AiexError):
    """No answer could be had."""


class ProviderError(LLMError):
    """One provider's failure.

    `provider` and `model` are names, `status` the HTTP status if there was one, `retry_after`
    seconds the provider asked to wait. `visible` is true once answer text had reached the caller.
    `window` is the model's window in tokens where a refusal of a long prompt told it.
    """

    def __init__(
        self,
        kind: FailureKind,
        what: str,
        next_step: str = "",
        *,
        provider: str,
        model: str | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        visible: bool = False,
    ) -> None:
        super().__init__(what, next_step)
        self.kind = kind
        self.provider = provider
        self.model = model
        self.status = status
        self.retry_after = retry_after
        self.visible = visible
        self.window: int | None = None


class NoProviderError(LLMError):
    """No provider is left; `reasons` maps each candidate's name to why it was left out."""

    def __init__(
        self, what: str, next_step: str = "", *, reasons: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(what, next_step)
        self.reasons = dict(reasons or {})


def _sentence(text: str) -> str:
    return text if not text or text[-1] in ".!?" else text + "."


def _shorten(text: str, limit: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
