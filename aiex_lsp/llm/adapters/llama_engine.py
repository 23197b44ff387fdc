"""llama.cpp inside this process: one model, one thread, one generation at a time.

The engine's own interface blocks, so a thread of ours stands between it and the event loop.
What reaches the thread is a `Job`; what comes back is the engine's chunks, then one `Outcome`.
"""

from __future__ import annotations

import atexit
import functools
import http.client
import json
import os
import queue
import secrets
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aiex_lsp.llm.wire.llama import Outcome

BATCH = 128
"""Prompt tokens evaluated at once. Between two batches a job can be cancelled; measured on two
cores, 128 reads 5 % slower than 2,048 and stops 14 times sooner."""

MAX_THREADS = 8
"""More threads than this make generation slower: it is bound by memory."""

SMALL_MODEL_BYTES = 1 << 30
"""Files below this fit any machine, and hold a model that is small in other ways too."""

CLOSE_SECONDS = 10.0
"""How long the end of the process waits for a batch under way."""


Emit = Callable[[Mapping[str, Any] | Outcome], None]


class Job:
    """One generation, waiting or running. `emit` is called in the engine's thread."""

    def __init__(self, body: Mapping[str, Any], emit: Emit) -> None:
        self.body = dict(body)
        self._emit = emit
        self._lock = threading.Lock()
        self._cancelled = False
        self._running = False

    def begin(self) -> bool:
        """Return whether the job still is wanted; if so it runs from now on."""
        with self._lock:
            self._running = not self._cancelled
            return self._running

    def cancel(self) -> bool:
        """Return whether the engine is at work on it and an `Outcome` is to come."""
        with self._lock:
            self._cancelled = True
            return self._running

    @property
    def running(self) -> bool:
        """Return whether the engine has begun with it."""
        return self._running

    @property
    def cancelled(self) -> bool:
        """Return whether nobody wants the answer any more."""
        return self._cancelled

    def emit(self, item: Mapping[str, Any] | Outcome) -> None:
        """Hand `item` on; a listener that is gone cancels the job."""
        try:
            self._emit(item)
        except RuntimeError:  # its event loop has been closed
            self.cancel()


class Engine:
    """A model that is loaded with its first job and kept until `close`."""

    def __init__(self, path: Path, window: int) -> None:
        self.path = path
        self.window = window
        self.loaded = False
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._current: Job | None = None
        self._pending = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._key = secrets.token_urlsafe(24)
        self._address: str | None = None

    @property
    def busy(self) -> bool:
        """Return whether a job given now has to wait for others."""
        return self._pending > 0

    def submit(self, job: Job) -> None:
        """Queue `job`; its `Outcome` is always its last item."""
        with self._lock:
            if self._closed:
                job.emit(Outcome(cancelled=True))
                return
            self._pending += 1
            if self._thread is None:
                # A daemon: the interpreter joins the others before `atexit` can stop the work.
                self._thread = threading.Thread(target=self._work, name="llama", daemon=True)
                self._thread.start()
                atexit.register(self.close)
            self._jobs.put(job)

    def close(self) -> None:
        """Stop the work and free the model; blocks for at most `CLOSE_SECONDS`."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            current, thread = self._current, self._thread
        if current is not None:
            current.cancel()
        self._jobs.put(None)
        if thread is not None:
            atexit.unregister(self.close)
            thread.join(CLOSE_SECONDS)

    def count_tokens(self, messages: list[dict[str, str]]) -> int | None:
        """Return the tokens of `messages` in the model's chat format; None while not loaded.

        Blocks for about a millisecond: it asks the engine's own listener on the loopback.
        """
        address = self._address
        if address is None:
            return None
        host, _, port = address.removeprefix("http://").rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=5.0)
        try:
            connection.request(
                "POST",
                "/v1/chat/completions/input_tokens",
                json.dumps({"messages": messages}),
                {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"},
            )
            answer = json.loads(connection.getresponse().read())
            tokens = answer.get("input_tokens")
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            return None
        finally:
            connection.close()
        return tokens if isinstance(tokens, int) else None

    def _work(self) -> None:
        server: Any = None
        while (job := self._jobs.get()) is not None:
            with self._lock:
                self._current = job
                if self._closed:
                    job.cancel()
            outcome = Outcome(cancelled=True)
            if not job.cancelled:
                if server is None:
                    server, error = self._load()
                    outcome = Outcome(error=error, loading=True)
                if server is not None:
                    outcome = _generate(server, job)
            with self._lock:  # before the outcome: who waited for it finds the engine free
                self._current = None
                self._pending -= 1
            job.emit(outcome)
        self.loaded = False
        self._address = None

    def _load(self) -> tuple[Any, Exception | None]:
        try:
            server = _start(self.path, self.window, self._key)
        except Exception as error:  # noqa: BLE001 - whatever C++ throws becomes an outcome
            return None, error
        self._address = server.listening_address
        self.loaded = True
        return server, None


def _generate(server: Any, job: Job) -> Outcome:
    if not job.begin():
        return Outcome(cancelled=True)

    def take(chunk: Any) -> bool:
        """Return whether to stop."""
        if not job.cancelled and isinstance(chunk, Mapping):
            job.emit(chunk)
        return job.cancelled

    try:
        server.handle_chat_completions(job.body, take)
    except Exception as error:  # noqa: BLE001 - whatever C++ throws becomes an outcome
        return Outcome(error=error)
    return Outcome(cancelled=job.cancelled)


def _start(path: Path, window: int, key: str) -> Any:
    """Return a loaded `xllamacpp.Server` that prints nothing and answers only who has `key`."""
    # A failed assertion in C++ otherwise starts a debugger, which writes to stdout.
    os.environ.setdefault("GGML_NO_BACKTRACE", "1")
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx = window
    params.n_parallel = 1
    params.n_batch = params.n_ubatch = BATCH
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = thread_count()
    # Its log goes to stderr, and some of it to stdout, which is the editor's channel.
    params.verbosity = -1
    # `Server` holds the interpreter's lock while it loads, so loading has to be short: no trial
    # run, and no second pass to find what fits (small models) or to repack weights (large ones).
    params.warmup = False
    if path.stat().st_size < SMALL_MODEL_BYTES:
        params.fit_params = False
    else:
        params.no_extra_bufts = True
    # It keeps up to 8 GiB of former prompts otherwise.
    params.cache_ram_mib = 0
    # It always listens on a port of the loopback: without a key any page could ask it.
    params.api_keys = [key]
    params.ui = False
    params.endpoint_slots = False
    params.n_threads_http = 2
    server = xllamacpp.Server(params)
    # Its loop starts in a thread, and destroying it before that waits forever, with the
    # interpreter's lock held (xllamacpp 2026.10). An answer of one token proves that it runs.
    server.handle_completions({"prompt": "a", "n_predict": 0})
    return server


def thread_count() -> int:
    """Return how many threads to generate with: a core is left to the editor, half of many.

    The engine's threads wait for one another by spinning: measured on two cores that other work
    shares, two threads make 1 token a second where one makes 50.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = cores or 1
    return max(1, cores - 1) if cores <= 4 else min(MAX_THREADS, max(3, cores // 2))


class EnginePool:
    """The engines of one process: each model is in memory once, whoever uses it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engines: dict[tuple[Path, int], tuple[Engine, int]] = {}

    def acquire(self, path: Path, window: int) -> Engine:
        """Return the engine of this model, to be given back with `release`."""
        with self._lock:
            engine, users = self._engines.get((path, window), (None, 0))
            if engine is None:
                engine = Engine(path, window)
            self._engines[path, window] = (engine, users + 1)
            return engine

    def release(self, engine: Engine) -> None:
        """Give an engine back; the last user's `release` closes it, which blocks."""
        key = (engine.path, engine.window)
        with self._lock:
            kept, users = self._engines.get(key, (None, 0))
            if kept is not engine:
                return
            if users > 1:
                self._engines[key] = (engine, users - 1)
                return
            del self._engines[key]
        engine.close()


@functools.cache
def process_pool() -> EnginePool:
    """Return the pool of this process: whoever asks, a model is in its memory once."""
    return EnginePool()
