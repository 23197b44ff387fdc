"""What bad input gets, through the whole server: one message that names the provider, what
happened and a step; the document untouched; the next question answered."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e import cases
from tests.e2e.harness import Client, Home, closed_port, running
from tests.servers import anthropic, lm_studio, ollama, openai, script
from tests.servers.base import FakeServer, serve_in_thread
from tests.servers.script import Drop, Garbage, Reply, Silence, Step

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("e2e-faults"),
    pytest.mark.asyncio(loop_scope="module"),
]

DIALECTS: dict[str, tuple[type[FakeServer], str]] = {
    "anthropic": (anthropic.AnthropicServer, anthropic.MODEL),
    "openai": (openai.OpenAIServer, openai.MODEL),
    "ollama": (ollama.OllamaServer, ollama.MODEL),
    "lm_studio": (lm_studio.LMStudioServer, lm_studio.MODEL),
}
KEY = "sk-fake-key-of-the-tests"
GOOD = "Sums the prices with their tax.\n\n## How it works\n\nBy `sum`."


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, FakeServer]]:
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(serve_in_thread(kind()))
            for name, (kind, _model) in DIALECTS.items()
        }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(
    servers: dict[str, FakeServer], make_home: Callable[[], Home]
) -> AsyncIterator[Client]:
    config = """
        default_provider = "openai"
        connect_timeout = 1.0
        first_token_timeout = 20.0
        stall_timeout = 0.6
        cache = { ttl = 0 }
        hover = { wait = 0.05 }
        # One fault after another at the same provider, each on its own; tests/faults has the rest.
        retry = { tries = 1 }
        circuit_breaker = { failure_threshold = 1000 }
        coordination = { backend = "memory" }
        health = { interval = 0 }
    """
    for name, server in servers.items():
        config += f"""
            [providers.{name}]
            base_url = "{server.base_url}"
            default_model = "{DIALECTS[name][1]}"
            api_key = {{ env = "FAKE_KEY" }}
            rate_limits = "unlimited"
            [providers.{name}_hasty]
            type = "{name}"
            base_url = "{server.base_url}"
            default_model = "{DIALECTS[name][1]}"
            api_key = {{ env = "FAKE_KEY" }}
            rate_limits = "unlimited"
            first_token_timeout = 0.4
            [providers.{name}_down]
            type = "{name}"
            base_url = "http://127.0.0.1:{closed_port()}"
            default_model = "any"
            rate_limits = "unlimited"
            api_key = {{ env = "FAKE_KEY" }}
        """
    async with running(make_home(), "vscode", config=config, env={"FAKE_KEY": KEY}) as client:
        yield client


@pytest.fixture
def server(servers: dict[str, FakeServer], dialect: str) -> Iterator[FakeServer]:
    server = servers[dialect]
    server.answer = lambda _body: GOOD
    yield server
    server.key = None


@dataclass(frozen=True)
class Fault:
    """What the provider does, and what the message says: what happened, and a step."""

    step: Callable[[FakeServer], Step]
    what: str
    then: str


AGAIN = "Try again|Ask again"
FAULTS = {
    "slow": Fault(lambda _: Silence(), "sent no answer within 0.4 s", "first_token_timeout"),
    "slow after its head": Fault(
        lambda _: Silence(after_headers=True), "sent no answer within 0.4 s", "first_token_timeout"
    ),
    "silent half way": Fault(
        lambda _: Reply(GOOD, stall_after=3), "fell silent for 0.6 s", "stall_timeout"
    ),
    "drops half way": Fault(lambda _: Reply(GOOD, cut_after=3), "broke", AGAIN),
    "ends without a finish reason": Fault(lambda _: Reply(GOOD, finish=None), "broke", AGAIN),
    "fails half way": Fault(lambda server: Reply(GOOD, error_at=3), "failed|overloaded", AGAIN),
    "garbage half way": Fault(lambda _: Reply(GOOD, garbage_at=2), "not valid JSON", AGAIN),
    "hangs up": Fault(lambda _: Drop(), "closed the connection", AGAIN),
    "hangs up in order": Fault(lambda _: Drop(reset=False), "closed the connection", AGAIN),
    "hangs up after its head": Fault(lambda _: Drop(after_headers=True), "broke|closed", AGAIN),
    "is no HTTP server": Fault(lambda _: Garbage(), "does not speak HTTP", "base_url"),
    "HTML": Fault(lambda _: script.html(), "web page", "base_url"),
    "HTML of a 404": Fault(lambda _: script.html(404), "web page|no such address", "base_url"),
    "HTML of a 502": Fault(lambda _: script.html(502), "failed", AGAIN),
    "empty body": Fault(lambda _: script.empty(), "empty body", "base_url"),
    "invalid JSON": Fault(lambda _: script.invalid_json(), "not valid JSON", "base_url"),
    "429": Fault(
        lambda server: server.error(429, "Too many requests"), r"rate limit \(429\)", "Try again in"
    ),
    "500": Fault(lambda server: server.error(500, "Internal error"), r"failed \(500\)", AGAIN),
    "529": Fault(lambda server: server.error(529, "Overloaded"), r"overloaded.* \(529\)", AGAIN),
    "empty answer": Fault(lambda _: Reply(""), "gave an empty answer", AGAIN),
    "blank answer": Fault(lambda _: Reply(pieces=["\n", "  \n"]), "gave an empty answer", AGAIN),
    "only thinking": Fault(
        lambda _: Reply("", thinking=["Let me see."], finish="length"), "thinking", "max_tokens"
    ),
    "refused by its filter": Fault(
        lambda _: Reply("I can", finish="content_filter"), "content", "Ask differently|Select"
    ),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_failing_provider(
    client: Client, server: FakeServer, dialect: str, fault: str
) -> None:
    if fault == "refused by its filter" and dialect == "ollama":
        pytest.skip("Ollama has no such finish reason")
    wanted = FAULTS[fault]
    server.answer = lambda _body: wanted.step(server)
    provider = f"{dialect}_hasty" if fault.startswith("slow") else dialect
    await _fails(client, provider, "aiex/explain", wanted.what, wanted.then)
    await _still_serves(client, server, dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_wrong_key(client: Client, server: FakeServer, dialect: str) -> None:
    server.key = "another-key"
    message = await _fails(client, dialect, "aiex/explain", r"API key \(401\)", "Check ")
    assert KEY not in message
    server.key = None
    await _still_serves(client, server, dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_model_that_does_not_exist(
    client: Client, server: FakeServer, dialect: str
) -> None:
    step = {"ollama": "ollama pull no-such-model"}.get(dialect, "models list")
    more = {"model": "no-such-model"}
    await _fails(client, dialect, "aiex/explain", "no model 'no-such-model'", step, more)
    await _still_serves(client, server, dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_server_that_is_down(client: Client, server: FakeServer, dialect: str) -> None:
    step = {"ollama": "ollama serve", "lm_studio": "lms server start"}.get(dialect, "base_url")
    await _fails(client, f"{dialect}_down", "aiex/explain", "not reachable", step)
    await _still_serves(client, server, dialect)


CODE = "def test_it():\n    assert 1 == 1\n"
UNUSABLE = {
    "no code": (Reply("Testing this is not needed."), "no code", AGAIN),
    "code that does not parse": (
        Reply("```python\ndef test_it(:\n    assert 1 ==\n```\n"),
        "does not parse",
        AGAIN,
    ),
    "cut at the limit": (
        Reply(f"```python\n{CODE}    assert tot", finish="length"),
        "cut off",
        "max_tokens",
    ),
    "an open fence": (Reply(f"Here:\n\n```python\n{CODE}    assert to"), "cut off", "max_tokens"),
    "an empty block": (Reply("```python\n\n```\n"), "no code", AGAIN),
    "another language": (Reply("```ruby\nputs 1\n```\n"), "no code", AGAIN),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("answer", UNUSABLE)
async def test_an_answer_that_is_no_code(
    client: Client, server: FakeServer, dialect: str, answer: str
) -> None:
    """Nothing is changed, and what the model wrote is shown."""
    step, what, then = UNUSABLE[answer]
    server.answer = lambda _body: step
    await _fails(client, dialect, "aiex/generateTests", what, then, shown=step.text)
    await _still_serves(client, server, dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_missing_end_marker_does_no_harm(
    client: Client, server: FakeServer, dialect: str
) -> None:
    server.answer = lambda _body: Reply(GOOD, end_marker=False)
    uri, name = cases.new_file(client)
    asked = {**client.at(uri, name), "provider": dialect, "partialResultToken": name}
    mark = client.since()
    result = await client.request("aiex/explain", asked)
    assert result["markdown"] == mark.joined(name) == GOOD


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_thinking_is_no_answer(client: Client, server: FakeServer, dialect: str) -> None:
    server.answer = lambda _body: Reply(GOOD, thinking=["Hmm, ", "prices."], between=0.05)
    uri, name = cases.new_file(client)
    mark = client.since()
    tokens = {"partialResultToken": name, "workDoneToken": f"work-{name}"}
    result = await client.request(
        "aiex/explain", {**client.at(uri, name), **tokens, "provider": dialect}
    )
    assert result["markdown"] == mark.joined(name) == GOOD
    said = [value.get("message") for value in mark.progress(f"work-{name}")]
    assert f"{dialect} is thinking" in said


@pytest.mark.parametrize("dialect", ["anthropic", "ollama"])
async def test_a_failure_in_a_hover_is_a_short_line(
    client: Client, server: FakeServer, dialect: str
) -> None:
    await client.request("aiex/selectProvider", {"provider": dialect})
    server.answer = lambda _body: script.html()
    uri, name = cases.new_file(client)
    mark = client.since()
    text = await cases.hovered(client, client.at(uri, name, 2))
    assert text.startswith(f"aiex: {dialect} at ")
    assert "web page" in text
    assert "\n" not in text
    assert len(text) <= 210
    assert mark.messages == []
    assert mark.received("window/showMessageRequest") == []
    await client.request("aiex/selectProvider", {})
    await _still_serves(client, server, dialect)


async def _fails(
    client: Client,
    provider: str,
    method: str,
    what: str,
    then: str,
    more: dict[str, Any] | None = None,
    shown: str | None = None,
) -> str:
    """Return the one message by which a request and a command fail; nothing else happens.

    `shown` is the text that is shown beside the message.
    """
    uri, name = cases.new_file(client)
    before = client.text(uri)
    mark = client.since()
    asked = {**client.at(uri, name), "provider": provider, **(more or {})}
    error = await client.failure(method, asked)
    assert error.code == -32803
    assert mark.messages == []
    await client.command(method, asked)
    (message,) = await client.until(lambda: mark.messages)
    token = mark.received("window/workDoneProgress/create")[-1]["token"]
    await client.until(lambda: [v for v in mark.progress(token) if v["kind"] == "end"])
    await client.request("aiex/templates")
    for said in (message, error.message):
        assert len(said) <= 200
        assert re.search(rf"\b{provider}\b", said), said
        assert re.search(what, said), said
        assert re.search(then, said), said
        assert "\n" not in said
        assert name not in said
        assert KEY not in said
    assert len(mark.messages) == 1
    texts = [path.read_text() for path in mark.shown()]
    assert len(texts) == (shown is not None)
    assert all(shown in text and message in text for text in texts)
    assert mark.received("workspace/applyEdit") == []
    assert client.text(uri) == before
    return message


async def _still_serves(client: Client, server: FakeServer, dialect: str) -> None:
    """The next question gets its answer."""
    server.answer = lambda _body: GOOD
    uri, name = cases.new_file(client)
    asked = {**client.at(uri, name), "provider": dialect}
    result = await client.request("aiex/explain", asked)
    assert result["markdown"] == GOOD
    assert result["summary"] == "Sums the prices with their tax."
