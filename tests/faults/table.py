"""The fault table: what goes wrong, how a fake provider does it, what everybody sees.

Each row holds for every dialect, streamed and not. `alone`: there is nowhere to go. `spare`:
another provider can answer. Times are those of `SETTINGS`, in seconds.
"""

from __future__ import annotations

from tests.faults.expect import AT_ONCE, BACKOFF, QUICK, SILENT, STALLED, Expect, Fault, waits
from tests.faults.plays import (
    does,
    forever,
    http_date,
    limited,
    never_answers,
    once,
    reply,
    reset_header,
    says,
    too_long,
    wrong_key,
)
from tests.servers import script
from tests.servers.script import Drop, Garbage, Reply, Silence

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
        once(limited(http_date)),
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
        once(limited(reset_header)),
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
        once(does(Drop())),
        alone=Expect("transient ok", gaps=BACKOFF[:1]),
        spare=Expect("transient ok", gaps=(QUICK,)),
    ),
    Fault(
        "reset before headers, forever",
        forever(does(Drop())),
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
        forever(reply()),
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
        forever(reply()),
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
        forever(does(Silence())),
        alone=Expect("first_token_timeout", took=SILENT, **_SLOW),
        spare=Expect("first_token_timeout", took=SILENT),
    ),
    Fault(
        "headers, then silence",
        forever(does(Silence(after_headers=True))),
        alone=Expect("first_token_timeout", took=SILENT, **_SLOW),
        spare=Expect("first_token_timeout", took=SILENT),
    ),
    Fault(
        "slow first token",
        forever(reply(first_token=5.0)),
        alone=Expect("first_token_timeout", took=SILENT, **_SLOW),
        spare=Expect("first_token_timeout", took=SILENT),
    ),
    Fault(
        "slow first token, in time",
        forever(reply(first_token=0.5)),
        alone=Expect("ok", took=waits(0.5)),
        spare=Expect("ok", took=waits(0.5)),
    ),
    Fault(
        "cut in the middle, once",
        once(reply(cut_after=3)),
        alone=Expect("truncated ok", gaps=(QUICK,), restarts=1),
        spare=Expect("truncated", restarts=1),
    ),
    Fault(
        "cut in the middle, forever",
        forever(reply(cut_after=3)),
        alone=Expect("truncated truncated", gaps=(QUICK,), restarts=1, **_BROKE),
        spare=Expect("truncated", restarts=1),
    ),
    Fault(
        "ends without a finish reason",
        forever(reply(finish=None)),
        alone=Expect("truncated truncated", gaps=(QUICK,), restarts=1, **_BROKE),
        spare=Expect("truncated", restarts=1),
    ),
    Fault(
        "stalls in the middle",
        forever(reply(stall_after=3)),
        alone=Expect("stall", took=STALLED, cause="fell silent for 1 s", step="stall_timeout"),
        spare=Expect("stall", took=STALLED, restarts=1),
    ),
    Fault(
        "garbage event",
        forever(reply(garbage_at=2)),
        alone=Expect("malformed", cause="not valid JSON", step=AGAIN),
        spare=Expect("malformed", restarts=1),
    ),
    Fault(
        "no end marker after a finish reason",
        forever(reply(end_marker=False)),
        alone=Expect("ok"),
        spare=Expect("ok"),
    ),
    Fault(
        "error event in the stream: overloaded",
        forever(reply(error_at=3)),
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
        forever(reply(error_at=3)),
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
        forever(reply()),
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
        forever(does(Garbage())),
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
