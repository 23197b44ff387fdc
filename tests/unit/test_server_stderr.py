"""Standard error that nobody reads: the server goes on, and what is read later is in order."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aiex_lsp.server.stderr import Aside
from tests.e2e import profiles
from tests.editor import Editor

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a pipe cannot be filled there")


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Yield a pipe that is full."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"\0" * 512)
    except BlockingIOError:
        os.set_blocking(writing, True)
    yield reading, writing
    os.close(reading)
    os.close(writing)


def read_until(descriptor: int, end: bytes) -> str:
    """Return what was written, without what filled the pipe."""
    found = b""
    while not found.endswith(end):
        found += os.read(descriptor, 1 << 16)
    return found.lstrip(b"\0").decode()


async def answered(*command: str, stderr: int) -> None:
    """Return when a server that has 300 errors to tell has answered, and ended with status 0."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
    )
    assert process.stdin
    assert process.stdout
    editor = Editor(profiles.bare(), process.stdin.write)
    reading = asyncio.create_task(editor.read_from(process.stdout))
    try:
        await editor.initialize()
        for _ in range(300):
            editor.notify("textDocument/didOpen", {"textDocument": {"uri": "file:///a.py"}})
        assert await editor.request("aiex/templates")
        assert len(editor.notifications("window/logMessage")) == 300
        await editor.leave()
        async with asyncio.timeout(10):
            assert await process.wait() == 0
    finally:
        reading.cancel()
        if process.returncode is None:
            process.kill()
        await process.wait()
        process.stdin.close()


@pytest.mark.slow
async def test_an_editor_that_reads_no_errors_is_answered(
    tmp_path: Path, pipe: tuple[int, int]
) -> None:
    await answered(sys.executable, "-m", "tests.scripted_main", str(tmp_path), stderr=pipe[1])


@pytest.mark.slow
async def test_an_editor_that_closes_standard_error_is_answered(tmp_path: Path) -> None:
    closed = 'exec "$0" -m tests.scripted_main "$1" 2>&-'
    await answered(
        "sh", "-c", closed, sys.executable, str(tmp_path), stderr=asyncio.subprocess.DEVNULL
    )


def test_what_waits_for_its_reader_comes_whole_and_in_order(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    aside = Aside(writing)
    began = time.monotonic()
    for number in range(1000):
        print(f"line {number} 😀\udc80", file=aside)
    assert time.monotonic() - began < 1
    told = read_until(reading, b"line 999 \xf0\x9f\x98\x80\\udc80\n")
    assert told.splitlines() == [f"line {number} 😀\\udc80" for number in range(1000)]


def test_more_than_is_kept_is_left_out_and_that_is_said(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    aside = Aside(writing, most=20)
    aside.write("the first\n")
    until = time.monotonic() + 5
    while aside._waiting and time.monotonic() < until:  # its thread takes it, and is held up
        time.sleep(0.001)
    for _ in range(5):
        aside.write("another 15 ch.\n")
    told = read_until(reading, b"nobody read them]\n")
    assert told.splitlines() == [
        "the first",
        "another 15 ch.",
        "[60 characters are left out: nobody read them]",
    ]


def test_a_reader_that_went_away_harms_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    aside = Aside(writing)
    aside.write("nobody hears\n")
    aside.drain(5.0)
    aside.write("nor this\n")
    began = time.monotonic()
    aside.drain(5.0)
    assert time.monotonic() - began < 4
    os.close(writing)
