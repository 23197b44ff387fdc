"""The fault table: what goes wrong, how a fake provider does it, what everybody sees.

Each row holds for every dialect, streamed and not. `alone`: there is nowhere to go. `spare`:
another provider can answer. Times are those of `SETTINGS`, in seconds.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

from tests.servers import script
from tests.servers.base import FakeServer, prompt_tokens
from tests.servers.script import Drop, Garbage, Reply, Silence, Step, Whole

GOOD = "Sums the prices with their tax.\n\n## How it works\n\nBy `sum` over the list."
DIALECTS = ("anthropic", "openai", "ollama", "lm_studio")

SETTINGS: dict[str, Any] = {
    "request_timeout": 6.0,
    "first_token_timeout": 1.5,
    "stall_timeout": 1.0,
    "connect_timeout": 1.0,
    "max_duration": 20.0,
    "retry": {"backoff": 0.1, "jitter": 0.05, "quick": 0.1, "max_wait": 2.1},
    "health": {"interval": 0},
    "context": {"project": False},
}
"""The design's times, scaled down by configuration alone."""

SLACK, LATE = 0.9, 2.5
"""Seconds by which a busy machine may be late with one step, and with a whole call."""

Bounds = tuple[float, float]
QUICK: Bounds = (0.1, 0.1 + SLACK)
BACKOFF: tuple[Bounds, Bounds] = ((0.2, 0.25 + SLACK), (0.4, 0.45 + SLACK))
"""2 and 4 times `backoff`, and up to `jitter` more."""

AT_ONCE: Bounds = (0.0, SLACK)
SILENT: Bounds = (1.5, 1.5 + SLACK)
STALLED: Bounds = (1.0, 1.0 + SLACK)


def waits(least: float, most: float | None = None) -> Bounds:
    """Return the bounds of a wait of so many seconds."""
    return least, (least if most is None else most) + SLACK


@dataclass(frozen=True)
class Expect:
    """What is seen in one situation.

    `first` are the outcomes at the provider that is asked, "ok" if it answers in the end; `gaps`
    the seconds between its requests, `requests` their number where it is another one than that of
    the outcomes. `restarts`: how often shown text is taken back. `took` bounds the whole call
    beyond the gaps. `refused`: nobody answers, though the spare could. `cause` and `step` are what
    the one message says. `after`: who answers the next question, or "barred": nobody is asked.
    """

    first: str
    gaps: tuple[Bounds, ...] = ()
    requests: int | None = None
    restarts: int = 0
    took: Bounds = AT_ONCE
    refused: bool = False
    cause: str = ""
    step: str = ""
    after: str = "self"

    @property
    def outcomes(self) -> list[str]:
        return self.first.split()

    @property
    def answers(self) -> bool:
        """Return whether the provider that is asked answers in the end."""
        return self.outcomes[-1:] == ["ok"]


Play = Callable[[FakeServer], None]
Make = Callable[[FakeServer], Step]


@dataclass(frozen=True)
class Fault:
    """One row. `settings` are further ones of the provider that fails."""

    name: str
    play: Play
    alone: Expect
    spare: Expect
    dialects: tuple[str, ...] = DIALECTS
    settings: Mapping[str, Any] = field(default_factory=dict)
    down: bool = False
    """Nothing listens at its address."""
    deaf: bool = False
    """Its address takes no connection in time."""


def forever(make: Make) -> Play:
    """Return what a provider does that fails at each request."""

    def play(server: FakeServer) -> None:
        server.answer = lambda _body: make(server)

    return play


def once(make: Make) -> Play:
    """Return what a provider does that fails at its first request and is well then."""

    def play(server: FakeServer) -> None:
        turn = itertools.count()
        server.answer = lambda _body: GOOD if next(turn) else make(server)

    return play


def never_answers(server: FakeServer) -> None:
    """Take requests of any kind and answer none."""
    server.answer = lambda _body: Silence()
    server.route = lambda _request: Silence()  # type: ignore[method-assign]


def wrong_key(server: FakeServer) -> None:
    """Know another key."""
    server.key = "another-key"


def too_long(server: FakeServer) -> None:
    """Take prompts of nine tenths of the first one's size."""
    first: list[int] = []

    def answer(body: dict[str, Any]) -> str | Step:
        first.append(prompt_tokens(body))
        return GOOD if prompt_tokens(body) < 0.9 * first[0] else said(server, "too long")

    server.answer = answer


_WORDS: Mapping[str, Mapping[str, tuple[int, str, dict[str, str]]]] = {
    "rate limit": {
        "anthropic": (
            429,
            "This request would exceed your rate limit",
            {"type": "rate_limit_error"},
        ),
        "openai": (429, "Rate limit reached for gpt-fake", {"code": "rate_limit_exceeded"}),
        "": (429, "Too many requests", {}),
    },
    "quota": {
        "anthropic": (400, "Your credit balance is too low to access the Anthropic API.", {}),
        "": (429, "You exceeded your current quota", {"code": "insufficient_quota"}),
    },
    "failed": {
        "anthropic": (500, "Internal server error", {"type": "api_error"}),
        "ollama": (500, "llama runner process has terminated: signal: killed", {}),
        "lm_studio": (500, "The model has crashed without additional information.", {}),
        "": (
            500,
            "The server had an error while processing your request",
            {"type": "server_error"},
        ),
    },
    "busy": {
        "anthropic": (503, "", {}),
        "ollama": (503, "server busy, please try again", {}),
        "": (503, "The engine is currently overloaded", {"type": "server_error"}),
    },
    "overloaded": {
        "anthropic": (529, "Overloaded", {"type": "overloaded_error"}),
        "": (529, "Overloaded", {}),
    },
    "too long": {
        "anthropic": (400, "prompt is too long: 213462 tokens > 200000 maximum", {}),
        "openai": (
            400,
            "This model's maximum context length is 128000 tokens.",
            {"code": "context_length_exceeded", "param": "messages"},
        ),
        "ollama": (400, "the prompt is longer than the context length currently available", {}),
        "lm_studio": (
            400,
            "Trying to keep the first 6000 tokens when context the overflows. However, the model "
            "is loaded with context length of only 4096 tokens, which is not enough.",
            {},
        ),
    },
    "refused content": {
        "openai": (
            400,
            "The response was filtered due to the prompt triggering Azure OpenAI's content "
            "management policy.",
            {"code": "content_filter", "param": "prompt"},
        ),
        "": (400, "The request was stopped by the safety system", {}),
    },
}
"""What vendors say: status, message, further fields; "" is for the others.

Without a message it is a proxy before the vendor that speaks.
"""


def said(server: FakeServer, what: str) -> Whole:
    """Return a failure in the vendor's own words."""
    words = _WORDS[what]
    code, message, fields = words.get(server.dialect) or words[""]
    if not message:
        return Whole(code, b"no healthy upstream", content_type="text/plain")
    return server.error(code, message, **fields)


def says(what: str) -> Make:
    """Return a maker of a failure in the vendor's own words."""
    return lambda server: said(server, what)


def limited(headers: Callable[[FakeServer], Mapping[str, str]]) -> Make:
    """Return a maker of a 429 with headers that say when to come again."""
    return lambda server: replace(said(server, "rate limit"), headers=headers(server))


def _http_date(_server: FakeServer) -> Mapping[str, str]:
    return {"Retry-After": formatdate(math.floor(time.time()) + 2, usegmt=True)}


def _reset_header(server: FakeServer) -> Mapping[str, str]:
    """Return how vendors name the time without Retry-After: 0.4 s from now."""
    if server.dialect != "anthropic":
        return {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "400ms"}
    at = datetime.fromtimestamp(time.time() + 0.4, UTC).isoformat().replace("+00:00", "Z")
    name = "anthropic-ratelimit-requests"
    return {f"{name}-remaining": "0", f"{name}-reset": at}


def _reply(**fields: Any) -> Make:
    return lambda _server: Reply(GOOD, **fields)


def _step(step: Step) -> Make:
    return lambda _server: step


AGAIN = "Try again|Ask again"
CLOUD = ("anthropic", "openai", "lm_studio")
"""Dialects with a finish reason for refused content."""

_LIMIT = {"cause": r"rate limit \(429\)", "step": "Try again in a minute"}
_BROKE = {"cause": "broke", "step": AGAIN}
_BUSY = {"cause": r"overloaded or still starting \(\d+\)", "step": AGAIN}
_SLOW = {"cause": r"sent no answer within 1\.5 s", "step": "first_token_timeout"}
_PAGE = {"cause": "web page|no such address", "step": "base_url"}


def _waited(least: float, most: float | None = None) -> Expect:
    return Expect("rate_limited ok", gaps=(waits(least, most),))


FAULTS: tuple[Fault, ...] = (
    Fault(
        "429 once",
        once(says("rate limit")),
        alone=Expect("rate_limited ok", gaps=BACKOFF[:1]),
        spare=Expect("rate_limited"),
    ),
    Fault(
        "429 forever",
        forever(says("rate limit")),
        alone=Expect("rate_limited rate_limited rate_limited", gaps=BACKOFF, **_LIMIT),
        spare=Expect("rate_limited"),
    ),
    Fault(
        "429 once, Retry-After: 1",
        once(limited(lambda _: {"Retry-After": "1"})),
        alone=_waited(1.0),
        spare=_waited(1.0),
    ),
    Fault(
        "429 once, Retry-After: HTTP date",
        once(limited(_http_date)),
        alone=_waited(0.9, 2.0),
        spare=_waited(0.9, 2.0),
    ),
    Fault(
        "429 once, retry-after-ms: 300",
        once(limited(lambda _: {"retry-after-ms": "300", "retry-after": "1"})),
        alone=_waited(0.3),
        spare=_waited(0.3),
    ),
    Fault(
        "429 once, the vendor's reset header",
        once(limited(_reset_header)),
        alone=_waited(0.35, 0.4),
        spare=_waited(0.35, 0.4),
    ),
    Fault(
        "429 forever, Retry-After: 1",
        forever(limited(lambda _: {"Retry-After": "1"})),
        alone=Expect(
            "rate_limited rate_limited rate_limited",
            gaps=(waits(1.0), waits(1.0)),
            cause=r"rate limit \(429\)",
            step="Try again in 1 s",
            after="spare",
        ),
        spare=Expect("rate_limited rate_limited rate_limited", gaps=(waits(1.0), waits(1.0))),
    ),
    Fault(
        "429, Retry-After longer than anybody waits",
        forever(limited(lambda _: {"Retry-After": "30"})),
        alone=Expect(
            "rate_limited",
            cause=r"rate limit \(429\)",
            step="Try again in 30 s",
            after="barred",
        ),
        spare=Expect("rate_limited", after="spare"),
    ),
    Fault(
        "500 once",
        once(says("failed")),
        alone=Expect("transient ok", gaps=BACKOFF[:1]),
        spare=Expect("transient ok", gaps=(QUICK,)),
    ),
    Fault(
        "500 forever",
        forever(says("failed")),
        alone=Expect(
            "transient transient transient", gaps=BACKOFF, cause=r"failed \(500\)", step=AGAIN
        ),
        spare=Expect("transient transient", gaps=(QUICK,)),
    ),
    Fault(
        "503 forever",
        forever(says("busy")),
        alone=Expect("overloaded overloaded overloaded", gaps=BACKOFF, **_BUSY),
        spare=Expect("overloaded"),
    ),
    Fault(
        "529 forever",
        forever(says("overloaded")),
        alone=Expect("overloaded overloaded overloaded", gaps=BACKOFF, **_BUSY),
        spare=Expect("overloaded"),
    ),
    Fault(
        "reset before headers, once",
        once(_step(Drop())),
        alone=Expect("transient ok", gaps=BACKOFF[:1]),
        spare=Expect("transient ok", gaps=(QUICK,)),
    ),
    Fault(
        "reset before headers, forever",
        forever(_step(Drop())),
        alone=Expect(
            "transient transient transient",
            gaps=BACKOFF,
            cause="closed the connection without an answer",
            step=AGAIN,
        ),
        spare=Expect("transient transient", gaps=(QUICK,)),
    ),
    Fault(
        "refused",
        forever(_reply()),
        down=True,
        alone=Expect(
            "connect connect",
            requests=0,
            took=waits(0.1),
            cause="is not reachable at",
            step="Start|base_url|ollama serve|lms server start",
            after="spare",
        ),
        spare=Expect("connect", requests=0, after="spare"),
    ),
    Fault(
        "takes no connection",
        forever(_reply()),
        deaf=True,
        alone=Expect(
            "connect_timeout",
            requests=0,
            took=waits(1.0),
            cause="did not accept a connection in time",
            step="base_url",
            after="spare",
        ),
        spare=Expect("connect_timeout", requests=0, took=waits(1.0), after="spare"),
    ),
    Fault(
        "no answer to anything",
        never_answers,
        alone=Expect(
            "first_token_timeout", requests=0, took=SILENT, cause=_SLOW["cause"], step=_SLOW["step"]
        ),
        spare=Expect("first_token_timeout", requests=0, took=SILENT),
    ),
    Fault(
        "no answer to the question",
        forever(_step(Silence())),
        alone=Expect("first_token_timeout", took=SILENT, **_SLOW),
        spare=Expect("first_token_timeout", took=SILENT),
    ),
    Fault(
        "headers, then silence",
        forever(_step(Silence(after_headers=True))),
        alone=Expect("first_token_timeout", took=SILENT, **_SLOW),
        spare=Expect("first_token_timeout", took=SILENT),
    ),
    Fault(
        "slow first token",
        forever(_reply(first_token=5.0)),
        alone=Expect("first_token_timeout", took=SILENT, **_SLOW),
        spare=Expect("first_token_timeout", took=SILENT),
    ),
    Fault(
        "slow first token, in time",
        forever(_reply(first_token=0.5)),
        alone=Expect("ok", took=waits(0.5)),
        spare=Expect("ok", took=waits(0.5)),
    ),
    Fault(
        "cut in the middle, once",
        once(_reply(cut_after=3)),
        alone=Expect("truncated ok", gaps=(QUICK,), restarts=1),
        spare=Expect("truncated", restarts=1),
    ),
    Fault(
        "cut in the middle, forever",
        forever(_reply(cut_after=3)),
        alone=Expect("truncated truncated", gaps=(QUICK,), restarts=1, **_BROKE),
        spare=Expect("truncated", restarts=1),
    ),
    Fault(
        "ends without a finish reason",
        forever(_reply(finish=None)),
        alone=Expect("truncated truncated", gaps=(QUICK,), restarts=1, **_BROKE),
        spare=Expect("truncated", restarts=1),
    ),
    Fault(
        "stalls in the middle",
        forever(_reply(stall_after=3)),
        alone=Expect("stall", took=STALLED, cause="fell silent for 1 s", step="stall_timeout"),
        spare=Expect("stall", took=STALLED, restarts=1),
    ),
    Fault(
        "garbage event",
        forever(_reply(garbage_at=2)),
        alone=Expect("malformed", cause="not valid JSON", step=AGAIN),
        spare=Expect("malformed", restarts=1),
    ),
    Fault(
        "no end marker after a finish reason",
        forever(_reply(end_marker=False)),
        alone=Expect("ok"),
        spare=Expect("ok"),
    ),
    Fault(
        "error event in the stream: overloaded",
        forever(_reply(error_at=3)),
        dialects=("anthropic",),
        alone=Expect(
            "overloaded overloaded overloaded",
            gaps=BACKOFF,
            restarts=2,
            cause="overloaded",
            step=AGAIN,
        ),
        spare=Expect("overloaded", restarts=1),
    ),
    Fault(
        "error event in the stream: failed",
        forever(_reply(error_at=3)),
        dialects=("openai", "ollama", "lm_studio"),
        alone=Expect(
            "transient transient transient", gaps=BACKOFF, restarts=2, cause="failed", step=AGAIN
        ),
        spare=Expect("transient", restarts=1),
    ),
    Fault(
        "context too long, until it is compressed",
        too_long,
        alone=Expect("context_too_long ok", gaps=(AT_ONCE,)),
        spare=Expect("context_too_long"),
    ),
    Fault(
        "context too long, however short",
        forever(says("too long")),
        alone=Expect(
            "context_too_long context_too_long",
            gaps=(AT_ONCE,),
            cause="prompt is too long",
            step="Select less code",
            after="spare",
        ),
        spare=Expect("context_too_long"),
    ),
    Fault(
        "content refused in the stream",
        forever(lambda _: Reply("I can", finish="content_filter")),
        dialects=CLOUD,
        alone=Expect("content_filter", cause="content rules", step="Ask differently|Select"),
        spare=Expect(
            "content_filter", refused=True, cause="content rules", step="Ask differently|Select"
        ),
    ),
    Fault(
        "content refused at once",
        forever(says("refused content")),
        alone=Expect("content_filter", cause="content filter refused", step="Select other code"),
        spare=Expect(
            "content_filter",
            refused=True,
            cause="content filter refused",
            step="Select other code",
        ),
    ),
    Fault(
        "wrong key",
        wrong_key,
        alone=Expect("credentials", cause=r"refused the API key \(401\)", step="Check api_key"),
        spare=Expect("credentials"),
    ),
    Fault(
        "quota used up",
        forever(says("quota")),
        alone=Expect("quota", cause="no credit or quota left", step="plan and billing"),
        spare=Expect("quota"),
    ),
    Fault(
        "unknown model",
        forever(_reply()),
        settings={"default_model": "no-such-model"},
        alone=Expect(
            "model_not_found",
            cause="has no model 'no-such-model'",
            step="models list|ollama pull no-such-model",
            after="spare",
        ),
        spare=Expect("model_not_found", after="spare"),
    ),
    Fault(
        "HTML of a proxy",
        forever(lambda _: script.html()),
        alone=Expect("malformed", **_PAGE),
        spare=Expect("malformed"),
    ),
    Fault(
        "HTML of a proxy, 404",
        forever(lambda _: script.html(404)),
        alone=Expect("malformed", **_PAGE),
        spare=Expect("malformed"),
    ),
    Fault(
        "HTML of a proxy, 502",
        forever(lambda _: script.html(502)),
        alone=Expect(
            "transient transient transient", gaps=BACKOFF, cause=r"failed \(502\)", step=AGAIN
        ),
        spare=Expect("transient transient", gaps=(QUICK,)),
    ),
    Fault(
        "not HTTP",
        forever(_step(Garbage())),
        alone=Expect("malformed", cause="does not speak HTTP", step="base_url"),
        spare=Expect("malformed"),
    ),
    Fault(
        "empty answer",
        forever(lambda _: Reply("")),
        alone=Expect("empty empty", gaps=(QUICK,), cause="gave an empty answer", step="Ask again"),
        spare=Expect("empty"),
    ),
)
