"""How a fake provider does what goes wrong with one, in its vendor's own words."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

from tests.faults.expect import Make, Play
from tests.servers.base import FakeServer, prompt_tokens
from tests.servers.script import Reply, Silence, Step, Whole

GOOD = "Sums the prices with their tax.\n\n## How it works\n\nBy `sum` over the list."


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


def http_date(_server: FakeServer) -> Mapping[str, str]:
    """Return the header that names a point in time, up to 2 s from now."""
    return {"Retry-After": formatdate(math.floor(time.time()) + 2, usegmt=True)}


def reset_header(server: FakeServer) -> Mapping[str, str]:
    """Return how vendors name the time without Retry-After: 0.4 s from now."""
    if server.dialect != "anthropic":
        return {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "400ms"}
    at = datetime.fromtimestamp(time.time() + 0.4, UTC).isoformat().replace("+00:00", "Z")
    name = "anthropic-ratelimit-requests"
    return {f"{name}-remaining": "0", f"{name}-reset": at}


def reply(**fields: Any) -> Make:
    """Return a maker of a good answer with one fault."""
    return lambda _server: Reply(GOOD, **fields)


def does(step: Step) -> Make:
    """Return a maker of what is the same in all dialects."""
    return lambda _server: step
