"""Callers with the same question share one call; each sees the whole answer."""

import asyncio

import pytest

from aiex_lsp.llm.flights import Flights


class Heard:
    def __init__(self):
        self.text, self.statuses, self.restarts = "", [], []

    def on_status(self, message):
        self.statuses.append(message)

    def on_delta(self, text):
        self.text += text

    def on_restart(self, provider):
        self.restarts.append(provider)
        self.text = ""


class Work:
    """Says "one ", waits until it is let go on, says "two"."""

    def __init__(self, error=None):
        self.begun, self.go_on, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.calls = self.cancelled = 0
        self.error = error

    async def __call__(self, listener):
        self.calls += 1
        listener.on_status("asking")
        listener.on_delta("one ")
        self.begun.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            await asyncio.sleep(0)  # closing the connection upstream takes a moment
            self.ended.set()
            raise
        if self.error:
            raise self.error
        listener.on_delta("two")
        return "done"


async def test_the_second_joins_the_first_and_misses_nothing():
    flights, work, first, second = Flights(), Work(), Heard(), Heard()
    one = asyncio.create_task(flights.share("k", first, work))
    await work.begun.wait()
    two = asyncio.create_task(flights.share("k", second, work))
    await asyncio.sleep(0)
    assert second.text == "one "
    assert second.statuses == ["asking"]
    work.go_on.set()
    assert await asyncio.gather(one, two) == [("done", False), ("done", True)]
    assert first.text == second.text == "one two"
    assert work.calls == 1


async def test_another_question_is_another_call():
    flights, work = Flights(), Work()
    work.go_on.set()
    await asyncio.gather(*(flights.share(key, Heard(), work) for key in "abc"))
    assert work.calls == 3


async def test_who_leaves_takes_nobody_along():
    flights, work, second = Flights(), Work(), Heard()
    one = asyncio.create_task(flights.share("k", Heard(), work))
    await work.begun.wait()
    two = asyncio.create_task(flights.share("k", second, work))
    await asyncio.sleep(0)
    one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await one
    assert not work.cancelled
    work.go_on.set()
    assert await two == ("done", True)
    assert second.text == "one two"


async def test_when_the_last_leaves_the_call_ends_before_the_cancel_returns():
    flights, work = Flights(), Work()
    tasks = [asyncio.create_task(flights.share("k", Heard(), work)) for _ in range(3)]
    await work.begun.wait()
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert work.ended.is_set()
    again = asyncio.create_task(flights.share("k", Heard(), work))
    work.go_on.set()
    assert await again == ("done", False)


async def test_a_failure_is_everybodys():
    flights, work = Flights(), Work(error=ValueError("no"))
    tasks = [asyncio.create_task(flights.share("k", Heard(), work)) for _ in range(3)]
    await work.begun.wait()
    await asyncio.sleep(0)
    work.go_on.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(one) for one in results] == ["no"] * 3
    assert work.calls == 1
