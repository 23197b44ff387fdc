"""What the first calls of a process find: adapters imported, and what others measured."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterable
from dataclasses import replace
from random import Random

from aiex_lsp.llm.adapters import registry
from aiex_lsp.llm.measured import Board
from aiex_lsp.llm.peers import Peers
from aiex_lsp.llm.pool import AdapterPool
from aiex_lsp.state.memory import MemoryStore
from aiex_lsp.state.shared import SharedState
from tests.client_rig import provider

NOW = 1_767_225_600.0


async def test_adapters_are_imported_in_a_thread_and_once_for_each_type():
    imported: list[tuple[bool, set[str]]] = []

    def imports(types: Iterable[str]) -> None:
        here = threading.current_thread() is threading.main_thread()
        imported.append((here, set(types)))

    pool = AdapterPool(lambda *_: None, lambda _t: None, lambda: 0.0, imports)
    await pool.load([provider("a"), provider("b")])
    await pool.load([provider("c"), replace(provider("d"), type="ollama")])
    await pool.load([provider("a")])
    assert imported == [(False, {"scripted"}), (False, {"ollama"})]


async def test_a_type_that_cannot_be_imported_holds_up_none_of_the_others():
    registry.imports(["no_such_type", "openai"])
    assert "aiex_lsp.llm.adapters.openai" in sys.modules


class Slow(MemoryStore):
    async def get(self, key: str) -> str | None:
        await asyncio.sleep(0.01)
        return await super().get(key)


def server(store: Slow, name: str) -> tuple[Peers, Board]:
    local = MemoryStore(lambda: NOW, Random(1))
    state = SharedState(
        store,
        local,
        member_id=name,
        host="here",
        tell=lambda _sentence: None,
        clock=lambda: NOW,
        monotonic=lambda: 0.0,
    )
    board = Board(lambda: NOW, Random(1))
    return Peers(state, board), board


async def test_calls_that_begin_together_all_choose_by_what_was_measured_before():
    store = Slow(lambda: NOW, Random(1))
    peers, board = server(store, "before")
    await peers.recall()
    board.started("openai-1", "m")
    board.finished("openai-1", "m", ok=True, first_token=9.0, seconds=10.0)
    await peers.remember()

    peers, board = server(store, "now")
    cancelled = asyncio.create_task(peers.recall())
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)

    async def begin() -> float | None:
        await peers.recall()
        return board.view("openai-1", "m").first_token

    assert await asyncio.gather(begin(), begin(), begin()) == [9.0, 9.0, 9.0]
