"""Code actions: the contract's table, answered from memory."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from aiex_lsp.config.settings import FeatureSettings
from aiex_lsp.server import outlines
from tests.e2e import profiles
from tests.scripted import World
from tests.session import session

URI = "file:///w/calc.py"
CODE = """\
import os


class Calc:
    def add(self, a, b):
        total = a + b
        return total


def test_add():
    assert Calc().add(1, 2) == 3
"""
KINDS = [
    "aiex.explain",
    "aiex.analyze.general",
    "aiex.analyze.performance",
    "aiex.analyze.security",
    "aiex.analyze.maintainability",
    "aiex.generateTests",
    "refactor.rewrite.aiex.document",
    "refactor.rewrite.aiex.refactor",
]


def ask(start: tuple[int, int], end: tuple[int, int] | None = None, uri: str = URI, **context):
    place = {
        "start": {"line": start[0], "character": start[1]},
        "end": dict(zip(("line", "character"), end or start, strict=True)),
    }
    return {
        "textDocument": {"uri": uri},
        "range": place,
        "context": {"diagnostics": [], **context},
    }


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "state")


async def actions(world: World, params: dict, profile=None, text: str = CODE, **kwargs):
    async with session(
        world, profiles.vscode() if profile is None else profile, **kwargs
    ) as editor:
        editor.open(params["textDocument"]["uri"], text)
        return await editor.request("textDocument/codeAction", params)


async def test_a_function_is_offered_the_whole_table(world):
    found = await actions(world, ask((4, 9), triggerKind=1))
    assert [(a["title"], a["kind"]) for a in found] == [
        ("Explain `add`", "aiex.explain"),
        ("Analyze `add` (general)", "aiex.analyze.general"),
        ("Analyze `add` (performance)", "aiex.analyze.performance"),
        ("Analyze `add` (security)", "aiex.analyze.security"),
        ("Analyze `add` (maintainability)", "aiex.analyze.maintainability"),
        ("Generate tests for `add`", "aiex.generateTests"),
        ("Document `add`", "refactor.rewrite.aiex.document"),
        ("Refactor `add`", "refactor.rewrite.aiex.refactor"),
        ("Write a haiku: `add`", "aiex.haiku"),
    ]
    name = {"start": {"line": 4, "character": 8}, "end": {"line": 4, "character": 11}}
    base = {"textDocument": {"uri": URI, "version": 1}, "range": name}
    commands = [(a["command"]["command"], a["command"]["arguments"]) for a in found]
    assert commands[0] == ("aiex/explain", [base])
    assert commands[3] == ("aiex/analyze", [{**base, "analysisType": "security"}])
    assert commands[5] == ("aiex/generateTests", [base])
    assert commands[6] == ("aiex/document", [base])
    assert commands[7] == ("aiex/refactor", [base])
    assert commands[8] == ("aiex/run", [{**base, "template": "haiku"}])
    for action in found:
        assert action["tags"] == [1]
        assert "edit" not in action
        assert "isPreferred" not in action
        assert "data" not in action


async def test_the_command_of_an_action_runs(world):
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        found = await editor.request("textDocument/codeAction", ask((4, 9)))
        command = found[0]["command"]
        await editor.command(command["command"], *command["arguments"])
        await editor.until(lambda: editor.shown)
    span = world.tasks.asked[0][1].span
    assert CODE[span.start : span.end] == "add"


@pytest.mark.parametrize(
    ("only", "kinds"),
    [
        (["aiex"], [*KINDS[:6], "aiex.haiku"]),
        (["refactor"], KINDS[6:]),
        (["refactor.rewrite.aiex.document"], [KINDS[6]]),
        (["aiex.analyze"], KINDS[1:5]),
        (["aiex.analyze.security"], [KINDS[3]]),
        (["aiex.expl"], []),
        (["quickfix"], []),
        (["source.fixAll"], []),
        (["quickfix", "aiex.explain"], [KINDS[0]]),
        ([""], [*KINDS, "aiex.haiku"]),
    ],
)
async def test_only_is_honoured_with_its_subkinds(world, only, kinds):
    found = await actions(world, ask((4, 9), only=only))
    assert [a["kind"] for a in found] == kinds


async def test_nothing_is_offered_unasked(world):
    assert await actions(world, ask((4, 9), triggerKind=2)) == []


async def test_no_tests_for_a_test(world):
    found = await actions(world, ask((9, 6)))
    assert "aiex.generateTests" not in [a["kind"] for a in found]
    assert found[0]["title"] == "Explain `test_add`"


async def test_a_selection_is_named_with_its_symbol(world):
    found = await actions(world, ask((5, 8), (6, 20)))
    assert found[0]["title"] == "Explain selection in `add`"
    assert found[0]["command"]["arguments"][0]["range"]["start"] == {"line": 5, "character": 8}


async def test_a_selection_outside_any_symbol(world):
    found = await actions(world, ask((0, 0), (0, 9)))
    assert [a["title"] for a in found][:2] == ["Explain selection", "Analyze selection (general)"]
    assert "aiex.generateTests" not in [a["kind"] for a in found]


@pytest.mark.parametrize("end", [(4, 9), (4, 11)], ids=["helix's one character", "the name"])
async def test_a_selection_within_a_name_means_the_symbol(world, end):
    found = await actions(world, ask((4, 8), end))
    assert found[0]["title"] == "Explain `add`"


@pytest.mark.parametrize("name", ["secrets.py", "credentials.py"])
async def test_a_module_that_is_only_named_like_a_file_of_secrets_has_its_actions(world, name):
    found = await actions(world, ask((4, 9), uri=f"file:///w/{name}"))
    assert found[0]["title"] == "Explain `add`"


@pytest.mark.parametrize(
    "params",
    [
        ask((1, 0)),
        ask((99, 0)),
        ask((4, 9), uri="file:///w/.env"),
        ask((4, 9), uri="file:///w/id_rsa"),
    ],
    ids=["nowhere", "outside", "secrets", "key"],
)
async def test_where_there_is_nothing_to_offer(world, params):
    assert await actions(world, params) == []


@pytest.mark.parametrize(
    "features",
    [
        FeatureSettings(enabled=False),
        FeatureSettings(disabled_languages=("python",)),
        FeatureSettings(disabled_folders=("/w",)),
    ],
)
async def test_nothing_is_offered_where_aiex_is_off(world, features):
    world.set(features=features)
    assert await actions(world, ask((4, 9))) == []


async def test_pause_silences_and_resumes(world):
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        assert await editor.command("aiex/pause", {"paused": True}) == {"paused": True}
        assert await editor.request("textDocument/codeAction", ask((4, 9))) == []
        assert await editor.request("aiex/pause", {"paused": False}) == {"paused": False}
        assert await editor.request("textDocument/codeAction", ask((4, 9))) != []


async def test_binary_is_offered_nothing(world):
    assert await actions(world, ask((0, 1)), text="\0\1\2 def f(): pass") == []


async def test_no_tag_and_plain_commands_for_clients_that_know_no_better(world):
    found = await actions(world, ask((4, 9)), profiles.neovim())
    assert "tags" not in found[0]
    found = await actions(world, ask((4, 9)), profiles.bare())
    assert found[0]["command"] == "aiex/explain"
    assert found[0]["title"] == "Explain `add`"


async def test_diagnostics_of_others_go_along_as_context(world):
    place = {"start": {"line": 5, "character": 8}, "end": {"line": 5, "character": 13}}
    diagnostic = {"range": place, "message": "unused", "severity": 2, "source": "ruff"}
    ours = {**diagnostic, "source": "aiex"}
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        found = await editor.request(
            "textDocument/codeAction", ask((4, 9), diagnostics=[diagnostic, ours])
        )
        explain = next(one for one in found if one["kind"] == "aiex.explain")
        argument = explain["command"]["arguments"][0]
        await editor.command("aiex/explain", {**argument, "wait": True})
    (info,) = world.tasks.asked[0][1].diagnostics
    assert (info.message, info.severity, info.source) == ("unused", "warning", "ruff")
    assert CODE[info.span.start : info.span.end] == "total"


async def test_a_first_parse_of_a_huge_file_holds_nothing_up(world):
    free = threading.Event()

    def build(text: str, language_id: str):
        free.wait(10)
        return outlines.build_outline(text, language_id)

    async with session(world, profiles.vscode(), build=build) as editor:
        editor.open(URI, CODE)
        assert await editor.request("textDocument/codeAction", ask((4, 9))) == []
        found = await editor.request("textDocument/codeAction", ask((5, 8), (6, 20)))
        assert found[0]["title"] == "Explain selection"
        free.set()
        await editor.until(lambda: editor.server.outlines.ready(editor.server.documents.get(URI)))
        found = await editor.request("textDocument/codeAction", ask((4, 9)))
        assert found[0]["title"] == "Explain `add`"
