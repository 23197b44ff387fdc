"""What every HTTP adapter makes of a bad answer: the right kind, one short message, no secrets."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from typing import Any

import pytest

from aiex_lsp.config.settings import Secret
from aiex_lsp.errors import MAX_MESSAGE, ProviderError
from aiex_lsp.errors import FailureKind as Kind
from aiex_lsp.llm.adapters.base import Adapter
from aiex_lsp.llm.types import Text
from tests.contract.dialects import HTTP, KEY, adapter_for, call, cases
from tests.servers.base import FakeServer
from tests.servers.script import (
    Drop,
    Garbage,
    Reply,
    Silence,
    Step,
    Whole,
    empty,
    html,
    invalid_json,
    status,
)


async def failure(adapter: Adapter, model: str, **fields: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await adapter.complete(call(model, **fields))
    error = caught.value
    message = str(error)
    assert len(message) <= MAX_MESSAGE
    assert error.provider == adapter.name
    assert adapter.name in message
    assert error.next_step
    assert error.next_step in message
    assert KEY not in message
    assert "f do?" not in message
    return error


FAULTS: list[tuple[str, Step, Kind]] = [
    ("a web page", html(), Kind.MALFORMED),
    ("a web page as 404", html(404), Kind.MALFORMED),
    ("a web page as 502", html(502), Kind.TRANSIENT),
    ("an empty body", empty(), Kind.MALFORMED),
    ("invalid JSON", invalid_json(), Kind.MALFORMED),
    ("JSON of another shape", status(200, ["what"]), Kind.MALFORMED),
    ("an empty stream", Whole(content_type="text/event-stream"), Kind.MALFORMED),
    (
        "text instead of events",
        Whole(body=b"It works!\n", content_type="text/plain"),
        Kind.MALFORMED,
    ),
    ("another protocol", Garbage(), Kind.MALFORMED),
    ("a reset before the headers", Drop(), Kind.TRANSIENT),
    ("an orderly close before the headers", Drop(reset=False), Kind.TRANSIENT),
    ("a reset after the headers", Drop(after_headers=True), Kind.TRUNCATED),
    ("a stream cut at the first token", Reply("a b c", cut_after=0), Kind.TRUNCATED),
    ("a stream cut half way", Reply("a b c", cut_after=2), Kind.TRUNCATED),
    ("a stream without a finish reason", Reply("a b c", finish=None), Kind.TRUNCATED),
    ("a broken event", Reply("a b c", garbage_at=1), Kind.MALFORMED),
    ("500 without a body", status(500), Kind.TRANSIENT),
    ("503 without a body", status(503), Kind.OVERLOADED),
    ("529 without a body", status(529), Kind.OVERLOADED),
    ("429 without a body", status(429), Kind.RATE_LIMITED),
    ("401 without a body", status(401), Kind.CREDENTIALS),
    ("403 without a body", status(403), Kind.PERMISSION),
    ("404 without a body", status(404), Kind.MALFORMED),
    ("a redirect", status(307, location="https://elsewhere.example/v1"), Kind.MALFORMED),
    ("an endless error", Whole(500, endless=True), Kind.TRANSIENT),
]


@pytest.mark.parametrize(("step", "kind"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
async def test_faults_of_the_network(
    server: FakeServer, adapter: Adapter, model: str, step: Step, kind: Kind
) -> None:
    server.script(step)
    assert (await failure(adapter, model)).kind is kind
    server.script(Reply("well again"))
    assert (await adapter.complete(call(model))).text == "well again"


async def test_an_error_inside_the_stream(server: FakeServer, adapter: Adapter, model: str) -> None:
    server.script(Reply("a b c", error_at=1))
    error = await failure(adapter, model)
    assert error.kind in (Kind.TRANSIENT, Kind.OVERLOADED)


async def test_what_came_before_a_cut_is_given_then_the_cut_is_told(
    server: FakeServer, adapter: Adapter, model: str
) -> None:
    server.script(Reply("one two three", cut_after=2))
    got: list[str] = []

    async def watch() -> None:
        async for chunk in adapter.stream(call(model)):
            got.append(chunk.text if isinstance(chunk, Text) else "")

    with pytest.raises(ProviderError) as caught:
        await watch()
    assert caught.value.kind is Kind.TRUNCATED
    assert "one two".startswith("".join(got))


async def test_a_wrong_key(server: FakeServer, model: str) -> None:
    server.key = "sk-the-right-one"
    adapter = adapter_for(server)
    error = await failure(adapter, model)
    assert error.kind is Kind.CREDENTIALS
    assert error.status == 401
    assert (await adapter.check_health()).status == "error" or server.dialect == "lm_studio"
    await adapter.aclose()


async def test_the_right_key_is_sent(server: FakeServer, adapter: Adapter, model: str) -> None:
    server.key = KEY
    assert (await adapter.complete(call(model))).text


async def test_a_key_that_cannot_be_sent(server: FakeServer, model: str) -> None:
    for key in ("sk-schlüssel", "sk-a\r\nb"):
        adapter = adapter_for(server, api_key=Secret(key))
        error = await failure(adapter, model)
        assert error.kind is Kind.CREDENTIALS
        assert key not in str(error)
        await adapter.aclose()
    assert server.requests == []


async def test_a_key_echoed_by_the_server_is_not_shown(
    server: FakeServer, adapter: Adapter, model: str
) -> None:
    server.script(server.error(400, f"Bad request by {KEY} at sk-proj-abcdef123456"))
    error = await failure(adapter, model)
    assert "sk-" not in str(error)


async def test_a_model_that_does_not_exist(server: FakeServer, adapter: Adapter) -> None:
    error = await failure(adapter, "no-such-model")
    assert error.kind is Kind.MODEL_NOT_FOUND
    assert "no-such-model" in str(error)
    if server.dialect == "ollama":
        assert "`ollama pull no-such-model`" in str(error)


async def test_a_server_that_is_down(http_dialect: Any) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        server = http_dialect.server()
        adapter = adapter_for(server, base_url=url)
        error = await failure(adapter, http_dialect.model)
        assert error.kind is Kind.CONNECT
        assert url in str(error)
        if http_dialect.type == "ollama":
            assert "ollama serve" in str(error)
        health = await adapter.check_health()
        assert (health.status, health.response_time_ms) == ("unhealthy", None)
        with pytest.raises(ProviderError):
            await adapter.list_models()
        await adapter.aclose()


async def test_a_server_that_accepts_no_connection(http_dialect: Any) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(full.getsockname())
            server = http_dialect.server()
            url = f"http://127.0.0.1:{full.getsockname()[1]}"
            adapter = adapter_for(server, base_url=url)
            adapter._http._connect_timeout = 0.2  # type: ignore[attr-defined]
            assert (await failure(adapter, http_dialect.model)).kind is Kind.CONNECT_TIMEOUT
            await adapter.aclose()
        finally:
            for one in waiting:
                one.close()


async def test_https_where_the_server_speaks_http(server: FakeServer, model: str) -> None:
    adapter = adapter_for(server, base_url=server.root_url.replace("http:", "https:"))
    assert (await failure(adapter, model)).kind is Kind.CONNECT
    await adapter.aclose()


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://", "http://[::1", "http://127.0.0.1:x"])
async def test_an_unusable_base_url(server: FakeServer, model: str, url: str) -> None:
    adapter = adapter_for(server, base_url=url)
    assert (await failure(adapter, model)).kind is Kind.NOT_CONFIGURED
    assert (await adapter.check_health()).status == "error"
    await adapter.aclose()


async def test_health_of_a_server_in_trouble(server: FakeServer, adapter: Adapter) -> None:
    path = "/api/tags" if server.dialect == "ollama" else "/v1/models"
    for step, expected in (
        (status(500), "unhealthy"),
        (status(503), "unhealthy"),
        (Drop(), "unhealthy"),
        (html(), "error"),
        (status(401), "error"),
    ):
        server.on("GET", path, step)
        health = await adapter.check_health()
        assert health.status == expected, step
        assert health.error
        assert len(health.error) <= MAX_MESSAGE


async def test_model_lists_that_are_broken(server: FakeServer, adapter: Adapter) -> None:
    paths = ["/api/tags", "/v1/models", "/api/v1/models"]
    for step in (html(), empty(), invalid_json(), status(500), Drop()):
        for path in paths:
            server.on("GET", path, step)
        with pytest.raises(ProviderError):
            await adapter.list_models()
    for path in paths:
        server.on("GET", path, status(200, {"data": [], "models": []}))
    with pytest.raises(ProviderError) as caught:
        await adapter.default_model()
    assert caught.value.kind is Kind.MODEL_NOT_FOUND
    if server.dialect == "ollama":
        assert "ollama pull" in str(caught.value)


async def test_silence_is_the_clients_business(
    server: FakeServer, adapter: Adapter, model: str
) -> None:
    for step in (Silence(), Silence(after_headers=True)):
        server.script(step)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await adapter.complete(call(model))
    for request in server.generations:
        await request.wait()
        assert request.cut


CASES = [(dialect, case) for dialect in sorted(HTTP) for case in cases(dialect)]


@pytest.mark.parametrize(
    ("name", "case"), CASES, ids=[f"{dialect}: {case['name']}" for dialect, case in CASES]
)
async def test_errors_as_the_vendors_document_them(name: str, case: dict[str, Any]) -> None:
    dialect = HTTP[name]
    assert dialect.server is not None
    async with dialect.server() as server:
        if "text" in case:
            step: Step = Whole(case["status"], case["text"].encode(), content_type="text/plain")
        else:
            headers = case.get("headers", {})
            body = case.get("body")
            step = replace(status(case["status"], body), headers=headers)
        # A case whose wording could teach the adapter something is given each time.
        server.script(*[step] * 6)
        adapter = adapter_for(server)
        error = await failure(adapter, dialect.model)
        assert error.kind == case["kind"], str(error)
        assert error.status == case["status"]
        assert error.retry_after == case.get("retry_after")
        assert case.get("step", "") in str(error)
        if "hidden" in case:
            assert case["hidden"] not in str(error)
        await adapter.aclose()
