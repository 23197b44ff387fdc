"""A server process of scripted tasks: `python -m tests.scripted_main STATE [HOST PORT]`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from aiex_lsp.llm.types import Listener
from aiex_lsp.server.run import serve_stdio, serve_tcp
from aiex_lsp.tasks.types import TaskRequest
from tests.scripted import Gate, World, explanation


async def noisy(request: TaskRequest, listener: Listener):
    """Print as a library would, and answer with the document's text."""
    print("this is no protocol")
    sys.__stdout__.write("neither is this\n")
    sys.__stdout__.flush()
    listener.on_delta(request.snapshot.text)
    return explanation(request.snapshot.text)


async def heavy(_request: TaskRequest, _listener: Listener):
    """Hold up the event loop, as the first imports of a process may."""
    time.sleep(0.6)  # noqa: ASYNC251 - that is what is tested
    return explanation("Done.")


def main(arguments: list[str]) -> int:
    world = World(Path(arguments[0]), explain=noisy, analyze=Gate(), run=heavy)
    if len(arguments) > 1:
        serve_tcp(world.services, arguments[1], int(arguments[2]))
        return 0
    return serve_stdio(world.services)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
