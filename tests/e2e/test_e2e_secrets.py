"""Planted secrets: no provider ever gets one, and every answer and edit has all of them."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import sys
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e import cases
from tests.e2e.harness import Client, Home, Json, running
from tests.servers import anthropic, lm_studio, ollama, openai
from tests.servers.base import FakeServer, serve_in_thread
from tests.servers.script import Reply, Silence, status
from tests.unit.redaction_corpus import make, plant, planted

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("e2e-secrets"),
    pytest.mark.asyncio(loop_scope="module"),
]

DIALECTS: dict[str, tuple[type[FakeServer], str]] = {
    "openai": (openai.OpenAIServer, openai.MODEL),
    "anthropic": (anthropic.AnthropicServer, anthropic.MODEL),
    "ollama": (ollama.OllamaServer, ollama.MODEL),
    "lm_studio": (lm_studio.LMStudioServer, lm_studio.MODEL),
}
LANGUAGES = {
    "App.java": "java",
    "Dockerfile": "dockerfile",
    "app.properties": "properties",
    "client.ts": "typescript",
    "config.toml": "toml",
    "deploy.sh": "shellscript",
    "deploy.yaml": "yaml",
    "main.go": "go",
    "main.tf": "terraform",
    "settings.json": "json",
    "settings.py": "python",
    "web.xml": "xml",
    # Files of these names are never sent; their text may stand in others.
    "id_rsa": "plaintext",
    "prod.env": "dotenv",
}
PLACEHOLDER = re.compile(r"AIEX_SECRET_\d+_[a-f][0-9a-f]{3}")
SECRET = "hunter2secret"


def config_of(servers: dict[str, FakeServer], more: str = "") -> str:
    config = f'default_provider = "openai"\nhover = {{ wait = 0.1 }}\n{more}\n'
    for name, server in servers.items():
        config += f"""
            [providers.{name}]
            base_url = "{server.base_url}"
            default_model = "{DIALECTS[name][1]}"
            api_key = {{ env = "FAKE_KEY" }}
            rate_limits = "unlimited"
            local = false
        """
    return config


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
    home = make_home()
    (home.root / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    env = {"FAKE_KEY": "fake"}
    async with running(home, request.param, config=config_of(servers), env=env) as client:
        yield client


@pytest.fixture(autouse=True)
def _echo(servers: dict[str, FakeServer]) -> None:
    for one in servers.values():
        one.answer = echo


def echo(body: Json) -> Reply:
    """Answer with the code of the question, in deltas of five characters."""
    text = f"It is:\n\n{fenced(user_text(body))}\n\nThat is all."
    return Reply(text, pieces=[text[at : at + 5] for at in range(0, len(text), 5)])


def user_text(body: Json) -> str:
    return _text(body["messages"][-1]["content"])


def fenced(text: str) -> str:
    """Return the last block of code in a text, with its fence."""
    return blocks(text)[-1]


def blocks(text: str) -> list[str]:
    found = re.finditer(r"^(`{3,})[^\n]*\n.*?^\1$", text, re.MULTILINE | re.DOTALL)
    return [one[0] for one in found]


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def received(server: FakeServer) -> str:
    """Return all that a provider got: each byte of each request, and its strings decoded."""
    found = []
    for request in server.requests:
        found += [request.method, request.path, repr(request.query), repr(request.headers)]
        found += [request.body.decode(), *_strings(request.json)]
    return "\n".join(found)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield str(key)
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)


def pieces(secret: str) -> list[str]:
    """Return a secret, and its lines: no part of a key may be seen either."""
    return [secret, *(line for line in re.split(r"\n|\\n", secret) if len(line) >= 20)]


def check_unseen(server: FakeServer, secrets: list[str]) -> None:
    got = received(server)
    seen = [one for secret in secrets for one in pieces(secret) if one in got]
    # The heads of keys are no secret.
    assert [one for one in seen if "-----" not in one or "\n" in one] == []


def whole(client: Client, uri: str) -> Json:
    return {"textDocument": {"uri": uri}, "range": client.range(uri, client.text(uri))}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_no_planted_secret_reaches_a_provider_and_answers_have_them_all(
    client, servers, dialect
):
    server = servers[dialect]
    secrets: list[str] = []
    for number, (name, template) in enumerate(planted()):
        text, spans = plant(template, Random(f"{dialect}{client.profile}{number}"))
        planted_here = [text[start:end] for start, end in spans]
        secrets += planted_here
        uri = f"untitled:{client.profile}-{dialect}-{number}"
        client.open(uri, text, LANGUAGES[name])
        mark = client.since()
        asked = {**whole(client, uri), "provider": dialect, "partialResultToken": uri}
        result = await client.request("aiex/explain", asked)
        assert text.rstrip("\n") in result["markdown"]
        assert mark.joined(uri) == result["markdown"]
        assert not PLACEHOLDER.search(json.dumps(result))
        sent = user_text(server.generations[-1].json)
        assert len(set(PLACEHOLDER.findall(sent))) >= len(set(planted_here))
        again = {"answerId": result["answer"]["id"], "question": "Why?", "provider": dialect}
        follow = await client.request("aiex/followUp", again)
        assert not PLACEHOLDER.search(json.dumps(follow))
    assert len(secrets) >= 60
    check_unseen(server, secrets)


async def test_what_would_be_sent_is_shown_to_the_byte(client, servers):
    text, spans = plant(dict(planted())["settings.py"], Random(client.profile))
    uri = client.open(f"untitled:prompt-{client.profile}", text)
    asked = {**whole(client, uri), "provider": "openai"}
    prompt = await client.request("aiex/renderPrompt", {**asked, "task": "explain"})
    await client.request("aiex/explain", asked)
    sent = servers["openai"].generations[-1].json["messages"]
    assert [(one["role"], one["content"]) for one in prompt["messages"]] == [
        (one["role"], _text(one["content"])) for one in sent
    ]
    assert len(prompt["redactions"]) == len(spans)
    shown = prompt["messages"][-1]["content"].split("\n")
    for told in prompt["redactions"]:
        kind, line, placeholder = re.fullmatch(
            r"(.+), line (\d+) of the user message -> (\w+)", told
        ).groups()
        assert kind
        assert placeholder in shown[int(line) - 1]
    assert not any(text[start:end] in json.dumps(prompt) for start, end in spans)


async def test_it_is_said_once_that_secrets_were_replaced(client, servers):
    uri = client.open(f"untitled:said-{client.profile}", f'a = login(password="{SECRET}")\n')
    # An editor is told what lasts.
    servers["openai"].answer = lambda body: Reply(fenced(user_text(body)), first_token=0.6)
    mark = client.since()
    asked = {**whole(client, uri), "provider": "openai", "workDoneToken": uri}
    await client.request("aiex/explain", asked)
    told = [one.get("message", "") for one in mark.progress(uri)]
    assert len([one for one in told if "1 secret replaced" in one]) == 1


async def test_generated_tests_have_the_secrets_to_the_byte(client, servers):
    name = f"secrets_{client.profile}"
    code = (
        f"def connect_{client.profile}(db):\n"
        f'    """Connect."""\n    return db.login("shop", password="{SECRET}")\n'
    )

    def tests(body: Json) -> str:
        placeholder = PLACEHOLDER.search(user_text(body))[0]
        return (
            f"```python\nfrom {name} import connect_{client.profile}\n\n\n"
            f"def test_connects(db):\n    connect_{client.profile}(db)\n"
            f'    assert db.password == "{placeholder}"\n```\n'
        )

    servers["openai"].answer = tests
    uri = client.open_file(client.home.root / f"{name}.py", code)
    argument = {**client.at(uri, "connect_"), "provider": "openai", "wait": True}
    result = await client.command("aiex/generateTests", argument)
    assert result["applied"] is True
    written = client.text(result["targetUri"])
    assert f'    assert db.password == "{SECRET}"\n' in written
    assert "AIEX_SECRET" not in json.dumps(result)
    check_unseen(servers["openai"], [SECRET])


def changed(name: str, change: tuple[str, str]) -> Callable[[Json], str]:
    """Answer with the code as it was shown, with `change` made in it."""

    def answer(body: Json) -> str:
        asked = "\n".join(
            _text(one["content"]) for one in body["messages"] if one["role"] == "user"
        )
        shown = [one for one in blocks(asked) if f"def {name}" in one][-1]
        assert change[0] in shown
        return shown.replace(*change)

    return answer


@pytest.mark.parametrize("method", ["aiex/fix", "aiex/document", "aiex/refactor"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
async def test_an_edit_keeps_every_secret_to_the_byte(client, servers, method, line_end):
    name = f"connect_{client.profile}_{method[5:]}_{len(line_end)}"
    key = make(
        "-----BEGIN PRIVATE KEY-----\n|b|64|\n|b|64|\n-----END PRIVATE KEY-----", Random(name)
    )
    secrets = [f"{SECRET}-{method[5:]}", make("ghp_|a|36", Random(name)), key]
    text = (
        f"import shop\n\n\ndef {name}(db, retries=1):\n"
        f'    db.login("shop", password="{secrets[0]}", retries=retries)\n'
        f"    token = '{secrets[1]}'\n"
        f'    db.key("""{key}""")\n'
        "    return db.call(token)\n"
    ).replace("\n", line_end)
    doc = "retries=1):\n", 'retries=1):\n    """Connect the shop."""\n'
    change = doc if method == "aiex/document" else ("retries=1", "retries=3")
    servers["openai"].answer = changed(name, change)
    uri = client.open_file(client.home.root / f"{name}.py", text)
    argument: Json = {**client.at(uri, name), "provider": "openai", "wait": True}
    if method == "aiex/fix":
        argument["diagnostic"] = {
            "range": client.range(uri, "retries=1"),
            "message": f"tried once, with '{secrets[0]}'",
            "severity": 1,
        }
    if method == "aiex/refactor":
        argument["instruction"] = "try three times"
    result = await client.command(method, argument)
    assert result["applied"] is True
    assert client.text(uri) == text.replace(*(one.replace("\n", line_end) for one in change))
    check_unseen(servers["openai"], secrets)


async def test_findings_lie_on_their_lines_behind_a_key_of_many(client, servers):
    recipe = "-----BEGIN PRIVATE KEY-----\n|b|64|\n|b|64|\n-----END PRIVATE KEY-----"
    key = make(recipe, Random(client.profile))
    text = f'KEY = """{key}"""\nlogin(password="a\\"b-{SECRET}")\nafter = eval(KEY)\n'
    password = f'a\\"b-{SECRET}'

    def review(body: Json) -> str:
        shown = user_text(body)
        (line,) = [one for one in shown.split("\n") if "eval(KEY)" in one]
        number = int(line.split("|")[0])
        first, second = (one for one in dict.fromkeys(PLACEHOLDER.findall(shown)))
        findings = [
            {"start_line": number, "end_line": number, "message": f"runs {first}"},
            {"start_line": 1, "end_line": 1, "message": "bare", "quote": f'"{second}"'},
        ]
        given = {"severity": "warning", "category": "security", "suggestion": None, "quote": None}
        return json.dumps({"summary": second, "findings": [{**given, **one} for one in findings]})

    servers["openai"].answer = review
    uri = client.open(f"untitled:review-{client.profile}", text)
    result = await client.request("aiex/analyze", {**whole(client, uri), "provider": "openai"})
    one, two = result["findings"]
    assert client.code_at(uri, one["range"]) == "after = eval(KEY)"
    assert one["message"] == f"runs {key}"
    assert client.code_at(uri, two["range"]) == f'"{password}"'
    check_unseen(servers["openai"], [key, password])


async def test_a_made_up_placeholder_never_gets_into_code(client, servers):
    name = f"invented_{client.profile}"
    text = f'def {name}(db, retries=1):\n    db.login(password="{SECRET}-inv1")\n'

    def invented(body: Json) -> str:
        answer = changed(name, ("retries=1", "retries=3"))(body)
        return answer.replace("AIEX_SECRET_1_", "AIEX_SECRET_5_")

    servers["openai"].answer = invented
    uri = client.open_file(client.home.root / f"{name}.py", text)
    argument = {**client.at(uri, name), "provider": "openai", "wait": True, "instruction": "x"}
    error = await client.failure(
        "workspace/executeCommand", {"command": "aiex/refactor", "arguments": [argument]}
    )
    assert "asked twice" in error.message
    assert "made-up word in place of a secret" in error.message
    assert client.text(uri) == text
    # The second answer may be better.
    first = len(servers["openai"].generations)
    servers["openai"].answer = lambda body: (
        invented(body)
        if len(servers["openai"].generations) == first + 1
        else changed(name, ("retries=1", "retries=3"))(body)
    )
    result = await client.command("aiex/refactor", argument)
    assert result["applied"] is True
    assert client.text(uri) == text.replace("retries=1", "retries=3")
    check_unseen(servers["openai"], [f"{SECRET}-inv1"])


async def test_a_filler_in_place_of_a_secret_never_gets_into_code(client, servers):
    name = f"filled_{client.profile}"
    text = f'def {name}(db, retries=1):\n    db.login(password="{SECRET}-fil1")\n'

    def filled(body: Json) -> str:
        answer = changed(name, ("retries=1", "retries=3"))(body)
        return PLACEHOLDER.sub("YOUR_PASSWORD_HERE", answer)

    servers["openai"].answer = filled
    uri = client.open_file(client.home.root / f"{name}.py", text)
    argument = {**client.at(uri, name), "provider": "openai", "wait": True, "instruction": "x"}
    error = await client.failure(
        "workspace/executeCommand", {"command": "aiex/refactor", "arguments": [argument]}
    )
    assert "filler in place of a secret (password, line 2)" in error.message
    assert client.text(uri) == text


async def test_two_calls_at_once_have_their_own_secrets(client, servers):
    texts = [f'a{number} = login(password="n{number}-Pa55word")\n' for number in range(6)]
    uris = [client.open(f"untitled:{client.profile}-at-once-{text}", text) for text in texts]
    results = await asyncio.gather(
        *(
            client.request("aiex/explain", {**whole(client, uri), "provider": "openai"})
            for uri in uris
        )
    )
    for text, result in zip(texts, results, strict=True):
        assert text.strip() in result["markdown"]
    check_unseen(servers["openai"], [f"n{number}-Pa55word" for number in range(6)])


def kept_answers(state: Path) -> Iterator[str]:
    """Yield what lies packed in the databases of a state folder."""
    for path in state.rglob("*"):
        if not path.is_file() or not path.read_bytes().startswith(b"SQLite format 3"):
            continue
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (table,) in tables.fetchall():
                for row in database.execute(f'SELECT * FROM "{table}"'):
                    for value in row:
                        if isinstance(value, bytes):
                            with suppress(zlib.error):
                                yield zlib.decompress(value).decode()


async def test_nothing_that_is_kept_on_disk_has_a_secret(client, servers):
    uri = client.open(f"untitled:disk-{client.profile}", f'z = login(password="{SECRET}-disk9")\n')
    await client.request("aiex/explain", {**whole(client, uri), "provider": "openai"})
    found = [
        path
        for path in client.home.state.rglob("*")
        if path.is_file() and f"{SECRET}-disk9".encode() in path.read_bytes()
    ]
    assert found == []
    kept = "\n".join(kept_answers(client.home.state))
    assert "z = login" in kept
    assert SECRET not in kept
    logged = [str(one) for one in client.editor.notifications("window/logMessage")]
    assert not any(SECRET in one for one in logged)


async def test_from_remote_to_local_and_back(servers, make_home):
    """A local provider gets the text as it is; the remote ones before and after it do not."""
    more = 'fallback_providers = ["ollama", "anthropic"]\nretry = { quick = 0.01 }\n'
    more += '[tasks.explain]\nfallback_providers = ["ollama", "anthropic"]\n'
    config = config_of(servers, more)
    head, tail = config.split("[providers.ollama]")
    config = f"{head}[providers.ollama]{tail.replace('local = false', 'local = true', 1)}"
    overloaded = status(503, {"error": {"message": "overloaded"}})
    servers["openai"].answer = lambda _body: overloaded
    servers["ollama"].answer = lambda _body: Reply("half an answer", cut_after=1)
    async with running(make_home(), "neovim", config=config, env={"FAKE_KEY": "fake"}) as client:
        code = f'b = login(password="{SECRET}-back1")\n'
        uri = client.open("untitled:back", code)
        mark = client.since()
        asked = {**whole(client, uri), "partialResultToken": "back"}
        result = await client.request("aiex/explain", asked)
        assert result["answer"]["provider"] == "anthropic"
        assert code.strip() in result["markdown"]
        assert mark.joined("back") == result["markdown"]
        local = user_text(servers["ollama"].generations[-1].json)
        assert code.strip() in local
        assert "AIEX_SECRET" not in local
        for name in ("openai", "anthropic"):
            check_unseen(servers[name], [f"{SECRET}-back1"])


async def test_a_provider_that_is_cancelled_has_seen_no_secret_either(client, servers):
    servers["openai"].answer = lambda _body: Silence()
    before = len(servers["openai"].generations)
    uri = client.open(f"untitled:cut-{client.profile}", f'c = login(password="{SECRET}-cut1")\n')
    request_id, pending = client.start("aiex/explain", {**whole(client, uri), "provider": "openai"})
    await servers["openai"].generations_come(before + 1)
    client.cancel(request_id)
    await asyncio.gather(pending, return_exceptions=True)
    check_unseen(servers["openai"], [f"{SECRET}-cut1"])


async def test_hovers_have_the_secret_and_the_provider_has_not(client, servers):
    code = f'def hover_{client.profile}():\n    return login(password="{SECRET}-hov1")\n'
    uri = client.open_file(client.home.root / f"hovering_{client.profile}.py", code)
    answer = await cases.hovered(client, client.at(uri, f"hover_{client.profile}", 2))
    assert f"{SECRET}-hov1" in answer
    check_unseen(servers["openai"], [f"{SECRET}-hov1"])


async def test_a_retry_sends_the_very_same_bytes(client, servers):
    server = servers["openai"]
    server.script(status(500, {"error": {"message": "try again"}}))
    before = len(server.generations)
    uri = client.open(f"untitled:retry-{client.profile}", f'd = login(password="{SECRET}-ret1")\n')
    result = await client.request("aiex/explain", {**whole(client, uri), "provider": "openai"})
    assert f"{SECRET}-ret1" in result["markdown"]
    first, second = server.generations[before:]
    assert first.body == second.body
    check_unseen(server, [f"{SECRET}-ret1"])


async def test_the_command_line_shows_and_keeps_secrets_alike(servers, make_home):
    home = make_home()
    home.config.write_text(config_of(servers))
    secrets = [f"{SECRET}-cli1", make("ghp_|a|36", Random(7))]
    text = (
        "def connect(db, retries=1):\n"
        f'    db.login("shop", password="{secrets[0]}", retries=retries)\n'
        f'    return db.call("{secrets[1]}")\n'
    )
    path = home.root / "connect.py"
    path.write_text(text)

    async def aiex(*words: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "aiex_lsp", *words),
            env=home.environment(FAKE_KEY="fake"),
            cwd=home.root,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        shown, told = await process.communicate()
        assert process.returncode == 0, told.decode()
        return shown.decode()

    before = len(servers["openai"].generations)
    prompt = json.loads(await aiex("prompt", "refactor", "connect.py:1", "--json"))
    assert len(prompt["redactions"]) == 2
    assert not [one for one in secrets if one in json.dumps(prompt)]
    shown = await aiex("prompt", "refactor", "connect.py:1")
    assert f"redacted: {prompt['redactions'][0]}\n" in shown
    assert len(servers["openai"].generations) == before, "it sends nothing"
    servers["openai"].answer = changed("connect", ("retries=1", "retries=3"))
    await aiex("refactor", "connect.py:1", "--instruction", "try three times", "--apply")
    assert path.read_text() == text.replace("retries=1", "retries=3")
    check_unseen(servers["openai"], secrets)
