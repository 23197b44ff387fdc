"""One server's shared state in a process of its own, offered more than the limit allows.

`python -m tests.faults.state_worker` reads one JSON object from its arguments and writes what
happened, one JSON object a line: `granted`, `refused` (a count at the end), `said`, `error`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

from aiex_lsp.state.memory import MemoryStore
from aiex_lsp.state.primary import PrimaryStore
from aiex_lsp.state.shared import SharedState
from aiex_lsp.state.types import CircuitPolicy, Row, WindowLimits


def say(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def make(job: dict[str, Any]) -> SharedState:
    """Return the state as `job` describes it, over a file or a Redis."""
    random, window = Random(os.getpid()), job["window"]
    primary: PrimaryStore
    if "url" in job:
        from aiex_lsp.state.redis import RedisStore

        primary = RedisStore(job["url"], random=random, window=window)
    else:
        from aiex_lsp.state.sqlite import SqliteStore

        primary = SqliteStore(Path(job["path"]), random=random, window=window)
    return SharedState(
        primary,
        MemoryStore(time.time, random, window),
        member_id=f"m{os.getpid()}",
        host="here",
        tell=lambda sentence: say(said=sentence, at=time.time()),
        clock=time.time,
        monotonic=time.monotonic,
        window=window,
        pauses=(0.2, 0.8),
    )


def limit_file_size(path: Path) -> None:
    """Let no file of this process grow, as a full disk would; SIGUSR2 frees it again."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]

    def fill(_number: int, _frame: object) -> None:
        size = path.with_name(path.name + "-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (max(size, 4096), hard))

    def free(_number: int, _frame: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, fill)
    signal.signal(signal.SIGUSR2, free)


async def ask(state: SharedState, job: dict[str, Any]) -> None:
    """Wish for requests, far more than the limit, until the time is over."""
    limits = WindowLimits(job["limit"], job.get("tokens"))
    random = Random(os.getpid())
    refused, slowest, number = 0, 0.0, 0
    while time.time() < job["start"] + job["seconds"]:
        number += 1
        began = time.monotonic()
        tokens = random.randint(1, 20)
        answer = await state.reserve("p/limits", Row(f"{os.getpid()}-{number}", 0, tokens), limits)
        slowest = max(slowest, time.monotonic() - began)
        if answer.granted:
            say(granted=answer.at, tokens=tokens, alone=state.degraded is not None)
            if not job.get("hold"):
                await state.settle("p/limits", answer.id, tokens)
        else:
            refused += 1
        await asyncio.sleep(random.uniform(0.002, 0.012))
    say(refused=refused, slowest=slowest, degraded=state.degraded)


async def probe(state: SharedState, job: dict[str, Any]) -> None:
    """Let many callers ask at once for the one probe; the one that has it holds it."""
    policy = CircuitPolicy(failure_threshold=5, open_seconds=job["open"], jitter=0.0)
    if job.get("fail"):
        for _ in range(5):
            await state.record({"p/": "failure"}, "f", policy)
        say(failed=True)
    await asyncio.sleep(job["open"])

    async def caller(number: int) -> None:
        holder = f"{os.getpid()}-{number}"
        while time.time() < job["start"] + job["seconds"]:
            answer = await state.admit(["p/"], holder, job["lease"], policy)
            if answer.admitted:
                say(probe=answer.probe, at=time.time(), holder=holder)
                return
            await asyncio.sleep(0.02)

    await asyncio.gather(*(caller(number) for number in range(job["callers"])))
    say(done=True)


async def main(job: dict[str, Any]) -> None:
    state = make(job)
    if job.get("full"):
        limit_file_size(Path(job["path"]))
    await state.heartbeat()
    say(ready=True)
    # All are there once they are told when to start, and the second heartbeat sees them.
    job["start"] = float(await asyncio.to_thread(sys.stdin.readline))
    await state.heartbeat()
    await asyncio.sleep(max(0.0, job["start"] - time.time()))
    beating = asyncio.create_task(state.run_heartbeats(lambda: "{}", 0.5))
    try:
        await {"ask": ask, "probe": probe}[job.get("do", "ask")](state, job)
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
        await state.aclose()


if __name__ == "__main__":
    try:
        asyncio.run(main(json.loads(sys.argv[1])))
    except Exception as error:
        say(error=f"{type(error).__name__}: {error}")
        raise
