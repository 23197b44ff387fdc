"""Outlines of documents that change while they are parsed."""

from __future__ import annotations

import asyncio
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
