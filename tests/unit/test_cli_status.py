"""`aiex-lsp providers` and `aiex-lsp doctor`: real configuration, real servers on this machine."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result

from aiex_lsp.cli.common import Runtime
from aiex_lsp.cli.program import program
from aiex_lsp.config.loader import load
from aiex_lsp.config.paths import config_paths
from aiex_lsp.doctor import diagnose, diagnosis_json
from aiex_lsp.events.bus import EventBus
from aiex_lsp.llm.adapters import registry
from aiex_lsp.llm.adapters.base import AdapterContext
from aiex_lsp.llm.health import HealthMonitor
from aiex_lsp.llm.measured import Board
from aiex_lsp.llm.overview import Overview
from aiex_lsp.llm.peers import Peers
from aiex_lsp.llm.pool import AdapterPool
from tests.probed import Clock, Team
from tests.servers.base import serve_in_thread
from tests.servers.openai import OpenAIServer

KEY = "sk-test-0123456789"


class FakeApp:
    """The composition root's part for these commands."""

    def __init__(self, paths: Any, env: Any, workspace: Path | None, cli: Any) -> None:
        self.settings = load(paths, env=env, cli=cli, workspace=workspace).settings
        self.problems = self.settings.problems
        self.pool = AdapterPool(
            registry.make, lambda seconds: AdapterContext(connect_timeout=seconds), time.monotonic
        )
        clock = Clock(time.time())
        store: Any = Team(clock, "me")
        bus = EventBus()
        board = Board(clock, Random(1))
        monitor = HealthMonitor(self.pool, store, bus, lambda: self.settings, now=clock)

        async def doctor() -> Mapping[str, Any]:
            return diagnosis_json(await diagnose(self.settings, self.pool, store, limit=3.0))

        self.overview = Overview(
            self.pool,
            store,
            board,
            monitor,
            bus,
            lambda: self.settings,
            Peers(store, board),
            diagnose=doctor,
            now=clock,
        )

    def listen(self, listener: Any) -> None:
        del listener

    async def aclose(self) -> None:
        await self.overview.aclose()
        await self.pool.aclose()


class World:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.env = {"HOME": str(root / "home"), "XDG_CONFIG_DIRS": str(root)}
        self.file = root / "config.toml"

    def configure(self, text: str) -> None:
        self.file.write_text(text)

    def run(self, *args: str) -> Result:
        def make(workspace: Path | None, cli: Any, file: Path | None, env: Any) -> Any:
            return FakeApp(config_paths(env, config_file=file), env, workspace, cli)

        options = ("--config", str(self.file)) if self.file.exists() else ()
        runtime = Runtime(env=self.env, make_app=make)
        return CliRunner().invoke(program, [*args, *options], obj=runtime)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    return World(tmp_path)


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with serve_in_thread(OpenAIServer(key=KEY)) as found:
        yield found


def gateway(url: str, key: str = KEY, name: str = "work", more: str = "") -> str:
    return f'[providers.{name}]\ntype = "openai"\nbase_url = "{url}"\napi_key = "{key}"\n{more}\n'


def closed() -> str:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{sock.getsockname()[1]}/v1"


def row(result: Result, name: str) -> list[str]:
    return next(line for line in result.stdout.splitlines() if line.startswith(f"{name} ")).split()


# -- providers --------------------------------------------------------------------------------


def test_providers_are_a_table(world: World, server: OpenAIServer) -> None:
    world.configure(gateway(server.base_url) + gateway(closed(), name="down"))
    result = world.run("providers", "--check")
    assert result.exit_code == 0
    head = result.stdout.splitlines()[0].split()
    assert head == [
        *("PROVIDER", "TYPE", "HEALTH", "CIRCUIT", "REQUESTS", "TOKENS", "LATENCY", "MODEL")
    ]
    found = row(result, "work")
    assert " ".join(found).startswith("work openai healthy closed 60 of 60 90,000 of 90,000")
    assert found[-1] == "gpt-fake"
    assert row(result, "down")[2] == "unhealthy"
    assert "down: down is not reachable at http://127.0.0.1" in result.stdout
    assert server.generations == []


def test_without_check_nobody_is_asked(world: World, server: OpenAIServer) -> None:
    world.configure(gateway(server.base_url))
    result = world.run("providers")
    assert row(result, "work")[2] == "unknown"
    assert server.requests == []


def test_providers_as_json_are_the_contracts(world: World, server: OpenAIServer) -> None:
    world.configure(gateway(server.base_url, more='rate_limits = "unlimited"'))
    found = json.loads(world.run("providers", "--check", "--json").stdout)
    work = next(one for one in found if one["provider"] == "work")
    assert work["status"] == "healthy"
    assert work["responseTimeMs"] >= 0
    assert work["rateLimit"]["tokens"] == {"current": 0, "limit": None, "remaining": None}
    assert KEY not in json.dumps(found)


def test_one_provider_alone(world: World, server: OpenAIServer) -> None:
    world.configure(gateway(server.base_url))
    found = json.loads(world.run("providers", "--provider", "work", "--check", "--json").stdout)
    assert [one["provider"] for one in found] == ["work"]


def test_a_provider_that_is_switched_off_or_unknown(world: World) -> None:
    world.configure(gateway(closed(), more="enabled = false"))
    result = world.run("providers", "--provider", "work")
    assert result.exit_code == 2
    assert "not switched on" in result.stderr
    assert world.run("providers", "--provider", "wrok").exit_code == 2


# -- doctor -----------------------------------------------------------------------------------


def test_a_doctor_who_finds_nothing_wrong(world: World, server: OpenAIServer) -> None:
    world.configure(gateway(server.base_url))
    result = world.run("doctor")
    assert result.exit_code == 0, result.stdout
    lines = result.stdout.splitlines()
    start = lines.index("work")
    assert lines[start + 1].startswith("  ✓ There is an API key")
    assert f"  ✓ {server.root_url} answers" in lines
    assert "  ✓ The key was accepted" in lines
    assert "  ✓ gpt-fake is asked by default" in lines
    assert lines[-1] == "Every provider in use can be asked."
    assert KEY not in result.stdout
    assert server.generations == []


def test_a_wrong_key_has_its_remedy_below_and_status_1(world: World, server: OpenAIServer) -> None:
    world.configure(gateway(server.base_url, key="sk-wrong-9876543210"))
    result = world.run("doctor")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    wrong = lines.index("  ✗ work refused the API key (401)")
    assert lines[wrong + 1] == "      Check api_key in [providers.work]."
    assert "lines with ✗ say what to do" in lines[-1]
    assert "sk-wrong" not in result.stdout + result.stderr


def test_doctor_as_json(world: World) -> None:
    world.configure(gateway(closed()))
    result = world.run("doctor", "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["ok"] is False
    (wrong,) = [one for one in found["checks"] if one["status"] == "error"]
    assert (wrong["id"], wrong["provider"]) == ("address", "work")
    assert wrong["remedy"] == "Start the server, or correct its base_url."


def test_problems_of_the_file_are_told_once_with_their_place(
    world: World, server: OpenAIServer
) -> None:
    world.configure("[hover]\nmod = 1\n" + gateway(server.base_url))
    result = world.run("doctor")
    told = [line for line in (result.stdout + result.stderr).splitlines() if "hover.mod" in line]
    assert result.exit_code == 0
    assert len([line for line in told if "config.toml:2" in line]) == 1


def test_the_provider_that_is_named_is_the_one_in_use(world: World, server: OpenAIServer) -> None:
    world.configure(gateway(server.base_url) + gateway(closed(), name="down"))
    assert world.run("doctor").exit_code == 1
    assert world.run("doctor", "--provider", "work").exit_code == 0
    wrong = world.run("doctor", "--provider", "wrok")
    assert wrong.exit_code == 2


def test_a_file_that_is_not_there(world: World) -> None:
    result = world.run("doctor", "--config", "gone.toml")
    assert result.exit_code == 2
    assert "gone.toml does not exist" in result.stderr


def test_a_circuit_is_told_with_its_failures_and_times():
    from datetime import UTC, datetime

    from aiex_lsp.cli.providers import circuit_line

    circuit = {
        "state": "open",
        "failureCount": 5,
        "lastFailure": "2026-01-01T00:00:00Z",
        "retryAt": "2026-01-01T00:01:00Z",
    }
    now = datetime(2026, 1, 1, 0, 0, 12, tzinfo=UTC)
    assert circuit_line(circuit, now) == (
        "circuit open, 5 failures, the last 12 s ago, next probe in 48 s"
    )
