"""The recorder on the bus: what an event becomes, today's cost, a record that fails."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from datetime import UTC, datetime

import pytest

from aiex_lsp.errors import StateError
from aiex_lsp.events.bus import EventBus
from aiex_lsp.events.recorder import UsageRecorder, row_of
from aiex_lsp.events.types import LimitReached, RequestFailed, RequestStarted, ResponseReceived
from aiex_lsp.state.usage import UsageStore

NOON = datetime(2026, 7, 15, 12, tzinfo=UTC).timestamp()
WHERE = {
    "call_id": "c1",
    "attempt": 1,
    "task": "explain",
    "provider": "anthropic",
    "provider_type": "anthropic",
    "model": "claude",
}


def answered(at: float = NOON, **changes) -> ResponseReceived:
    values = {
        **WHERE,
        "duration": 2.0,
        "response_length": 10,
        "input_tokens": 100,
        "output_tokens": 20,
        "first_token": 0.5,
        "cost": 0.25,
    }
    return ResponseReceived(timestamp=at, **{**values, **changes})


def failed(at: float = NOON, **changes) -> RequestFailed:
    values = {**WHERE, "error": "stall", "message": "sk-secret said no", "duration": 15.0}
    return RequestFailed(timestamp=at, **{**values, **changes})


class Clock:
    def __init__(self) -> None:
        self.time = NOON + 60

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def recorder(tmp_path, clock):
    made = UsageRecorder(UsageStore(tmp_path / "usage.sqlite3", clock), clock, UTC)
    yield made
    await made.aclose()


async def test_what_ends_an_attempt_is_recorded(recorder):
    bus = EventBus()
    bus.subscribe(recorder)
    bus.publish(
        RequestStarted(timestamp=NOON, **WHERE, prompt_length=9, input_tokens=3, max_tokens=1000)
    )
    bus.publish(answered())
    bus.publish(failed())
    bus.publish(failed(error="cancelled", model=None))
    bus.publish(answered(cached=True, cost=0.3))
    bus.publish(LimitReached(timestamp=NOON, provider="anthropic", limit="tokens", wait=1.0))
    total = (await recorder.usage(1))["total"]
    assert (total["requests"], total["successes"], total["cancelled"]) == (3, 1, 1)
    assert total["cached"] == 1
    assert total["errorTypes"] == {"stall": 1}
    assert total["cost"] == 0.25
    assert total["firstTokenMs"]["mean"] == 500


async def test_no_text_of_a_call_reaches_the_disk(recorder, tmp_path):
    recorder(failed())
    await recorder.flush()
    await recorder.aclose()
    for file in tmp_path.iterdir():
        assert b"sk-secret" not in file.read_bytes()


async def test_rows_are_there_after_closing(recorder, tmp_path, clock):
    recorder(answered())
    await recorder.aclose()
    await recorder.aclose()
    store = UsageStore(tmp_path / "usage.sqlite3", clock)
    assert len(store.between(0, NOON + 1)) == 1
    store.close()


async def test_publishing_never_waits_for_the_disk(tmp_path, clock):
    store = UsageStore(tmp_path / "usage.sqlite3", clock)
    recorder = UsageRecorder(store, clock, UTC, batch_seconds=0.0)
    recorder(answered())
    await recorder.flush()
    holder = sqlite3.connect(store.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    worst = 0.0
    for _ in range(2000):
        before = time.perf_counter()
        recorder(answered())
        worst = max(worst, time.perf_counter() - before)
    holder.execute("ROLLBACK")
    holder.close()
    assert worst < 1.0  # a busy machine; the write itself would wait for five seconds
    await recorder.flush(30)
    assert len(store.between(0, NOON + 1)) == 2001
    await recorder.aclose()


async def test_todays_cost_is_known_at_once_and_counts_other_servers(recorder, tmp_path, clock):
    other = UsageRecorder(UsageStore(tmp_path / "usage.sqlite3", clock), clock, UTC)
    other(answered(cost=1.0))
    await other.aclose()
    await recorder.load()
    assert recorder.today_cost() == 1.0
    recorder(answered())
    recorder(answered(cost=None))
    assert recorder.today_cost() == 1.25
    await recorder.flush()
    assert recorder.today_cost() == 1.25


async def test_a_minute_later_what_others_spent_is_asked_for(recorder, tmp_path, clock):
    await recorder.load()
    other = UsageRecorder(UsageStore(tmp_path / "usage.sqlite3", clock), clock, UTC)
    other(answered(cost=1.0))
    await other.aclose()
    clock.time += 59
    assert recorder.today_cost() == 0.0
    clock.time += 2
    async with asyncio.timeout(20):
        while recorder.today_cost() != 1.0:  # noqa: ASYNC110 - a thread answers
            await asyncio.sleep(0)


async def test_at_midnight_the_cost_begins_at_nothing(recorder, clock):
    recorder(answered())
    await recorder.flush()
    assert recorder.today_cost() == 0.25
    clock.time += 12 * 3600
    assert recorder.today_cost() == 0.0
    await recorder.flush()
    assert recorder.today_cost() == 0.0


class Broken(UsageStore):
    """A record whose disk fails until it is mended."""

    broken = True

    def add(self, rows):
        if self.broken:
            raise StateError("The usage record cannot be used (disk I/O error)")
        super().add(rows)


async def test_a_broken_record_is_said_once_and_loses_nothing_when_mended(tmp_path, clock, caplog):
    store = Broken(tmp_path / "usage.sqlite3", clock)
    recorder = UsageRecorder(store, clock, UTC, batch_seconds=0.0)
    with caplog.at_level(logging.WARNING, "aiex_lsp"):
        for _ in range(3):
            recorder(answered())
            await recorder.flush()
    assert [one.message for one in caplog.records] == [
        "The usage record cannot be used (disk I/O error)."
    ]
    store.broken = False
    assert (await recorder.usage(1))["total"]["requests"] == 3
    assert recorder.today_cost() == 0.75
    await recorder.aclose()


async def test_the_queue_is_bounded_and_says_what_is_missing(tmp_path, clock, caplog):
    store = Broken(tmp_path / "usage.sqlite3", clock)
    recorder = UsageRecorder(store, clock, UTC, batch_seconds=0.0, most_waiting=10)
    for number in range(15):
        recorder(answered(model=f"m{number}"))
    store.broken = False
    with caplog.at_level(logging.WARNING, "aiex_lsp"):
        models = {one["model"] for one in (await recorder.usage(1))["models"]}
    assert len(models) == 10
    assert "m14" in models
    assert any("5 requests are missing" in one.message for one in caplog.records)
    await recorder.aclose()


async def test_closing_is_bounded_where_the_disk_hangs(tmp_path, clock, monkeypatch):
    hang = threading.Event()

    class Hanging(UsageStore):
        def add(self, rows):
            hang.wait()

    monkeypatch.setattr("aiex_lsp.events.recorder.CLOSE_SECONDS", 0.05)
    recorder = UsageRecorder(Hanging(tmp_path / "usage.sqlite3", clock), clock, UTC)
    recorder(answered())
    try:
        async with asyncio.timeout(5):
            await recorder.aclose()
    finally:
        hang.set()


async def test_nothing_is_opened_where_nothing_happens(tmp_path, clock):
    recorder = UsageRecorder(UsageStore(tmp_path / "usage.sqlite3", clock), clock, UTC)
    recorder(LimitReached(timestamp=NOON, provider="anthropic", limit="tokens", wait=1.0))
    await recorder.aclose()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"model": "\ud800x"}, ("model", "?x")),
        ({"model": "\x1b]0;mine\x07gpt\n\u202e"}, ("model", "]0;minegpt")),
        ({"model": "m" * 500}, ("model", "m" * 200)),
        ({"duration": float("nan")}, ("duration", 0.0)),
        ({"cost": float("inf")}, ("cost", None)),
        ({"input_tokens": 10**30}, ("input_tokens", 2**53)),
        ({"output_tokens": -1}, ("output_tokens", 0)),
    ],
)
def test_odd_values_of_a_provider_become_ones_the_record_takes(changes, wanted):
    row = row_of(answered(**changes))
    assert getattr(row, wanted[0]) == wanted[1]
