"""The shared state as the rest uses it: whatever happens to the store behind it, it answers."""

import asyncio
from dataclasses import replace
from random import Random

import pytest

from aiex_lsp.config.settings import CoordinationSettings, Secret
from aiex_lsp.errors import StateError
from aiex_lsp.state.base import Store
from aiex_lsp.state.ledger import unseen
from aiex_lsp.state.memory import MemoryStore
from aiex_lsp.state.opening import open_state
from aiex_lsp.state.primary import Seen, UnsuitableError
from aiex_lsp.state.shared import SharedState
from aiex_lsp.state.sqlite import SqliteStore
from aiex_lsp.state.types import Ceiling, CircuitPolicy, Member, Row, WindowLimits

START = 1_800_000_000.0
W = "p/limits"
POLICY = CircuitPolicy(jitter=0.0)


class Hands:
    """A clock, and a store others share that can be broken, emptied and made to hang."""

    def __init__(self) -> None:
        self.time = START
        self.said: list[str] = []
        self.store = Breakable(self.clock)
        self.others = 0

    def clock(self) -> float:
        return self.time

    def server(self, name: str = "me", pauses=(1.0, 30.0), limit: float = 0.5) -> SharedState:
        return SharedState(
            self.store,
            MemoryStore(self.clock, Random(1)),
            member_id=name,
            host="host",
            tell=self.said.append,
            clock=self.clock,
            monotonic=self.clock,
            time_limit=limit,
            pauses=pauses,
        )


class Breakable(MemoryStore):
    """What a store on a disk or a network does, at a test's will."""

    kind = "sqlite"

    def __init__(self, clock) -> None:
        super().__init__(clock, Random(1))
        self.fault: Exception | None = None
        self.hang = False
        self.asked = 0
        self.born = "1"

    def empty(self) -> None:
        fresh = MemoryStore(self._clock, Random(1))
        self._windows, self._circuits = fresh._windows, fresh._circuits
        self._members, self._values = fresh._members, fresh._values
        self.born = str(int(self.born) + 1)

    async def reserve_seen(self, window, row, limits, share=1, *, born=None, view=False):
        await self.faults()
        if born not in (None, self.born):
            return Seen(None, self.born)
        seen = await super().reserve_seen(window, row, limits, share, born=None, view=view)
        return replace(seen, born=self.born)

    async def usage_seen(self, window):
        await self.faults()
        return (await super().usage_seen(window))[0], self.born

    async def faults(self) -> None:
        self.asked += 1
        if self.hang:
            await asyncio.Event().wait()
        if self.fault is not None:
            raise self.fault


def _with_faults(name):
    real = getattr(MemoryStore, name)

    async def method(self, *args):
        await self.faults()
        return await real(self, *args)

    return method


for _name in Store.__abstractmethods__ - {"reserve", "usage", "aclose"}:
    setattr(Breakable, _name, _with_faults(_name))


@pytest.fixture
def hands() -> Hands:
    return Hands()


async def take(server, name: str, limit: int | None = 60, tokens: int = 0):
    return await server.reserve(W, Row(name, 0, tokens), WindowLimits(limit, None))


async def four_members(hands, server) -> None:
    for name in ("a", "b", "c"):
        await hands.store.beat(Member(name, "host"))
    await server.heartbeat()


async def grants(server, count: int, limit: int = 60, prefix: str = "r") -> int:
    answers = [await take(server, f"{prefix}{one}", limit) for one in range(count)]
    return sum(answer.granted for answer in answers)


class TestLost:
    async def test_all_methods_answer_while_the_store_is_lost(self, hands):
        hands.store.fault = StateError("The store is gone", "Bring it back")
        server = hands.server()
        assert (await take(server, "a")).granted
        await server.settle(W, "a", 5)
        await server.release(W, "a")
        await server.publish(W, [Row("b", START, 1)])
        await server.lower(W, Ceiling(requests=5))
        assert (await server.usage(W)).requests == 1
        assert (await server.admit(["p/"], "h", 1, POLICY)).admitted
        assert (await server.record({"p/": "failure"}, "h", POLICY))[0].circuit.failure_count == 1
        await server.permit(["p/"])
        assert (await server.circuits(["p/"]))[0].failure_count == 1
        await server.reset(["p/"])
        await server.put("k", "v", 5)
        assert await server.get("k") == "v"
        await server.cache("k", b"v", 5, 10)
        assert await server.cached("k") == b"v"
        assert [one.id for one in await server.heartbeat()] == ["me"]
        assert [one.id for one in await server.members()] == ["me"]
        await server.leave("me")
        assert await server.now() == START
        await server.aclose()

    async def test_it_is_said_once_and_once_when_it_is_back(self, hands):
        server = hands.server()
        await take(server, "a")
        assert (server.kind, server.backend, server.degraded) == ("sqlite", "sqlite", None)
        hands.store.fault = StateError("The file is locked", "Close programs")
        for name in "bcd":
            await take(server, name)
        assert hands.said == [
            "The file is locked; this server goes on by itself with 1/4 of the limits. "
            "Close programs."
        ]
        assert (server.kind, server.backend) == ("memory", "sqlite")
        assert server.degraded == "The file is locked"
        hands.store.fault = None
        assert await server.recover()
        assert hands.said[1:] == ["The shared state (sqlite) works again."]
        assert server.degraded is None

    async def test_the_pauses_between_tries_grow_to_the_longest(self, hands):
        server = hands.server()
        hands.store.fault = StateError("gone")
        await take(server, "first")
        tries = []
        asked = hands.store.asked
        for tenth in range(1, 1300):
            hands.time = START + tenth / 10
            await take(server, "x")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if hands.store.asked != asked:
                asked = hands.store.asked
                tries.append(tenth / 10)
        assert tries == [1, 3, 7, 15, 31, 61, 91, 121]
        await server.aclose()

    async def test_a_store_that_flaps_is_not_tried_sooner_each_time(self, hands):
        server = hands.server()
        hands.store.fault = StateError("gone")
        await take(server, "a")
        for _ in range(3):
            assert not await server.recover()
        hands.store.fault = None
        assert await server.recover()
        hands.store.fault = StateError("gone")
        await take(server, "b")
        asked = hands.store.asked
        hands.time += 7.9  # the next pause would be eight seconds
        await take(server, "c")
        await asyncio.sleep(0)
        assert hands.store.asked == asked
        await server.aclose()

    async def test_a_store_that_hangs_costs_one_request_its_limit(self, hands):
        server = hands.server(limit=0.05)
        await take(server, "a")
        hands.store.hang = True
        assert (await asyncio.wait_for(take(server, "b"), 2)).granted
        assert "did not answer in time" in hands.said[0]
        asked = hands.store.asked
        assert (await take(server, "c")).granted
        assert hands.store.asked == asked
        await server.aclose()

    async def test_a_fault_of_ours_costs_no_request_either(self, hands):
        server = hands.server()
        hands.store.fault = KeyError("surprise")
        assert (await take(server, "a")).granted
        assert "failed (KeyError)" in hands.said[0]

    async def test_an_unsuitable_place_is_memory_for_good_and_said_once(self, hands):
        server = hands.server()
        hands.store.fault = UnsuitableError("The folder is on a network drive (nfs)", "Move it")
        assert (await take(server, "a")).granted
        hands.store.fault = None
        hands.time += 1000
        assert (await take(server, "b")).granted
        assert not await server.recover()
        assert (server.kind, server.backend) == ("memory", "memory")
        assert len(hands.said) == 1

    async def test_one_who_cannot_be_told_costs_no_request(self, hands):
        server = hands.server()
        server._line._tell = lambda sentence: 1 / 0
        hands.store.fault = StateError("gone")
        assert (await take(server, "a")).granted

    async def test_memory_alone_is_never_degraded(self, hands, tmp_path):
        server = open_state(
            CoordinationSettings("memory"), tmp_path, tell=hands.said.append, random=Random(1)
        )
        assert await grants(server, 70) == 60
        assert (server.kind, server.backend, server.degraded) == ("memory", "memory", None)
        assert await server.recover()
        assert list(tmp_path.iterdir()) == []
        await server.aclose()


class TestShare:
    async def test_a_quarter_of_the_limit_where_nobody_was_seen(self, hands):
        hands.store.fault = StateError("gone")
        assert await grants(hands.server(), 60) == 15

    async def test_the_limit_divided_by_the_members_seen(self, hands):
        server = hands.server()
        await hands.store.beat(Member("other", "host"))
        await server.heartbeat()
        hands.store.fault = StateError("gone")
        assert await grants(server, 60) == 30
        assert "1/2 of the limits" in hands.said[0]

    async def test_alone_it_keeps_the_whole_limit(self, hands):
        server = hands.server()
        await server.heartbeat()
        hands.store.fault = StateError("gone")
        assert await grants(server, 70) == 60
        assert "this server goes on by itself." in hands.said[0]

    async def test_members_not_heard_of_for_long_are_unknown_not_gone(self, hands):
        server = hands.server()
        await server.heartbeat()
        hands.time += 31
        hands.store.fault = StateError("gone")
        assert await grants(server, 60) == 15

    async def test_what_it_and_the_others_used_before_counts(self, hands):
        server = hands.server()
        await four_members(hands, server)
        for one in range(20):
            await hands.store.reserve(W, Row(f"other{one}", 0, 0), WindowLimits(60))
            hands.time += 0.5
        assert await grants(server, 12, prefix="before") == 12
        hands.store.fault = StateError("gone")
        # 32 counted before: a quarter of the other 28.
        assert await grants(server, 60) == 7
        assert (await server.usage(W)).requests == 39
        hands.time = START + 60
        assert (await take(server, "later")).granted is False
        hands.time += 1.5  # four of the others' have left
        assert (await take(server, "later")).granted

    async def test_what_was_settled_and_given_back_while_away_counts_as_such(self, hands):
        server = hands.server()
        await server.heartbeat()
        limits = WindowLimits(None, 1000)
        await server.reserve(W, Row("a", 0, 900), limits)
        hands.store.fault = StateError("gone")
        assert not (await server.reserve(W, Row("b", 0, 500), limits)).granted
        await server.settle(W, "a", 100)
        assert (await server.reserve(W, Row("b", 0, 500), limits)).granted
        await server.release(W, "b")
        hands.store.fault = None
        await server.recover()
        usage = await hands.store.usage(W)
        assert [(row.id, row.tokens) for row in usage.rows] == [("a", 100)]
        await server.aclose()


class TestBack:
    async def test_its_rows_are_told_at_once(self, hands):
        server = hands.server()
        hands.store.fault = StateError("gone")
        assert await grants(server, 5) == 5
        hands.store.fault = None
        await server.recover()
        assert (await hands.store.usage(W)).requests == 5
        await server.aclose()

    async def test_its_share_stays_on_top_until_the_others_are_back(self, hands):
        server = hands.server()
        await four_members(hands, server)
        hands.store.fault = StateError("gone")
        assert await grants(server, 10) == 10
        hands.store.fault = None
        hands.store.empty()
        await server.recover()
        # The store has only these ten; the others' 45 are not back yet.
        assert await grants(server, 60, prefix="after") == 5
        hands.time += 61
        assert await grants(server, 60, prefix="full") == 60
        await server.aclose()

    async def test_a_store_that_lost_everything_is_told_and_kept_to_the_share(self, hands):
        server = hands.server()
        await four_members(hands, server)
        for one in range(20):
            await hands.store.reserve(W, Row(f"other{one}", 0, 0), WindowLimits(60))
        assert await grants(server, 20, prefix="before") == 20
        hands.store.empty()
        # What it had and what it saw of the others': a quarter of the other 20.
        assert await grants(server, 60) == 5
        assert (await hands.store.usage(W)).requests == 25
        assert len(hands.said) == 1
        assert "began anew" in hands.said[0]
        await server.aclose()

    async def test_a_heartbeat_that_finds_it_empty_forgets_nothing_of_the_others(self, hands):
        server = hands.server()
        await four_members(hands, server)
        for one in range(40):
            await hands.store.reserve(W, Row(f"other{one}", 0, 0), WindowLimits(60))
        assert await grants(server, 8, prefix="before") == 8
        hands.store.empty()
        await server.heartbeat()
        assert (await hands.store.usage(W)).requests == 8  # told at once
        assert await grants(server, 60) == 3
        await server.aclose()

    async def test_an_empty_store_that_lost_nothing_that_counts_is_no_news(self, hands):
        server = hands.server()
        assert await grants(server, 5) == 5
        hands.time += 100
        hands.store.empty()
        assert await grants(server, 60, prefix="new") == 60
        assert hands.said == []


class TestCircuits:
    async def test_a_circuit_seen_open_stays_open_while_the_store_is_away(self, hands):
        server = hands.server()
        for _ in range(5):
            await server.record({"p/": "failure"}, "h", POLICY)
        hands.store.fault = StateError("gone")
        refused = await server.admit(["p/"], "h", 5, POLICY)
        assert not refused.admitted
        assert refused.refused_by.retry_at == START + 60
        hands.time += 60
        assert (await server.admit(["p/"], "h", 5, POLICY)).probe

    async def test_one_that_closed_meanwhile_is_closed(self, hands):
        server, other = hands.server("me"), hands.server("other")
        for _ in range(5):
            await server.record({"p/": "failure"}, "h", POLICY)
        hands.time += 60
        await other.admit(["p/"], "o", 5, POLICY)
        await other.record({"p/": "success"}, "o", POLICY)
        assert (await server.admit(["p/"], "h", 5, POLICY)).admitted
        hands.store.fault = StateError("gone")
        assert (await server.admit(["p/"], "h", 5, POLICY)).admitted


class TestCancelled:
    async def test_a_cancelled_wish_gives_back_what_it_was_granted(self, tmp_path):
        path = tmp_path / "s.db"
        state = open_state(CoordinationSettings("sqlite"), tmp_path, tell=print, random=Random(1))
        await take(state, "warm")
        for delay in (0, 0.0001, 0.0003, 0.001):
            wish = asyncio.create_task(take(state, f"wish{delay}"))
            await asyncio.sleep(delay)
            cancelled = wish.cancel()
            await asyncio.gather(wish, return_exceptions=True)
            if not cancelled:
                await state.release(W, f"wish{delay}")
        await state.aclose()
        store = SqliteStore(tmp_path / "shared.db", random=Random(1))
        assert [row.id for row in (await store.usage(W)).rows] == ["warm"]
        await store.aclose()
        assert not path.exists()

    async def test_a_settlement_is_done_though_its_caller_is_cancelled(self, tmp_path):
        state = open_state(CoordinationSettings("sqlite"), tmp_path, tell=print, random=Random(1))
        await take(state, "a", tokens=500)
        settling = asyncio.create_task(state.settle(W, "a", 7))
        await asyncio.sleep(0)
        settling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await settling
        await state.aclose()
        store = SqliteStore(tmp_path / "shared.db", random=Random(1))
        assert (await store.usage(W)).tokens == 7
        await store.aclose()

    async def test_a_cancelled_caller_does_not_keep_the_probe(self, hands):
        server = hands.server()
        for _ in range(5):
            await server.record({"p/": "failure"}, "h", POLICY)
        hands.time += 60
        hands.store.hang = True
        asking = asyncio.create_task(server.admit(["p/"], "h", 500, POLICY))
        await asyncio.sleep(0)
        hands.store.hang = False
        await hands.store.admit(["p/"], "h", 500, POLICY)  # it had got through
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await asyncio.sleep(0.01)
        assert (await server.admit(["p/"], "next", 5, POLICY)).probe


class TestMembers:
    async def test_heartbeats_tell_until_cancelled_and_then_it_leaves(self, hands):
        server = hands.server()
        beats: asyncio.Queue[None] = asyncio.Queue()

        def payload() -> str:
            beats.put_nowait(None)
            return '{"n": 1}'

        beating = asyncio.create_task(server.run_heartbeats(payload, 0.01))
        for _ in range(2):  # before the second the first was told
            await beats.get()
        member = (await hands.store.members())[0]
        assert (member.id, member.host, member.payload) == ("me", "host", '{"n": 1}')
        beating.cancel()
        with pytest.raises(asyncio.CancelledError):
            await beating
        assert await hands.store.members() == []

    async def test_a_member_s_name_holds_machine_and_process(self, tmp_path):
        import os
        import socket

        state = open_state(CoordinationSettings(), tmp_path, tell=print, random=Random(1))
        assert state.member_id.startswith(f"{socket.gethostname()}-{os.getpid()}-")
        assert list(tmp_path.iterdir()) == []
        await state.aclose()


async def test_a_password_in_the_address_is_never_told(hands, tmp_path, caplog):
    state = open_state(
        CoordinationSettings("redis", Secret("redis://me:hunter2@127.0.0.1:1/0")),
        tmp_path,
        tell=hands.said.append,
        random=Random(1),
    )
    assert (await take(state, "a")).granted
    assert "127.0.0.1:1 cannot be reached" in hands.said[0]
    assert "hunter2" not in hands.said[0] + caplog.text + repr(state) + str(state.degraded)
    await state.aclose()


class TestUnseen:
    def test_nobody_seen_nothing_is_assumed(self):
        assert unseen([], 10.0, START, None) == []

    def test_the_others_may_have_gone_on_as_fast_as_at_their_fastest(self):
        rows = [Row(str(one), START + at, 1) for one, at in enumerate((0, 0.1, 0.2, 5, 9))]
        assumed = unseen(rows, 0.2, START + 10, None)
        assert len(assumed) == 3
        assert all(row.at == START + 10 for row in assumed)
        assert len(unseen(rows, 0.05, START + 10, None)) == 1
        assert len(unseen(rows, 60, START + 10, 2)) == 2
