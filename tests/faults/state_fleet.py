"""Several servers' shared states at once, each a process, and what they were granted together."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SLACK = 1e-6
"""A row counts for exactly a window; times come back as floats of microseconds."""


@dataclass
class Worker:
    """One process and everything it said so far."""

    process: subprocess.Popen[str]
    lines: list[dict[str, Any]] = field(default_factory=list)
    reader: threading.Thread | None = None

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def said(self) -> list[str]:
        return [line["said"] for line in list(self.lines) if "said" in line]

    def granted(self) -> list[float]:
        return [line["granted"] for line in list(self.lines) if "granted" in line]

    def find(self, key: str) -> list[Any]:
        return [line[key] for line in list(self.lines) if key in line]


@contextmanager
def fleet(*jobs: dict[str, Any]) -> Iterator[list[Worker]]:
    """Yield workers that wait for `go`, one for each job; none outlives the block."""
    workers: list[Worker] = []
    try:
        for job in jobs:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.state_worker", json.dumps(job)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            worker = Worker(process)
            worker.reader = threading.Thread(target=worker.read, daemon=True)
            worker.reader.start()
            workers.append(worker)
        deadline = time.monotonic() + 30
        while not all(worker.find("ready") for worker in workers):
            assert all(worker.process.poll() is None for worker in workers), "one did not start"
            assert time.monotonic() < deadline, "one is not ready after 30 s"
            time.sleep(0.02)
        yield workers
    finally:
        for worker in workers:
            if worker.process.poll() is None:
                worker.process.kill()
            worker.process.wait()
            if worker.reader is not None:
                worker.reader.join(5)
            for pipe in (worker.process.stdin, worker.process.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):
                        pipe.close()


def go(workers: list[Worker], delay: float = 0.5) -> float:
    """Return when all of them start: Unix time, `delay` seconds from now."""
    start = time.time() + delay
    for worker in workers:
        assert worker.process.stdin is not None
        worker.process.stdin.write(f"{start}\n")
        worker.process.stdin.flush()
    return start


def finish(workers: list[Worker], timeout: float = 30.0) -> None:
    """Wait for all to end by themselves, and without an error."""
    for worker in workers:
        assert worker.process.wait(timeout) in (0, -9), worker.lines[-3:]
        assert worker.reader is not None
        worker.reader.join(5)
        assert not worker.find("error")


def until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))


def all_granted(workers: list[Worker]) -> list[float]:
    return sorted(time_ for worker in workers for time_ in worker.granted())


def worst_window(times: list[float], window: float) -> int:
    """Return the most that any window of that length holds; `times` are sorted."""
    return max(
        (bisect_left(times, start + window - SLACK) - first for first, start in enumerate(times)),
        default=0,
    )


def used(times: list[float], window: float, limit: int, start: float, end: float) -> float:
    """Return the part of what the limit allows from `start` to `end` that was granted."""
    windows = int((end - start) / window)
    end = start + windows * window
    return (bisect_left(times, end) - bisect_left(times, start)) / (limit * windows)
