"""HTTP to the providers: the only module that knows httpx.

Raises `FaultError` and `StatusError`; who knows the provider makes `ProviderError` of them. Logs
nothing: headers hold keys and bodies the user's code.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal

from aiex_lsp import __version__
from aiex_lsp.llm.adapters.bodies import PackedError, Unpacker, encoded
from aiex_lsp.llm.adapters.connect_faults import connect_fault
from aiex_lsp.llm.failure_texts import Fault
from aiex_lsp.llm.failures import FaultError
from aiex_lsp.llm.wire.base_url import is_loopback
from aiex_lsp.llm.wire.lines import LineSplitter, LineTooLongError
from aiex_lsp.llm.wire.sse import ServerEvent, SseDecoder
from aiex_lsp.llm.wire.vendor_errors import decode

if TYPE_CHECKING:
    import httpx

MAX_ERROR_BODY = 64 * 1024
MAX_JSON_BODY = 32 * 1024 * 1024
"""Bytes; OpenRouter's list of some hundred models has about one megabyte."""

Framing = Literal["sse", "ndjson"]

_OWN_HEADERS = {"user-agent": f"aiex-lsp/{__version__}", "accept-encoding": "gzip"}


def preload() -> None:
    """Import what the first request needs, 0.3 s of it, before there is one. For a thread."""
    import anyio
    import httpcore  # noqa: F401 - importing it is all that is wanted
    import httpx  # noqa: F401 - as above

    anyio.run(anyio.sleep, 0)  # imports its asyncio part, which httpcore does at the first request


class StatusError(Exception):
    """An answer that is not 2xx; `headers` have lower-case names, `body` is cut at 64 KiB."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers
        self.body = body


class HttpClient:
    """Connections to one provider, made with the first request and kept.

    `connect_timeout` is in seconds and the only time limit. Redirects are not followed, so that
    no key goes to another host. Proxies of the environment are used, but never for this machine.
    """

    def __init__(
        self,
        base_url: str,
        *,
        connect_timeout: float,
        headers: Mapping[str, str],
        query: Mapping[str, str],
    ) -> None:
        self._base_url = base_url
        self._connect_timeout = connect_timeout
        self._headers = headers
        self._query = dict(query)
        self._client: httpx.AsyncClient | None = None
        self._making = asyncio.Lock()

    async def json(
        self,
        method: str,
        path: str,
        *,
        base_url: str | None = None,
        body: Any = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """Return the decoded JSON of an answer; `path` is appended to the base URL."""
        async with self._open(method, (base_url or self._base_url) + path, body, query) as response:
            return await _whole_json(response)

    async def frames(
        self,
        path: str,
        body: Mapping[str, Any],
        framing: Framing,
        *,
        base_url: str | None = None,
        on_headers: Callable[[Mapping[str, str]], None] = lambda _headers: None,
    ) -> AsyncGenerator[ServerEvent, None]:
        """Yield the events of a stream; an answer in one JSON body is one event.

        `on_headers` is told the answer's headers, names in lower case, before the first event.
        Closing it closes the connection.
        """
        url = (base_url or self._base_url) + path
        async with self._open("POST", url, body, None) as response:
            on_headers(_lowered(response))
            kind = response.headers.get("content-type", "").lower()
            if "text/html" in kind:
                raise FaultError(Fault.WEB_PAGE)
            if framing == "sse" and "application/json" in kind:
                raw = await _read(response, MAX_JSON_BODY)
                if not isinstance(decode(raw), dict):
                    raise FaultError(Fault.NOT_JSON if raw.strip() else Fault.EMPTY_BODY)
                yield ServerEvent(data=raw.decode("utf-8", errors="replace"))
                return
            seen = found = False
            lines, decoder = LineSplitter(), SseDecoder()
            async for data in _chunks(response):
                seen = True
                try:
                    new = lines.feed(data)
                except LineTooLongError:
                    raise FaultError(Fault.TOO_LARGE) from None
                for line in new:
                    event = _event(line, framing, decoder)
                    if event is not None:
                        found = True
                        yield event
            for event in _rest(lines, framing, decoder):
                found = True
                yield event
            if not found:
                raise FaultError(Fault.NOT_JSON if seen else Fault.EMPTY_BODY)

    async def aclose(self) -> None:
        """Close all connections; may be called twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    @asynccontextmanager
    async def _open(
        self, method: str, url: str, body: Any, query: Mapping[str, str] | None
    ) -> AsyncIterator[httpx.Response]:
        client = await self._made()
        begun = False
        try:
            params = {**self._query, **(query or {})} or None
            content = None if body is None else encoded(body)
            request = client.build_request(method, url, content=content, params=params)
            if content is not None:
                request.headers.setdefault("content-type", "application/json")
            response = await client.send(request, stream=True)
            try:
                begun = True
                if not response.is_success:
                    raise StatusError(*await self._failure(response))
                yield response
            finally:
                await response.aclose()
        except (FaultError, StatusError):
            raise
        except Exception as error:
            found = _fault(error, begun)
            if found is None:
                raise
            raise found from None

    async def _failure(self, response: httpx.Response) -> tuple[int, dict[str, str], bytes]:
        body = bytearray()
        # A body that never ends, or is cut, must not hide the status.
        with suppress(TimeoutError, FaultError):
            async with asyncio.timeout(self._connect_timeout):
                async for data in _chunks(response):
                    body += data
                    if len(body) >= MAX_ERROR_BODY:
                        break
        return response.status_code, _lowered(response), bytes(body[:MAX_ERROR_BODY])

    async def _made(self) -> httpx.AsyncClient:
        if self._client is None:
            async with self._making:
                if self._client is None:
                    # The import and the certificates take 0.2 s: not on the event loop.
                    self._client = await asyncio.to_thread(self._make)
        return self._client

    def _make(self) -> httpx.AsyncClient:
        import httpx

        for name in ("httpx", "httpcore"):
            # They log addresses, whose query may hold a key, and at DEBUG every header.
            logging.getLogger(name).setLevel(logging.WARNING)
        local = is_loopback(self._base_url)
        try:
            return httpx.AsyncClient(
                headers={**_OWN_HEADERS, **self._headers},
                timeout=httpx.Timeout(None, connect=self._connect_timeout),
                limits=httpx.Limits(max_connections=None, keepalive_expiry=30.0),
                trust_env=not local,
                # Certificates cost memory and time, and http on loopback never sees one.
                verify=not (local and self._base_url.startswith("http:")),
                follow_redirects=False,
            )
        except UnicodeEncodeError:
            raise FaultError(Fault.BAD_KEY) from None
        except (ValueError, httpx.InvalidURL):
            raise FaultError(Fault.PROXY, "its address is not usable") from None
        except OSError:
            raise FaultError(Fault.TLS, "SSL_CERT_FILE cannot be read") from None


def _lowered(response: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


async def _whole_json(response: httpx.Response) -> Any:
    raw = await _read(response, MAX_JSON_BODY)
    if not raw.strip():
        raise FaultError(Fault.EMPTY_BODY)
    found = decode(raw) if len(raw) < 65536 else await asyncio.to_thread(decode, raw)
    if found is not None:
        return found
    html = "text/html" in response.headers.get("content-type", "").lower()
    raise FaultError(Fault.WEB_PAGE if html else Fault.NOT_JSON)


async def _read(response: httpx.Response, limit: int) -> bytes:
    body = bytearray()
    async for data in _chunks(response):
        body += data
        if len(body) > limit:
            raise FaultError(Fault.TOO_LARGE)
    return bytes(body)


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    try:
        unpack = Unpacker(response.headers.get("content-encoding", ""))
        async for packed in response.aiter_raw():
            for data in unpack(packed):
                yield data
                if unpack.packed:
                    await asyncio.sleep(0)  # a few bytes may be hundreds of megabytes unpacked
    except PackedError:
        raise FaultError(Fault.NOT_JSON) from None
    except Exception as error:
        found = _fault(error, begun=True)
        if found is None:
            raise
        raise found from None


def _event(line: str, framing: Framing, decoder: SseDecoder) -> ServerEvent | None:
    if framing == "sse":
        return decoder.line(line)
    return ServerEvent(data=line) if line.strip() else None


def _rest(lines: LineSplitter, framing: Framing, decoder: SseDecoder) -> list[ServerEvent]:
    """Return the last event of a stream, unless it was cut within it."""
    events = [_event(line, framing, decoder) for line in lines.close()]
    events.append(decoder.close())
    return [
        event
        for event in events
        if event is not None
        and (event.data.strip() == "[DONE]" or decode(event.data.encode()) is not None)
    ]


def _fault(error: Exception, begun: bool) -> FaultError | None:
    """Return what an exception of httpx means; `begun` once the answer's head has arrived."""
    import httpx

    match error:
        case httpx.ConnectTimeout():
            return FaultError(Fault.CONNECT_TIMEOUT)
        case httpx.ProxyError():
            return FaultError(Fault.PROXY, str(error)[:60])
        case httpx.ConnectError():
            return connect_fault(error)
        case httpx.UnsupportedProtocol() | httpx.InvalidURL():
            return FaultError(Fault.BAD_URL)
        case httpx.LocalProtocolError() | UnicodeEncodeError():
            return FaultError(Fault.BAD_KEY)
        case httpx.RemoteProtocolError() if not begun:
            silent = "disconnected" in str(error)
            return FaultError(Fault.NO_ANSWER if silent else Fault.NOT_HTTP)
        case httpx.TransportError():
            return FaultError(Fault.CUT if begun else Fault.NO_ANSWER)
    return None
