"""Whatever is asked in whatever order: memory, SQLite and Redis give the same answers."""

import asyncio
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from aiex_lsp.state.memory import MemoryStore
from aiex_lsp.state.redis import RedisStore
from aiex_lsp.state.sqlite import SqliteStore
from aiex_lsp.state.types import Ceiling, CircuitPolicy, Member, Row, WindowLimits
from tests.servers.redis import MISSING, redis_program, redis_server

IDS = st.sampled_from([f"r{one}" for one in range(8)])
WINDOWS = st.sampled_from(["a/limits", "b/limits"])
CIRCUITS = st.lists(st.sampled_from(["a/", "a/m", "a/n"]), unique=True, min_size=1)
HOLDERS = st.sampled_from(["h1", "h2"])
TOKENS = st.integers(0, 120)
LIMITS = st.builds(
    WindowLimits, st.none() | st.integers(0, 6), st.none() | st.sampled_from([0, 100, 300])
)
# Whole milliseconds and odd ones; now and then the clock is set back.
STEPS = st.sampled_from([0.0, 0.001, 0.123457, 1.0, 10.0, 29.5, 30.0, 60.0, 61.0, 600.0, -5.0, -90])
RESETS = st.none() | st.sampled_from([0.0, 1.5, 30.0, 400.0])
POLICY = CircuitPolicy(failure_threshold=3, share_least=4, open_seconds=20, max_open_seconds=50)


def machine(runner: asyncio.Runner, file: Path, url: str | None):
    """Return the machine; without an address of a Redis it compares the other two."""
    time = [0.0]

    def clock() -> float:
        return time[0]

    shared = [SqliteStore(file, random=Random(5), clock=clock, limit=10)]
    if url is not None:
        shared.append(RedisStore(url, random=Random(5), clock=clock, limit=10))

    class Stores(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            time[0] = 1_800_000_000.0
            self.stores = [MemoryStore(clock, Random(5)), *shared]
            for store in shared:
                store._random.seed(5)
            runner.run(self.empty())

        async def empty(self) -> None:
            await shared[0]._write(wipe)
            if url is not None:
                await shared[1]._client.run(Flush(), ())

        def same(self, method: str, *args):
            async def ask():
                return [await getattr(store, method)(*args) for store in self.stores]

            answers = runner.run(ask())
            assert all(answer == answers[0] for answer in answers), (method, args, answers)
            return answers[0]

        @rule(step=STEPS)
        def time_passes(self, step) -> None:
            time[0] += step

        @rule(
            window=WINDOWS, row=IDS, tokens=TOKENS, limits=LIMITS, share=st.sampled_from([1, 1, 3])
        )
        def reserve(self, window, row, tokens, limits, share) -> None:
            self.same("reserve", window, Row(row, 0, tokens), limits, share)

        @rule(window=WINDOWS, row=IDS, tokens=TOKENS)
        def settle(self, window, row, tokens) -> None:
            self.same("settle", window, row, tokens)

        @rule(window=WINDOWS, row=IDS)
        def release(self, window, row) -> None:
            self.same("release", window, row)

        @rule(
            window=WINDOWS,
            rows=st.lists(st.tuples(IDS, st.sampled_from([-70, -60, -30.5, 0, 9]), TOKENS)),
        )
        def publish(self, window, rows) -> None:
            given = [Row(row_id, time[0] + ago, tokens) for row_id, ago, tokens in rows]
            self.same("publish", window, given)

        @rule(
            window=WINDOWS,
            ceiling=st.builds(
                Ceiling,
                st.none() | st.integers(0, 4),
                RESETS,
                st.none() | st.integers(0, 200),
                RESETS,
            ),
        )
        def lower(self, window, ceiling) -> None:
            self.same("lower", window, ceiling)

        @rule(names=CIRCUITS, holder=HOLDERS, lease=st.sampled_from([0.5, 30.0]))
        def admit(self, names, holder, lease) -> None:
            self.same("admit", names, holder, lease, POLICY)

        @rule(
            names=CIRCUITS,
            holder=HOLDERS,
            outcome=st.sampled_from(["success", "failure", "failure", "nothing"]),
        )
        def record(self, names, holder, outcome) -> None:
            self.same("record", dict.fromkeys(names, outcome), holder, POLICY)

        @rule(names=CIRCUITS)
        def permit(self, names) -> None:
            self.same("permit", names)

        @rule(names=CIRCUITS)
        def reset(self, names) -> None:
            self.same("reset", names)

        @rule(key=IDS, ttl=st.sampled_from([0.0, 5.0, 100.0]), value=st.text(max_size=3))
        def put(self, key, ttl, value) -> None:
            self.same("put", key, value, ttl)

        @rule(key=IDS)
        def get(self, key) -> None:
            self.same("get", key)

        @rule(
            key=IDS,
            ttl=st.sampled_from([0.0, 5.0, 100.0]),
            value=st.binary(max_size=40),
            most=st.sampled_from([0, 50, 90]),
        )
        def cache(self, key, ttl, value, most) -> None:
            self.same("cache", key, value, ttl, most)

        @rule(key=IDS)
        def cached(self, key) -> None:
            self.same("cached", key)

        @rule(member=IDS)
        def beat(self, member) -> None:
            self.same("beat", Member(member, "host", payload=f'"{member}"'))

        @rule(member=IDS)
        def leave(self, member) -> None:
            self.same("leave", member)

        @rule()
        def look(self) -> None:
            self.same("usage", "a/limits")
            self.same("usage", "b/limits")
            self.same("circuits", ["a/", "a/m", "a/n"])
            self.same("members")

        def teardown(self) -> None:
            self.look()

    return Stores, shared


class Flush:
    text = "redis.call('FLUSHALL') return {}"
    sha = "0" * 40


def wipe(tables, _now) -> None:
    for table in ("windows", "entries", "circuits", '"values"', "answers", "members"):
        tables._do(f"DELETE FROM {table}")


@pytest.mark.parametrize("with_redis", [False, True], ids=["sqlite", "redis"])
def test_all_stores_answer_alike(with_redis, tmp_path) -> None:
    if with_redis and redis_program() is None:
        pytest.skip(MISSING)
    limits = settings(
        max_examples=50,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    with ExitStack() as stack:
        url = stack.enter_context(redis_server(tmp_path)).url if with_redis else None
        runner = stack.enter_context(asyncio.Runner())
        stores, shared = machine(runner, tmp_path / "s.db", url)
        try:
            run_state_machine_as_test(stores, settings=limits)
        finally:
            for store in shared:
                runner.run(store.aclose())
