"""A call is cancelled at each point where it waits: whatever it held is given back."""

from __future__ import annotations

import asyncio
import contextlib
from random import Random
from typing import Any

import pytest

from aiex_lsp.config.settings import RateLimits, Settings
from aiex_lsp.errors import FailureKind, ProviderError
from aiex_lsp.events.types import RequestFailed, RequestStarted, ResponseReceived
from aiex_lsp.llm.scope import circuit_names, scope_of, window_name
from aiex_lsp.llm.types import Quota, Text
from aiex_lsp.state.memory import MemoryStore
from aiex_lsp.state.shared import SharedState
from aiex_lsp.state.types import CircuitPolicy
from tests.client_rig import DONE, Prompt, Rig, provider, settings
from tests.clock import VirtualTimeLoop, unix_time

STEP = 0.01
"""Seconds that everything takes that is waited for; cancelling is tried in between."""


class Slow(MemoryStore):
    """Takes its time before and after it does anything, as a file or a network does."""

    kind = "redis"

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if (
            name.startswith("_")
            or name in ("add", "adopt", "kind", "aclose")
            or not callable(found)
        ):
            return found

        async def slowly(*args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(STEP)
            answer = await found(*args, **kwargs)
            await asyncio.sleep(STEP)
            return answer

        return slowly


def rig() -> Rig:
    store = SharedState(
        Slow(unix_time, Random(1)),
        MemoryStore(unix_time, Random(1)),
        member_id="me",
        host="here",
        tell=lambda _sentence: None,
        clock=unix_time,
        monotonic=asyncio.get_running_loop().time,
    )
    return Rig(clock=unix_time, store=store)


def plain() -> Settings:
    script = (
        0.02,
        Quota(40, 50.0, None, None),
        0.02,
        Text("half "),
        0.02,
        Text("whole"),
        0.02,
        DONE,
    )
    return settings(provider("a", *script, rate_limits=RateLimits(50, 100_000)))


def falling_back() -> Settings:
    error = ProviderError(
        FailureKind.RATE_LIMITED, "a: busy", "Wait", provider="a", retry_after=0.05, status=429
    )
    a = provider("a", 0.02, error, rate_limits=RateLimits(50, 100_000))
    b = provider("b", 0.02, Text("from b"), 0.02, DONE, rate_limits=RateLimits(50, 100_000))
    return settings(a, b, default_provider="a", fallback_providers=("b",))


async def half_open(one: Rig, held: Settings) -> None:
    """Leave the provider's circuit due for its one probe."""
    names = circuit_names(scope_of(held.providers["a"]), "m1")
    policy = CircuitPolicy(failure_threshold=1, open_seconds=0.001, jitter=0.0)
    await one.store.record(dict.fromkeys(names, "failure"), "before", policy)


async def held_after(one: Rig, held: Settings) -> list[str]:
    """Return what is still held once everything has settled."""
    await asyncio.sleep(1.0)
    found = []
    asked = [event for event in one.events if isinstance(event, RequestStarted)]
    ended = [e for e in one.events if isinstance(e, ResponseReceived | RequestFailed) and e.attempt]
    if len(asked) != len(ended):
        found.append(f"{len(asked)} requests begun, {len(ended)} ended")
    for name, adapter in one.adapters.items():
        if adapter.running:
            found.append(f"{name} still answers")
        scope = scope_of(held.providers[name])
        if one.board.activity(scope).in_flight:
            found.append(f"{name} in flight")
        sent = sum(event.provider == name for event in asked)
        usage = await one.store.usage(window_name(scope))
        if usage.requests > sent:
            found.append(f"{usage.requests} places taken at {name} for {sent} requests")
        if any(row.tokens >= 1000 for row in usage.rows):
            found.append(f"{name}: an answer that is not coming has its tokens reserved")
        for circuit in await one.store.circuits(circuit_names(scope, "m1")):
            if circuit.probe is not None:
                found.append(f"{circuit.name}: its probe is still out")
    found += [f"waits for {window}" for window in one.parts.limiter._queues]
    found += [f"shared call {key}" for key in one.client._asking._flights._flights]
    others = asyncio.all_tasks() - {asyncio.current_task()}
    found += [f"still running: {task.get_coro()}" for task in others]
    return found


async def cancelled_after(seconds: float, held: Settings, *, callers: int, probing: bool) -> bool:
    """Return whether the calls were over before `seconds`; nothing is held after them."""
    one = rig()
    if probing:
        await half_open(one, held)
        await asyncio.sleep(1.0)
    calls = [asyncio.create_task(one.ask(held, prompt=Prompt("same"))) for _ in range(callers)]
    await asyncio.sleep(seconds)
    over = all(call.done() for call in calls)
    for call in calls:
        call.cancel()
    for call in calls:
        with contextlib.suppress(asyncio.CancelledError, ProviderError):
            await call
    assert await held_after(one, held) == [], f"cancelled after {seconds:.3f} s"
    await one.store.aclose()
    return over


@pytest.mark.parametrize("probing", [False, True], ids=["closed", "half_open"])
@pytest.mark.parametrize("callers", [1, 2])
@pytest.mark.parametrize("held", [plain, falling_back])
def test_a_call_cancelled_anywhere_leaves_nothing_behind(held, callers, probing):
    async def everywhere() -> int:
        for tried in range(400):
            if await cancelled_after(tried * STEP / 2, held(), callers=callers, probing=probing):
                return tried
        raise AssertionError("it never ended")

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        # So many places there are, at least, between the first and the last wait of a call.
        assert runner.run(everywhere()) > 30
