"""Files that are never sent to a model: none of them leaves by any door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress

import pytest
import pytest_asyncio
from pygls.exceptions import JsonRpcException

from tests.e2e.harness import Client, Home, Json, running
from tests.e2e.test_e2e_secrets import received
from tests.servers.base import serve_in_thread
from tests.servers.openai import MODEL, OpenAIServer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("e2e-never-sent"),
    pytest.mark.asyncio(loop_scope="module"),
]

TEMPLATE = """---
title: Own
response_type: general
variables:
  code: {type: string, required: true, inject: code}
  beside: {type: string, inject: existing_tests}
  files: {type: string, inject: project_structure}
  needed: {type: string, inject: dependencies}
  tests: {type: string, inject: test_files}
  told: {type: string, inject: project_rules}
---
{% block user %}
{{ code }} {{ beside }} {{ files }} {{ needed }} {{ tests }} {{ told }}
{% endblock %}
"""
APP = (
    "from private.inner import inner\nfrom generated import made\n\n\n"
    "def app(x):\n    return inner(x) + made(x)\n"
)
FORBIDDEN = {
    ".env": "NAME=never-sent-env\n",
    ".env.local": "NAME=never-sent-env-local\n",
    "keys/server.pem": "never-sent-pem\n",
    "private/inner.py": "def inner(x):\n    return 'never-sent-inner'\n",
    "private/tests/test_inner.py": "def test_inner():\n    assert 'never-sent-test'\n",
    "private/AGENTS.md": "never-sent-rules\n",
    "src/secrets.json": '{"a": "never-sent-json"}\n',
}
"""Files the user's own question about is refused too."""
IGNORED = {
    "generated.py": "def made(x):\n    return 'never-sent-made'\n",
    "tests/test_generated.py": "def test_made():\n    assert 'never-sent-made-test'\n",
}
"""Files of Git's ignore list: not for the context of another file."""
MARK = "never-sent"
TASKS = ("explain", "analyze", "generateTests", "document", "refactor", "fix", "run")


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with serve_in_thread(OpenAIServer()) as server:
        server.answer = lambda _body: "```python\ndef app(x):\n    return 1\n```\n"
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(server: OpenAIServer, make_home: Callable[[], Home]) -> AsyncIterator[Client]:
    home = make_home()
    files = {
        **FORBIDDEN,
        **IGNORED,
        ".aiexignore": "private/\n",
        ".gitignore": "generated.py\ntest_generated.py\n",
        "pyproject.toml": '[project]\nname = "shop"\n',
        "src/app.py": APP,
        "AGENTS.md": "@private/AGENTS.md\nBe brief.\n",
        ".aiex/templates/own.md.j2": TEMPLATE,
    }
    for name, text in files.items():
        path = home.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (home.root / "src" / "link.py").symlink_to(home.root / "private" / "inner.py")
    config = (
        f'default_provider = "openai"\n[hover]\nwait = 5.0\n[providers.openai]\n'
        f'base_url = "{server.base_url}"\ndefault_model = "{MODEL}"\nlocal = false\n'
    )
    async with running(home, "neovim", config=config) as client:
        yield client


def opened(client: Client, name: str) -> str:
    path = client.home.root / name
    language = "python" if name.endswith(".py") else "plaintext"
    return client.open(path.as_uri(), path.read_text(), language)


def asked(client: Client, uri: str, task: str) -> Json:
    params: Json = {"textDocument": {"uri": uri}, "range": client.range(uri, client.text(uri))}
    if task == "fix":
        params["diagnostic"] = {"range": params["range"], "message": "wrong"}
    if task == "refactor":
        params["instruction"] = "shorter"
    if task == "run":
        params["template"] = "own"
    return params


@pytest.mark.parametrize("name", [*FORBIDDEN, "src/link.py"])
async def test_no_request_about_such_a_file_leaves(client, server, name):
    uri = opened(client, name)
    before = len(server.generations)
    for task in TASKS:
        error = await client.failure(f"aiex/{task}", asked(client, uri, task))
        assert "never sent" in str(error) or "not sent" in str(error), (task, error)
        shown = {**asked(client, uri, task), "task": task}
        shown.pop("template", None)
        if task != "run":
            await client.failure("aiex/renderPrompt", shown)
        with pytest.raises(JsonRpcException):
            await client.command(f"aiex/{task}", {**asked(client, uri, task), "wait": True})
    template = {**asked(client, uri, "run"), "template": "own"}
    assert MARK not in str(await client.failure("aiex/renderPrompt", template))
    hover = await client.request("textDocument/hover", client.at(uri, "never-sent"))
    assert hover is None or "never sent" in str(hover) or "not sent" in str(hover)
    assert len(server.generations) == before
    client.editor.close(uri)


@pytest.mark.parametrize("opened_too", [False, True])
async def test_nothing_of_such_files_is_in_the_context_of_another(client, server, opened_too):
    uri = opened(client, "src/app.py")
    others = [opened(client, name) for name in (*FORBIDDEN, *IGNORED)] if opened_too else []
    place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 40}}
    related = [
        {
            "location": {"uri": (client.home.root / name).as_uri(), "range": place},
            "message": "declared here",
        }
        for name in (*FORBIDDEN, "src/link.py")
    ]
    diagnostic = {"range": client.range(uri, "inner(x)"), "message": "wrong"}
    diagnostic["relatedInformation"] = related
    answer = ""
    for task in TASKS:
        params = asked(client, uri, task)
        if task == "fix":
            params["diagnostic"] = diagnostic
        params["diagnostics"] = [diagnostic]
        # The answer is not one for every task; what counts is the question.
        with suppress(JsonRpcException):
            result = await client.request(f"aiex/{task}", params)
            answer = answer or result["answer"]["id"]
        shown = {**params, "task": task} if task != "run" else params
        assert MARK not in str(await client.request("aiex/renderPrompt", shown))
    await client.request("aiex/followUp", {"answerId": answer, "question": "Why?"})
    assert server.generations
    assert MARK not in received(server)
    for other in (uri, *others):
        client.editor.close(other)
