"""A user's own template and configuration, written while the server runs: no restart."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e import cases
from tests.e2e.harness import LIMIT, Client, Home, running
from tests.editor import Json
from tests.servers.base import serve_in_thread
from tests.servers.openai import OpenAIServer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("e2e-reload"),
    pytest.mark.asyncio(loop_scope="module"),
]

TEMPLATE = """---
title: {title}
kind: refactor.rewrite.aiex.own
response_type: {type}
variables:
  code: {{type: string, required: true, inject: code}}
---
{{% block user %}}
Shout this: {{{{ {name} }}}}
{{% endblock %}}
"""
_words = itertools.count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with serve_in_thread(OpenAIServer()) as server:
        yield server


@pytest.fixture
def config(server: OpenAIServer) -> str:
    return f'[providers.openai]\nbase_url = "{server.base_url}"\n'


@pytest.fixture
def home(make_home: Callable[[], Home]) -> Home:
    return make_home()


async def action(client: Client, uri: str, name: str, title: str, *, there: bool = True) -> Json:
    """Return the action of a title once the editor lists it (or {} once it is no more)."""
    place = client.at(uri, name)
    params = {
        "textDocument": place["textDocument"],
        "range": {"start": place["position"], "end": place["position"]},
        "context": {"diagnostics": [], "triggerKind": 1},
    }
    async with asyncio.timeout(LIMIT):
        while True:
            listed = await client.request("textDocument/codeAction", params)
            found = next((one for one in listed or () if one["title"].startswith(title)), {})
            if bool(found) is there:
                return found
            await asyncio.sleep(0.1)


def put(client: Client, path: Path, **parts: str) -> None:
    """Write a template as another program would; editors that watch files tell of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"title": "Shout", "type": "general", "name": "code", **parts}
    path.write_text(TEMPLATE.format(**told) + "{# " + "x" * next(_words) + " #}\n")
    tell(client, path)


def tell(client: Client, path: Path) -> None:
    if client.profile == "vscode":
        changes = [{"uri": path.as_uri(), "type": 2}]
        client.editor.notify("workspace/didChangeWatchedFiles", {"changes": changes})


@pytest.mark.parametrize("profile", ["vscode", "neovim", "emacs"])
@pytest.mark.parametrize("place", ["user", "workspace"])
async def test_a_template_is_an_action_that_answers_or_edits(profile, place, home, config, server):
    folder = home.config.parent if place == "user" else home.root / ".aiex"
    path = folder / "templates" / "shout.md.j2"
    async with running(home, profile, config=config) as client:
        uri, name = cases.new_file(client)
        assert await action(client, uri, name, "Explain")
        put(client, path)
        shout = await action(client, uri, name, "Shout")
        assert shout["kind"] == "refactor.rewrite.aiex.own"
        server.answer = lambda _body: f"**{name.upper()}!**"
        argument = shout["command"]["arguments"][0]
        result = await client.command(shout["command"]["command"], {**argument, "wait": True})
        assert name.upper() in result["markdown"]

        put(client, path, title="Round it", type="code_generation")
        again = await action(client, uri, name, "Round it")
        before = client.text(uri)
        changed = before.replace("return sum(", "return round(").rstrip("\n")
        server.answer = lambda _body: f"```python\n{changed}\n```\n"
        argument = again["command"]["arguments"][0]
        result = await client.command(again["command"]["command"], {**argument, "wait": True})
        assert result["applied"] is True
        assert client.text(uri) == before.replace("return sum(", "return round(")

        path.unlink()
        tell(client, path)
        assert await action(client, uri, name, "Round it", there=False) == {}


@pytest.mark.parametrize("profile", ["vscode", "neovim"])
async def test_mistakes_are_shown_where_they_are_and_go_when_they_are_mended(profile, home, config):
    path = home.root / ".aiex" / "templates" / "shout.md.j2"
    async with running(home, profile, config=config) as client:
        uri, name = cases.new_file(client)
        put(client, path, name="cod")
        await action(client, uri, name, "Explain")
        told = await client.until(lambda: [one for one in _told(client) if "shout.md.j2" in one])
        assert len(told) == 1
        assert "'cod'" in told[0]
        own = client.open(path.as_uri(), path.read_text(), "jinja")
        found = await client.until(lambda: client.findings(own))
        assert any(one["range"]["start"]["line"] == 8 for one in found)
        put(client, path)
        await action(client, uri, name, "Shout")
        await client.until(lambda: client.findings(own) == [])


@pytest.mark.parametrize("profile", ["vscode", "emacs"])
async def test_a_workspace_says_from_now_on_that_it_wants_no_model(profile, home, config):
    own = home.root / ".aiex.toml"
    async with running(home, profile, config=config) as client:
        uri, name = cases.new_file(client)
        await action(client, uri, name, "Explain")
        own.write_text('[features]\ndisabled_languages = ["python"]\n')
        tell(client, own)
        await action(client, uri, name, "Explain", there=False)
        own.unlink()
        tell(client, own)
        await action(client, uri, name, "Explain")


def _told(client: Client) -> list[str]:
    return [one["message"] for one in client.editor.notifications("window/showMessage")]
