"""An independent mock server: Ollama's dialect under three editors, and faults in three dialects.

It also checks our own fake servers: what it says of the vendors' formats was not written by us.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e import cases
from tests.e2e.harness import Client, Home, running
from tests.servers.aimock import Aimock, aimock, why_not

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("e2e-aimock"),
    pytest.mark.asyncio(loop_scope="module"),
]

ANSWER = "Sums prices 😀 with their tax.\n\n## How it works\n\nBy `sum`, für jeden Preis."
REVIEW = (
    '{"summary": "One remark.", "findings": [{"line": 3, "severity": "warning", '
    '"category": "style", "message": "Look 😀."}]}'
)
CODE = "```python\ndef test_total():\n    assert True\n```\n"
DIALECTS = ("ollama", "openai", "anthropic")


def model(name: str, content: str, **more: Any) -> dict[str, Any]:
    return {"match": {"model": f"{name}:1b"}, "response": {"content": content}, **more}


FIXTURES = [
    model("good", ANSWER),
    model("review", REVIEW),
    model("code", CODE),
    model("unhurried", ANSWER, latency=50),
    model("slow", "One word after the other. " * 200, latency=50),
    model("dropped", ANSWER, chaos={"dropRate": 1}),
    model("malformed", ANSWER, chaos={"malformedRate": 1}),
    model("disconnected", ANSWER, chaos={"disconnectRate": 1}),
    model("limited", ANSWER, chaos={"rateLimitRate": 1}),
    model("late", ANSWER, chaos={"latencyMs": 3000}),
    model("half", ANSWER, truncateAfterChunks=3, latency=30),
    model("blank", "\n"),
    {
        "match": {"model": "refused:1b"},
        "response": {"error": {"message": "No such luck", "type": "x"}, "status": 503},
    },
]


@pytest.fixture(scope="module")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    if reason := why_not():
        pytest.skip(reason)
    with aimock(tmp_path_factory.mktemp("aimock"), FIXTURES) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["neovim", "vscode", "emacs"])
async def client(
    request: pytest.FixtureRequest, mock: Aimock, make_home: Callable[[], Home]
) -> AsyncIterator[Client]:
    config = """
        default_provider = "ollama"
        first_token_timeout = 20.0
        hover = { wait = 0.2 }
        [tasks.analyze]
        provider = "ollama"
        model = "review:1b"
        [tasks.generateTests]
        provider = "ollama"
        model = "code:1b"
        [tasks.run]
        provider = "ollama"
        model = "slow:1b"
        [tasks.hover]
        provider = "ollama"
        model = "unhurried:1b"
    """
    for name in DIALECTS:
        config += f"""
            [providers.{name}]
            base_url = "{mock.base_url}"
            default_model = "good:1b"
            api_key = {{ env = "MOCK_KEY" }}
            [providers.{name}_hasty]
            type = "{name}"
            base_url = "{mock.base_url}"
            api_key = {{ env = "MOCK_KEY" }}
            first_token_timeout = 0.6
        """
    env = {"MOCK_KEY": "mock"}
    async with running(make_home(), request.param, config=config, env=env) as client:
        yield client


@pytest.mark.parametrize("case", cases.ALL, ids=lambda case: case.__name__)
async def test_what_holds_with_every_provider(client: Client, case: Any) -> None:
    await case(client, "ollama")


@pytest.mark.alone
async def test_a_command_answers_at_once(client: Client) -> None:
    await cases.command_answers_at_once(client, "ollama")


async def test_the_text_arrives_as_it_was_sent(client: Client, mock: Aimock) -> None:
    result = await cases.explain_streams(client, "ollama")
    assert result["markdown"] == ANSWER
    assert result["summary"] == "Sums prices 😀 with their tax."
    sent = mock.generations()[-1]["body"]
    assert sent["model"] == "good:1b"
    assert sent["stream"] is True


async def test_a_hover_asks_once(client: Client, mock: Aimock) -> None:
    before = len(mock.generations())
    answer = await cases.hover_twice(client, "ollama")
    assert answer.startswith("Sums prices 😀 with their tax.")
    assert len(mock.generations()) == before + 1


async def test_a_finding_and_its_place(client: Client) -> None:
    uri, name = cases.new_file(client)
    await client.request("aiex/analyze", client.at(uri, name))
    (finding,) = client.findings(uri)
    assert finding["message"] == "Look 😀."
    assert client.code_at(uri, finding["range"]).lstrip().startswith("return sum(")


FAULTS = {
    "dropped": r"failed \(500\)",
    "malformed": "not valid JSON",
    "disconnected": "closed the connection without an answer",
    "limited": r"rate limit \(429\)",
    "late": "sent no answer within 0.6 s",
    "half": "broke",
    "blank": "empty answer",
    "refused": r"\(503\)",
}


@pytest.mark.parametrize("client", ["vscode"], indirect=True)
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault(client: Client, dialect: str, fault: str) -> None:
    uri, name = cases.new_file(client)
    place = client.at(uri, name)
    provider = f"{dialect}_hasty" if fault == "late" else dialect
    mark = client.since()
    asked = {**place, "provider": provider, "model": f"{fault}:1b"}
    message = await cases.refused_command(client, asked)
    cases.check_message(message, provider, FAULTS[fault])
    assert mark.shown() == []
    result = await client.request("aiex/explain", {**place, "provider": dialect})
    assert result["markdown"] == ANSWER


@pytest.mark.parametrize("client", ["vscode"], indirect=True)
async def test_its_models_are_found(client: Client) -> None:
    models = await client.request("aiex/models", {"provider": "ollama"})
    assert {"good:1b", "code:1b"} <= {m["id"] for m in models}
    assert {m["local"] for m in models} == {True}
