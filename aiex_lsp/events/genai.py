"""Calls as spans and metrics by OpenTelemetry's semantic conventions for generative AI.

Names and buckets are those of github.com/open-telemetry/semantic-conventions-genai (status
"development", as of 2026), written out here: the constants of the `opentelemetry` package are
deprecated since the conventions moved there. No prompt, answer or message text is an attribute.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from aiex_lsp import __version__
from aiex_lsp.errors import FailureKind
from aiex_lsp.events.types import (
    CircuitChanged,
    Event,
    LimitReached,
    RequestFailed,
    RequestStarted,
    ResponseReceived,
)

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    Attributes = dict[str, str | int | float | bool | tuple[str, ...]]

SCOPE = "aiex_lsp"
OPERATION = "chat"
SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""Buckets of durations, as the conventions want them."""

TOKENS = tuple(4**power for power in range(14))
"""Buckets of tokens, as the conventions want them: 1, 4, 16 … 67108864."""

MOST_OPEN = 1_000
"""Requests whose end is still expected; older ones are given up."""


class GenAISignals:
    """Turns events into a span and measurements for each request that was sent.

    An answer out of the cache and a failure before anything was sent make none. Beside the
    conventions' attributes a span has `aiex.call.id`, `aiex.attempt`, `aiex.task` and
    `aiex.provider`, the provider's name in the configuration; two counters are ours:
    `aiex.circuit.changes` and `aiex.limit.hits`. Not thread-safe.
    """

    def __init__(self, tracers: TracerProvider, meters: MeterProvider) -> None:
        from opentelemetry.trace import SpanKind, StatusCode

        self._client = SpanKind.CLIENT
        self._error = StatusCode.ERROR
        self._tracer = tracers.get_tracer(SCOPE, __version__)
        meter = meters.get_meter(SCOPE, __version__)
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "GenAI operation duration.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._first_chunk = meter.create_histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            "s",
            "Time to receive the first chunk of a streamed response.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=TOKENS,
        )
        self._circuits = meter.create_counter(
            "aiex.circuit.changes", "{change}", "Circuits that went to another state."
        )
        self._limits = meter.create_counter(
            "aiex.limit.hits", "{request}", "Requests that rate limits held up."
        )
        self._open: OrderedDict[tuple[str, int], RequestStarted] = OrderedDict()

    def take(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, RequestStarted):
            self._open[event.call_id, event.attempt] = event
            if len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)
        elif isinstance(event, ResponseReceived | RequestFailed):
            started = self._open.pop((event.call_id, event.attempt), None)
            if started is not None:
                self._end(started, event)
        elif isinstance(event, CircuitChanged):
            self._circuits.add(
                1, {"aiex.provider": event.provider, "aiex.circuit.state": event.after}
            )
        elif isinstance(event, LimitReached):
            self._limits.add(1, {"aiex.provider": event.provider, "aiex.limit": event.limit})

    def _end(self, started: RequestStarted, event: ResponseReceived | RequestFailed) -> None:
        shared: Attributes = {
            "gen_ai.operation.name": OPERATION,
            "gen_ai.provider.name": started.provider_type,
            "gen_ai.request.model": started.model,
        }
        outcome: Attributes = {}
        if isinstance(event, RequestFailed):
            shared["error.type"] = event.error
            if event.status is not None:
                outcome["http.response.status_code"] = event.status
        else:
            shared["gen_ai.response.model"] = event.model
            outcome = {
                "gen_ai.response.finish_reasons": (event.finish_reason,),
                "gen_ai.usage.input_tokens": event.input_tokens,
                "gen_ai.usage.output_tokens": event.output_tokens,
            }
            if event.first_token is not None and started.streamed:
                outcome["gen_ai.response.time_to_first_chunk"] = event.first_token
                self._first_chunk.record(event.first_token, shared)
            for kind, number in (("input", event.input_tokens), ("output", event.output_tokens)):
                self._tokens.record(number, {**shared, "gen_ai.token.type": kind})
        self._duration.record(event.duration, shared)
        span = self._tracer.start_span(
            f"{OPERATION} {started.model}",
            kind=self._client,
            attributes={**shared, **_request(started), **outcome},
            start_time=_nanoseconds(event.timestamp - event.duration),
        )
        if isinstance(event, RequestFailed) and event.error != FailureKind.CANCELLED:
            # Without a description: what a server said is no part of telemetry.
            span.set_status(self._error)
        span.end(_nanoseconds(event.timestamp))


def _request(started: RequestStarted) -> Attributes:
    found: Attributes = {
        "gen_ai.request.max_tokens": started.max_tokens,
        "aiex.call.id": started.call_id,
        "aiex.attempt": started.attempt,
        "aiex.task": started.task,
        "aiex.provider": started.provider,
    }
    if started.streamed:
        found["gen_ai.request.stream"] = True
    if started.temperature is not None:
        found["gen_ai.request.temperature"] = started.temperature
    return found


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
