"""HTTP/1.1 on raw sockets: enough to read a request and to answer it well or badly."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.servers.script import Whole

TLS_HANDSHAKE = b"\x16"


@dataclass
class Request:
    """One request as it came; header names in lower case.

    `done` once the answer was sent in full, `cut` (at monotonic `cut_at`) when the client closed
    the connection before. Both are set exactly once, `settled` with either.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    received_at: float
    done: bool = False
    cut: bool = False
    cut_at: float | None = None
    settled: threading.Event = field(default_factory=threading.Event)

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    async def wait(self, timeout: float = 5.0) -> None:
        """Wait until the answer was sent or the client has gone."""
        if not await asyncio.to_thread(self.settled.wait, timeout):
            raise AssertionError(f"{self.method} {self.path} is still being answered")


async def read_request(reader: asyncio.StreamReader, early: bytes) -> Request | None:
    try:
        early = early or await reader.readexactly(1)
        if early == TLS_HANDSHAKE:
            return None
        head = early + await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    lines = head.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query))
    return Request(method, parts.path, query, headers, body, time.monotonic())


async def send_whole(step: Whole, writer: asyncio.StreamWriter) -> bool:
    lines = [f"HTTP/1.1 {step.status} X", f"Content-Type: {step.content_type}"]
    lines += [f"{name}: {value}" for name, value in step.headers.items()]
    if not step.endless:
        lines.append(f"Content-Length: {len(step.body)}")
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + step.body)
    await writer.drain()
    while step.endless:
        writer.write(step.body or b"x" * 4096)
        await writer.drain()
        await asyncio.sleep(0)
    return True


async def send_chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    if data:
        writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await writer.drain()


def reset(writer: asyncio.StreamWriter) -> None:
    """Close by RST, as a server that crashes does."""
    sock = writer.get_extra_info("socket")
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
