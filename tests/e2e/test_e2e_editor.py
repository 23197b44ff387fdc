"""What arrives in Neovim, VS Code and Emacs, with a provider that answers as the test says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.e2e import cases
from tests.e2e.harness import LIMIT, Client, Home, elapsed, running
from tests.editor import Json
from tests.servers.anthropic import AnthropicServer
from tests.servers.base import Request, serve_in_thread
from tests.servers.openai import OpenAIServer
from tests.servers.script import Reply, Silence

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("e2e-editor"),
    pytest.mark.asyncio(loop_scope="module"),
]

SUMMARY = "Adds two numbers."
GOOD = f"{SUMMARY}\n\n## How it works\n\nWith `+`: 1️⃣ and é."
SOURCE = (
    '"""Prices 😀."""\n\n\ndef add(a, b):  # 🧮 é\n    return a + b\n\n\n'
    "def halve(a):\n    return a / 2\n"
)
TESTS = (
    "Two cases:\n\n```python\nimport pytest\n\nfrom {module} import halve\n\n\n"
    "def test_halve():\n    assert halve(4) == 2\n\n\n"
    'def test_halve_text():\n    with pytest.raises(TypeError):\n        halve("😀")\n```\n'
)


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with serve_in_thread(OpenAIServer()) as server:
        yield server


@pytest.fixture(scope="module")
def second() -> Iterator[AnthropicServer]:
    with serve_in_thread(AnthropicServer(answer=lambda _body: GOOD)) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["neovim", "vscode", "emacs"])
async def client(
    request: pytest.FixtureRequest,
    server: OpenAIServer,
    second: AnthropicServer,
    make_home: Callable[[], Home],
) -> AsyncIterator[Client]:
    config = f"""
        default_provider = "openai"
        first_token_timeout = 20.0
        hover = {{ wait = 0.2 }}
        [providers.openai]
        base_url = "{server.base_url}"
        [providers.anthropic]
        base_url = "{second.base_url}"
        api_key = {{ env = "FAKE_KEY" }}
        [tasks.run]
        fallback_providers = ["anthropic"]
    """
    home = make_home()
    (home.root / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    (home.root / "tests").mkdir()
    env = {"FAKE_KEY": "fake"}
    async with running(home, request.param, config=config, env=env) as client:
        yield client


@pytest.fixture(autouse=True)
def _answers_well(server: OpenAIServer) -> None:
    server.answer = lambda _body: GOOD


@pytest.fixture
def module(request: pytest.FixtureRequest) -> str:
    """Return a module name no other test uses."""
    return f"m{abs(hash(request.node.nodeid)) % 10**8}"


def open_source(client: Client, module: str, text: str = SOURCE) -> str:
    return client.open_file(client.home.root / f"{module}.py", text)


# -- edits ----------------------------------------------------------------------------------


async def test_tests_are_created_where_the_project_keeps_them(client, server, module):
    uri = open_source(client, module)
    server.answer = lambda _body: TESTS.format(module=module)
    (action,) = await actions(client, uri, "halve", only=["aiex.generateTests"])
    mark = client.since()
    command = action["command"]
    assert command["command"] == "aiex/generateTests"
    accepted = await client.command(command["command"], command["arguments"][0])
    assert list(accepted) == ["accepted"]
    (sent,) = await client.until(lambda: mark.received("workspace/applyEdit"))
    target = (client.home.root / "tests" / f"test_{module}.py").as_uri()
    kinds = [change.get("kind") for change in sent["edit"]["documentChanges"]]
    # eglot creates a file by opening it.
    assert kinds == ([None] if client.profile == "emacs" else ["create", None])
    assert sent["label"] == f"Create tests/test_{module}.py"
    text = await client.until(lambda: client.editor.documents.get(target))
    assert text == TESTS.format(module=module).split("```python\n")[1].split("```")[0]
    assert client.text(uri) == SOURCE
    assert not (client.home.root / "tests" / f"test_{module}.py").exists()
    token = accepted["accepted"]
    await client.until(lambda: [v for v in mark.progress(token) if v["kind"] == "end"])
    assert mark.messages == []


@pytest.mark.parametrize("opened", [True, False])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
async def test_tests_are_merged_into_the_file_that_is_there(
    client, server, module, opened, newline
):
    uri = open_source(client, module)
    there = (
        f"\ufeff# Tests 🧪 of {module}\nfrom {module} import add\n\n\n"
        "def test_add():\n    assert add(1, 2) == 3  # 😀\n"
    ).replace("\n", newline)
    path = client.home.root / "tests" / f"test_{module}.py"
    path.write_text(there, newline="", encoding="utf-8")
    if opened:
        unsaved = there.replace("== 3", "== 3.0")
        client.open(path.as_uri(), unsaved)
        there = unsaved
    server.answer = lambda _body: TESTS.format(module=module)
    result = await client.command("aiex/generateTests", {**client.at(uri, "halve"), "wait": True})
    assert result["applied"] is True
    assert result["targetUri"] == path.as_uri()
    assert [block["valid"] for block in result["codeBlocks"]] == [True]
    assert result["language"] == "python"
    text = client.text(path.as_uri())
    compile(text.removeprefix("\ufeff"), "tests", "exec")
    assert text.startswith(f"\ufeff# Tests 🧪 of {module}{newline}")
    assert there.partition(newline + newline)[2].rstrip() in text
    assert text.count("import pytest") == 1
    assert text.index("import halve") < text.index("def test_add")
    assert "def test_halve():" in text
    assert "def test_halve_text():" in text
    assert text.count("\n") == text.count(newline)
    assert "test_add" in server.generations[-1].body.decode()


async def test_an_edit_is_anchored_anew_where_other_lines_changed(client, server, module):
    uri = open_source(client, module)
    tests = client.open_file(
        client.home.root / "tests" / f"test_{module}.py", f"# 🧪\nfrom {module} import add\n"
    )
    server.answer = lambda _body: Reply(TESTS.format(module=module), first_token=0.6)
    argument = {**client.at(uri, "halve"), "wait": True}
    _, pending = client.start(
        "workspace/executeCommand", {"command": "aiex/generateTests", "arguments": [argument]}
    )
    await asked(client, server, f"from {module} import add")
    client.replace(tests, "# 🧪", "# 🧪🧪\n# typed meanwhile")
    result = await pending
    assert result["applied"] is True
    text = client.text(tests)
    compile(text, "tests", "exec")
    assert text.startswith("# 🧪🧪\n# typed meanwhile\n")
    assert "def test_halve():" in text


async def test_an_edit_of_text_that_changed_is_refused(client, server, module):
    uri = open_source(client, module)
    tests = client.open_file(
        client.home.root / "tests" / f"test_{module}.py",
        f"from {module} import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
    )
    server.answer = lambda _body: Reply(TESTS.format(module=module), first_token=0.6)
    mark = client.since()
    await client.command("aiex/generateTests", client.at(uri, "halve"))
    await asked(client, server, f"from {module} import add")
    typed = "def add():\n    pass\n"
    client.editor.change(tests, {"text": typed})
    (asking,) = await client.until(lambda: mark.received("window/showMessageRequest"))
    assert "changed" in asking["message"]
    assert len(asking["message"]) <= 200
    assert asking["actions"] == [{"title": "Run again"}]
    assert client.text(tests) == typed


async def test_an_edit_the_editor_refuses_is_said(client, server, module):
    uri = open_source(client, module)
    server.answer = lambda _body: TESTS.format(module=module)
    client.edit_answer = lambda _edit: {"applied": False, "failureReason": "read-only"}
    try:
        mark = client.since()
        argument = {**client.at(uri, "halve"), "wait": True}
        result = await client.command("aiex/generateTests", argument)
    finally:
        client.edit_answer = None
    assert result["applied"] is False
    assert mark.messages == ["The editor did not apply the edit: read-only. Nothing was changed."]


async def test_a_request_for_tests_leaves_the_edit_to_the_client(client, server, module):
    uri = open_source(client, module)
    server.answer = lambda _body: TESTS.format(module=module)
    mark = client.since()
    result = await client.request("aiex/generateTests", client.at(uri, "halve"))
    assert mark.received("workspace/applyEdit") == []
    assert "applied" not in result
    assert result["explanation"].startswith("Two cases")
    client.editor.apply(result["edit"])
    assert "def test_halve():" in client.text(result["targetUri"])


# -- findings -------------------------------------------------------------------------------


def review(*lines: tuple[int, str]) -> str:
    findings = [
        {"line": line, "end_line": line, "severity": "warning", "category": "style", "message": m}
        for line, m in lines
    ]
    return json.dumps({"summary": "Two remarks.", "findings": findings})


async def test_findings_are_published_moved_and_cleared(client, server, module):
    uri = open_source(client, module)
    server.answer = lambda _body: review((5, "Say more 😀"), (9, "Divides"))
    result = await client.request(
        "aiex/analyze", {"textDocument": {"uri": uri}, "analysisType": "maintainability"}
    )
    assert [f["message"] for f in result["findings"]] == ["Say more 😀", "Divides"]
    published = await client.until(lambda: client.findings(uri))
    assert [d["range"] for d in published] == [f["range"] for f in result["findings"]]
    assert [client.code_at(uri, d["range"]).strip() for d in published] == [
        "return a + b",
        "return a / 2",
    ]
    assert {d["source"] for d in published} == {"aiex"}
    assert "Say more 😀" in published[0]["message"]
    client.replace(uri, '"""Prices 😀."""', '"""Prices 😀😀."""\n\nRATE = 2\n')
    await client.until(lambda: client.findings(uri)[0]["range"]["start"]["line"] == 7)
    assert [client.code_at(uri, d["range"]).strip() for d in client.findings(uri)] == [
        "return a + b",
        "return a / 2",
    ]
    client.replace(uri, "a + b", "a - b")
    await client.until(lambda: len(client.findings(uri)) == 1)
    assert client.code_at(uri, client.findings(uri)[0]["range"]).strip() == "return a / 2"
    await client.command("aiex/clearFindings", {"textDocument": {"uri": uri}})
    await client.until(lambda: client.findings(uri) == [])


async def test_a_second_review_replaces_the_first(client, server, module):
    uri = open_source(client, module)
    for message in ("First.", "Second."):
        server.answer = lambda _body, said=message: review((9, said))
        await client.request("aiex/analyze", client.at(uri, "halve"))
    assert [d["message"] for d in client.findings(uri)] == ["Second."]
    client.editor.close(uri)
    await client.until(lambda: client.findings(uri) == [])


# -- hover ----------------------------------------------------------------------------------


@pytest.mark.alone
async def test_a_hover_is_one_line_first_then_the_kept_answer(client, server, module):
    uri = open_source(client, module, SOURCE.replace("add", f"add_{module}"))
    server.answer = lambda _body: Reply(GOOD, first_token=0.8)
    before = len(server.generations)
    place = client.at(uri, f"add_{module}", 2)
    first, seconds = await elapsed(client.request("textDocument/hover", place))
    assert seconds < 0.7
    assert first.contents.value == f"aiex: explaining `add_{module}`…, hover again"
    answer = await cases.hovered(client, place)
    assert answer.startswith(SUMMARY)
    assert "openai" in answer
    again, seconds = await elapsed(client.request("textDocument/hover", place))
    assert again.contents.value.startswith(GOOD)
    assert "cached" in again.contents.value
    assert seconds < 0.6
    server.answer = lambda _body: "Adds twice."
    client.replace(uri, "return a / 2", "return a / 2.0")
    assert (await cases.hovered(client, place)).startswith(SUMMARY)
    assert len(server.generations) == before + 1
    client.replace(uri, "a + b", "a + b + b")
    assert (await cases.hovered(client, place)).startswith("Adds twice.")
    assert len(server.generations) == before + 2


async def test_no_hover_where_nothing_is_named(client, module):
    uri = open_source(client, module)
    assert await client.request("textDocument/hover", client.at(uri, "\n\n\n", 1)) is None


# -- code actions ---------------------------------------------------------------------------


async def actions(client: Client, uri: str, code: str, **context: object) -> list[Json]:
    params = {
        "textDocument": {"uri": uri},
        "range": {"start": (at := client.at(uri, code)["position"]), "end": at},
        "context": {"diagnostics": [], "triggerKind": 1, **context},
    }
    found: list[Json] = await client.request("textDocument/codeAction", params)
    return found


@pytest.mark.alone
async def test_the_actions_of_a_function(client, module):
    uri = open_source(client, module)
    found, seconds = await elapsed(actions(client, uri, "halve"))
    assert seconds < 0.6
    ours = [action for action in found if action["kind"].startswith("aiex.")]
    assert [(a["title"], a["kind"]) for a in ours[:6]] == [
        ("Explain `halve`", "aiex.explain"),
        ("Analyze `halve` (general)", "aiex.analyze.general"),
        ("Analyze `halve` (performance)", "aiex.analyze.performance"),
        ("Analyze `halve` (security)", "aiex.analyze.security"),
        ("Analyze `halve` (maintainability)", "aiex.analyze.maintainability"),
        ("Generate tests for `halve`", "aiex.generateTests"),
    ]
    for action in found:
        assert action["command"]["command"].startswith("aiex/")
        assert "edit" not in action
        assert "isPreferred" not in action
        assert (action.get("tags") == [1]) == (client.profile == "vscode")


@pytest.mark.parametrize(
    ("context", "kinds"),
    [
        ({"only": ["aiex.explain"]}, ["aiex.explain"]),
        (
            {"only": ["aiex.analyze.security", "aiex.generateTests"]},
            ["aiex.analyze.security", "aiex.generateTests"],
        ),
        ({"only": ["source.fixAll"]}, []),
        ({"only": ["source"]}, []),
        ({"triggerKind": 2}, []),
        ({"triggerKind": 2, "only": ["aiex.explain"]}, []),
    ],
)
async def test_only_what_was_wanted(client, module, context, kinds):
    uri = open_source(client, module)
    assert [a["kind"] for a in await actions(client, uri, "halve", **context)] == kinds


async def test_a_test_gets_no_tests(client, module):
    code = "def test_it():\n    assert True\n"
    uri = client.open_file(client.home.root / "tests" / f"test_{module}.py", code)
    assert await actions(client, uri, "test_it", only=["aiex.generateTests"]) == []


async def test_the_template_of_follow_ups_is_run_with_the_user_s_question(client, server, module):
    uri = open_source(client, module)
    listed = {one["id"]: one for one in await client.request("aiex/templates")}
    asked = {one["name"]: one for one in listed["follow_up"]["variables"]}
    assert asked["question"]["required"] is True
    assert [name for name, one in asked.items() if "inject" not in one] == [
        "question",
        "previous_answer",
    ]
    server.answer = lambda _body: GOOD
    place = {**client.at(uri, "halve"), "template": "follow_up"}
    error = await client.failure("aiex/run", place)
    assert "question" in error.message
    result = await client.request(
        "aiex/run", {**place, "variables": {"question": f"Why {module}?"}}
    )
    assert result["markdown"] == GOOD
    assert f"Question: Why {module}?" in str(server.generations[-1].body)


# -- commands, progress, cancelling ---------------------------------------------------------


@pytest.mark.alone
async def test_a_command_answers_at_once_and_is_cancelled_by_its_progress(client, server, module):
    uri = open_source(client, module, SOURCE.replace("halve", module))
    server.answer = lambda _body: Silence(after_headers=True)
    before = len(server.generations)
    mark = client.since()
    accepted, seconds = await elapsed(client.command("aiex/explain", client.at(uri, module)))
    assert seconds < cases.QUICK
    await server.generations_come(before + 1, LIMIT)
    request = server.generations[before]
    token = accepted["accepted"]
    await client.until(lambda: mark.progress(token))
    begin = mark.progress(token)[0]
    assert (begin["kind"], begin["cancellable"]) == ("begin", True)
    assert begin["title"].startswith("Explain ")
    assert module in begin["title"]
    client.protocol.notify(
        types.WINDOW_WORK_DONE_PROGRESS_CANCEL, types.WorkDoneProgressCancelParams(token)
    )
    await request.wait()
    assert request.cut
    await client.until(lambda: mark.progress(token)[-1]["kind"] == "end")
    assert [v["kind"] for v in mark.progress(token)].count("end") == 1
    assert mark.shown() == mark.messages == []


async def test_a_cancelled_request_is_closed_upstream(client, server, module):
    uri = open_source(client, module, SOURCE.replace("halve", module))
    server.answer = lambda _body: Reply(GOOD, stall_after=2)
    before = len(server.generations)
    mark = client.since()
    params = {**client.at(uri, module), "partialResultToken": module, "workDoneToken": f"w{module}"}
    request_id, pending = client.start("aiex/explain", params)
    await client.until(lambda: mark.joined(module))
    client.cancel(request_id)
    with pytest.raises(JsonRpcException) as caught:
        await pending
    assert caught.value.code == cases.CANCELLED
    request: Request = server.generations[before]
    await request.wait()
    assert request.cut
    assert mark.progress(f"w{module}")[-1]["kind"] == "end"
    assert len(server.generations) == before + 1
    assert mark.messages == []


async def test_a_waiting_command_is_cancelled_like_a_request(client, server, module):
    uri = open_source(client, module, SOURCE.replace("halve", module))
    server.answer = lambda _body: Reply(GOOD, stall_after=2)
    before = len(server.generations)
    argument = {**client.at(uri, module), "wait": True}
    request_id, pending = client.start(
        "workspace/executeCommand", {"command": "aiex/explain", "arguments": [argument]}
    )
    await server.generations_come(before + 1, LIMIT)
    client.cancel(request_id)
    with pytest.raises(JsonRpcException) as caught:
        await pending
    assert caught.value.code == cases.CANCELLED
    await server.generations[before].wait()
    assert server.generations[before].cut


# -- streams --------------------------------------------------------------------------------


async def test_a_stream_that_failed_begins_anew_elsewhere(client, server, second, module):
    uri = open_source(client, module, SOURCE.replace("halve", module))
    server.answer = lambda _body: Reply("It was the wrong answer.", cut_after=3, between=0.05)
    mark = client.since()
    params = {
        **client.at(uri, module),
        "template": "explain",
        "partialResultToken": module,
        "workDoneToken": f"w{module}",
    }
    result = await client.request("aiex/run", params)
    values = mark.progress(module)
    assert {"restart": True, "provider": "anthropic"} in values
    assert "".join(v.get("delta", "") for v in values) == f"It was the{GOOD}"
    assert mark.joined(module) == result["markdown"] == GOOD
    assert [(a["provider"], a["outcome"]) for a in result["answer"]["attempts"]] == [
        ("openai", "truncated"),
        ("anthropic", "ok"),
    ]
    said = [value.get("message", "") for value in mark.progress(f"w{module}")]
    assert any("openai failed" in message and "anthropic" in message for message in said)


# -- prompts --------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["explain", "analyze", "generateTests"])
async def test_a_rendered_prompt_is_what_is_sent(client, server, module, task):
    uri = open_source(client, module, SOURCE.replace("add", module))
    before = len(server.generations)
    place = client.at(uri, module)
    prompt = await client.request("aiex/renderPrompt", {**place, "task": task})
    assert len(server.generations) == before
    assert prompt["provider"] == "openai"
    server.answer = lambda _body: TESTS.format(module=module)
    await client.request(f"aiex/{task}", place)
    sent = server.generations[before].json
    assert sent["messages"] == prompt["messages"]
    assert sent["model"] == prompt["model"]
    assert "# 🧮 é" in sent["messages"][-1]["content"]


async def test_a_follow_up_knows_the_answer_and_the_code(client, server, module):
    uri = open_source(client, module, SOURCE.replace("halve", module))
    first = await client.request("aiex/explain", client.at(uri, module))
    server.answer = lambda _body: "No: it divides by two."
    result = await client.request(
        "aiex/followUp", {"answerId": first["answer"]["id"], "question": "Does it round 😀?"}
    )
    assert result["markdown"] == "No: it divides by two."
    sent = json.dumps(server.generations[-1].json["messages"], ensure_ascii=False)
    for part in ("Does it round 😀?", SUMMARY, f"def {module}(a)"):
        assert part in sent
    error = await client.failure("aiex/followUp", {"answerId": "none", "question": "Why?"})
    assert error.code == -32602
    assert "answer" in error.message


async def test_the_same_question_is_answered_from_the_cache(client, server, module):
    uri = open_source(client, module, SOURCE.replace("halve", module))
    before = len(server.generations)
    first = await client.request("aiex/explain", client.at(uri, module))
    mark = client.since()
    params = {**client.at(uri, module), "partialResultToken": module}
    again = await client.request("aiex/explain", params)
    assert len(server.generations) == before + 1
    assert again["markdown"] == first["markdown"] == mark.joined(module)
    assert (first["answer"]["cached"], again["answer"]["cached"]) == (False, True)


async def test_a_pause_silences_everything_until_it_ends(client, server, module):
    uri = open_source(client, module, SOURCE.replace("halve", module))
    before = len(server.generations)
    assert await client.request("aiex/pause", {"paused": True}) == {"paused": True}
    try:
        assert await actions(client, uri, module) == []
        assert await client.request("textDocument/hover", client.at(uri, module)) is None
        error = await client.failure("aiex/explain", client.at(uri, module))
        assert "paused" in error.message
    finally:
        assert await client.request("aiex/pause", {"paused": False}) == {"paused": False}
    assert len(server.generations) == before
    assert (await client.request("aiex/explain", client.at(uri, module)))["markdown"] == GOOD


async def asked(client: Client, server: OpenAIServer, code: str) -> None:
    """Wait until a generation request holds this code."""
    await client.until(lambda: any(code in r.body.decode() for r in server.generations))
