"""A real redis-server on a free loopback port, in a folder of its own.

`AIEX_REDIS_SERVER` may name the program. Nothing is kept over a restart unless asked for.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MISSING = "redis-server is not installed (apt-get install redis-server, or AIEX_REDIS_SERVER)"


def redis_program() -> str | None:
    """Return the server's program, None where there is none."""
    return os.environ.get("AIEX_REDIS_SERVER") or shutil.which("redis-server")


class RedisServer:
    """One server; it may be stopped, killed and started again at the same address."""

    def __init__(self, folder: Path, *options: str, keep: bool = False) -> None:
        self.folder = folder
        self.log = folder / "redis.log"
        self.port = _free_port()
        self._options = options
        self._keep = keep
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and return once it answers."""
        program = redis_program()
        assert program is not None, MISSING
        # A save at the end is the least that keeps all: `stop` waits for it.
        keeping = ("--save", "3600 1") if self._keep else ("--save", "")
        self._process = subprocess.Popen(
            [
                program,
                *f"--port {self.port} --bind 127.0.0.1 --dir {self.folder}".split(),
                *f"--logfile {self.log} --appendonly no --daemonize no".split(),
                *keeping,
                *self._options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self.log.read_text() if self.log.exists() else ""
                self.kill()
                raise RuntimeError(f"redis-server did not start:\n{said}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it in order; what it keeps is on the disk then."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def signal(self, number: int) -> None:
        """Send its process a signal: SIGSTOP makes it hang."""
        assert self._process is not None
        self._process.send_signal(number)

    def command(self, *words: str) -> bytes:
        """Return the server's raw reply to a command."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(" ".join(words).encode() + b"\r\n")
            return connection.recv(65536)

    def wait_for(self, command: str, reply: bytes, timeout: float = 10.0) -> None:
        """Block until the reply to `command` contains `reply`."""
        deadline = time.monotonic() + timeout
        while reply not in self.command(*command.split()):
            assert time.monotonic() < deadline, f"{command} never said {reply!r}"
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            # A server with a password answers too: it asks for it.
            return self.command("PING").startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False


@contextmanager
def redis_server(folder: Path, *options: str, keep: bool = False) -> Iterator[RedisServer]:
    """Yield a running server with these options of its command line."""
    server = RedisServer(folder, *options, keep=keep)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _free_port() -> int:
    """Return a port that is free, and free 10,000 above it: there a cluster's nodes talk."""
    while True:
        with socket.socket() as probe, socket.socket() as above:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
            try:
                above.bind(("127.0.0.1", port + 10_000))
            except (OSError, OverflowError):
                continue
            return port
