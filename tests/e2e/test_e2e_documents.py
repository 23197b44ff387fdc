"""Documents as they come: unknown, huge, binary, in any line ending and script, without a file."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.e2e import cases
from tests.e2e.harness import LIMIT, Client, Home, elapsed, running
from tests.servers import anthropic, lm_studio, ollama, openai
from tests.servers.base import FakeServer, serve_in_thread
from tests.servers.script import Reply

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("e2e-documents"),
    pytest.mark.asyncio(loop_scope="module"),
]

INVALID_PARAMS = -32602
GOOD = "Says hello."
DIALECTS: dict[str, tuple[type[FakeServer], str]] = {
    "openai": (openai.OpenAIServer, openai.MODEL),
    "anthropic": (anthropic.AnthropicServer, anthropic.MODEL),
    "ollama": (ollama.OllamaServer, ollama.MODEL),
    "lm_studio": (lm_studio.LMStudioServer, lm_studio.MODEL),
}


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, FakeServer]]:
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(serve_in_thread(kind()))
            for name, (kind, _model) in DIALECTS.items()
        }


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["neovim", "vscode", "emacs"])
async def client(
    request: pytest.FixtureRequest, servers: dict[str, FakeServer], make_home: Callable[[], Home]
) -> AsyncIterator[Client]:
    config = 'default_provider = "openai"\nhover = { wait = 0.1 }\ncache = { ttl = 0 }\n'
    for name, server in servers.items():
        config += f"""
            [providers.{name}]
            base_url = "{server.base_url}"
            default_model = "{DIALECTS[name][1]}"
            api_key = {{ env = "FAKE_KEY" }}
        """
    home = make_home()
    (home.root / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    env = {"FAKE_KEY": "fake"}
    async with running(home, request.param, config=config, env=env) as client:
        yield client


@pytest.fixture(autouse=True)
def server(servers: dict[str, FakeServer]) -> FakeServer:
    for one in servers.values():
        one.answer = lambda _body: GOOD
    return servers["openai"]


def sent(server: FakeServer) -> str:
    """Return the text of the last prompt that arrived."""
    messages = server.generations[-1].json["messages"]
    return "\n".join(_text(message["content"]) for message in messages)


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def review(line: int, message: str = "Look here.") -> str:
    finding = {"line": line, "severity": "warning", "category": "style", "message": message}
    return json.dumps({"summary": "One remark.", "findings": [finding]})


# -- what cannot be asked about -------------------------------------------------------------


async def test_an_unknown_document(client):
    place = {"textDocument": {"uri": "file:///nowhere/x.py"}}
    start = {"line": 0, "character": 0}
    for method in ("aiex/explain", "aiex/analyze", "aiex/generateTests"):
        error = await client.failure(method, place)
        assert error.code == INVALID_PARAMS
        assert error.message == "`textDocument`: x.py is not open. Open it first."
    assert await client.request("textDocument/hover", {**place, "position": start}) is None
    asked = {**place, "range": {"start": start, "end": start}, "context": {"diagnostics": []}}
    assert await client.request("textDocument/codeAction", asked) in ([], None)
    client.editor.notify(
        "textDocument/didChange",
        {**place, "textDocument": {**place["textDocument"], "version": 2}, "contentChanges": []},
    )
    client.editor.notify("textDocument/didClose", place)
    mark = client.since()
    error = await client.failure(
        "workspace/executeCommand", {"command": "aiex/explain", "arguments": [place]}
    )
    assert error.code == INVALID_PARAMS
    assert mark.messages == []


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ({"position": {"line": 99, "character": 0}}, "position"),
        (
            {"range": {"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}}},
            "range",
        ),
        (
            {"range": {"start": {"line": 1, "character": 1}, "end": {"line": 0, "character": 0}}},
            "range",
        ),
        ({"position": {"line": -1, "character": 0}}, "position"),
        ({"position": {"line": 0}}, "position"),
        ({"position": [0, 0]}, "position"),
        ({"level": "deep"}, "level"),
        ({"provider": 1}, "provider"),
        ({"partialResultToken": {}}, "partialResultToken"),
        ({"textDocument": "x"}, "textDocument"),
    ],
)
async def test_params_that_are_wrong_are_named(client, server, place, name):
    uri, _ = cases.new_file(client)
    before = len(server.generations)
    error = await client.failure("aiex/explain", {"textDocument": {"uri": uri}, **place})
    assert error.code == INVALID_PARAMS
    assert f"`{name}" in error.message
    assert len(error.message) <= 200
    assert len(server.generations) == before


async def test_a_range_that_ends_past_a_line_ends_with_it(client, server):
    uri = client.open_file(client.home.root / "short.py", "one = 1\ntwo = 2\n")
    place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 9999}}
    result = await client.request("aiex/explain", {"textDocument": {"uri": uri}, "range": place})
    assert result["markdown"] == GOOD
    assert "one = 1" in sent(server)


async def test_a_binary_document(client, server):
    uri = client.open("file:///w/a.bin", "\x7fELF\0\x01\0\0def add(a): pass\n", "python")
    before = len(server.generations)
    error = await client.failure("aiex/explain", {"textDocument": {"uri": uri}})
    assert error.code == INVALID_PARAMS
    assert error.message == "`textDocument`: a.bin is binary."
    assert await client.request("textDocument/hover", client.at(uri, "add", 1)) is None
    assert len(server.generations) == before


@pytest.mark.parametrize("text", ["", "\n", "   \n\t\n"])
async def test_an_empty_document(client, text):
    uri = client.open_file(client.home.root / "empty.py", text)
    mark = client.since()
    for method in ("aiex/explain", "aiex/analyze", "aiex/generateTests"):
        with suppress(JsonRpcException):
            await client.request(method, {"textDocument": {"uri": uri}})
    errors = [m["error"] for m in client.editor.received[-10:] if "error" in m]
    for error in errors:
        assert len(error["message"]) <= 200
        assert error["code"] in (INVALID_PARAMS, -32803)
        assert "inside" not in error["message"], "no fault of aiex-lsp"
    assert client.text(uri) == text
    assert mark.messages == []
    client.editor.close(uri)


# -- sizes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("client", ["vscode"], indirect=True)
async def test_a_file_of_100_000_lines(client, server):
    body = "    value += 1\n" * 36
    functions = "".join(
        f"def handle_{i}(value):\n    # 😀 {i}\n{body}    return value * {i}\n\n"
        for i in range(2_500)
    )
    assert functions.count("\n") == 100_000
    uri = client.open_file(client.home.root / "huge.py", functions)
    place = client.at(uri, "handle_1500", 3)
    (result, seconds) = await elapsed(client.request("aiex/explain", place))
    assert result["markdown"] == GOOD
    assert seconds < 15
    prompt = sent(server)
    assert "def handle_1500(value):" in prompt
    assert "# 😀 1500" in prompt
    assert len(prompt) < 100_000
    server.answer = lambda _body: review(60_039)
    reviewed = await client.request("aiex/analyze", place)
    (finding,) = reviewed["findings"]
    assert client.code_at(uri, finding["range"]).strip() == "return value * 1500"
    client.replace(uri, "def handle_3(", "\n# é😀\ndef handle_3(")
    moved = client.at(uri, "handle_1500", 3)["position"]["line"]
    assert moved == place["position"]["line"] + 2
    server.answer = lambda _body: GOOD
    hover = await cases.hovered(client, client.at(uri, "handle_2499", 3))
    assert hover.startswith(GOOD)
    client.editor.close(uri)
    (_, seconds) = await elapsed(client.request("aiex/templates"))
    assert seconds < 5


async def test_a_line_of_a_million_characters(client, server):
    uri = client.open("file:///w/min.js", "var x='é" + "a😀" * 300_000 + "';\n", "javascript")
    before = len(server.generations)
    error = await client.failure("aiex/explain", client.at(uri, "var x"))
    assert "openai" in error.message
    assert "Select less, or use a model with a larger window." in error.message
    assert len(error.message) <= 200
    assert len(server.generations) == before
    client.editor.close(uri)


# -- scripts and line endings ---------------------------------------------------------------

NEWLINES = {"lf": "\n", "crlf": "\r\n", "cr": "\r"}
PLAIN = (
    "# -*- é 😀 -*-\n"
    "GREETING = '👋🏽 e\u0301 \u200d \u2028 名'\n\n\n"
    "def grüße(name):  # 👩‍👩‍👧\n"
    "    '''Hallo, 𝔘nicode.'''\n"
    "    text = '😀' + name; return text  # ende\n"
)


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("newline", NEWLINES)
async def test_findings_lie_where_the_code_is(client, server, newline, bom):
    text = bom + PLAIN.replace("\n", NEWLINES[newline])
    uri = client.open_file(client.home.root / f"greet_{newline}{len(bom)}.py", text)
    server.answer = lambda _body: review(7, "Ende 😀")
    result = await client.request("aiex/analyze", client.at(uri, "grüße", 1))
    (finding,) = result["findings"]
    assert client.code_at(uri, finding["range"]).strip() == (
        "text = '😀' + name; return text  # ende"
    )
    assert "def grüße(name):  # 👩‍👩‍👧" in sent(server)
    at_name = client.at(uri, "name; return", 1)
    client.replace(uri, "'😀' +", "'😀😀é' +")
    assert client.at(uri, "name; return", 1) != at_name
    await client.until(lambda: client.findings(uri) == [])
    place = {"textDocument": {"uri": uri}, "range": client.range(uri, "'😀😀é' + name")}
    await client.request("aiex/explain", place)
    assert "'😀😀é' + name" in sent(server)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_text_reaches_every_provider_as_it_is(client, servers, dialect):
    uri = client.open_file(client.home.root / f"exact_{dialect}.py", PLAIN)
    answer = "Grüßt: 👋🏽 e\u0301 \u200d 名 \ud83d\ude00".encode("utf-16", "surrogatepass").decode(
        "utf-16"
    )
    servers[dialect].answer = lambda _body: Reply(answer, split=3)
    asked = {**client.at(uri, "grüße"), "provider": dialect, "partialResultToken": dialect}
    mark = client.since()
    result = await client.request("aiex/explain", asked)
    assert result["markdown"] == mark.joined(dialect) == answer
    start = PLAIN.index("def grüße")
    assert PLAIN[start:].rstrip("\n") in sent(servers[dialect])


async def test_edits_keep_line_endings_and_scripts(client, server):
    text = "\ufeff" + PLAIN.replace("\n", "\r\n")
    uri = client.open_file(client.home.root / "edited.py", text)
    for old, new in (("😀", "é"), ("e\u0301", ""), ("name):", "name, *, é='👩‍👩‍👧'):\r\n    # 😀")):
        client.replace(uri, old, new)
    await client.request("aiex/explain", {"textDocument": {"uri": uri}})
    seen = sent(server).replace("\r\n", "\n")
    assert "def grüße(name, *, é='👩‍👩‍👧'):\n    # 😀  # 👩‍👩‍👧" in seen
    assert "# -*- é é -*-" in seen


# -- documents without a file ---------------------------------------------------------------


async def test_an_untitled_buffer(client, server):
    text = "def untitled_sum(a, b):\n    return a + b\n"
    uri = client.open(f"untitled:Untitled-{client.profile}", text)
    place = client.at(uri, "untitled_sum", 2)
    assert (await client.request("aiex/explain", place))["markdown"] == GOOD
    assert text.strip() in sent(server)
    assert GOOD in await cases.hovered(client, place)
    server.answer = lambda _body: review(2)
    await client.request("aiex/analyze", place)
    assert len(client.findings(uri)) == 1
    server.answer = lambda _body: "```python\ndef test_sum():\n    assert True\n```\n"
    result = await client.request("aiex/generateTests", place)
    client.editor.apply(result["edit"])
    assert client.text(uri) == text
    assert result["targetUri"].startswith(client.home.root.as_uri())
    client.editor.close(uri)


async def test_a_notebook_cell(client, server):
    path = (client.home.root / "book.ipynb").as_uri()
    uri = path.replace("file:", "vscode-notebook-cell:") + "#W1sZmlsZQ%3D%3D"
    text = "import math\n\ndef area(r):  # 😀\n    return math.pi * r ** 2\n"
    cell = types.NotebookCell(types.NotebookCellKind.Code, uri)
    client.notebook_document_did_open(
        types.DidOpenNotebookDocumentParams(
            types.NotebookDocument(path, "jupyter-notebook", 1, [cell]),
            [types.TextDocumentItem(uri, "python", 1, text)],
        )
    )
    client.editor.documents[uri], client.editor.versions[uri] = text, 1
    place = client.at(uri, "area", 1)
    assert (await client.request("aiex/explain", place))["markdown"] == GOOD
    assert "return math.pi * r ** 2" in sent(server)
    assert GOOD in await cases.hovered(client, place)
    server.answer = lambda _body: review(4)
    await client.request("aiex/analyze", place)
    (finding,) = client.findings(uri)
    assert client.code_at(uri, finding["range"]).strip() == "return math.pi * r ** 2"
    client.notebook_document_did_close(
        types.DidCloseNotebookDocumentParams(
            types.NotebookDocumentIdentifier(path), [types.TextDocumentIdentifier(uri)]
        )
    )
    await client.until(lambda: client.findings(uri) == [])
    assert (await client.failure("aiex/explain", place)).code == INVALID_PARAMS


async def test_an_unknown_language(client, server):
    uri = client.open_file(client.home.root / "x.brainfuck", "+[->+<] 😀\n+++\n", "brainfuck")
    place = {"textDocument": {"uri": uri}, "range": client.range(uri, "+[->+<] 😀")}
    assert (await client.request("aiex/explain", place))["markdown"] == GOOD
    assert "+[->+<] 😀" in sent(server)


# -- while the answer comes -----------------------------------------------------------------


async def test_a_document_closed_while_the_answer_comes(client, server):
    uri, name = cases.new_file(client)
    mark = client.since()
    place = client.at(uri, name)
    server.answer = lambda body: Reply(
        review(2) if "findings" in str(body) else GOOD, first_token=0.5
    )
    before = len(server.generations)
    _, explained = client.start("aiex/explain", place)
    _, analyzed = client.start("aiex/analyze", place)
    await server.generations_come(before + 2, LIMIT)
    client.editor.close(uri)
    assert (await explained)["markdown"] == GOOD
    assert len((await analyzed)["findings"]) == 1
    assert client.findings(uri) == []
    assert mark.messages == []


async def test_findings_of_code_that_changed_meanwhile_are_left_out(client, server):
    uri, name = cases.new_file(client)
    before = len(server.generations)
    server.answer = lambda _body: Reply(review(3), first_token=0.5)
    _, analyzed = client.start("aiex/analyze", client.at(uri, name))
    await server.generations_come(before + 1, LIMIT)
    client.replace(uri, "return sum(", "return max(")
    assert (await analyzed)["findings"] == []
    assert client.findings(uri) == []


async def test_findings_move_with_the_code_that_stayed(client, server):
    uri, name = cases.new_file(client)
    before = len(server.generations)
    server.answer = lambda _body: Reply(review(3), first_token=0.5)
    _, analyzed = client.start("aiex/analyze", client.at(uri, name))
    await server.generations_come(before + 1, LIMIT)
    client.replace(uri, f"def {name}", f"# 😀\n# typed\ndef {name}")
    (finding,) = (await analyzed)["findings"]
    assert client.code_at(uri, finding["range"]).lstrip().startswith("return sum(")
    assert [d["range"] for d in client.findings(uri)] == [finding["range"]]
