"""Servers that mean harm, or were written badly: what a call makes of them, over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from aiex_lsp.config.settings import ProviderSettings, Secret
from aiex_lsp.errors import FailureKind, ProviderError
from aiex_lsp.llm.adapters.base import AdapterContext
from aiex_lsp.llm.adapters.bodies import PIECE, PackedError, Unpacker
from aiex_lsp.llm.adapters.registry import make
from aiex_lsp.llm.types import Finish, Message, ModelCall, Text
from aiex_lsp.llm.watch import MOST_CHARACTERS, Limits, watched

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
Play = Callable[[asyncio.StreamWriter], Awaitable[None]]


def event(text: str, reason: str | None = None, field: str = "content") -> bytes:
    choice = {"index": 0, "delta": {field: text}, "finish_reason": reason}
    return b"data: " + json.dumps({"model": "m", "choices": [choice]}).encode() + b"\n\n"


class Server:
    def __init__(self, play: Play) -> None:
        self.play, self.bodies, self.port = play, [], 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            self.bodies.append(await reader.readexactly(int(length or 0)))
            await self.play(writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(play: Play) -> AsyncIterator[Server]:
    server = Server(play)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


async def ask(server: Server, text: str = "hi", user: str = "", stall: float = 10.0) -> str:
    """Return the answer's text. Raises `ProviderError`."""
    url = f"http://{user}127.0.0.1:{server.port}/v1"
    settings = ProviderSettings("gw", "openai", base_url=url, api_key=Secret("sk-test-12345678"))
    adapter = make(settings, AdapterContext(connect_timeout=2.0))
    now = asyncio.get_running_loop().time()
    limits = Limits(now + stall, now + 30.0, stall, stall, 30.0)
    answer, finished = "", False
    try:
        call = ModelCall((Message("user", text),), "m", 100)
        async for chunk in watched(adapter, call, limits):
            answer += chunk.text if isinstance(chunk, Text) else ""
            finished = finished or isinstance(chunk, Finish)
    finally:
        await adapter.aclose()
    assert finished
    return answer


async def well(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + event("fine") + event("", "stop") + b"data: [DONE]\n\n")


async def for_ever(writer: asyncio.StreamWriter, data: bytes, pause: float = 0.0) -> None:
    while True:
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(pause)


async def test_half_a_surrogate_pair_in_the_code_is_sent_as_a_question_mark():
    async with serving(well) as server:
        assert await ask(server, "a = '\ud83d'") == "fine"
    assert json.loads(server.bodies[0])["messages"][-1]["content"] == "a = '?'"


async def test_signs_of_life_without_end_after_a_whole_answer_do_not_hold_it_up():
    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + event("whole") + event("", "stop"))
        await for_ever(writer, b": keep-alive\n\n", 0.05)

    async with serving(play) as server, asyncio.timeout(10):
        assert await ask(server) == "whole"


@pytest.mark.parametrize("field", ["content", "reasoning_content"])
async def test_an_answer_without_end_is_stopped_before_it_fills_the_memory(field: str):
    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        await for_ever(writer, event("x" * 10_000, field=field) * 6)

    async with serving(play) as server, asyncio.timeout(25):
        with pytest.raises(ProviderError, match="more than an answer can have") as caught:
            await ask(server)
    assert caught.value.kind is FailureKind.MALFORMED
    assert MOST_CHARACTERS > 10 * 128_000


async def test_a_line_that_comes_byte_by_byte_is_no_answer():
    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        await for_ever(writer, b"x", 0.05)

    async with serving(play) as server:
        with pytest.raises(ProviderError) as caught:
            await ask(server, stall=0.5)
    assert caught.value.kind is FailureKind.FIRST_TOKEN_TIMEOUT


async def test_a_packed_answer_is_read():
    async def play(writer: asyncio.StreamWriter) -> None:
        body = gzip.compress(event("fine") + event("", "stop") + b"data: [DONE]\n\n")
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n"
        writer.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)

    async with serving(play) as server:
        assert await ask(server) == "fine"


async def test_a_few_kilobytes_that_unpack_to_hundreds_of_megabytes_take_neither():
    body = gzip.compress(b"data: " + b"x" * (100 * 1024 * 1024))

    async def play(writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n"
        writer.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)

    async with serving(play) as server:
        with pytest.raises(ProviderError):  # the connection is warm, and modules are imported
            await ask(server)
        tracemalloc.start()
        try:
            with pytest.raises(ProviderError, match="more data than an answer can have"):
                await ask(server)
            assert tracemalloc.get_traced_memory()[1] < 40 * 1024 * 1024
        finally:
            tracemalloc.stop()


def test_packed_data_comes_in_small_pieces_and_what_is_none_is_told():
    pieces = list(Unpacker("gzip")(gzip.compress(b"x" * (3 * PIECE + 5))))
    assert [len(one) for one in pieces] == [PIECE, PIECE, PIECE, 5]
    with pytest.raises(PackedError):
        list(Unpacker("gzip")(b"no gzip"))
    assert list(Unpacker("utf-8")(b"as it is")) == [b"as it is"]


async def test_a_redirect_is_not_followed_and_its_credentials_not_shown():
    async def play(writer: asyncio.StreamWriter) -> None:
        where = b"http://joe:s3cret@elsewhere.example:8080/v1?key=k3y"
        writer.write(b"HTTP/1.1 307 Moved\r\nlocation: " + where + b"\r\ncontent-length: 0\r\n\r\n")

    async with serving(play) as server:
        with pytest.raises(ProviderError, match=r"elsewhere\.example:8080") as caught:
            await ask(server, user="me:passw0rd@")
    for secret in ("joe", "s3cret", "k3y", "passw0rd", "sk-test"):
        assert secret not in str(caught.value)


async def test_a_silent_local_server_is_named_without_its_password():
    async def play(writer: asyncio.StreamWriter) -> None:
        await for_ever(writer, b"", 0.05)

    async with serving(play) as server:
        url = f"http://joe:s3cret@127.0.0.1:{server.port}"
        adapter = make(
            ProviderSettings("own", "ollama", base_url=url, is_local=True),
            AdapterContext(connect_timeout=2.0),
        )
        now = asyncio.get_running_loop().time()
        limits = Limits(now + 0.3, now + 5.0, 0.3, 0.3, 5.0)
        with pytest.raises(ProviderError) as caught:
            async for _ in watched(adapter, ModelCall((Message("user", "hi"),), "m", 9), limits):
                pass
        await adapter.aclose()
    assert f"http://127.0.0.1:{server.port}" in str(caught.value)
    assert "s3cret" not in str(caught.value)
