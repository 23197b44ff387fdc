"""What answers of no use get, as a user sees it: nothing is changed, why is said, and the text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.harness import Client, Home, running
from tests.servers.base import serve_in_thread
from tests.servers.openai import OpenAIServer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("e2e-edits-bad"),
    pytest.mark.asyncio(loop_scope="module"),
]

SOURCE = '''"""A cart."""

import json


def load(path):
    with open(path) as file:
        data = json.load(file)
    rows = data["rows"]
    return rows


def total(rows):
    return sum(rows)
'''
OTHER = "def used():\n    return 1\n"
LOAD = SOURCE[SOURCE.index("def load") : SOURCE.index("\n\n\ndef total")]


def fence(code: str, label: str = "python") -> str:
    return f"Here it is:\n\n```{label}\n{code}\n```\n"


def patch(path: str, old: str = "def used():", new: str = "def unused():") -> str:
    return f"{path}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n"


BETTER = patch("cart.py", '    rows = data["rows"]\n    return rows', '    return data["rows"]')
BAD = {
    "prose": ("You might return the rows at once, that is shorter and clearer.", "no code"),
    "unchanged": (fence(LOAD), "changes nothing"),
    "another language": (
        fence("function load(path) {\n  return JSON.parse(read(path)).rows;\n}", "javascript"),
        "javascript code, not python",
    ),
    "rest unchanged": (
        fence("def load(path):\n    check(path)\n    # ... rest unchanged ...\n    return data"),
        "leaves out",
    ),
    "dots": (fence('def load(path):\n    ...\n    return {"rows": 1}'), "leaves out"),
    "half": (
        fence("def load(path):\n    with open(path) as file:\n        data = json.load(file)"),
        "ends before the code does",
    ),
    "cut": ("```python\ndef load(path):\n    with open(", "cut off"),
    "another function": (fence("def total(rows):\n    return sum(rows) + 0"), "not for `load`"),
    "no parse": (fence("def load(path):\n    return json.load(open(path)"), "does not parse"),
    "undefined": (fence("def load(path):\n    return read_rows(path)"), "`read_rows`"),
    "a file outside": (BETTER + patch("/etc/passwd", "root", "toor"), "outside of the workspace"),
    "a path with ..": (BETTER + patch("../outside.py"), "outside of the workspace"),
    "a link out": (BETTER + patch("linked.py"), "linked.py"),
    "an ignored file": (BETTER + patch("secret.env"), "secret.env"),
    "a delete": (
        fence(f"--- a/cart.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-{SOURCE.splitlines()[0]}", "diff"),
        "delete a file",
    ),
    "a shell command": (fence("sed -i s/rows/lines/ cart.py && rm -rf .git", "bash"), "shell"),
    "a name others use": (
        fence(LOAD.replace("def load", "def read")),
        "`load`, which is used in app/main.py:1",
    ),
    "invisible": (fence(LOAD.replace("return rows", "return rows  # \u202e")), "U+202E"),
}  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with serve_in_thread(OpenAIServer()) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(server: OpenAIServer, make_home: Callable[[], Home]) -> AsyncIterator[Client]:
    home = make_home()
    outside = home.root.parent / "outside.py"
    outside.write_text(OTHER)
    (home.root / "linked.py").symlink_to(outside)
    (home.root / "secret.env").write_text(OTHER)
    (home.root / "app").mkdir()
    (home.root / "app" / "main.py").write_text("from cart import load\n")
    config = f'default_provider = "openai"\n[providers.openai]\nbase_url = "{server.base_url}"\n'
    async with running(home, "neovim", config=config) as client:
        yield client


def on_disk(root: Path) -> dict[str, bytes]:
    files = [root.parent / "outside.py", *root.rglob("*.py"), *root.rglob("*.env")]
    return {str(one): one.read_bytes() for one in files}


async def refactored(client: Client, uri: str) -> Any:
    argument = {
        "textDocument": {"uri": uri},
        "position": client.at(uri, "load(path)")["position"],
        "instruction": "make it shorter",
    }
    return await client.command("aiex/refactor", argument)


@pytest.mark.parametrize("case", BAD)
async def test_nothing_is_changed_and_the_reason_and_the_text_are_seen(client, server, case):
    answer, told = BAD[case]
    server.answer = lambda _body: answer
    uri = client.open_file(client.home.root / "cart.py", SOURCE)
    before, mark = on_disk(client.home.root), client.since()
    assert list(await refactored(client, uri)) == ["accepted"]
    (message,) = await client.until(lambda: mark.messages)
    assert told in message
    assert "othing was" in message
    assert len(message) <= 200
    (shown,) = await client.until(mark.shown)
    assert answer.strip() in shown.read_text()
    assert client.text(uri) == SOURCE
    assert mark.received("workspace/applyEdit") == []
    assert on_disk(client.home.root) == before
    client.editor.close(uri)


async def test_the_same_answer_without_the_bad_part_is_applied(client, server):
    server.answer = lambda _body: BETTER
    uri = client.open_file(client.home.root / "cart.py", SOURCE)
    await refactored(client, uri)
    await client.until(lambda: client.text(uri) != SOURCE)
    assert client.text(uri) == SOURCE.replace(
        '    rows = data["rows"]\n    return rows', '    return data["rows"]'
    )
    client.editor.close(uri)
