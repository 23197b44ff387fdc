"""Who may ask a provider that fails, and what is said to those who may not."""

import asyncio
from random import Random

import pytest

from aiex_lsp.config.settings import CircuitBreakerSettings, ProviderSettings
from aiex_lsp.errors import FailureKind as Kind
from aiex_lsp.errors import ProviderError
from aiex_lsp.events.bus import EventBus
from aiex_lsp.events.types import CircuitChanged
from aiex_lsp.llm.circuit_breaker import CircuitBreaker, policy_of, ramp_of, status_of
from aiex_lsp.state.memory import MemoryStore
from tests.clock import in_virtual_time, unix_time

PROVIDER = ProviderSettings("anthropic", "anthropic")
SETTINGS = CircuitBreakerSettings()


class Rig:
    def __init__(self):
        self.bus, self.events = EventBus(), []
        self.bus.subscribe(self.events.append)
        self.store = MemoryStore(unix_time, Random(1))
        self.breaker = CircuitBreaker(self.store, self.bus, unix_time)

    async def admit(self, model="m"):
        return await self.breaker.admit(PROVIDER, "s", model, SETTINGS, 30.0)

    async def fail(self, times, kind=Kind.TRANSIENT, model="m"):
        for _ in range(times):
            await self.breaker.record(await self.admit(model), kind)

    async def refused(self, model="m"):
        with pytest.raises(ProviderError) as caught:
            await self.admit(model)
        assert caught.value.kind is Kind.CIRCUIT_OPEN
        return caught.value

    @property
    def changes(self):
        found = [e for e in self.events if isinstance(e, CircuitChanged)]
        return [(e.model, e.before, e.after) for e in found]


@in_virtual_time
async def test_five_failures_in_a_row_open_it_and_the_sixth_caller_hears_for_how_long():
    rig = Rig()
    await rig.fail(5)
    error = await rig.refused()
    assert str(error).startswith("anthropic (m) is left alone after 5 failures. Try again in 6")
    assert "reset its circuit" in str(error)
    assert 60 <= error.retry_after <= 66
    assert rig.changes == [("m", "closed", "open")]


@in_virtual_time
async def test_a_success_between_begins_the_count_anew():
    rig = Rig()
    await rig.fail(4)
    await rig.breaker.record(await rig.admit(), None)
    await rig.fail(4)
    await rig.admit()


@pytest.mark.parametrize(
    "kind", [Kind.CANCELLED, Kind.RATE_LIMITED, Kind.CREDENTIALS, Kind.BAD_REQUEST, Kind.OWN_LIMIT]
)
def test_what_is_not_the_providers_health_counts_for_nothing(kind):
    @in_virtual_time
    async def test():
        rig = Rig()
        await rig.fail(50, kind)
        await rig.admit()

    test()


@in_virtual_time
async def test_a_models_failures_leave_the_providers_other_models_alone():
    rig = Rig()
    await rig.fail(5, model="big")
    await rig.refused("big")
    await rig.admit("small")


@in_virtual_time
async def test_a_server_that_is_down_is_down_for_all_its_models():
    rig = Rig()
    await rig.fail(3, Kind.CONNECT, "big")
    await rig.fail(2, Kind.CONNECT, "small")
    await rig.refused("big")
    await rig.refused("third")


@in_virtual_time
async def test_half_open_lets_one_through_and_its_success_closes():
    rig = Rig()
    await rig.fail(5)
    await asyncio.sleep(70)
    probe = await rig.admit()
    assert probe.probe
    assert "being tried again by another call" in str(await rig.refused())
    await rig.breaker.record(probe, None)
    await rig.admit()
    circuits = await rig.store.circuits(["s/m"])
    assert status_of(circuits).state == "closed"


@in_virtual_time
async def test_a_failed_probe_doubles_the_time_up_to_the_most():
    rig = Rig()
    await rig.fail(5)
    waits = []
    for _ in range(6):
        wait = (await rig.refused()).retry_after
        waits.append(wait)
        await asyncio.sleep(wait + 0.01)
        await rig.fail(1)
    for wait, expected in zip(waits, (60, 120, 240, 480, 600, 600), strict=True):
        assert expected <= wait <= expected * 1.1


@in_virtual_time
async def test_a_cancelled_probe_gives_its_turn_to_the_next():
    rig = Rig()
    await rig.fail(5)
    await asyncio.sleep(70)
    await rig.breaker.record(await rig.admit(), Kind.CANCELLED)
    assert (await rig.admit()).probe


@in_virtual_time
async def test_a_circuit_that_closed_ramps_up():
    rig = Rig()
    await rig.fail(5)
    await asyncio.sleep(70)
    await rig.breaker.record(await rig.admit(), None)
    policy = policy_of(SETTINGS)

    async def ramp():
        return ramp_of(await rig.store.circuits(["s/", "s/m"]), policy, unix_time())

    assert await ramp() == pytest.approx(0.1)
    await asyncio.sleep(15)
    assert await ramp() == pytest.approx(0.5, abs=0.01)
    await asyncio.sleep(16)
    assert await ramp() == 1.0
