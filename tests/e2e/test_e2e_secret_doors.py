"""Secrets that come by other ways than the document: instruction, question, message, name, log."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress

import pytest
import pytest_asyncio
from pygls.exceptions import JsonRpcException

from tests.e2e.harness import Client, Home, running
from tests.e2e.test_e2e_secrets import received
from tests.servers.base import serve_in_thread
from tests.servers.openai import MODEL, OpenAIServer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("e2e-secret-doors"),
    pytest.mark.asyncio(loop_scope="module"),
]

TOKEN = "ghp_" + "q8Zr2Lw9Xk3Vn7Tb5Jm1q8Zr2Lw9Xk3Vn7Tb"
PASSWORD = "Hg7-wwq1-pass"
CODE = f'def shop(db):\n    db.open(password="{PASSWORD}")\n\n\ndef {TOKEN}():\n    return 1\n'
TEMPLATE = """---
title: Own
response_type: general
variables:
  code: {type: string, required: true, inject: code}
  more: {type: string}
  list: {type: list}
---
{% block user %}{{ code }} {{ more }} {{ list | join(" ") }}{% endblock %}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with serve_in_thread(OpenAIServer()) as server:
        server.answer = lambda body: f"It is: {body['messages'][-1]['content']}"
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(server: OpenAIServer, make_home: Callable[[], Home]) -> AsyncIterator[Client]:
    home = make_home()
    path = home.root / ".aiex" / "templates" / "own.md.j2"
    path.parent.mkdir(parents=True)
    path.write_text(TEMPLATE)
    (home.root / "pyproject.toml").write_text(
        f'[project]\nname = "shop"\n# password = "{PASSWORD}"\n'
    )
    config = (
        f'default_provider = "openai"\n[providers.openai]\nbase_url = "{server.base_url}"\n'
        f'default_model = "{MODEL}"\nlocal = false\n'
    )
    env = {"AIEX_LOG_LEVEL": "debug"}
    async with running(home, "neovim", config=config, env=env) as client:
        yield client


async def test_no_way_into_a_prompt_lets_a_secret_through(client, server):
    uri = client.open_file(client.home.root / "shop.py", CODE)
    here = client.at(uri, "shop")
    first = await client.request("aiex/explain", here)
    follow = {"answerId": first["answer"]["id"], "question": f"Is {TOKEN} right?"}
    told = await client.request("aiex/followUp", follow)
    assert TOKEN in told["markdown"], "the user's own words come back whole"
    wanted = f'use api_key = "{TOKEN}", and password = "{PASSWORD}"'
    asked = {
        "refactor": {**here, "instruction": wanted},
        "document": {**here, "instruction": wanted},
        "run": {**here, "template": "own", "variables": {"more": wanted, "list": [wanted, TOKEN]}},
        "fix": {
            **here,
            "diagnostic": {
                "range": client.range(uri, "db.open"),
                "message": f"unexpected {wanted}",
                "code": TOKEN,
                "source": "lint",
            },
        },
    }
    for task, params in asked.items():
        shown = params if task == "run" else {**params, "task": task}
        prompt = await client.request("aiex/renderPrompt", shown)
        assert prompt["redactions"], task
        assert TOKEN not in json.dumps(prompt), task
        # Not every answer is one for the task.
        with suppress(JsonRpcException):
            await client.request(f"aiex/{task}", params)
    named = await client.request("aiex/explain", client.at(uri, TOKEN))
    assert TOKEN in named["markdown"]
    assert len(server.generations) >= 7
    for secret in (TOKEN, PASSWORD):
        assert secret not in received(server)


async def test_the_log_and_what_is_kept_have_no_secret(client, server):
    uri = client.open_file(client.home.root / "other.py", CODE)
    await client.request("aiex/explain", client.at(uri, "shop"))
    await client.request("textDocument/hover", client.at(uri, "shop"))
    # One that fails is logged with its traceback.
    mark, wrong = client.since(), {**client.at(uri, "shop"), "template": f"{TOKEN} {PASSWORD}"}
    await client.command("aiex/run", wrong)
    await client.until(lambda: mark.messages)
    for record in ("DEBUG", "explain: answered by openai", "A command failed"):
        await client.until(lambda record=record: [one for one in client.log if record in one])
    logged = [one["message"] for one in client.editor.notifications("window/logMessage")]
    kept = [one.read_bytes() for one in client.home.state.rglob("*") if one.is_file()]
    for secret in (TOKEN, PASSWORD):
        assert not [one for one in logged if secret in one]
        assert not [one for one in client.log if secret in one]
        assert not [one for one in kept if secret.encode() in one]
