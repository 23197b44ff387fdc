"""`aiex/usage` as an editor sees it, from a real record."""

from __future__ import annotations

import time

import pytest

from aiex_lsp.events.recorder import UsageRecorder
from aiex_lsp.state.usage import UsageStore
from tests.e2e import profiles
from tests.editor import RequestFailed
from tests.scripted import World
from tests.session import session
from tests.unit.test_events_recorder import answered


@pytest.fixture
async def recorder(tmp_path):
    made = UsageRecorder(UsageStore(tmp_path / "usage.sqlite3"))
    yield made
    await made.aclose()


async def test_it_answers_as_request_and_as_command(tmp_path, recorder):
    recorder(answered(time.time() - 0.01))
    world = World(tmp_path / "state")
    make = world.services

    def services(init):
        made = make(init)
        made.usage = recorder.usage
        return made

    world.services = services
    async with session(world, profiles.vscode()) as editor:
        asked = await editor.request("aiex/usage", {"days": 1})
        commanded = await editor.command("aiex/usage")
    assert asked["total"]["requests"] == 1
    assert asked["providers"][0]["provider"] == "anthropic"
    assert len(asked["byDay"]) == 1
    assert len(commanded["byDay"]) == 7


async def test_a_server_that_records_nothing_answers_zeros(tmp_path):
    async with session(World(tmp_path / "state"), profiles.vscode()) as editor:
        found = await editor.request("aiex/usage")
    assert found["total"]["requests"] == 0
    assert found["providers"] == []


@pytest.mark.parametrize("days", [0, 91, 1.5, True, "7"])
async def test_wrong_days_are_named(tmp_path, days):
    async with session(World(tmp_path / "state"), profiles.vscode()) as editor:
        with pytest.raises(RequestFailed, match="`days` must be a whole number from 1 to 90"):
            await editor.request("aiex/usage", {"days": days})
