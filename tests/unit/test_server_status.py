"""The methods about all providers, and `aiex/providerHealth`, as an editor sees them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aiex_lsp.app import App
from aiex_lsp.config.paths import config_paths
from tests.e2e import profiles
from tests.editor import RequestFailed
from tests.scripted import World, provider_status
from tests.servers.openai import OpenAIServer
from tests.servers.script import Reply, status
from tests.session import QUICK, connected, session

HEALTH = "aiex/providerHealth"
OPTED_IN: dict[str, Any] = {"experimental": {"aiex": {"providerHealth": True}}}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "state")


@pytest.mark.parametrize("method", ["aiex/providers", "aiex/checkHealth"])
async def test_each_provider_is_told_as_request_and_as_command(world, method):
    async with session(world, profiles.vscode()) as editor:
        asked = await editor.request(method, {})
        commanded = await editor.command(method)
    assert asked == commanded == [provider_status("anthropic"), provider_status("ollama")]


async def test_one_provider_is_probed_alone(world):
    async with session(world, profiles.vscode()) as editor:
        found = await editor.request("aiex/checkHealth", {"provider": "ollama"})
    assert [one["provider"] for one in found] == ["ollama"]


async def test_a_reset_circuit_answers_with_its_providers_status(world):
    async with session(world, profiles.vscode()) as editor:
        found = await editor.request("aiex/resetCircuit", {"provider": "anthropic"})
    assert found["circuit"]["state"] == "closed"


async def test_the_team_and_the_doctor_answer(world):
    async with session(world, profiles.vscode()) as editor:
        cluster = await editor.request("aiex/clusterHealth")
        doctor = await editor.command("aiex/diagnoseConfig")
    assert cluster == {"backend": "sqlite", "members": []}
    assert doctor["ok"] is False
    assert doctor["checks"][0]["id"] == "key"


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("aiex/resetCircuit", {}, "`provider` is missing"),
        ("aiex/resetCircuit", {"provider": 3}, "`provider` must be a string"),
        ("aiex/resetCircuit", {"provider": "olama"}, "'olama' is not configured. Did you mean"),
        ("aiex/checkHealth", {"provider": "olama"}, "'olama' is not configured"),
    ],
)
async def test_a_wrong_provider_is_invalid_params_that_names_it(world, method, params, words):
    async with session(world, profiles.vscode()) as editor:
        with pytest.raises(RequestFailed) as caught:
            await editor.request(method, params)
    assert caught.value.code == -32602
    assert words in caught.value.message


async def test_a_server_without_coordination_answers_with_nothing(world):
    world.coordination = None
    async with session(world, {**profiles.vscode(), **OPTED_IN}) as editor:
        assert await editor.request("aiex/providers") == []
        assert await editor.request("aiex/checkHealth") == []
        assert await editor.request("aiex/resetCircuit", {"provider": "x"}) is None
        assert (await editor.request("aiex/clusterHealth"))["members"] == []
        assert await editor.request("aiex/diagnoseConfig") == {"ok": True, "checks": []}
        assert editor.notifications(HEALTH) == []


async def test_a_client_that_opted_in_is_told_at_the_start_and_of_each_change(world):
    async with session(world, OPTED_IN) as editor:
        first = (await editor.until(lambda: editor.notifications(HEALTH)))[0]
        world.coordination.change("busy")
        await editor.until(lambda: len(editor.notifications(HEALTH)) == 2)
        world.coordination.change("ok")
        await editor.until(lambda: len(editor.notifications(HEALTH)) == 3)
    assert first["summary"] == {"text": "anthropic", "tooltip": "", "severity": "ok"}
    assert first["active"] == {"provider": "anthropic", "model": "small", "strategy": "random"}
    assert [one["provider"] for one in first["providers"]] == ["anthropic", "ollama"]
    assert first["todayCost"] == 0.12
    severities = [one["summary"]["severity"] for one in editor.notifications(HEALTH)]
    assert severities == ["ok", "busy", "ok"]
    assert editor.server.health.poke not in world.coordination.watchers


async def test_opting_in_by_initialization_options_is_the_same(world):
    options = {"aiex": {"providerHealth": True}}
    async with session(world, profiles.neovim(), options=options) as editor:
        await editor.until(lambda: editor.notifications(HEALTH))


async def test_nothing_is_sent_where_nothing_is_different(world):
    async with session(world, OPTED_IN) as editor:
        await editor.until(lambda: editor.notifications(HEALTH))
        for _ in range(3):
            before = world.coordination.reports
            world.coordination.change()
            await editor.until(lambda before=before: world.coordination.reports > before)
        assert len(editor.notifications(HEALTH)) == 1


async def test_a_burst_of_changes_is_told_by_its_first_and_its_last(world):
    limits = replace(QUICK, health_interval=0.05)
    async with session(world, OPTED_IN, limits=limits) as editor:
        await editor.until(lambda: editor.notifications(HEALTH))
        for number in range(200):
            world.coordination.statuses["ollama"]["requestCount"] = number
            world.coordination.change()
            if number % 20 == 0:
                await asyncio.sleep(0)
        await editor.until(
            lambda: editor.notifications(HEALTH)[-1]["providers"][1]["requestCount"] == 199
        )
    assert len(editor.notifications(HEALTH)) <= 4


async def test_who_did_not_opt_in_is_sent_nothing_and_nothing_is_reckoned(world):
    async with session(world, profiles.vscode()) as editor:
        await editor.until(lambda: world.coordination.started)
        world.coordination.change("busy")
        await editor.request("aiex/providers")
        assert editor.notifications(HEALTH) == []
    assert world.coordination.reports == 0


async def test_probes_begin_once_however_often_settings_change(world):
    async with session(world, OPTED_IN) as editor:
        await editor.until(lambda: world.coordination.started)
        for _ in range(3):
            editor.notify("workspace/didChangeConfiguration", {"settings": {"aiex": {}}})
        await editor.until(lambda: len(world.configured) == 4)
        await editor.request("aiex/selectProvider", {"provider": "ollama"})
    assert world.coordination.started == 1


async def test_another_selection_is_told(world):
    async with session(world, OPTED_IN) as editor:
        await editor.until(lambda: editor.notifications(HEALTH))
        before = world.coordination.reports
        await editor.request("aiex/selectProvider", {"provider": "ollama"})
        await editor.until(lambda: world.coordination.reports > before)


async def test_a_report_that_fails_is_logged_and_the_next_one_is_sent(world, caplog):
    real, failures = world.coordination.report, iter([RuntimeError("broken")])

    async def report() -> Any:
        for failure in failures:
            raise failure
        return await real()

    world.coordination.report = report
    async with session(world, OPTED_IN) as editor:
        await editor.until(lambda: "could not be told" in caplog.text)
        world.coordination.change("ok")
        await editor.until(lambda: editor.notifications(HEALTH))


# -- the whole server, and a provider on this machine ------------------------------------------


class Real:
    """The services of a real server, by a configuration file."""

    def __init__(self, folder: Path, text: str) -> None:
        env = {
            "HOME": str(folder),
            "XDG_CONFIG_DIRS": str(folder),
            "AIEX_CONFIG": str(folder / "config.toml"),
            "AIEX_STATE_DIR": str(folder / "state"),
        }
        (folder / "config.toml").write_text(text)
        self.services = App(config_paths(env), env)._services


def ours(notification: dict[str, Any]) -> dict[str, Any]:
    return next(one for one in notification["providers"] if one["provider"] == "work")


async def test_work_and_an_outage_are_told_while_they_happen(tmp_path):
    config = """
[providers.work]
type = "openai"
base_url = "{url}"
default_model = "gpt-fake"
[circuit_breaker]
failure_threshold = 2
[retry]
tries = 1
[health]
interval = 0
"""
    async with OpenAIServer() as provider:
        world: Any = Real(tmp_path, config.format(url=provider.base_url))
        async with connected(world, {**profiles.vscode(), **OPTED_IN}) as editor:
            await editor.initialize(tmp_path)

            def seen() -> list[Any]:
                return editor.notifications(HEALTH)

            first = (await editor.until(seen))[0]
            assert first["summary"]["text"] == "work · gpt-fake"
            assert ours(first)["status"] == "unknown"

            editor.open("file:///w/calc.py", "def add(a, b):\n    return a + b\n")
            place = {
                "textDocument": {"uri": "file:///w/calc.py"},
                "position": {"line": 0, "character": 5},
            }
            # Longer than the quarter of a second in which one notification speaks for many.
            provider.script(Reply(first_token=0.6))
            await editor.request("aiex/explain", place)
            await editor.until(lambda: ours(seen()[-1])["status"] == "healthy")
            await editor.until(lambda: seen()[-1]["summary"]["severity"] == "ok")
            assert "busy" in [one["summary"]["severity"] for one in seen()]
            assert ours(seen()[-1])["requestCount"] == 1
            assert ours(seen()[-1])["rateLimit"]["requests"]["current"] == 1

            provider.answer = lambda _body: status(500)
            for level in ("brief", "detailed"):
                with pytest.raises(RequestFailed):
                    await editor.request("aiex/explain", {**place, "level": level})
            await editor.until(lambda: ours(seen()[-1])["circuit"]["state"] == "open")
            await editor.until(lambda: seen()[-1]["summary"]["severity"] == "error")
            assert seen()[-1]["summary"]["text"] == "work ⚠ circuit open"
            assert ours(seen()[-1])["circuit"]["retryAt"] is not None

            reset = await editor.request("aiex/resetCircuit", {"provider": "work"})
            assert reset["circuit"]["state"] == "closed"
            await editor.until(lambda: ours(seen()[-1])["circuit"]["state"] == "closed")
            checked = await editor.request("aiex/checkHealth", {"provider": "work"})
            assert checked[0]["status"] == "healthy"
            await editor.until(lambda: seen()[-1]["summary"]["text"] == "work · gpt-fake")
            cluster = await editor.request("aiex/clusterHealth")
            assert cluster["backend"] == "sqlite"
            assert "work" in [one["provider"] for one in cluster["members"][0]["providers"]]
            assert (await editor.request("aiex/diagnoseConfig"))["ok"] is True
