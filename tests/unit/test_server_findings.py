"""Findings live as long as their code: moved with it, dropped when it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e import profiles
from tests.editor import Editor
from tests.scripted import Gate, World, review
from tests.session import session

URI = "file:///w/calc.py"
CODE = "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a - b\n"
ADD = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 5}}
SUB = {"textDocument": {"uri": URI}, "position": {"line": 4, "character": 5}}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "state", analyze=review("a + b", "a - b"))


def change(start: tuple[int, int], end: tuple[int, int], text: str) -> dict:
    keys = ("line", "character")
    return {
        "range": {
            "start": dict(zip(keys, start, strict=True)),
            "end": dict(zip(keys, end, strict=True)),
        },
        "text": text,
    }


def marked(editor: Editor) -> list[str]:
    """Return the code each published diagnostic marks in the editor's own text."""
    text = editor.documents[URI]
    return [
        text[editor.offset(text, d["range"]["start"]) : editor.offset(text, d["range"]["end"])]
        for d in editor.diagnostics.get(URI, [])
    ]


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ([change((0, 0), (0, 0), "# 😀\n")], ["a + b", "a - b"]),
        ([change((6, 0), (6, 0), "x = 1\n")], ["a + b", "a - b"]),
        ([change((1, 12), (1, 13), "*")], ["a - b"]),
        ([change((1, 11), (1, 11), "(")], ["a + b", "a - b"]),
        ([change((0, 0), (3, 0), "")], ["a - b"]),
        ([change((0, 0), (0, 0), "\n"), change((6, 11), (6, 12), "z")], ["a + b"]),
        ([{"text": "gone = 1\n"}], []),
        ([{"text": "# 😀\n" + CODE}], ["a + b", "a - b"]),
        ([{"text": CODE.replace("a - b", "a - c")}], ["a + b"]),
        ([{"text": CODE}], ["a + b", "a - b"]),
    ],
    ids=[
        *("above", "below", "inside", "just before", "deleted", "two changes", "all new"),
        *("whole text with a line above", "whole text with a change", "whole text as it was"),
    ],
)
async def test_findings_follow_the_text(world, changes, left):
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        await editor.request("aiex/analyze", {"textDocument": {"uri": URI}})
        await editor.until(lambda: len(marked(editor)) == 2)
        editor.change(URI, *changes)
        await editor.request("aiex/templates")
        assert marked(editor) == left


async def test_analyzing_a_symbol_again_replaces_its_findings_only(world):
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        world.tasks.script["analyze"] = review("a + b")
        await editor.request("aiex/analyze", ADD)
        world.tasks.script["analyze"] = review("a - b")
        await editor.request("aiex/analyze", SUB)
        await editor.until(lambda: marked(editor) == ["a + b", "a - b"])
        world.tasks.script["analyze"] = review("def add")
        await editor.request("aiex/analyze", ADD)
        await editor.until(lambda: marked(editor) == ["def add", "a - b"])
        world.tasks.script["analyze"] = review()
        await editor.request("aiex/analyze", SUB)
        await editor.until(lambda: marked(editor) == ["def add"])


async def test_closing_and_clearing_take_them_away(world):
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        await editor.request("aiex/analyze", ADD)
        await editor.until(lambda: marked(editor))
        assert await editor.command("aiex/clearFindings", {"textDocument": {"uri": URI}}) is None
        await editor.until(lambda: editor.diagnostics[URI] == [])
        await editor.request("aiex/analyze", ADD)
        await editor.until(lambda: marked(editor))
        await editor.request("aiex/clearFindings")
        await editor.until(lambda: editor.diagnostics[URI] == [])
        await editor.request("aiex/analyze", ADD)
        await editor.until(lambda: marked(editor))
        escaped = URI.replace("calc", "%63alc")
        await editor.request("aiex/clearFindings", {"textDocument": {"uri": escaped}})
        await editor.until(lambda: editor.diagnostics[URI] == [])
        await editor.request("aiex/analyze", ADD)
        await editor.until(lambda: marked(editor))
        editor.close(URI)
        await editor.until(lambda: editor.diagnostics[URI] == [])


async def test_a_review_of_text_that_has_changed_meanwhile_is_placed_anew(world):
    gate = world.tasks.script["analyze"] = Gate(review("a + b", "a - b"))
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        _, answer = editor.start("aiex/analyze", {"textDocument": {"uri": URI}})
        await gate.begun.wait()
        editor.change(URI, change((1, 11), (1, 16), "0"), change((0, 0), (0, 0), "#\n#\n"))
        gate.opened.set()
        result = await answer
        await editor.until(lambda: marked(editor) == ["a - b"])
        assert [f["range"] for f in result["findings"]] == [
            d["range"] for d in editor.diagnostics[URI]
        ]


async def test_a_review_of_a_document_closed_meanwhile_publishes_nothing(world):
    gate = world.tasks.script["analyze"] = Gate(review("a + b"))
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        _, answer = editor.start("aiex/analyze", ADD)
        await gate.begun.wait()
        editor.close(URI)
        gate.opened.set()
        assert len((await answer)["findings"]) == 1
        assert URI not in editor.diagnostics


async def test_diagnostics_carry_the_version_where_the_client_takes_it(world):
    for profile, expected in ((profiles.emacs(), 1), (profiles.vscode(), None)):
        async with session(world, profile) as editor:
            editor.open(URI, CODE)
            await editor.request("aiex/analyze", ADD)
            published = await editor.until(
                lambda editor=editor: editor.notifications("textDocument/publishDiagnostics")
            )
            assert published[-1].get("version") == expected
