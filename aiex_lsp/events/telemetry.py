"""Sends what happens to calls to an OpenTelemetry collector, where the user named one.

Off unless the standard variables say otherwise: `OTEL_EXPORTER_OTLP_ENDPOINT`, or its
`_TRACES_` and `_METRICS_` forms. Headers, time limits, intervals, sampling and resource
attributes are the SDK's own variables, which it reads itself.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiex_lsp import __version__
from aiex_lsp.events.genai import GenAISignals
from aiex_lsp.events.types import Event

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

CLOSE_SECONDS = 1.0
MOST_WAITING = 2_000
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
PROTOCOLS = ("http/protobuf", "")
MISSING = (
    f"{ENDPOINT} is set, but OpenTelemetry is not installed. Install aiex-lsp[otel], or unset it."
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where signals go, as full addresses; None: nowhere."""

    traces: str | None
    metrics: str | None
    named: bool = False
    """The user gave the service a name of their own."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What turns events into signals, and what sends the rest of them and stops."""

    signals: GenAISignals
    shutdown: Callable[[], None]


def destination(env: Mapping[str, str]) -> Destination | None:
    """Return where the standard variables send signals, None where telemetry is off.

    A protocol other than OTLP over HTTP is said in the log once and not served.
    """
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    traces = _endpoint(env, "TRACES", "v1/traces")
    metrics = _endpoint(env, "METRICS", "v1/metrics")
    if traces is None and metrics is None:
        return None
    attributes = env.get("OTEL_RESOURCE_ATTRIBUTES", "")
    named = bool(env.get("OTEL_SERVICE_NAME")) or "service.name=" in attributes
    return Destination(traces, metrics, named)


def _endpoint(env: Mapping[str, str], signal: str, path: str) -> str | None:
    own = env.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "").strip()
    common = env.get(ENDPOINT, "").strip()
    if not (own or common) or env.get(f"OTEL_{signal}_EXPORTER", "").strip().lower() == "none":
        return None
    protocol = (
        env.get(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL")
        or env.get("OTEL_EXPORTER_OTLP_PROTOCOL")
        or ""
    ).strip()
    if protocol not in PROTOCOLS:
        log.warning("OpenTelemetry over %s is not served; use http/protobuf", protocol[:40])
        return None
    return own or f"{common.rstrip('/')}/{path}"


class Telemetry:
    """A listener of the event bus that exports in the background.

    On the event loop it only puts events in a bounded queue; a thread imports the SDK at the
    first one, makes the signals and sends them. A collector that is slow or gone harms nothing,
    and closing takes a second at most.
    """

    def __init__(self, make: Callable[[], Pipeline], most_waiting: int = MOST_WAITING) -> None:
        self._make = make
        self._wake = threading.Condition()
        self._waiting: deque[Event] = deque(maxlen=most_waiting)
        self._closing = False
        self._dead = False
        self._thread: threading.Thread | None = None

    @classmethod
    def create(cls, env: Mapping[str, str]) -> Telemetry | None:
        """Return the listener, None where telemetry is off."""
        where = destination(env)
        return None if where is None else cls(lambda: otlp_pipeline(where))

    def __call__(self, event: Event) -> None:
        """Take an event."""
        with self._wake:
            if self._closing or self._dead:
                return
            self._waiting.append(event)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
                self._thread.start()
            self._wake.notify_all()

    async def aclose(self, seconds: float = CLOSE_SECONDS) -> None:
        """Send what waits and stop; after `seconds` it is left to end by itself."""
        with self._wake:
            self._closing = True
            thread = self._thread
            self._wake.notify_all()
        if thread is not None:
            await asyncio.to_thread(thread.join, seconds)

    def _run(self) -> None:
        try:
            pipeline = self._make()
        except ImportError:
            log.warning("%s", MISSING)
            self._die()
            return
        except Exception:
            log.exception("OpenTelemetry could not be started")
            self._die()
            return
        try:
            while self._turn(pipeline.signals):
                pass
        finally:
            pipeline.shutdown()

    def _die(self) -> None:
        with self._wake:
            self._dead = True
            self._waiting.clear()

    def _turn(self, signals: GenAISignals) -> bool:
        with self._wake:
            self._wake.wait_for(lambda: self._waiting or self._closing)
            events = list(self._waiting)
            self._waiting.clear()
            closing = self._closing
        for event in events:
            try:
                signals.take(event)
            except Exception:
                log.exception("Telemetry failed at %s", type(event).__name__)
        return not closing


def otlp_pipeline(where: Destination) -> Pipeline:
    """Return the pipeline of the SDK's own exporters. Blocking; raises `ImportError`."""
    from opentelemetry.metrics import NoOpMeterProvider
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import NoOpTracerProvider

    # Else Python prints the exporters' complaints on stderr, one for each batch.
    logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
    resource = _resource(where)
    ends: list[Callable[[], None]] = []
    tracers: TracerProvider | NoOpTracerProvider = NoOpTracerProvider()
    meters: MeterProvider | NoOpMeterProvider = NoOpMeterProvider()
    if where.traces is not None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
        tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=where.traces)))
        ends.append(tracers.shutdown)
    if where.metrics is not None:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=where.metrics))
        meters = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        ends.append(meters.shutdown)

    def shutdown() -> None:
        # At once: where the collector is gone each takes as long as its time limit.
        threads = [threading.Thread(target=end, daemon=True) for end in ends]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return Pipeline(GenAISignals(tracers, meters), shutdown)


def _resource(where: Destination) -> Resource:
    from opentelemetry.sdk.resources import Resource

    name = {} if where.named else {"service.name": "aiex-lsp"}
    return Resource.create({**name, "service.version": __version__})
