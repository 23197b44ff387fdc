"""Outlines of documents that change while they are parsed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from aiex_lsp.server.outlines import Outlines, build_outline
from aiex_lsp.text.snapshot import Snapshot

URI = "file:///w/a.py"


@pytest.mark.timeout(10)
async def test_a_version_asked_for_in_the_moment_the_older_one_is_parsed_does_not_stop_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An editor that opens a file twice (eglot does) asks at just that moment now and then."""
    outlines = Outlines(build_outline)
    older = Snapshot(URI, "", "python", 0)
    newer = Snapshot(URI, "def total():\n    return 1\n", "python", 1)
    asked: list[asyncio.Task[Any]] = []

    async def at_once(work: Callable[..., Any], *arguments: Any) -> Any:
        done = work(*arguments)
        if not asked:
            # It runs after the parse has ended, before anything that waits for that end does.
            asked.append(asyncio.create_task(outlines.get(newer)))
        return done

    monkeypatch.setattr(asyncio, "to_thread", at_once)
    await outlines.get(older)
    found = await asked[0]
    assert found is not None
    assert [symbol.name for symbol in found.symbols] == ["total"]
    assert outlines.ready(newer) is found


async def test_a_version_that_cannot_be_parsed_fails_nobody_who_asked_for_another() -> None:
    begun, go = threading.Event(), threading.Event()

    def build(text: str, language_id: str) -> Any:
        if text == "bad":
            begun.set()
            go.wait(5)
            raise ValueError("no grammar")
        return build_outline(text, language_id)

    outlines = Outlines(build)
    older = asyncio.create_task(outlines.get(Snapshot(URI, "bad", "python", 0)))
    await asyncio.to_thread(begun.wait, 5)
    newer = asyncio.create_task(outlines.get(Snapshot(URI, "x = 1\n", "python", 1)))
    await asyncio.sleep(0)
    go.set()
    assert await newer is not None
    with pytest.raises(ValueError, match="no grammar"):
        await older


async def test_a_document_closed_while_it_is_parsed_is_not_kept() -> None:
    begun, go = threading.Event(), threading.Event()

    def build(text: str, language_id: str) -> Any:
        begun.set()
        go.wait(5)
        return build_outline(text, language_id)

    outlines = Outlines(build)
    snapshot = Snapshot(URI, "x = 1\n", "python", 1)
    asked = asyncio.create_task(outlines.get(snapshot))
    await asyncio.to_thread(begun.wait, 5)
    outlines.forget(URI)
    go.set()
    assert await asked is not None, "who asked is answered"
    assert outlines.ready(snapshot) is None
    again = Snapshot(URI, "y = 1\n", "python", 1)
    assert await outlines.get(again) is outlines.ready(again)


async def test_many_documents_that_are_opened_leave_threads_for_other_work() -> None:
    go, running, most = threading.Event(), [], []

    def build(text: str, language_id: str) -> Any:
        running.append(text)
        most.append(len(running))
        go.wait(5)
        running.remove(text)
        return build_outline(text, language_id)

    outlines = Outlines(build)
    asked = [
        asyncio.create_task(outlines.get(Snapshot(f"{URI}{i}", f"x = {i}\n", "python", 1)))
        for i in range(100)
    ]
    await asyncio.sleep(0)
    assert await asyncio.to_thread(lambda: "at once") == "at once"
    go.set()
    assert all(await asyncio.gather(*asked))
    assert max(most) <= 2


async def test_a_parse_that_fails_is_begun_anew_by_whoever_asks_next() -> None:
    tries = []

    def build(text: str, language_id: str) -> Any:
        tries.append(text)
        if len(tries) == 1:
            raise ValueError("no grammar")
        return build_outline(text, language_id)

    outlines = Outlines(build)
    snapshot = Snapshot(URI, "x = 1\n", "python", 0)
    with pytest.raises(ValueError, match="no grammar"):
        await outlines.get(snapshot)
    assert await outlines.get(snapshot) is not None
    assert len(tries) == 2
