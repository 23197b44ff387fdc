"""Hovers: quick, cached on the symbol's text, never an error, never a second call."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from aiex_lsp.config.settings import FeatureSettings, HoverSettings
from aiex_lsp.errors import FailureKind, NoProviderError, ProviderError
from aiex_lsp.llm.types import Listener
from aiex_lsp.tasks.types import TaskRequest
from tests.e2e import profiles
from tests.editor import RequestFailed
from tests.scripted import Gate, World, explanation, fail, say
from tests.session import QUICK, session

URI = "file:///w/calc.py"
CODE = "def add(a, b):\n    return a + b\n\n\nprint(add(1, 2))\n"
WAITING = "aiex: explaining `add`…, hover again"


def at(line: int, character: int, uri: str = URI) -> dict:
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "state", hover=say(result=explanation("Adds two.\n\nMore on it.")))


def text_of(hover: dict) -> str:
    return hover["contents"]["value"]


async def test_summary_first_then_detail_then_a_small_line(world):
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        hover = await editor.request("textDocument/hover", at(0, 5))
    assert hover["contents"]["kind"] == "markdown"
    assert text_of(hover) == ("Adds two.\n\nMore on it.\n\n---\n\n*scripted · small · $0.0012*\n")
    assert hover["range"] == {
        "start": {"line": 0, "character": 0},
        "end": {"line": 1, "character": 16},
    }


async def test_a_slow_hover_says_so_in_time_and_the_next_one_shows_it(world):
    gate = world.tasks.script["hover"] = Gate(say(result=explanation("Adds two.")))
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        assert text_of(await editor.request("textDocument/hover", at(0, 5))) == WAITING
        assert text_of(await editor.request("textDocument/hover", at(1, 11))) == WAITING
        gate.opened.set()
        await editor.until(lambda: world.tasks.hovers)
        assert text_of(await editor.request("textDocument/hover", at(0, 5))).startswith("Adds two.")
    assert gate.calls == 1


async def test_a_use_of_a_symbol_explains_the_symbol(world):
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        hover = await editor.request("textDocument/hover", at(4, 7))
    assert hover["range"] == {
        "start": {"line": 4, "character": 6},
        "end": {"line": 4, "character": 9},
    }
    span = world.tasks.asked[0][1].span
    assert (span.start, span.end) == (4, 7)


@pytest.mark.parametrize("place", [at(2, 0), at(4, 5), at(99, 0), at(0, 5, "file:///none.py")])
async def test_nothing_under_the_cursor_is_null(world, place):
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        assert await editor.request("textDocument/hover", place) is None
    assert world.tasks.asked == []


@pytest.mark.parametrize(
    "settings",
    [
        {"hover": HoverSettings(mode="off")},
        {"hover": HoverSettings(mode="cached")},
        {"features": FeatureSettings(enabled=False)},
        {"features": FeatureSettings(disabled_languages=("python",))},
        {"features": FeatureSettings(disabled_folders=("/w",))},
    ],
)
async def test_where_it_is_off_no_model_is_asked(world, settings):
    world.set(**settings)
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        assert await editor.request("textDocument/hover", at(0, 5)) is None
    assert world.tasks.asked == []


async def test_cached_mode_shows_what_is_known_and_links_for_clients_that_opted_in(world):
    world.set(hover=HoverSettings(mode="cached"))
    options = {"aiex": {"commandLinks": True}}
    async with session(world, profiles.vscode(), options=options) as editor:
        editor.open(URI, CODE)
        link = text_of(await editor.request("textDocument/hover", at(0, 5)))
        assert link.startswith("[Explain `add`](command:aiex/explain?%5B%7B")
        world.tasks.hovers[CODE] = explanation("Known.")
        assert text_of(await editor.request("textDocument/hover", at(0, 5))).startswith("Known.")
    assert world.tasks.asked == []


async def test_a_failure_is_a_short_line_and_is_not_tried_at_once_again(world):
    error = ProviderError(FailureKind.CONNECT, "ollama is down", "Start it", provider="ollama")
    world.tasks.script["hover"] = fail(error)
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        for _ in range(3):
            hover = await editor.request("textDocument/hover", at(0, 5))
            assert text_of(hover) == "aiex: ollama is down. Start it."
        assert editor.messages == []
    assert len(world.tasks.asked) == 1


async def test_a_fault_of_ours_is_a_short_line_too(world):
    world.tasks.script["hover"] = fail(ZeroDivisionError("secret = 1"))
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        for _ in range(2):
            hover = await editor.request("textDocument/hover", at(0, 5))
            assert text_of(hover) == "aiex: failed inside; see its log"
        assert editor.messages == []


async def test_that_no_provider_is_set_up_is_said_once(world):
    world.tasks.script["hover"] = fail(NoProviderError("Nothing to ask", "Set up a provider"))
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        hover = await editor.request("textDocument/hover", at(0, 5))
        assert text_of(hover) == "aiex: Nothing to ask. Set up a provider."
        assert await editor.request("textDocument/hover", at(0, 5)) is None


async def test_a_cancelled_hover_takes_its_call_along_if_nobody_else_wants_it(world):
    world.set(hover=HoverSettings(wait=5.0))
    gate = world.tasks.script["hover"] = Gate()
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        one, first = editor.start("textDocument/hover", at(0, 5))
        await gate.begun.wait()
        two, second = editor.start("textDocument/hover", at(0, 5))
        editor.cancel(one)
        with pytest.raises(RequestFailed, match="-32800"):
            await first
        assert not gate.cancelled.is_set()
        editor.cancel(two)
        with pytest.raises(RequestFailed, match="-32800"):
            await second
        async with asyncio.timeout(5):
            await gate.cancelled.wait()
    assert gate.calls == 1


async def test_a_hover_made_while_a_cancelled_one_ends_has_a_call_of_its_own(world):
    world.set(hover=HoverSettings(wait=10.0))
    ended, calls = asyncio.Event(), []

    async def slow_to_end(_request: TaskRequest, _listener: Listener):
        calls.append(1)
        if len(calls) > 1:
            return explanation("Adds two.")
        try:
            await asyncio.Event().wait()
        finally:
            await ended.wait()

    world.tasks.script["hover"] = slow_to_end
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        one, first = editor.start("textDocument/hover", at(0, 5))
        await editor.until(lambda: calls)
        editor.cancel(one)
        with pytest.raises(RequestFailed, match="-32800"):
            await first
        hover = await editor.request("textDocument/hover", at(0, 5))
        assert text_of(hover).startswith("Adds two.")
        ended.set()


async def test_a_mouse_over_two_hundred_symbols_leaves_no_call_behind(world):
    """As VS Code's: each hover is cancelled by the next before it was answered."""
    world.set(hover=HoverSettings(wait=60.0))
    gate = world.tasks.script["hover"] = Gate()
    text = "".join(f"def f{i}():\n    pass\n\n\n" for i in range(200))
    async with session(world, profiles.vscode(), limits=replace(QUICK, start=10.0)) as editor:
        editor.open(URI, text)
        answers = []
        for i in range(200):
            request_id, answer = editor.start("textDocument/hover", at(4 * i, 5))
            answers.append(answer)
            if i < 199:
                editor.cancel(request_id)
        await gate.begun.wait()
        for answer in answers[:-1]:
            with pytest.raises(RequestFailed, match="-32800"):
                await answer
        await editor.until(lambda: len(editor.server.hovers.tasks()) == 1)
        gate.opened.set()
        assert text_of(await answers[-1]).startswith("Opened.")


async def test_a_call_that_was_announced_outlives_a_cancelled_hover(world):
    gate = world.tasks.script["hover"] = Gate(say(result=explanation("Late.")))
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        assert text_of(await editor.request("textDocument/hover", at(0, 5))) == WAITING
        world.set(hover=HoverSettings(wait=5.0))
        request_id, answer = editor.start("textDocument/hover", at(0, 5))
        await editor.request("aiex/templates")
        editor.cancel(request_id)
        with pytest.raises(RequestFailed, match="-32800"):
            await answer
        gate.opened.set()
        await editor.until(lambda: world.tasks.hovers)
        assert text_of(await editor.request("textDocument/hover", at(0, 5))).startswith("Late.")


async def test_clients_without_markdown_get_plain_text(world):
    world.tasks.script["hover"] = say(result=explanation("Adds **two** `ints`.\n```py\nx\n```"))
    async with session(world, profiles.bare()) as editor:
        editor.open(URI, CODE)
        hover = await editor.request("textDocument/hover", at(0, 5))
    assert hover["contents"] == {
        "kind": "plaintext",
        "value": "Adds two ints.\nx\n\n\nscripted · small · $0.0012",
    }


async def test_moving_through_a_file_keeps_few_calls_under_way(world):
    world.set(hover=HoverSettings(wait=0.0))
    gate = world.tasks.script["hover"] = Gate()
    text = "".join(f"def f{i}():\n    pass\n\n\n" for i in range(12))
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, text)
        await editor.request("textDocument/codeAction", action_params())
        for i in range(12):
            await editor.request("textDocument/hover", at(4 * i, 5))
        assert len(editor.server.hovers.tasks()) <= 4
    assert gate.cancelled.is_set()


def action_params() -> dict:
    start = {"line": 0, "character": 0}
    return {
        "textDocument": {"uri": URI},
        "range": {"start": start, "end": start},
        "context": {"diagnostics": []},
    }
