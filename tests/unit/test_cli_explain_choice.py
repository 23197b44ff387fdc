"""`--explain-choice`: what the command line tells of the choice of a provider."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from aiex_lsp.cli.common import Runtime
from aiex_lsp.cli.program import program
from aiex_lsp.errors import NoProviderError
from aiex_lsp.llm.types import CandidateReport, ChoiceReport
from tests.unit.test_cli_commands import ANSWER, World

CHOICE = ChoiceReport(
    "load_balanced",
    "load_balanced among the configured providers",
    (
        CandidateReport("openai", "gpt", 1.234, "first token 0.8 s"),
        CandidateReport("ollama", None, 20.0, "not measured yet"),
    ),
    {"anthropic": "left alone after 5 failures, tried again in 42 s"},
)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    made = World(tmp_path)
    made.tasks.answer = replace(ANSWER, choice=CHOICE)
    return made


def test_candidates_scores_and_who_was_left_out_are_told_before_the_attempts(world: World):
    told = world.run("explain", "f.py", "--explain-choice").stderr.splitlines()
    start = told.index("chosen: load_balanced among the configured providers")
    assert told[start + 1 : start + 5] == [
        "  1. openai (gpt) · score 1.23 · first token 0.8 s",
        "  2. ollama (its default model) · score 20 · not measured yet",
        "  left out anthropic: left alone after 5 failures, tried again in 42 s",
        "tried openai (gpt): rate_limited, 0.2 s",
    ]


def test_it_is_told_only_where_it_was_asked_for(world: World):
    assert "chosen:" not in world.run("explain", "f.py").stderr
    assert "choice" not in json.loads(world.run("explain", "f.py", "--json").stdout)["answer"]


@pytest.mark.parametrize("command", ["explain", "analyze", "tests"])
def test_machines_get_it_in_the_answer(world: World, command: str):
    result = world.run(command, "f.py", "--json", "--explain-choice")
    choice = json.loads(result.stdout)["answer"]["choice"]
    assert choice["strategy"] == "load_balanced"
    assert choice["candidates"][0] == {
        "provider": "openai",
        "model": "gpt",
        "score": 1.234,
        "note": "first token 0.8 s",
    }
    assert choice["leftOut"] == CHOICE.left_out


def test_where_nobody_was_left_each_reason_is_told(world: World):
    world.tasks.error = NoProviderError("No provider", "Wait", reasons=CHOICE.left_out)
    result = world.run("explain", "f.py", "--explain-choice")
    assert result.exit_code == 1
    assert "left out anthropic: left alone after 5 failures" in result.stderr
    assert "left out" not in world.run("explain", "f.py").stderr


REAL = """
default_provider = "one"
fallback_providers = ["two"]
[retry]
tries = 1
[providers.one]
type = "openai"
base_url = "http://127.0.0.1:9"
default_model = "m"
[providers.two]
type = "ollama"
base_url = "http://127.0.0.1:9"
default_model = "n"
[coordination]
backend = "memory"
"""


def test_of_a_call_that_fails_it_is_told_who_was_chosen_and_tried(tmp_path: Path):
    (tmp_path / "config.toml").write_text(REAL)
    source = tmp_path / "f.py"
    source.write_text("def f(x):\n    return x + 1\n")
    env = {"AIEX_CONFIG": str(tmp_path / "config.toml"), "AIEX_STATE_DIR": str(tmp_path / "state")}
    command = ["explain", str(source)]
    told = CliRunner().invoke(program, [*command, "--explain-choice"], obj=Runtime(env=env))
    assert told.exit_code == 1
    lines = told.stderr.splitlines()
    assert lines[:3] == ["chosen: named", "  1. one", "  2. two"]
    tried = [line.rpartition(",")[0] for line in lines if line.startswith("tried ")]
    assert tried == [
        "tried one (m): connect",
        "tried two (n): connect",
    ]
    assert "left out" not in told.stderr
    assert lines[-1].startswith("aiex-lsp: ")
    quiet = CliRunner().invoke(program, command, obj=Runtime(env=env))
    assert len(quiet.stderr.splitlines()) == 1
