"""Fix, document, refactor and own templates from the menu to the buffer, and back by one undo."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e import cases
from tests.e2e.harness import Client, Home, running
from tests.editor import Json
from tests.servers.base import serve_in_thread
from tests.servers.openai import OpenAIServer
from tests.servers.script import Reply

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("e2e-edits"),
    pytest.mark.asyncio(loop_scope="module"),
]

SOURCE = (
    '"""Prices 😀."""\n\nimport math\n\n\ndef add(a, b):  # 🧮 é\n    return a + c  # 😀 sum\n'
    "\n\ndef halve(a):\n    half = a / 2\n    return half\n"
)
FIXED = "def add(a, b):  # 🧮 é\n    return a + b  # 😀 sum\n"
HALVED = "def halve(a):\n    return a / 2\n"
DOCUMENTED = 'def halve(a):\n    """Return half of a."""\n    half = a / 2\n    return half\n'
PROSE = "Please write `b` where the code says `c`, then it does what it should do."
AFTER = {
    "fix": SOURCE.replace("a + c", "a + b"),
    "document": SOURCE.replace("halve(a):\n", 'halve(a):\n    """Return half of a."""\n'),
    "refactor": SOURCE.replace("    half = a / 2\n    return half\n", "    return a / 2\n"),
}
ANSWERS = {"fix": FIXED, "document": DOCUMENTED, "refactor": HALVED}
KINDS = {
    "fix": "quickfix.aiex.fix",
    "document": "refactor.rewrite.aiex.document",
    "refactor": "refactor.rewrite.aiex.refactor",
}
ENDINGS = {"LF": "\n", "CRLF": "\r\n"}


def block(code: str) -> str:
    return f"Here it is:\n\n```python\n{code}```\n\nThat is all.\n"


def by_prompt(body: Json) -> str:
    """Answer as a model that was asked about one of the functions."""
    asked = json.dumps(body, ensure_ascii=False)
    return block(FIXED if "Correct the problem" in asked else HALVED)


class Desk:
    """What an editor does with edits: applies, tells the server, keeps one undo step for each."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.steps: list[tuple[str, list[tuple[int, int, str]]]] = []
        client.edit_answer = self.apply

    def apply(self, edit: Json) -> Json:
        editor = self.client.editor
        before, told = dict(editor.documents), dict(editor.documents)
        answer = editor.apply(edit)
        after, editor.documents = editor.documents, told
        if answer["applied"]:
            for uri in after:
                if uri in before and after[uri] != before[uri]:
                    self._change(uri, *_difference(before[uri], after[uri]))
        return answer

    def undo(self, uri: str) -> str:
        """Take back the last edit; return the text."""
        at, changes = self.steps.pop()
        assert at == uri
        for start, end, text in changes:
            self._tell(uri, start, end, text)
        return self.client.text(uri)

    def _change(self, uri: str, start: int, end: int, text: str) -> None:
        old = self.client.text(uri)[start:end]
        self.steps.append((uri, [(start, start + len(text), old)]))
        self._tell(uri, start, end, text)

    def _tell(self, uri: str, start: int, end: int, text: str) -> None:
        editor, now = self.client.editor, self.client.text(uri)
        place = {"start": editor.position(now, start), "end": editor.position(now, end)}
        editor.change(uri, {"range": place, "text": text})


def _difference(before: str, after: str) -> tuple[int, int, str]:
    """Return the one change by which a text became another, as (start, end, new text)."""
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    while start > 0 and before[start - 1] == "\r":
        start -= 1
    tail = 0
    while tail < min(len(before), len(after)) - start and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    while tail > 0 and before[len(before) - tail] == "\n" and "\r" in before:
        tail -= 1
    return start, len(before) - tail, after[start : len(after) - tail]


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with serve_in_thread(OpenAIServer()) as server:
        yield server


def config_of(server: OpenAIServer, more: str = "") -> str:
    return (
        f'default_provider = "openai"\n{more}\n[providers.openai]\nbase_url = "{server.base_url}"\n'
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["neovim", "vscode", "emacs"])
async def client(
    request: pytest.FixtureRequest, server: OpenAIServer, make_home: Callable[[], Home]
) -> AsyncIterator[Client]:
    async with running(make_home(), request.param, config=config_of(server)) as client:
        yield client


@pytest.fixture
def desk(client: Client) -> Desk:
    return Desk(client)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Return a file name no other test uses."""
    return f"m{abs(hash(request.node.nodeid)) % 10**8}.py"


def open_source(client: Client, name: str, text: str = SOURCE) -> str:
    return client.open_file(client.home.root / name, text)


def undefined(client: Client, uri: str) -> Json:
    return {
        "range": client.range(uri, "c  # 😀"),
        "severity": 1,
        "code": "F821",
        "source": "ruff",
        "message": "Undefined name `c`",
    }


async def action_of(client: Client, uri: str, task: str) -> Json:
    """Return the one action of a task, as the menu has it."""
    code = "return a + c" if task == "fix" else "halve"
    at = client.at(uri, code)["position"]
    diagnostics = [undefined(client, uri)] if task == "fix" else []
    found = await client.request(
        "textDocument/codeAction",
        {
            "textDocument": {"uri": uri},
            "range": {"start": at, "end": at},
            "context": {"diagnostics": diagnostics, "triggerKind": 1, "only": [KINDS[task]]},
        },
    )
    (action,) = found
    return dict(action)


async def run(client: Client, action: Json, **more: Any) -> Any:
    command = action["command"]
    (argument,) = command["arguments"]
    return await client.command(command["command"], {**argument, **more})


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("task", KINDS)
async def test_from_the_menu_to_the_buffer_and_back(client, server, desk, name, task, ending):
    server.answer = lambda _body: Reply(block(ANSWERS[task]), first_token=0.3)
    source = SOURCE.replace("\n", ENDINGS[ending])
    uri = open_source(client, name, source)
    action = await action_of(client, uri, task)
    if task == "fix":
        (carried,) = action["diagnostics"]
        assert carried["message"] == "Undefined name `c`"
    mark = client.since()
    assert list(await run(client, action)) == ["accepted"]
    await client.until(lambda: client.text(uri) != source)
    assert client.text(uri) == AFTER[task].replace("\n", ENDINGS[ending])
    (params,) = mark.received("workspace/applyEdit")
    (change,) = params["edit"]["documentChanges"]
    assert change["textDocument"]["version"] == 1
    assert len(desk.steps) == 1
    assert desk.undo(uri) == source
    assert mark.messages == []
    again = await run(client, await action_of(client, uri, task), wait=True)
    assert again["applied"] is True
    assert client.text(uri) == AFTER[task].replace("\n", ENDINGS[ending])


@pytest.mark.alone
@pytest.mark.parametrize("task", KINDS)
async def test_the_command_of_an_action_answers_at_once(client, server, name, task):
    server.answer = lambda _body: Reply(block(ANSWERS[task]), first_token=0.3)
    uri = open_source(client, name)
    action = await action_of(client, uri, task)
    began = time.monotonic()
    assert list(await run(client, action)) == ["accepted"]
    assert time.monotonic() - began < cases.QUICK
    await client.until(lambda: client.text(uri) != SOURCE)


async def test_a_change_at_the_same_place_refuses_the_edit_and_shows_it(client, server, desk, name):
    server.answer = lambda _body: Reply(block(FIXED), first_token=0.6)
    uri = open_source(client, name)
    mark = client.since()
    await run(client, await action_of(client, uri, "fix"))
    await client.until(lambda: mark.received("window/workDoneProgress/create"))
    client.replace(uri, "a + c", "a * c")
    (asking,) = await client.until(lambda: mark.received("window/showMessageRequest"))
    assert asking["actions"] == [{"title": "Run again"}]
    assert "changed at the same place" in asking["message"]
    assert client.text(uri) == SOURCE.replace("a + c", "a * c")
    assert mark.received("workspace/applyEdit") == []
    (shown,) = mark.shown()
    assert "+    return a + b" in shown.read_text()


async def test_a_change_elsewhere_moves_the_edit(client, server, desk, name):
    server.answer = lambda _body: Reply(block(FIXED), first_token=0.6)
    uri = open_source(client, name)
    await run(client, await action_of(client, uri, "fix"))
    client.replace(uri, "import math\n", "# 🧪\nimport math\nimport os\n")
    client.replace(uri, "half = a / 2", "half = a / 2.0")
    moved = client.text(uri)
    await client.until(lambda: client.text(uri) != moved)
    assert client.text(uri) == moved.replace("a + c", "a + b")


async def test_two_tasks_at_once_on_one_document(client, server, desk, name):
    server.answer = by_prompt
    uri = open_source(client, name)
    mark = client.since()
    actions = [await action_of(client, uri, task) for task in ("fix", "refactor")]
    for action in actions:
        await run(client, action)
    await client.until(lambda: len(desk.steps) == 2)
    both = AFTER["fix"].replace("    half = a / 2\n    return half\n", "    return a / 2\n")
    assert client.text(uri) == both
    desk.undo(uri)
    assert desk.undo(uri) == SOURCE
    assert mark.messages == []


async def test_an_answer_of_no_use_changes_nothing_and_is_shown(client, server, desk, name):
    server.answer = lambda _body: PROSE
    uri = open_source(client, name)
    mark = client.since()
    await run(client, await action_of(client, uri, "fix"))
    (message,) = await client.until(lambda: mark.messages)
    assert "asked twice" in message
    assert len(message) <= 200
    (shown,) = mark.shown()
    assert PROSE in shown.read_text()
    assert client.text(uri) == SOURCE
    (token,) = [p["token"] for p in mark.received("window/workDoneProgress/create")]
    await client.until(lambda: [v for v in mark.progress(token) if v["kind"] == "end"])


async def test_the_second_try_counts_and_is_told(client, server, desk, name):
    answers = [PROSE, block(FIXED)]
    server.answer = lambda _body: Reply(answers.pop(0), first_token=0.2)
    uri = open_source(client, name)
    mark = client.since()
    action = await action_of(client, uri, "fix")
    result = await run(client, action, wait=True, workDoneToken=f"work-{name}")
    assert result["applied"] is True
    assert client.text(uri) == AFTER["fix"]
    assert [one["outcome"] for one in result["answer"]["attempts"]] == ["ok", "ok"]
    told = [value.get("message", "") for value in mark.progress(f"work-{name}")]
    assert any(one.startswith(("asking again: ", "second try: ")) for one in told)


async def test_a_refused_edit_is_said_and_shown(client, server, desk, name):
    server.answer = lambda _body: block(FIXED)
    client.edit_answer = lambda _edit: {"applied": False, "failureReason": "the buffer is locked"}
    uri = open_source(client, name)
    mark = client.since()
    result = await run(client, await action_of(client, uri, "fix"), wait=True)
    assert result["applied"] is False
    assert "the buffer is locked" in mark.messages[0]
    (shown,) = mark.shown()
    assert "+    return a + b" in shown.read_text()
    assert client.text(uri) == SOURCE


async def test_a_read_only_file_is_not_edited(client, server, desk, name):
    uri = open_source(client, name)
    (client.home.root / name).chmod(0o444)
    mark = client.since()
    before = len(server.generations)
    await run(client, await action_of(client, uri, "fix"))
    (message,) = await client.until(lambda: mark.messages)
    assert "is read-only" in message
    assert client.text(uri) == SOURCE
    assert len(server.generations) == before


async def test_an_own_template_of_code_is_an_edit(client, server, desk, name):
    folder = client.home.root / ".aiex" / "templates"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tidy.md.j2").write_text(
        "---\nid: tidy\ntitle: Tidy up\nkind: refactor.rewrite.aiex.tidy\n"
        "response_type: code_generation\nvariables:\n"
        "  code: {type: string, required: true, inject: code}\n---\n"
        "{% block user %}Tidy: {{ code }}{% endblock %}\n"
    )
    server.answer = lambda _body: block(HALVED)
    uri = open_source(client, name)
    listed = await client.request("aiex/templates")
    assert "refactor.rewrite.aiex.tidy" in [one.get("kind") for one in listed]
    context = {"only": ["refactor.rewrite.aiex.tidy"], "diagnostics": [], "triggerKind": 1}
    at = client.at(uri, "halve")["position"]
    params = {"textDocument": {"uri": uri}, "range": {"start": at, "end": at}}
    (action,) = await client.request("textDocument/codeAction", {**params, "context": context})
    result = await run(client, action, wait=True)
    assert result["applied"] is True
    assert client.text(uri) == AFTER["refactor"]
    assert desk.undo(uri) == SOURCE


# -- clients that can less ------------------------------------------------------------------

EDIT = "workspace.workspaceEdit"


async def test_without_apply_edit_the_diff_is_shown(server, make_home, name):
    server.answer = lambda _body: block(FIXED)
    without = ("workspace.applyEdit",)
    async with running(make_home(), "vscode", config=config_of(server), without=without) as client:
        uri = open_source(client, name)
        mark = client.since()
        await run(client, await action_of(client, uri, "fix"))
        (shown,) = await client.until(mark.shown)
        text = shown.read_text()
        assert f"--- a/{name}\n+++ b/{name}\n" in text
        assert "-    return a + c  # 😀 sum\n+    return a + b  # 😀 sum\n" in text
        assert mark.received("workspace/applyEdit") == []
        assert client.text(uri) == SOURCE


async def test_without_versioned_edits_plain_changes_arrive(server, make_home, name):
    server.answer = lambda _body: block(FIXED)
    without = (f"{EDIT}.documentChanges", f"{EDIT}.resourceOperations")
    async with running(make_home(), "vscode", config=config_of(server), without=without) as client:
        desk = Desk(client)
        uri = open_source(client, name)
        mark = client.since()
        await run(client, await action_of(client, uri, "fix"))
        await client.until(lambda: client.text(uri) != SOURCE)
        (params,) = mark.received("workspace/applyEdit")
        assert list(params["edit"]) == ["changes"]
        assert client.text(uri) == AFTER["fix"]
        assert desk.undo(uri) == SOURCE


@pytest.mark.parametrize("annotations", [True, False])
async def test_confirmation_is_asked_where_the_client_knows_it(
    server, make_home, name, annotations
):
    server.answer = lambda _body: block(FIXED)
    config = config_of(server, '[edits]\nconfirm = "always"')
    without = () if annotations else (f"{EDIT}.changeAnnotationSupport",)
    async with running(make_home(), "vscode", config=config, without=without) as client:
        Desk(client)
        uri = open_source(client, name)
        mark = client.since()
        await run(client, await action_of(client, uri, "fix"))
        await client.until(lambda: client.text(uri) != SOURCE)
        (params,) = mark.received("workspace/applyEdit")
        told = list((params["edit"].get("changeAnnotations") or {}).values())
        assert [one["needsConfirmation"] for one in told] == ([True] if annotations else [])
        assert all(one["label"].startswith("Fix `add`") for one in told)
        assert client.text(uri) == AFTER["fix"]
