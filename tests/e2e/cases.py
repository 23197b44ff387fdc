"""What must hold with any model behind the server, whatever it answers.

The same cases run against real llama.cpp, the embedded model, the independent mock server, and,
by `make test-live`, against real providers.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import stat
import time

from pygls.exceptions import JsonRpcException

from tests.e2e.harness import Client
from tests.editor import Json

CANCELLED = -32800
QUICK = 0.1
"""Seconds in which a command has to answer (contract); whoever holds it is marked `alone`."""

LONG = {"template": "explain", "variables": {"level": "detailed"}}
"""Of `aiex/run`: its answer takes long enough to be cancelled half way."""

_names = itertools.count(1)


def new_file(client: Client) -> tuple[str, str]:
    """Return uri and function of a fresh open document: no cache knows its text."""
    name = f"total_{next(_names)}"
    text = (
        f'def {name}(prices, rate):\n    """Sum prices with tax."""\n'
        "    return sum(price * (1 + rate) for price in prices)\n"
    )
    return client.open_file(client.home.root / f"{client.profile}_{name}.py", text), name


def check_answer(answer: Json, provider: str) -> None:
    assert answer["provider"] == provider
    assert answer["model"]
    assert answer["usage"]["inputTokens"] > 0
    assert answer["usage"]["outputTokens"] > 0
    assert answer["durationMs"] > 0
    assert answer["attempts"][-1]["outcome"] == "ok"
    assert answer["attempts"][-1]["provider"] == provider


async def explain_streams(client: Client, provider: str) -> Json:
    """The deltas join to the result, and progress begins and ends on the request's own token."""
    uri, name = new_file(client)
    mark = client.since()
    tokens = {"partialResultToken": f"part-{name}", "workDoneToken": f"work-{name}"}
    asked = {**client.at(uri, name), **tokens, "provider": provider}
    result = await client.request("aiex/explain", asked)
    assert result["markdown"].strip()
    assert len(mark.progress(tokens["partialResultToken"])) > 1
    assert mark.joined(tokens["partialResultToken"]) == result["markdown"]
    check_answer(result["answer"], provider)
    assert result["answer"]["cached"] is False
    kinds = [value["kind"] for value in mark.progress(tokens["workDoneToken"])]
    assert kinds[0] == "begin"
    assert kinds[-1] == "end"
    assert kinds.count("begin") == kinds.count("end") == 1
    # It names the symbol, or the file where the symbol is not known in time.
    title = mark.progress(tokens["workDoneToken"])[0]["title"]
    assert title in (f"Explain `{name}`", f"Explain {client.profile}_{name}.py")
    assert mark.received("window/workDoneProgress/create") == []
    return result


async def command_delivers(client: Client, provider: str) -> None:
    """A command is accepted, works under progress of its own, and shows its text."""
    uri, name = new_file(client)
    mark = client.since()
    answer = await client.command("aiex/explain", {**client.at(uri, name), "provider": provider})
    assert list(answer) == ["accepted"]
    (path,) = await client.until(mark.shown)
    assert name in path.name
    assert provider in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.is_relative_to(client.home.state)
    (params,) = mark.received("window/showDocument")
    assert params["takeFocus"] is False
    token = mark.received("window/workDoneProgress/create")[0]["token"]
    await client.until(lambda: [v for v in mark.progress(token) if v["kind"] == "end"])
    assert mark.progress(token)[0]["kind"] == "begin"
    assert mark.messages == []


async def command_answers_at_once(client: Client, provider: str, times: int = 5) -> None:
    """A command answers within its limit: the first, the one beside it, and those after it."""
    took: list[float] = []
    for _ in range(times):
        uri, name = new_file(client)
        mark = client.since()
        argument = {**client.at(uri, name), "provider": provider}
        for _again in range(2):
            began = time.monotonic()
            answer = await client.command("aiex/explain", argument)
            took.append(round(time.monotonic() - began, 3))
            assert list(answer) == ["accepted"]
        await client.until(lambda mark=mark: len(mark.shown()) == 2)
    assert max(took) < QUICK, took


async def waiting_command(client: Client, provider: str) -> None:
    """With `wait` a command answers with the request's result."""
    uri, name = new_file(client)
    argument = {**client.at(uri, name), "provider": provider, "wait": True}
    result = await client.command("aiex/explain", argument)
    assert result["markdown"].strip()
    check_answer(result["answer"], provider)


async def hover_twice(client: Client, provider: str) -> str:
    """One line within the wait, then the answer, kept: returns its markdown.

    The hover's provider is the configuration's; `provider` is only looked for.
    """
    uri, name = new_file(client)
    place = client.at(uri, name, 2)
    first = None
    while first is None:  # nothing is known of the symbol before the first parse
        began = time.monotonic()
        first = await client.request("textDocument/hover", place)
        assert time.monotonic() - began < 2.0
    assert first.contents.value == f"aiex: explaining `{name}`…, hover again"
    answer = await hovered(client, place)
    assert provider in answer
    again = await hovered(client, place)
    assert again.split("\n---\n")[0] == answer.split("\n---\n")[0]
    assert "cached" in again
    return again


async def hovered(client: Client, place: Json) -> str:
    """Return the hover's markdown once it is more than "hover again"."""
    mark = time.monotonic()
    while time.monotonic() - mark < 60:
        hover = await client.request("textDocument/hover", place)
        if hover is not None and "hover again" not in hover.contents.value:
            return str(hover.contents.value)
        await asyncio.sleep(0.05)
    raise AssertionError("no hover came")


async def analyze_publishes(client: Client, provider: str) -> None:
    """The findings of the result are what is published, and inside the text."""
    uri, name = new_file(client)
    result = await client.request("aiex/analyze", {**client.at(uri, name), "provider": provider})
    check_answer(result["answer"], provider)
    assert result["markdown"].strip()
    lines = client.text(uri).count("\n") + 1
    published = client.findings(uri)
    assert [d["range"] for d in published] == [f["range"] for f in result["findings"]]
    for finding in result["findings"]:
        assert finding["severity"] in ("error", "warning", "information", "hint")
        assert finding["message"].strip()
        assert finding["range"]["end"]["line"] < lines


async def follow_up(client: Client, provider: str) -> None:
    """A question about an answer is answered, and can be followed itself."""
    uri, name = new_file(client)
    first = await client.request("aiex/explain", {**client.at(uri, name), "provider": provider})
    answer_id = first["answer"]["id"]
    for question in ("What if prices is empty?", "And if rate is negative?"):
        asked = {"answerId": answer_id, "question": question, "provider": provider}
        result = await client.request("aiex/followUp", asked)
        assert result["markdown"].strip()
        check_answer(result["answer"], provider)
        assert result["answer"]["id"] != answer_id
        answer_id = result["answer"]["id"]


async def cancelled_request(client: Client, provider: str) -> None:
    """A request cancelled in the middle of its stream is answered -32800.

    A small model may be done before the cancel comes; then another question is asked.
    """
    for _ in range(6):
        uri, name = new_file(client)
        mark = client.since()
        asked = {**client.at(uri, name), **LONG, "provider": provider, "partialResultToken": name}
        request_id, pending = client.start("aiex/run", asked)
        await client.until(lambda: mark.progress(name))  # noqa: B023 - used in this turn only
        client.cancel(request_id)
        [outcome] = await asyncio.gather(pending, return_exceptions=True)
        if isinstance(outcome, JsonRpcException):
            assert outcome.code == CANCELLED
            return
        assert outcome["markdown"].startswith(mark.joined(name))
    raise AssertionError("no answer was long enough to be cancelled")


async def begun_command(client: Client, provider: str) -> str:
    """Return the id of a command whose answer streams."""
    uri, name = new_file(client)
    mark = client.since()
    asked = {**client.at(uri, name), **LONG, "provider": provider, "partialResultToken": name}
    accepted = await client.command("aiex/run", asked)
    await client.until(lambda: mark.progress(name))
    return str(accepted["accepted"])


async def generate_tests_ends_well(client: Client, provider: str) -> None:
    """Tests are either placed in code that parses, or refused in one message."""
    uri, name = new_file(client)
    before = client.text(uri)
    mark = client.since()
    argument = {**client.at(uri, name), "provider": provider, "wait": True}
    refusal = None
    try:
        result = await client.command("aiex/generateTests", argument)
    except JsonRpcException as error:
        refusal = error.message
    if refusal is not None:
        assert provider in refusal
        assert len(refusal) <= 200
        assert mark.received("workspace/applyEdit") == []
    else:
        check_answer(result["answer"], provider)
        if result["applied"]:
            compile(client.text(result["targetUri"]), "test", "exec")
    assert client.text(uri) == before


async def rendered_prompt(client: Client, provider: str) -> Json:
    """The prompt is shown without a call: returns it."""
    uri, name = new_file(client)
    asked = {**client.at(uri, name), "provider": provider, "task": "explain"}
    prompt = await client.request("aiex/renderPrompt", asked)
    assert prompt["provider"] == provider
    assert prompt["inputTokens"] > 20
    assert name in prompt["messages"][-1]["content"]
    return {**prompt, "uri": uri, "name": name}


ALL = (
    explain_streams,
    command_delivers,
    waiting_command,
    analyze_publishes,
    follow_up,
    cancelled_request,
    generate_tests_ends_well,
    rendered_prompt,
)
"""Cases that take any provider by name; hovers take the configured one."""


async def refused_command(client: Client, argument: Json) -> str:
    """Return the one message by which an explain command fails."""
    mark = client.since()
    await client.command("aiex/explain", argument)
    await client.until(lambda: mark.messages)
    await client.request("aiex/templates")
    (message,) = mark.messages
    return message


def check_message(message: str, provider: str, what: str) -> None:
    """Check that a message names the provider, what happened and, as a last sentence, a step."""
    assert len(message) <= 200
    assert re.search(rf"\b{provider}\b", message), message
    assert re.search(what, message), message
    assert re.search(r"[.!] (Ask|Check|Choose|Try|Run|Raise|Start|Select)\b.+\.$", message), message
