"""Until when a provider is not worth asking, and who knows it."""

import asyncio
from random import Random

import pytest

from aiex_lsp.errors import FailureKind as Kind
from aiex_lsp.errors import ProviderError
from aiex_lsp.llm.holds import Holds
from aiex_lsp.state.memory import MemoryStore
from tests.clock import in_virtual_time, unix_time


def failed(kind, retry_after=None):
    return ProviderError(kind, "x", provider="a", retry_after=retry_after)


@in_virtual_time
async def test_a_named_wait_binds_every_server_until_it_is_over():
    store = MemoryStore(unix_time, Random(1))
    here, there = Holds(store), Holds(store)
    await here.note("s", "m", failed(Kind.RATE_LIMITED, 20.0))
    hold, left = await there.get("s", "m")
    assert (hold.kind, hold.hard) == ("rate_limited", True)
    assert left == pytest.approx(20.0)
    assert await there.get("s", "other") == (None, 0.0)
    await asyncio.sleep(20.1)
    assert await there.get("s", "m") == (None, 0.0)


@in_virtual_time
@pytest.mark.parametrize("kind", [Kind.QUOTA, Kind.CREDENTIALS, Kind.REGION])
async def test_what_holds_for_the_account_holds_for_all_its_models_and_is_only_a_preference(kind):
    holds = Holds(MemoryStore(unix_time, Random(1)))
    await holds.note("s", "m", failed(kind))
    hold, left = await holds.get("s", "other")
    assert (hold.kind, hold.hard) == (kind.value, False)
    assert left == pytest.approx(300.0)


@in_virtual_time
async def test_a_passing_fault_holds_nobody_and_an_answer_ends_a_hold():
    holds = Holds(MemoryStore(unix_time, Random(1)))
    await holds.note("s", "m", failed(Kind.TRANSIENT))
    await holds.note("s", "m", failed(Kind.STALL))
    assert await holds.get("s", "m") == (None, 0.0)
    await holds.note("s", "m", failed(Kind.QUOTA))
    await holds.clear("s", "m")
    assert await holds.get("s", "m") == (None, 0.0)


@in_virtual_time
@pytest.mark.parametrize("text", ["[]", "x", '{"until": "soon"}', '{"until": 1e999, "kind": ""}'])
async def test_what_somebody_else_wrote_harms_nothing(text):
    store = MemoryStore(unix_time, Random(1))
    await store.put("s/not-before/m", text, 100.0)
    assert await Holds(store).get("s", "m") == (None, 0.0)


@in_virtual_time
async def test_a_user_who_mended_it_ends_the_holds_that_others_noted():
    store = MemoryStore(unix_time, Random(1))
    await Holds(store).note("s", "m", failed(Kind.QUOTA))
    await Holds(store).note("s", "m", failed(Kind.RATE_LIMITED, 60.0))
    await Holds(store).forget("s", ["m"])
    assert await Holds(store).get("s", "m") == (None, 0.0)


async def test_a_clock_set_back_by_an_hour_does_not_bar_a_provider_for_an_hour():
    at = [1_767_225_600.0]
    holds = Holds(MemoryStore(lambda: at[0], Random(1)))
    await holds.note("s", "m", failed(Kind.RATE_LIMITED, 20.0))
    at[0] -= 3600
    assert await holds.get("s", "m") == (None, 0.0)
    await holds.note("s", "m", failed(Kind.RATE_LIMITED, 20.0))
    assert (await holds.get("s", "m"))[1] == pytest.approx(20.0)
    at[0] += 7200
    assert await holds.get("s", "m") == (None, 0.0)
