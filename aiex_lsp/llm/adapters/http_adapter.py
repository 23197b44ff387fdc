"""What the adapters over HTTP share: one stream loop, learned refusals, errors, probes."""

from __future__ import annotations

import asyncio
import json
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, ClassVar, Generic, TypeVar

from aiex_lsp.config.settings import ProviderSettings
from aiex_lsp.errors import FailureKind, ProviderError
from aiex_lsp.llm import failures
from aiex_lsp.llm.adapters.base import Adapter, AdapterContext
from aiex_lsp.llm.adapters.http import Framing, HttpClient, StatusError
from aiex_lsp.llm.failure_texts import Fault, Origin, key_step
from aiex_lsp.llm.failures import FaultError
from aiex_lsp.llm.types import Chunk, Health, Heartbeat, ModelCall
from aiex_lsp.llm.wire.base_url import BaseUrl, parse_base_url
from aiex_lsp.llm.wire.quota import read_quota
from aiex_lsp.llm.wire.reader import StreamReader, VendorFailure, deep_merge
from aiex_lsp.llm.wire.sse import ServerEvent
from aiex_lsp.llm.wire.vendor_errors import VendorError, decode, kind_of, parse_error

MAX_RESENDS = 4
"""A model may refuse several parameters, each in an answer of its own, at once and for free."""

USAGE_GRACE, END_GRACE = 2.0, 0.25
"""Seconds a complete answer waits for its usage, and for the end of the connection."""

_DOWN = (
    FailureKind.CONNECT,
    FailureKind.CONNECT_TIMEOUT,
    FailureKind.OVERLOADED,
    FailureKind.TRANSIENT,
)


Learned = TypeVar("Learned")


class HttpAdapter(Adapter, Generic[Learned]):
    """A provider over HTTP. `Learned` is what one of its models was seen to accept."""

    default_base_url: ClassVar[str]
    chat_path: ClassVar[str]
    framing: ClassVar[Framing]
    needs_key_at: ClassVar[str | None] = None
    """The vendor's own host, which never answers without a key."""

    def __init__(self, settings: ProviderSettings, context: AdapterContext) -> None:
        super().__init__(settings, context)
        base = parse_base_url(settings.base_url or self.default_base_url)
        self._valid = base.valid
        self._base = self.normalise(base)
        self._key = settings.api_key.reveal().strip() if settings.api_key else ""
        given = {name.lower() for name in settings.headers}
        self._authorized = bool(self._key) or bool(
            given & {"authorization", "api-key", "x-api-key"}
        )
        own = {k: v for k, v in self.own_headers().items() if k not in given}
        self._http = HttpClient(
            self._base.url,
            connect_timeout=context.connect_timeout,
            headers={**own, **settings.headers},
            query={**self._base.query, **settings.query},
        )
        self._learned: dict[str, Learned] = {}

    @abstractmethod
    def normalise(self, base: BaseUrl) -> BaseUrl:
        """Return the address that this dialect's paths are appended to."""

    @abstractmethod
    def own_headers(self) -> dict[str, str]:
        """Return the dialect's headers, lower case; configured ones of the same name win."""

    @abstractmethod
    def unlearned(self, model: str) -> Learned:
        """Return what is assumed of a model before it has refused anything."""

    @abstractmethod
    def learn(self, error: VendorError, learned: Learned, body: Mapping[str, Any]) -> Learned:
        """Return what a refusal of `body` teaches; `learned` itself if nothing."""

    def thinks(self, learned: Learned) -> Learned:
        """Return what is known of a model once it was seen to think."""
        return learned

    @abstractmethod
    async def body(self, call: ModelCall, learned: Learned) -> dict[str, Any]:
        """Return the request's JSON."""

    @abstractmethod
    def reader(self, call: ModelCall, body: Mapping[str, Any]) -> StreamReader:
        """Return a new reader for the answer to `body`."""

    async def stream(self, call: ModelCall) -> AsyncIterator[Chunk]:
        """Yield the answer's chunks; a refused parameter is left out and the request sent again."""
        async with self._errors(call.model):
            for resend in range(MAX_RESENDS + 1):
                learned = self._learned.get(call.model) or self.unlearned(call.model)
                body = deep_merge(await self.body(call, learned), self.settings.extra_body)
                reader = self.reader(call, body)
                try:
                    async with aclosing(self._answer(reader, body)) as chunks:
                        async for chunk in chunks:
                            yield chunk
                    if reader.thought:
                        self._learned[call.model] = self.thinks(learned)
                    return
                except StatusError as error:
                    if resend == MAX_RESENDS or not self._teaches(error, call, learned, body):
                        raise

    async def check_health(self) -> Health:
        """Return the result of `probe`, timed. Never raises."""
        started = self.context.monotonic()
        try:
            async with self._errors(None):
                await self.probe()
        except ProviderError as error:
            if error.kind is FailureKind.RATE_LIMITED:
                return Health("unknown", error=error.user_message())  # it is up, and busy
            down = error.kind in _DOWN
            return Health("unhealthy" if down else "error", error=error.user_message())
        return Health("healthy", (self.context.monotonic() - started) * 1000)

    @abstractmethod
    async def probe(self) -> None:
        """Ask for something that is free of charge and needs the key."""

    async def get(self, path: str, **query: str) -> Any:
        """Return the JSON at `path`; raises only `ProviderError`."""
        async with self._errors(None):
            return await self._http.json("GET", path, query=query)

    async def aclose(self) -> None:
        """Close the connections; may be called twice."""
        await self._http.aclose()

    async def _answer(
        self, reader: StreamReader, body: Mapping[str, Any]
    ) -> AsyncGenerator[Chunk, None]:
        headers: dict[str, str] = {}
        frames = self._http.frames(
            self.chat_path, body, self.framing, base_url=self._base.url, on_headers=headers.update
        )
        ending = _Ending(reader)
        async with aclosing(frames):
            while (event := await ending.next(frames)) is not None:
                if headers:
                    quota = read_quota(headers, self.context.now())
                    headers.clear()
                    if quota is not None:
                        yield quota
                if event.comment:
                    yield Heartbeat(event.data)
                elif event.data.strip() == "[DONE]":
                    reader.ended = True
                else:
                    for chunk in reader.read(_decoded(event.data)):
                        yield chunk
        if reader.reason is None:
            raise FaultError(Fault.CUT)
        for chunk in reader.finish():
            yield chunk

    def _teaches(
        self, error: StatusError, call: ModelCall, learned: Learned, body: Mapping[str, Any]
    ) -> bool:
        """Return whether the request is worth sending again, changed by what `error` taught."""
        found = parse_error(decode(error.body)) or VendorError()
        kind = kind_of(found)
        if error.status in (404, 405) and self._base.guessed and kind is None:
            self._base = BaseUrl(self._base.url.removesuffix("/v1"), self._base.query, True)
            return True
        # A wording about a model may be about what it does not support; others are no refusal.
        may_refuse = kind in (None, FailureKind.MODEL_NOT_FOUND, FailureKind.TRANSIENT)
        # llama.cpp reports what a chat template refuses, the system role, as its own failure.
        by_template = error.status == 500 and "role" in found.message
        if not may_refuse or not (error.status in (400, 422) or by_template):
            return False
        new = self.learn(found, learned, body)
        if new == learned:
            return False
        self._learned[call.model] = new
        return True

    @asynccontextmanager
    async def _errors(self, model: str | None) -> AsyncIterator[None]:
        """Make `ProviderError` of everything that can go wrong inside."""
        origin = Origin(
            self.name,
            self.type,
            self._base.url,
            model,
            (self._key, *(v for v in self.settings.headers.values() if len(v) >= 8)),
        )
        if not self._valid:
            raise failures.from_fault(origin, Fault.BAD_URL)
        if not self._authorized and self.needs_key_at and self.needs_key_at in self._base.url:
            raise ProviderError(
                FailureKind.NOT_CONFIGURED,
                f"{self.name} needs an API key and none is set",
                key_step(origin).replace("Check", "Set"),
                provider=self.name,
                model=model,
            )
        try:
            yield
        except StatusError as error:
            raise failures.from_response(
                origin, error.status, error.headers, error.body, self.context.now()
            ) from None
        except FaultError as error:
            raise failures.from_fault(origin, error.fault, error.detail) from None
        except VendorFailure as error:
            found = failures.from_body(origin, error.body)
            raise found or failures.from_fault(origin, Fault.NOT_JSON) from None
        except (AttributeError, KeyError, TypeError, IndexError, OverflowError):
            # JSON of a shape no documentation shows.
            raise failures.from_fault(origin, Fault.NOT_JSON) from None


class _Ending:
    """Reads a stream to its end, which is near once the model has said why it stopped.

    The answer is complete then: neither silence nor a cut connection nor signs of life without
    end take that back.
    """

    def __init__(self, reader: StreamReader) -> None:
        self._reader = reader
        self._until: float | None = None
        self._grace = 0.0

    async def next(self, frames: AsyncGenerator[ServerEvent, None]) -> ServerEvent | None:
        """Return the next event, None at the end."""
        reader = self._reader
        if reader.reason is None:
            return await anext(frames, None)
        grace = END_GRACE if reader.ended or reader.usage else USAGE_GRACE
        if self._until is None or grace != self._grace:
            self._grace = grace
            self._until = asyncio.get_running_loop().time() + grace
        try:
            async with asyncio.timeout_at(self._until):
                return await anext(frames, None)
        except (TimeoutError, FaultError):
            return None


def _decoded(data: str) -> Mapping[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise FaultError(Fault.NOT_JSON) from None
    if not isinstance(found, dict):
        raise FaultError(Fault.NOT_JSON)
    return found
