"""Stands as `aiex-lsp` on PATH and writes down what VS Code and the server say to each other.

Each server process gets a file `$AIEX_RECORDS/PID.jsonl`. Its first line has the keys in its
environment, where it was found and when it began, its last how it ended, the others what each side
said.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO


def main() -> int:
    real = os.environ["AIEX_REAL"]
    if sys.argv[1:2] not in ([], ["serve"]):
        os.execv(real, [real, *sys.argv[1:]])
    record = Path(os.environ["AIEX_RECORDS"]) / f"{os.getpid()}.jsonl"
    lock = threading.Lock()

    def write(entry: dict[str, object]) -> None:
        with lock, record.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    server = subprocess.Popen([real, *sys.argv[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    keys = {k: v for k, v in os.environ.items() if k.endswith("_API_KEY")}
    origin = os.environ.get("AIEX_ORIGIN", "PATH")
    write({"environment": keys, "began": time.time_ns(), "pid": server.pid, "origin": origin})
    assert server.stdin is not None
    assert server.stdout is not None
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: server.terminate())
    back = threading.Thread(
        target=_pass, args=(server.stdout, sys.stdout.buffer, lambda m: write({"server": m}))
    )
    there = threading.Thread(
        target=_pass,
        args=(sys.stdin.buffer, server.stdin, lambda m: write({"client": m})),
        daemon=True,
    )
    back.start()
    there.start()
    code = server.wait()
    back.join(5)
    write({"exit": code})
    return code


def _pass(source: BinaryIO, target: BinaryIO, write: Callable[[Any], None]) -> None:
    """Hand frames over until the source ends, each written down first."""
    try:
        while head := source.readline():
            size = 0
            header = head
            while head.strip():
                if head.lower().startswith(b"content-length:"):
                    size = int(head.split(b":")[1])
                head = source.readline()
                header += head
            body = source.read(size)
            write(json.loads(body))
            target.write(header + body)
            target.flush()
    except (BrokenPipeError, ValueError):
        pass
    finally:
        with suppress(BrokenPipeError):
            target.close()


if __name__ == "__main__":
    os._exit(main())
