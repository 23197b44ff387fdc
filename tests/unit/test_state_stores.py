"""The three stores behave as one: in memory, in a SQLite file, in a real Redis."""

import asyncio
import math
from dataclasses import replace
from random import Random

import pytest

from aiex_lsp.state.memory import MemoryStore
from aiex_lsp.state.primary import PrimaryStore
from aiex_lsp.state.redis import RedisStore
from aiex_lsp.state.sqlite import SqliteStore
from aiex_lsp.state.types import Ceiling, CircuitPolicy, Member, Row, WindowLimits
from tests.servers.redis import MISSING, redis_program, redis_server

START = 1_800_000_000.0
WINDOW = "openai-1/limits"
MINUTE = WindowLimits(3, 1000)
POLICY = CircuitPolicy(jitter=0.0)


class Clock:
    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> float:
        return self.time

    def later(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    if redis_program() is None:
        yield None
        return
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite", "redis"])
async def store(request, tmp_path, redis, clock):
    made: PrimaryStore
    if request.param == "memory":
        made = MemoryStore(clock, Random(1))
    elif request.param == "sqlite":
        made = SqliteStore(tmp_path / "state" / "s.db", random=Random(1), clock=clock, limit=5)
    else:
        if redis is None:
            pytest.skip(MISSING)
        redis.command("FLUSHALL")
        made = RedisStore(redis.url, random=Random(1), clock=clock, limit=5)
    yield made
    await made.aclose()


async def take(store, row_id: str, tokens: int = 100, limits=MINUTE, share: int = 1):
    return await store.reserve(WINDOW, Row(row_id, 0, tokens), limits, share)


class TestWindow:
    async def test_requests_over_the_limit_wait_for_the_oldest_to_leave(self, store, clock):
        for name in "abc":
            assert (await take(store, name)).granted
            clock.later(10)
        refused = await take(store, "d")
        assert (refused.granted, refused.refused, refused.wait) == (False, "requests", 30.0)
        assert (refused.requests, refused.tokens) == (3, 300)
        clock.later(29.999)
        assert not (await take(store, "d")).granted
        clock.later(0.001)
        assert (await take(store, "d")).granted

    async def test_a_row_counts_for_exactly_a_window_and_no_window_holds_more(self, store, clock):
        granted = []
        for step in range(300):
            if (await take(store, str(step), tokens=0)).granted:
                granted.append(clock.time)
            clock.later(0.7)
        for start in granted:
            assert sum(start <= time < start + 60 for time in granted) <= 3
        assert len(granted) >= 0.95 * 3 * 300 * 0.7 / 60

    async def test_tokens_over_the_limit_wait_until_enough_have_left(self, store, clock):
        await take(store, "a", 300)
        clock.later(10)
        await take(store, "b", 500)
        refused = await take(store, "c", 600)
        # 200 are free; with `a` 500, with `b` all.
        assert (refused.refused, refused.wait, refused.free_tokens) == ("tokens", 60.0, 200)
        assert (await take(store, "c", 500)).wait == 50.0
        assert (await take(store, "c", 200)).granted

    async def test_a_wish_larger_than_the_whole_limit_never_has_room(self, store):
        refused = await take(store, "a", 1001)
        assert (refused.refused, refused.wait, refused.free_tokens) == ("tokens", math.inf, 1000)
        assert (await take(store, "a", 1, WindowLimits(0, None))).wait == math.inf

    async def test_nothing_is_taken_of_one_limit_where_the_other_refuses(self, store):
        await take(store, "a", 900)
        await take(store, "b", 500)
        usage = await store.usage(WINDOW)
        assert (usage.requests, usage.tokens) == (1, 900)

    async def test_both_limits_refusing_the_longer_wait_is_told(self, store, clock):
        await take(store, "a", 100)
        clock.later(10)
        await take(store, "b", 100)
        clock.later(10)
        await take(store, "c", 700)
        refused = await take(store, "d", 900)
        assert (refused.refused, refused.wait) == ("tokens", 60.0)

    async def test_unlimited_windows_grant_all_and_still_count(self, store):
        for step in range(20):
            answer = await take(store, str(step), 10_000, WindowLimits())
            assert answer.granted
            assert answer.free_tokens is None
        usage = await store.usage(WINDOW)
        assert (usage.requests, usage.tokens) == (20, 200_000)

    async def test_the_same_wish_again_counts_once(self, store, clock):
        first = await take(store, "a")
        clock.later(5)
        again = await take(store, "a")
        assert again.granted
        assert again.at == first.at
        assert again.requests == 1

    async def test_settling_and_releasing_give_room_back(self, store):
        await take(store, "a", 1000)
        assert not (await take(store, "b", 100)).granted
        await store.settle(WINDOW, "a", 150)
        assert (await take(store, "b", 850)).granted
        await store.release(WINDOW, "b")
        assert (await store.usage(WINDOW)).tokens == 150
        await store.settle(WINDOW, "gone", 5)
        await store.release(WINDOW, "gone")
        assert (await store.usage(WINDOW)).requests == 1

    async def test_a_settled_row_may_exceed_the_limit_and_blocks_until_it_leaves(
        self, store, clock
    ):
        await take(store, "a", 10)
        await store.settle(WINDOW, "a", 5000)
        refused = await take(store, "b", 10)
        assert (refused.refused, refused.wait, refused.free_tokens) == ("tokens", 60.0, 0)

    async def test_windows_know_nothing_of_one_another(self, store):
        for name in "abc":
            await take(store, name)
        other = await store.reserve("openai-2/limits", Row("x", 0, 1), MINUTE)
        assert other.granted
        assert other.requests == 1

    async def test_rows_from_the_future_block_for_one_window_and_are_not_lost(self, store, clock):
        for name in "abc":
            await take(store, name)
        clock.later(-3600)
        refused = await take(store, "d")
        assert (refused.granted, refused.wait) == (False, 60.0)
        clock.later(60)
        assert (await take(store, "d")).granted

    async def test_published_rows_are_added_once_with_their_own_times(self, store, clock):
        rows = [Row("a", START - 50, 10), Row("b", START - 61, 10), Row("c", START + 9, 10)]
        await store.publish(WINDOW, rows)
        await store.publish(WINDOW, [replace(rows[0], tokens=99)])
        usage = await store.usage(WINDOW)
        assert usage.rows == (Row("a", START - 50, 10), Row("c", START, 10))
        assert (await take(store, "d")).granted
        assert (await take(store, "e")).wait == 10.0

    async def test_concurrent_wishes_never_get_more_than_the_limit(self, store):
        answers = await asyncio.gather(
            *(take(store, str(one), 1, WindowLimits(7, None)) for one in range(40))
        )
        assert sum(answer.granted for answer in answers) == 7


class TestCeiling:
    async def test_what_the_provider_says_is_left_is_used_up_until_its_reset(self, store, clock):
        await take(store, "own")
        await store.lower(WINDOW, Ceiling(requests=1, requests_reset=20.0))
        assert (await take(store, "a")).granted
        refused = await take(store, "b")
        assert (refused.refused, refused.wait, refused.by_provider) == ("requests", 20.0, True)
        clock.later(20)
        assert (await take(store, "b")).granted

    async def test_tokens_left_bound_a_request_and_follow_what_it_used(self, store):
        await take(store, "own", 10)
        await store.lower(WINDOW, Ceiling(tokens=500, tokens_reset=30.0))
        refused = await take(store, "a", 501)
        assert (refused.refused, refused.by_provider, refused.free_tokens) == ("tokens", True, 500)
        assert (await take(store, "a", 400)).free_tokens == 100
        await store.settle(WINDOW, "a", 100)
        assert (await store.usage(WINDOW)).tokens_left == 400
        await store.settle(WINDOW, "own", 900)  # it was sent before the provider spoke
        assert (await store.usage(WINDOW)).tokens_left == 400
        await store.release(WINDOW, "a")
        assert (await store.usage(WINDOW)).tokens_left == 500

    async def test_a_later_word_replaces_an_earlier_of_the_same_limit_only(self, store):
        await store.lower(WINDOW, Ceiling(requests=0, requests_reset=50.0, tokens=5))
        await store.lower(WINDOW, Ceiling(requests=2, requests_reset=50.0))
        usage = await store.usage(WINDOW)
        assert (usage.requests_left, usage.tokens_left) == (2, 5)

    async def test_no_reset_named_holds_a_window_and_none_left_to_wait_ends_at_once(
        self, store, clock
    ):
        await store.lower(WINDOW, Ceiling(requests=0))
        assert (await take(store, "a")).wait == 60.0
        await store.lower(WINDOW, Ceiling(requests=0, requests_reset=0.0))
        assert (await take(store, "a")).granted

    async def test_a_reset_beyond_the_window_keeps_counting_rows_that_left(self, store, clock):
        await store.lower(WINDOW, Ceiling(requests=2, requests_reset=3600.0))
        await take(store, "a")
        await take(store, "b")
        clock.later(120)
        refused = await take(store, "c")
        assert (refused.by_provider, refused.wait) == (True, 3480.0)

    async def test_the_longer_of_own_limit_and_provider_is_told(self, store):
        for name in "abc":
            await take(store, name)
        await store.lower(WINDOW, Ceiling(requests=0, requests_reset=90.0))
        refused = await take(store, "d")
        assert (refused.wait, refused.by_provider) == (90.0, True)


class TestShare:
    async def test_four_servers_that_cannot_see_one_another_stay_within_the_limit(self, store):
        limits = WindowLimits(60, None)
        granted = [(await take(store, str(one), 0, limits, share=4)).granted for one in range(60)]
        assert sum(granted) == 15

    async def test_what_counted_before_leaves_less_to_share(self, store, clock):
        await store.publish(WINDOW, [Row(f"before{one}", START, 0) for one in range(40)])
        limits = WindowLimits(60, None)
        granted = [(await take(store, str(one), 0, limits, share=4)).granted for one in range(20)]
        assert sum(granted) == 5
        clock.later(60)
        assert (await take(store, "later", 0, limits, share=4)).granted

    async def test_a_limit_below_the_number_of_servers_admits_one_at_a_time(self, store, clock):
        assert (await take(store, "a", 0, WindowLimits(3, None), share=4)).granted
        refused = await take(store, "b", 0, WindowLimits(3, None), share=4)
        assert (refused.refused, refused.wait) == ("requests", 60.0)
        clock.later(60)
        assert (await take(store, "b", 0, WindowLimits(3, None), share=4)).granted

    async def test_a_prompt_above_the_share_is_admitted_alone(self, store):
        limits = WindowLimits(None, 1000)
        first = await take(store, "a", 700, limits, share=4)
        assert first.granted
        assert not (await take(store, "b", 10, limits, share=4)).granted

    async def test_the_room_told_is_what_a_wish_would_get(self, store):
        limits = WindowLimits(None, 1000)
        await take(store, "a", 50, limits, share=4)
        refused = await take(store, "b", 201, limits, share=4)
        assert refused.free_tokens == 200
        assert (await take(store, "b", 200, limits, share=4)).granted


async def fail(store, times: int, name: str = "p/m") -> None:
    for _ in range(times):
        await store.record({name: "failure"}, "someone", POLICY)


async def state(store, name: str = "p/m") -> str:
    return (await store.circuits([name]))[0].state


class TestCircuit:
    async def test_it_opens_at_five_failures_in_a_row_for_a_minute(self, store, clock):
        await fail(store, 4)
        await store.record({"p/m": "success"}, "someone", POLICY)
        await fail(store, 4)
        assert await state(store) == "closed"
        changes = await store.record({"p/m": "failure"}, "someone", POLICY)
        assert changes[0].changed
        assert changes[0].before == "closed"
        circuit = changes[0].circuit
        assert (circuit.state, circuit.failure_count) == ("open", 5)
        assert (circuit.opened_at, circuit.retry_at) == (START, START + 60)
        refused = await store.admit(["p/", "p/m"], "me", 30, POLICY)
        assert not refused.admitted
        assert refused.refused_by == circuit

    async def test_it_opens_at_half_of_ten_calls_within_a_minute(self, store, clock):
        for _ in range(4):
            await store.record({"p/m": "failure"}, "a", POLICY)
            await store.record({"p/m": "success"}, "a", POLICY)
        await store.record({"p/m": "success"}, "a", POLICY)
        assert await state(store) == "closed"
        await store.record({"p/m": "failure"}, "a", POLICY)
        assert await state(store) == "open"

    async def test_calls_older_than_the_share_s_window_do_not_count(self, store, clock):
        for _ in range(4):
            await store.record({"p/m": "failure"}, "a", POLICY)
            await store.record({"p/m": "success"}, "a", POLICY)
        clock.later(60)
        for outcome in ("success", "failure"):
            await store.record({"p/m": outcome}, "a", POLICY)
        assert await state(store) == "closed"

    async def test_cancelled_calls_count_for_nothing(self, store):
        await fail(store, 4)
        await store.record({"p/m": "nothing"}, "a", POLICY)
        circuit = (await store.circuits(["p/m"]))[0]
        assert (circuit.state, circuit.failure_count) == ("closed", 4)

    async def test_one_probe_after_the_open_time_and_its_success_closes(self, store, clock):
        await fail(store, 5)
        clock.later(60)
        first = await store.admit(["p/m"], "first", 30, POLICY)
        assert (first.admitted, first.probe) == (True, True)
        second = await store.admit(["p/m"], "second", 30, POLICY)
        assert not second.admitted
        assert second.refused_by.state == "half_open"
        assert second.refused_by.retry_at == clock.time + 30
        changes = await store.record({"p/m": "success"}, "first", POLICY)
        assert (changes[0].before, changes[0].circuit.state) == ("half_open", "closed")
        assert changes[0].circuit.closed_at == clock.time
        assert (await store.admit(["p/m"], "second", 30, POLICY)).probe is False
        clock.later(30)
        assert (await store.circuits(["p/m"]))[0].closed_at is None

    async def test_each_failed_probe_doubles_the_open_time_up_to_the_cap(self, store, clock):
        await fail(store, 5)
        spans = []
        for _ in range(6):
            circuit = (await store.circuits(["p/m"]))[0]
            spans.append(circuit.retry_at - clock.time)
            clock.time = circuit.retry_at
            assert (await store.admit(["p/m"], "probe", 30, POLICY)).probe
            await store.record({"p/m": "failure"}, "probe", POLICY)
        assert spans == [60, 120, 240, 480, 600, 600]

    async def test_jitter_lengthens_by_at_most_its_part(self, store):
        policy = CircuitPolicy(jitter=0.1, failure_threshold=1)
        spans = set()
        for one in range(5):
            changes = await store.record({f"p/{one}": "failure"}, "a", policy)
            spans.add(changes[0].circuit.retry_at - START)
        assert len(spans) == 5
        assert all(60 <= span <= 66 for span in spans)

    async def test_results_of_calls_from_before_it_opened_change_nothing(self, store, clock):
        await fail(store, 5)
        before = await store.circuits(["p/m"])
        for outcome in ("success", "failure", "nothing"):
            changes = await store.record({"p/m": outcome}, "late", POLICY)
            assert not changes[0].changed
        assert await store.circuits(["p/m"]) == before
        clock.later(60)
        await store.admit(["p/m"], "probe", 30, POLICY)
        await store.record({"p/m": "success"}, "late", POLICY)
        assert await state(store) == "half_open"

    async def test_a_cancelled_probe_goes_to_the_next_at_once(self, store, clock):
        await fail(store, 5)
        clock.later(60)
        await store.admit(["p/m"], "first", 30, POLICY)
        await store.record({"p/m": "nothing"}, "first", POLICY)
        assert (await store.admit(["p/m"], "second", 30, POLICY)).probe

    async def test_a_probe_whose_holder_died_is_given_away_after_its_lease(self, store, clock):
        await fail(store, 5)
        clock.later(60)
        await store.admit(["p/m"], "dead", 30, POLICY)
        clock.later(29.9)
        assert not (await store.admit(["p/m"], "next", 30, POLICY)).admitted
        clock.later(0.1)
        assert (await store.admit(["p/m"], "next", 30, POLICY)).probe
        await store.record({"p/m": "success"}, "dead", POLICY)
        assert await state(store) == "half_open"

    async def test_where_one_refuses_no_probe_of_the_others_is_taken(self, store, clock):
        await fail(store, 5, "p/")
        clock.later(30)
        await fail(store, 5, "p/m")
        clock.later(30)
        refused = await store.admit(["p/", "p/m"], "me", 30, POLICY)
        assert refused.refused_by.name == "p/m"
        assert await state(store, "p/") == "open"
        clock.later(30)
        assert (await store.admit(["p/", "p/m"], "me", 30, POLICY)).probe
        assert await state(store, "p/") == "half_open"

    async def test_a_good_health_check_permits_the_probe_and_closes_nothing(self, store, clock):
        await fail(store, 5)
        clock.later(5)
        await store.permit(["p/m", "p/other"])
        circuit = (await store.circuits(["p/m"]))[0]
        assert (circuit.state, circuit.retry_at) == ("open", clock.time)
        assert (await store.admit(["p/m"], "me", 30, POLICY)).probe

    async def test_reset_closes_and_forgets(self, store):
        await fail(store, 5)
        await store.reset(["p/m", "p/never"])
        circuit = (await store.circuits(["p/m"]))[0]
        assert (circuit.state, circuit.failure_count) == ("closed", 0)

    async def test_a_clock_set_back_does_not_hold_it_open_for_hours(self, store, clock):
        await fail(store, 5)
        clock.later(-7200)
        assert not (await store.admit(["p/m"], "me", 30, POLICY)).admitted
        clock.later(60)
        assert (await store.admit(["p/m"], "me", 30, POLICY)).admitted

    async def test_several_circuits_are_told_apart(self, store):
        changes = await store.record({"p/": "success", "p/m": "failure"}, "a", POLICY)
        assert [change.circuit.failure_count for change in changes] == [0, 1]
        assert [one.name for one in await store.circuits(["q/", "p/m", "p/"])] == [
            "q/",
            "p/m",
            "p/",
        ]


class TestValues:
    async def test_a_value_holds_for_its_time(self, store, clock):
        await store.put("p/health", '{"a": "é"}', 10)
        assert await store.get("p/health") == '{"a": "é"}'
        clock.later(9.999)
        assert await store.get("p/health") is not None
        clock.later(0.001)
        assert await store.get("p/health") is None

    async def test_zero_seconds_remove_it(self, store):
        await store.put("k", "v", 10)
        await store.put("k", "w", 0)
        assert await store.get("k") is None
        assert await store.get("never") is None


class TestCache:
    async def test_answers_used_least_recently_go_first(self, store):
        for name in "abc":
            await store.cache(name, b"x" * 40, 60, 120)
        assert await store.cached("a") == b"x" * 40
        await store.cache("d", b"y" * 40, 60, 120)
        found = {name: await store.cached(name) for name in "abcd"}
        assert [name for name, value in found.items() if value] == ["a", "c", "d"]

    async def test_an_answer_too_old_is_not_given_nor_counted(self, store, clock):
        await store.cache("a", b"x" * 60, 10, 100)
        await store.cache("b", b"x" * 30, 60, 100)
        clock.later(10)
        assert await store.cached("a") is None
        await store.cache("c", b"x" * 60, 60, 100)
        assert await store.cached("b") is not None

    async def test_an_answer_above_the_bound_is_not_kept_and_costs_no_other(self, store):
        await store.cache("a", b"x", 60, 100)
        await store.cache("b", bytes(101), 60, 100)
        assert await store.cached("b") is None
        assert await store.cached("a") == b"x"

    async def test_any_bytes_come_back_as_they_were(self, store):
        value = bytes(range(256)) * 3
        await store.cache("k", value, 60, 10_000)
        assert await store.cached("k") == value


class TestMembers:
    async def test_members_are_seen_for_thirty_seconds(self, store, clock):
        await store.beat(Member("b", "host", payload='{"n": 1}'))
        clock.later(29)
        found = await store.beat(Member("a", "other"))
        assert found == [
            Member("a", "other", clock.time),
            Member("b", "host", START, '{"n": 1}'),
        ]
        clock.later(1)
        assert [one.id for one in await store.members()] == ["a"]

    async def test_a_later_beat_replaces_an_earlier(self, store, clock):
        await store.beat(Member("a", "host", payload='{"n": 1}'))
        clock.later(5)
        found = await store.beat(Member("a", "host", payload='{"n": 2}'))
        assert found == [Member("a", "host", clock.time, '{"n": 2}')]

    async def test_who_leaves_is_gone_at_once(self, store):
        await store.beat(Member("a", "host"))
        await store.leave("a")
        await store.leave("never")
        assert await store.members() == []


async def test_its_clock_and_closing_twice(store, clock):
    assert await store.now() == clock.time
    await store.aclose()


async def test_a_reservation_can_tell_what_else_is_there_and_who_the_store_is(store):
    await take(store, "a", 5)
    seen = await store.reserve_seen(WINDOW, Row("b", 0, 6), MINUTE, view=True)
    assert seen.rows == (Row("a", START, 5), Row("b", START, 6))
    again = await store.reserve_seen(WINDOW, Row("c", 0, 6), MINUTE, born=seen.born)
    assert again.reservation.granted
    assert again.rows is None
    if store.kind != "memory":
        other = await store.reserve_seen(WINDOW, Row("d", 0, 6), MINUTE, born="another")
        assert other.reservation is None
        assert other.born == seen.born
        assert (await store.usage(WINDOW)).requests == 3
