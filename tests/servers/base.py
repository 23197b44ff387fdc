"""A small HTTP/1.1 server on loopback, raw enough that any fault can be put on the socket.

One subclass a dialect. In async tests `async with OpenAIServer() as server`, elsewhere
`with serve_in_thread(OpenAIServer()) as server`, as a program `python -m tests.servers DIALECT`.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, Self, TypeVar

from tests.servers.script import Drop, Garbage, Reply, Silence, Step, Whole, status
from tests.servers.sockets import Request, read_request, reset, send_chunk, send_whole

Server = TypeVar("Server", bound="FakeServer")

Answer = Callable[[dict[str, Any]], str | Step]


class FakeServer:
    """What all dialects share: sockets, the script, the record of requests."""

    dialect: ClassVar[str]
    chat_path: ClassVar[str]
    base_path: ClassVar[str] = ""
    content_type: ClassVar[str] = "text/event-stream; charset=utf-8"

    def __init__(
        self, *, answer: Answer | None = None, key: str | None = None, port: int = 0
    ) -> None:
        self.answer: Answer = answer or (lambda _body: Reply())
        self.key = key
        self.requests: list[Request] = []
        self.born = time.monotonic()
        self._port = port
        self._script: deque[Step] = deque()
        self._routes: dict[tuple[str, str], deque[Step]] = {}
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._arrival = threading.Condition()

    # The dialect.

    def events(self, reply: Reply, body: dict[str, Any]) -> list[tuple[str, bytes]]:
        """Return (kind, bytes) of each event; kinds: start, thinking, text, finish, usage, end."""
        raise NotImplementedError

    def error_event(self) -> bytes:
        """Return the event by which the vendor breaks off a running stream."""
        raise NotImplementedError

    def garbage_event(self) -> bytes:
        return b'data: {"choices": [{"delta": \n\n'

    def error(self, code: int, message: str, /, **fields: Any) -> Whole:
        """Return an error in the vendor's format."""
        raise NotImplementedError

    def route(self, request: Request) -> Step | None:
        """Return the answer to what is no generation (model lists and so on), None for 404."""
        raise NotImplementedError

    def refuse(self, request: Request) -> Step | None:
        """Return the refusal of a generation request, as the vendor would; None to answer it."""
        return None

    def authorized(self, request: Request) -> bool:
        given = request.headers.get("authorization", "")
        return self.key is None or given == f"Bearer {self.key}"

    # Running it.

    @property
    def root_url(self) -> str:
        """Return scheme, host and port."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def base_url(self) -> str:
        """Return the address as a user would configure it."""
        return self.root_url + self.base_path

    @property
    def generations(self) -> list[Request]:
        """Return the requests that cost money."""
        return [r for r in self.requests if r.method == "POST" and r.path == self.chat_path]

    def wait_for_generations(self, count: int = 1, timeout: float = 5.0) -> None:
        """Block until so many generation requests have come."""
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self.generations) >= count, timeout):
                raise AssertionError(f"{len(self.generations)} of {count} requests came")

    async def generations_come(self, count: int = 1, timeout: float = 5.0) -> None:
        """Wait until so many generation requests have come."""
        await asyncio.to_thread(self.wait_for_generations, count, timeout)

    def script(self, *steps: Step) -> None:
        """Answer the next generation requests by these steps, later ones by `answer` again."""
        self._script.extend(steps)

    def on(self, method: str, path: str, *steps: Step) -> None:
        """Answer another path by these steps; the last one stays."""
        self._routes[method, path] = deque(steps)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._connection(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            early = b""
            while (request := await read_request(reader, early)) is not None:
                with self._arrival:
                    self.requests.append(request)
                    self._arrival.notify_all()
                gone = asyncio.create_task(reader.read(1))
                work = asyncio.create_task(self._respond(request, writer))
                try:
                    await asyncio.wait({gone, work}, return_when=asyncio.FIRST_COMPLETED)
                    if gone.done() and not work.done() and not _result(gone):
                        request.cut, request.cut_at = True, time.monotonic()
                        return
                    try:
                        keep = await work
                    except ConnectionError:  # the client went while we were writing
                        request.cut, request.cut_at = True, time.monotonic()
                        return
                    request.done = True
                    if not keep:
                        return
                finally:
                    for task in (gone, work):
                        task.cancel()
                    await asyncio.gather(gone, work, return_exceptions=True)
                    request.settled.set()
                early = b"" if gone.cancelled() else _result(gone)
                if gone.done() and not gone.cancelled() and not early:
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort() if writer.is_closing() else writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _respond(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Send the answer; return whether the connection stays open."""
        step = self._choose(request)
        match step:
            case Reply():
                return await self._stream(step, request.json or {}, writer)
            case Whole():
                return await send_whole(step, writer)
            case Drop():
                if step.after_headers:
                    await self._head(writer)
                if step.reset:
                    reset(writer)
                return False
            case Silence():
                if step.after_headers:
                    await self._head(writer)
                await asyncio.Event().wait()
            case Garbage():
                writer.write(step.data)
                await writer.drain()
        return False

    def _choose(self, request: Request) -> Step:
        own = self._routes.get((request.method, request.path))
        if own:
            return own.popleft() if len(own) > 1 else own[0]
        if not self.authorized(request):
            return self.unauthorized()
        if request.path == self.chat_path and request.method == "POST":
            if self._script:
                return self._script.popleft()
            refusal = self.refuse(request)
            if refusal is not None:
                return refusal
            given = self.answer(request.json)
            return Reply(given) if isinstance(given, str) else given
        return self.route(request) or status(404, {"error": {"message": "Not Found"}})

    def unauthorized(self) -> Whole:
        return self.error(401, "invalid key")

    async def _head(
        self, writer: asyncio.StreamWriter, headers: Mapping[str, str] | None = None
    ) -> None:
        more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        writer.write(
            f"HTTP/1.1 200 OK\r\nContent-Type: {self.content_type}\r\n"
            f"{more}Transfer-Encoding: chunked\r\n\r\n".encode()
        )
        await writer.drain()

    async def _stream(
        self, reply: Reply, body: dict[str, Any], writer: asyncio.StreamWriter
    ) -> bool:
        await self._head(writer, reply.headers)
        if reply.comments:
            await send_chunk(writer, b": OPENROUTER PROCESSING\n\n")
        texts = 0
        first = True
        for kind, data in self.events(reply, body):
            if kind == "end" and not reply.end_marker:
                continue
            if kind in ("text", "thinking"):
                await asyncio.sleep(reply.first_token if first else reply.between)
                first = False
            if kind == "text" or texts:
                if texts == reply.cut_after:
                    reset(writer)
                    return False
                if texts == reply.stall_after:
                    await asyncio.Event().wait()
            if kind == "text":
                if texts == reply.garbage_at:
                    await send_chunk(writer, self.garbage_event())
                if texts == reply.error_at:
                    await send_chunk(writer, self.error_event())
                    break
                texts += 1
            size = reply.split or len(data)
            for start in range(0, len(data), size):
                await send_chunk(writer, data[start : start + size])
        if reply.hold_open:
            await asyncio.Event().wait()
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True


@contextmanager
def serve_in_thread(server: Server) -> Iterator[Server]:
    """Run a server in a thread of its own, for tests without an event loop."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def prompt_tokens(body: dict[str, Any]) -> int:
    """Return a count of a prompt's tokens as the fake vendor counts: four characters each."""
    parts = [body.get("system") or ""]
    parts += [message.get("content") or "" for message in body.get("messages", [])]
    return max(1, sum(map(len, parts)) // 4)


def _result(task: asyncio.Task[bytes]) -> bytes:
    return b"" if task.cancelled() or task.exception() else task.result()
