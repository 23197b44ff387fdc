"""Tokens counted in a process of its own: the same numbers, and no thread stands still."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator

import pytest

from aiex_lsp.llm.counting import CountingProcess, count_texts
from aiex_lsp.llm.tokens import TokenCounter
from aiex_lsp.llm.types import Message

TEXTS = ["", "hello world", "naïve 😀\r\n\tend", "def f():\n    return 1\n" * 500, "a\ud800b"]


@pytest.fixture
def process() -> Iterator[CountingProcess]:
    made = CountingProcess()
    yield made
    made.close()


@pytest.mark.parametrize("vocabulary", ["jev", "cl100k_base"])
def test_the_process_counts_what_this_one_does(process: CountingProcess, vocabulary: str) -> None:
    assert process(TEXTS, vocabulary) == count_texts(TEXTS, vocabulary)
    assert process((), vocabulary) == []


def test_other_threads_run_while_a_vocabulary_is_loaded(process: CountingProcess) -> None:
    counts: list[int] = []
    worker = threading.Thread(target=lambda: counts.extend(process(["hello"], "o200k_base")))
    worker.start()
    turns = 0
    while worker.is_alive():
        time.sleep(0.002)
        turns += 1
    assert counts == [1]
    assert turns > 10, "the vocabulary was loaded here"


def test_many_threads_get_their_own_counts(process: CountingProcess) -> None:
    found: dict[int, list[int]] = {}

    def ask(size: int) -> None:
        found[size] = process(["word " * size], "jev")

    workers = [threading.Thread(target=ask, args=(size,)) for size in range(1, 9)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == {size: count_texts(["word " * size], "jev") for size in range(1, 9)}


@pytest.mark.parametrize(
    "command",
    [
        ["/nowhere/python"],
        [sys.executable, "-c", "pass"],
        [sys.executable, "-c", "print('no counts'); input(); input()"],
    ],
)
def test_where_no_process_counts_this_one_does(command: list[str]) -> None:
    process = CountingProcess(command)
    assert process(["hello world"], "jev") == count_texts(["hello world"], "jev")
    assert process(["hello world"], "jev") == count_texts(["hello world"], "jev")


def test_a_closed_process_leaves_the_counting_to_this_one(process: CountingProcess) -> None:
    process(["x"], "jev")
    process.close()
    assert process(["hello world"], "jev") == count_texts(["hello world"], "jev")


def test_closing_lets_go_of_whoever_waits_for_a_vocabulary(process: CountingProcess) -> None:
    process((), "jev")
    worker = threading.Thread(target=process.load, args=(["o200k_base"],))
    worker.start()
    process.close()
    worker.join(10)
    assert not worker.is_alive()


async def test_a_counter_gives_the_same_with_and_without_the_process(app_settings) -> None:
    messages = [Message("user", text) for text in TEXTS]
    plain, apart = TokenCounter(), TokenCounter()
    apart.preload(app_settings)
    try:
        for model in ("gpt-4o", "gpt-4", "x"):
            expected = plain.for_model("openai", model)(messages)
            assert apart.for_model("openai", model)(messages) == expected
    finally:
        await apart.aclose()


async def test_a_counter_that_was_closed_before_it_was_ready_starts_no_process(
    app_settings,
) -> None:
    """An editor may leave while its server still makes ready, in a thread."""
    counter = TokenCounter()
    await counter.aclose()
    counter.preload(app_settings)
    assert counter._process is None
    assert counter.for_model("openai", "gpt-4o")([Message("user", "hello")]) > 0


@pytest.fixture
def app_settings():
    from aiex_lsp.config.settings import ProviderSettings, Settings

    return Settings(providers={"here": ProviderSettings("here", "ollama", is_local=True)})
