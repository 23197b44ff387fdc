"""`make bench`: what an editor waits for, each as a ratio to a yardstick of the same run.

A ratio holds on any machine; the milliseconds beside it are this machine's. Each figure is the
median of several rounds.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from aiex_lsp.app import App
from aiex_lsp.llm.types import SilentListener
from aiex_lsp.syntax.symbols import build_outline
from aiex_lsp.tasks.types import TaskRequest
from aiex_lsp.text.document import TextChange, apply_changes
from aiex_lsp.text.snapshot import Snapshot, Span
from tests.benchmarks import limits, selection
from tests.servers.openai import OpenAIServer

LINES = 50_000
ROUNDS = 15
HERE = Path(__file__).resolve()


def median(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the median seconds of `work`."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def row(name: str, seconds: float, yardstick: str, by: float) -> None:
    """Print one line of the table."""
    print(f"{name:<52} {seconds * 1000:>9.2f} ms  {seconds / by:>8.3f} x {yardstick}")


def documents() -> None:
    """Editing and outlines of a large document."""
    text = "".join(f"def f{n}(a, b):\n    return a + {n}\n" for n in range(LINES // 2))
    snapshot = Snapshot("file:///big.py", text, "python", 1)
    split = median(text.splitlines)
    change = TextChange((LINES // 2, 4), (LINES // 2, 4), "x")
    _ = snapshot.line_starts
    row(
        f"one edit of {LINES:,} lines",
        median(lambda: apply_changes(snapshot, [change], 2)),
        "str.splitlines of the text",
        split,
    )
    outline = build_outline(text, "python")
    build = median(lambda: build_outline(text, "python"), 3)
    row("its outline (off the event loop)", build, "str.splitlines of the text", split)
    row(
        "the symbol under the cursor, outline known",
        median(lambda: outline.enclosing(len(text) // 2, len(text) // 2)),
        "building the outline",
        build,
    )


def start() -> None:
    """Start-up of the program."""
    bare = median(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True), 5)
    version = [sys.executable, "-m", "aiex_lsp", "--version"]
    took = median(lambda: subprocess.run(version, check=True, stdout=subprocess.DEVNULL), 5)
    row("aiex-lsp --version", took, "a bare Python", bare)
    server = "import lsprotocol.types, pygls.lsp.server"
    library = median(lambda: subprocess.run([sys.executable, "-c", server], check=True), 5)
    ours = "import aiex_lsp.server.create"
    took = median(lambda: subprocess.run([sys.executable, "-c", ours], check=True), 5)
    row("importing the server", took, "importing pygls and lsprotocol", library)


async def answers() -> None:
    """What aiex adds to a provider's answer on loopback."""
    import httpx

    async with OpenAIServer() as server:
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "config.toml"
            config.write_text(
                'default_provider = "fake"\n[providers.fake]\ntype = "openai"\n'
                f'base_url = "{server.base_url}"\n'
            )
            env = {"HOME": folder, "PATH": os.environ.get("PATH", "")}
            app = App.create(HERE.parents[2], {}, config, env)
            text = HERE.read_text()

            async def explain(at: str, salt: int) -> float:
                offset = text.index(at)
                snapshot = Snapshot(HERE.as_uri(), text + f"# {salt}\n", "python", salt)
                request = TaskRequest(snapshot, Span(offset, offset), app.settings)
                began = time.perf_counter()
                await app.tasks.explain(request, SilentListener())
                return time.perf_counter() - began

            async def bare() -> float:
                body = {"model": "gpt-fake", "stream": True, "messages": []}
                began = time.perf_counter()
                await client.post(f"{server.base_url}/chat/completions", json=body)
                return time.perf_counter() - began

            async with httpx.AsyncClient(verify=False) as client:
                await bare()
                plain = statistics.median([await bare() for _ in range(ROUNDS)])
            first = await explain("work()", 0)
            body = '"""Return the median'
            again = statistics.median([await explain(body, n) for n in range(ROUNDS)])
            cached = statistics.median([await explain(body, 0) for _ in range(ROUNDS)])
            row("explain, the first of a process", first, "a bare request to the provider", plain)
            row("explain, same question again", cached, "a bare request to the provider", plain)
            row(
                "the same after an edit elsewhere in the file",
                again,
                "a bare request to the provider",
                plain,
            )
            await app.aclose()


def main() -> None:
    """Print the table."""
    documents()
    start()
    for measured in (*selection.rows(), *limits.rows()):
        row(*measured)
    asyncio.run(answers())


if __name__ == "__main__":
    main()
