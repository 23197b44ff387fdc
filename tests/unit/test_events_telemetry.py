"""Telemetry: what a collector gets for each event, and that a missing one harms nothing."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from aiex_lsp.events.bus import EventBus
from aiex_lsp.events.genai import GenAISignals
from aiex_lsp.events.telemetry import Destination, Pipeline, Telemetry, destination
from aiex_lsp.events.types import CircuitChanged, LimitReached, RequestStarted
from tests.unit.test_events_recorder import NOON, WHERE, answered, failed

BASE = "http://127.0.0.1:4318"


def started(**changes) -> RequestStarted:
    values = {
        **WHERE,
        "prompt_length": 400,
        "input_tokens": 100,
        "max_tokens": 1000,
        "temperature": 0.2,
    }
    return RequestStarted(timestamp=NOON - 2, **{**values, **changes})


class Sink:
    """The SDK with its in-memory exporters."""

    def __init__(self) -> None:
        self.spans = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        tracers = TracerProvider(shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self.spans))
        meters = MeterProvider([self.reader], shutdown_on_exit=False)
        self.signals = GenAISignals(tracers, meters)

    def take(self, *events):
        for event in events:
            self.signals.take(event)

    def points(self, name):
        data = self.reader.get_metrics_data()
        if data is None:
            return []
        return [
            point
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


@pytest.fixture
def sink() -> Sink:
    return Sink()


def test_an_answer_is_a_span_by_the_conventions(sink):
    sink.take(started(), answered(model="claude-2026"))
    (span,) = sink.spans.get_finished_spans()
    assert (span.name, span.kind) == ("chat claude", SpanKind.CLIENT)
    assert span.start_time == int((NOON - 2) * 1e9)
    assert span.end_time == int(NOON * 1e9)
    assert dict(span.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude",
        "gen_ai.request.max_tokens": 1000,
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "claude-2026",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.time_to_first_chunk": 0.5,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "aiex.call.id": "c1",
        "aiex.attempt": 1,
        "aiex.task": "explain",
        "aiex.provider": "anthropic",
    }
    assert span.status.status_code is StatusCode.UNSET


def test_a_failure_has_its_kind_and_none_of_its_text(sink):
    sink.take(started(), failed(error="overloaded", status=529))
    (span,) = sink.spans.get_finished_spans()
    assert span.attributes["error.type"] == "overloaded"
    assert span.attributes["http.response.status_code"] == 529
    assert span.status.status_code is StatusCode.ERROR
    assert "secret" not in span.to_json()
    (point,) = sink.points("gen_ai.client.operation.duration")
    assert point.attributes["error.type"] == "overloaded"
    assert sink.points("gen_ai.client.token.usage") == []


def test_a_cancelled_request_is_no_error(sink):
    sink.take(started(), failed(error="cancelled"))
    (span,) = sink.spans.get_finished_spans()
    assert span.status.status_code is StatusCode.UNSET
    assert span.attributes["error.type"] == "cancelled"


def test_metrics_have_the_conventional_names_and_buckets(sink):
    sink.take(started(), answered())
    (duration,) = sink.points("gen_ai.client.operation.duration")
    assert duration.sum == 2.0
    assert duration.explicit_bounds[0] == 0.01
    assert duration.explicit_bounds[-1] == 81.92
    (first,) = sink.points("gen_ai.client.operation.time_to_first_chunk")
    assert (first.sum, len(first.explicit_bounds)) == (0.5, 14)
    tokens = sink.points("gen_ai.client.token.usage")
    assert {point.attributes["gen_ai.token.type"]: point.sum for point in tokens} == {
        "input": 100,
        "output": 20,
    }
    assert tokens[0].explicit_bounds[-1] == 67108864


def test_what_was_not_sent_makes_nothing(sink):
    sink.take(answered(cached=True), failed(error="own_limit"), failed(error="circuit_open"))
    assert sink.spans.get_finished_spans() == ()
    assert sink.points("gen_ai.client.operation.duration") == []


def test_attempts_of_one_call_are_told_apart(sink):
    sink.take(started(), started(attempt=2, provider="openai", provider_type="openai"))
    sink.take(failed(), answered(attempt=2))
    first, second = sink.spans.get_finished_spans()
    assert first.attributes["aiex.attempt"] == 1
    assert second.attributes["gen_ai.provider.name"] == "openai"


def test_circuits_and_limits_are_counted(sink):
    sink.take(
        CircuitChanged(timestamp=NOON, provider="a", model="m", before="closed", after="open"),
        LimitReached(timestamp=NOON, provider="a", limit="tokens", wait=3.0),
    )
    assert [point.value for point in sink.points("aiex.circuit.changes")] == [1]
    assert [point.value for point in sink.points("aiex.limit.hits")] == [1]


def test_requests_that_never_end_are_given_up(sink):
    for number in range(1500):
        sink.take(started(call_id=f"c{number}"))
    assert len(sink.signals._open) == 1000


@pytest.mark.parametrize(
    ("env", "wanted"),
    [
        ({}, None),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, None),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": BASE + "/"},
            Destination(f"{BASE}/v1/traces", f"{BASE}/v1/metrics"),
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": BASE, "OTEL_SDK_DISABLED": "True"}, None),
        (
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{BASE}/own"},
            Destination(f"{BASE}/own", None),
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": BASE, "OTEL_TRACES_EXPORTER": "none"},
            Destination(None, f"{BASE}/v1/metrics"),
        ),
        (
            {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{BASE}/m", "OTEL_SERVICE_NAME": "x"},
            Destination(None, f"{BASE}/m", named=True),
        ),
    ],
)
def test_only_the_standard_variables_turn_it_on(env, wanted):
    assert destination(env) == wanted
    assert (Telemetry.create(env) is None) == (wanted is None)


def test_a_protocol_it_does_not_speak_is_said(caplog):
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": BASE, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    with caplog.at_level(logging.WARNING, "aiex_lsp"):
        assert destination(env) is None
    assert "use http/protobuf" in caplog.text


class Collector:
    """An OTLP/HTTP collector on loopback."""

    def __init__(self, status: int = 200) -> None:
        self.bodies: dict[str, list[bytes]] = {}
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.bodies.setdefault(self.path, []).append(body)
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_args) -> None:
                return None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def collector():
    made = Collector()
    yield made
    made.close()


async def test_a_collector_gets_spans_and_metrics(collector):
    telemetry = Telemetry.create({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
    assert telemetry is not None
    bus = EventBus()
    bus.subscribe(telemetry)
    bus.publish(started())
    bus.publish(answered())
    await telemetry.aclose(20)
    traces = ExportTraceServiceRequest.FromString(collector.bodies["/v1/traces"][0])
    (resource,) = traces.resource_spans
    names = {one.key: one.value.string_value for one in resource.resource.attributes}
    assert names["service.name"] == "aiex-lsp"
    assert resource.scope_spans[0].spans[0].name == "chat claude"
    metrics = ExportMetricsServiceRequest.FromString(collector.bodies["/v1/metrics"][0])
    found = {one.name for one in metrics.resource_metrics[0].scope_metrics[0].metrics}
    assert found == {
        "gen_ai.client.operation.duration",
        "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.client.token.usage",
    }


async def test_a_dead_collector_harms_nothing_and_closing_is_quick(capfd):
    telemetry = Telemetry.create({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    assert telemetry is not None
    telemetry(started())
    telemetry(answered())
    before = time.monotonic()
    await telemetry.aclose()
    assert time.monotonic() - before < 2.0
    assert capfd.readouterr().err == ""


async def test_a_full_queue_drops_the_oldest_and_never_waits():
    let = threading.Event()
    seen: list[str] = []

    class Slow:
        def take(self, event) -> None:
            seen.append(event.call_id)

    def make() -> Pipeline:
        let.wait()
        return Pipeline(Slow(), lambda: None)

    telemetry = Telemetry(make, most_waiting=10)
    for number in range(1000):
        telemetry(started(call_id=str(number)))
    let.set()
    await telemetry.aclose(20)
    assert seen == [str(number) for number in range(990, 1000)]


async def test_a_missing_extra_is_said_once(caplog):
    def make() -> Pipeline:
        raise ImportError("opentelemetry")

    telemetry = Telemetry(make)
    with caplog.at_level(logging.WARNING, "aiex_lsp"):
        telemetry(started())
        await asyncio.to_thread(lambda: telemetry._thread.join(10))
        telemetry(started())
        await telemetry.aclose()
    assert [one.message for one in caplog.records] == [
        "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed. "
        "Install aiex-lsp[otel], or unset it."
    ]


def test_the_sdk_is_not_imported_before_it_is_needed():
    code = (
        "import sys, json; import aiex_lsp.events.telemetry as t; "
        "t.Telemetry.create({'OTEL_EXPORTER_OTLP_ENDPOINT': 'http://127.0.0.1:9'}); "
        "print(json.dumps([m for m in sys.modules if m.startswith('opentelemetry')]))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert json.loads(out) == []
