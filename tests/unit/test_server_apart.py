"""What a command sends does not come along with its answer."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aiex_lsp.config.consent import ConsentQuestion
from aiex_lsp.errors import NoProviderError
from tests.e2e import profiles
from tests.scripted import Gate, World, explanation, fail, say
from tests.session import QUICK, Session, session

URI = "file:///w/calc.py"
CODE = "def add(a, b):\n    return a + b\n"
ADD = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 5}}
APART = 0.2
LIMITS = replace(QUICK, apart=APART, client_answer=5.0)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "state")
    # Nothing else is told then.
    world.coordination = None
    return world


async def sent_after(editor: Session, method: str) -> float:
    """Return the seconds from a command's answer to the first message after it."""
    loop = asyncio.get_running_loop()
    await editor.command("aiex/explain", ADD)
    answered, count = loop.time(), len(editor.received)
    assert editor.received[-1].get("id") is not None, "the answer is the last there is"
    await editor.until(lambda: len(editor.received) > count)
    assert editor.received[count]["method"] == method
    return loop.time() - answered


@pytest.mark.parametrize(
    ("script", "profile", "method"),
    [
        (Gate(), profiles.vscode(), "window/workDoneProgress/create"),
        (say("Adds."), profiles.bare(), "window/showMessage"),
        (fail(NoProviderError("Nobody", "Do x")), profiles.bare(), "window/showMessage"),
    ],
    ids=["progress", "result", "failure"],
)
async def test_the_first_message_of_a_command_keeps_away_from_its_answer(
    world: World, script: Any, profile: dict[str, Any], method: str
) -> None:
    world.tasks.script["explain"] = script
    async with session(world, profile, limits=LIMITS) as editor:
        editor.open(URI, CODE)
        assert await sent_after(editor, method) > APART / 2


async def test_progress_is_asked_for_before_the_failure_of_a_moment_is_told(world: World) -> None:
    world.tasks.script["explain"] = fail(NoProviderError("Nobody", "Do x"))
    async with session(world, profiles.vscode(), limits=replace(LIMITS, apart=0.03)) as editor:
        editor.open(URI, CODE)
        for _ in range(10):
            count = len(editor.received)
            await editor.command("aiex/explain", ADD)
            await editor.until(
                lambda count=count: any(
                    one.get("method") == "window/showMessage" for one in editor.received[count:]
                )
            )
            methods = [one.get("method") for one in editor.received[count:] if "method" in one]
            asked = methods.index("window/workDoneProgress/create")
            assert asked < methods.index("window/showMessage")


async def test_the_question_before_a_key_is_used_keeps_away_from_it_too(world: World) -> None:
    world.question = ConsentQuestion("anthropic", "ANTHROPIC_API_KEY", "api.anthropic.com")
    async with session(world, profiles.bare(), limits=LIMITS) as editor:
        editor.answers["window/showMessageRequest"] = {"title": "Not now"}
        editor.open(URI, CODE)
        gone = asyncio.Event()

        async def waits(_request: Any, _listener: Any) -> Any:
            await gone.wait()
            return explanation("Adds.")

        world.tasks.script["explain"] = waits
        assert await sent_after(editor, "window/showMessageRequest") > APART / 2
        gone.set()


async def test_the_model_is_asked_meanwhile_and_a_command_that_waits_is_not_held_up(world) -> None:
    limits = replace(LIMITS, apart=60.0)
    async with session(world, profiles.bare(), limits=limits) as editor:
        editor.open(URI, CODE)
        await editor.command("aiex/explain", ADD)
        await editor.until(lambda: len(world.tasks.asked) == 1)
        result = await editor.command("aiex/explain", {**ADD, "wait": True})
        assert result["markdown"] == "Adds two numbers."
