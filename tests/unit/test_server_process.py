"""The server as a process: stdio, TCP, its end with its editor."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.e2e import profiles
from tests.editor import Editor

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
URI = "file:///w/calc.py"
CODE = "def add(a, b):\n    return a + b  # 😀\n"


@asynccontextmanager
async def started(
    state: Path, *arguments: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, Editor]]:
    """Yield a server process and the editor on its pipes."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.scripted_main", str(state), *arguments),
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        # Whoever runs the tests may ignore Ctrl-C (nohup does), and a child would inherit that.
        preexec_fn=None
        if sys.platform == "win32"
        else lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    editor = Editor(profiles.vscode(), process.stdin.write)
    reading = asyncio.create_task(editor.read_from(process.stdout))
    try:
        yield process, editor
    finally:
        reading.cancel()
        if process.returncode is None:
            process.kill()
        process.stdin.close()
        await process.wait()
        await process.stderr.read()


async def ended(process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(10):
        return await process.wait()


async def test_a_session_over_stdio_whatever_is_printed(tmp_path):
    async with started(tmp_path) as (process, editor):
        await editor.initialize()
        editor.open(URI, CODE)
        params = {"textDocument": {"uri": URI}, "partialResultToken": "p"}
        result = await editor.request("aiex/explain", params)
        assert result["markdown"] == CODE == editor.joined_deltas("p")
        await editor.command("aiex/analyze", {"textDocument": {"uri": URI}})
        begun = time.monotonic()
        await editor.leave()
        assert await ended(process) == 0
        assert time.monotonic() - begun < 5
        assert "this is no protocol" in (await process.stderr.read()).decode()


@pytest.mark.alone
async def test_a_command_is_accepted_before_its_work_takes_the_event_loop(tmp_path):
    async with started(tmp_path) as (process, editor):
        await editor.initialize()
        editor.open(URI, CODE)
        await editor.request("aiex/explain", {"textDocument": {"uri": URI}})
        begun = time.monotonic()
        asked = {"textDocument": {"uri": URI}, "template": "haiku"}
        accepted = await editor.command("aiex/run", asked)
        # The next process has others: an editor shows answers by these ids.
        assert accepted == {"accepted": f"aiex-{process.pid:x}-1"}
        assert time.monotonic() - begun < 0.4
        await editor.until(lambda: editor.shown)
        await editor.leave()
        assert await ended(process) == 0


async def test_a_large_document_passes_both_ways(tmp_path):
    text = "".join(f"# {i} 😀\r\n" for i in range(60_000))
    async with started(tmp_path) as (process, editor):
        await editor.initialize()
        editor.open(URI, text)
        result = await editor.request("aiex/explain", {"textDocument": {"uri": URI}})
        assert result["markdown"] == text
        await editor.leave()
        assert await ended(process) == 0


async def test_it_ends_when_its_input_ends(tmp_path):
    async with started(tmp_path) as (process, editor):
        await editor.initialize()
        process.stdin.close()
        assert await ended(process) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
async def test_it_ends_when_its_editor_dies_though_its_pipes_stay_open(tmp_path):
    fake_editor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import time; time.sleep(60)"
    )
    async with started(tmp_path) as (process, editor):
        await editor.initialize(process_id=fake_editor.pid)
        editor.open(URI, CODE)
        await editor.command("aiex/analyze", {"textDocument": {"uri": URI}})
        fake_editor.send_signal(signal.SIGKILL)
        await fake_editor.wait()
        assert await ended(process) == 1


async def test_an_editor_that_cannot_be_seen_from_here_is_not_watched(tmp_path):
    async with started(tmp_path) as (process, editor):
        await editor.initialize(process_id=2**22 + 12345)
        assert await editor.request("aiex/templates")
        await editor.leave()
        assert await ended(process) == 0


async def test_several_editors_over_tcp_each_with_its_own_server(tmp_path):
    async with started(tmp_path, "127.0.0.1", "0") as (process, _):
        line = (await process.stderr.readline()).decode()
        host, port = line.split()[-1].rsplit(":", 1)
        editors = []
        for encoding in (profiles.neovim(), profiles.vscode()):
            reader, writer = await asyncio.open_connection(host, int(port))
            editor = Editor(encoding, writer.write)
            editors.append((editor, asyncio.create_task(editor.read_from(reader)), writer))
        for editor, _, _ in editors:
            await editor.initialize()
            editor.open(URI, f"# {editor.encoding}\n")
        for editor, _, _ in editors:
            result = await editor.request("aiex/explain", {"textDocument": {"uri": URI}})
            assert result["markdown"] == f"# {editor.encoding}\n"
        first, reading, _ = editors[0]
        await first.leave()
        async with asyncio.timeout(5):
            await reading
        assert await editors[1][0].request("aiex/templates")
        for _, task, writer in editors:
            writer.close()
            task.cancel()
        if sys.platform != "win32":
            process.send_signal(signal.SIGINT)
            assert await ended(process) == 0


async def test_initialize_is_answered_soon(tmp_path):
    async with started(tmp_path) as (process, editor):
        begun = time.monotonic()
        await editor.initialize()
        assert time.monotonic() - begun < 5  # about 0.6 s on an idle machine
        await editor.leave()
        assert await ended(process) == 0
