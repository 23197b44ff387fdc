"""From initialize to exit: capabilities, settings, consent, odd messages."""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.config.consent import ConsentQuestion
from aiex_lsp.config.settings import FeatureSettings, Problem
from aiex_lsp.errors import ConfigError
from aiex_lsp.server.services import InitInfo
from tests.e2e import profiles
from tests.editor import Editor, RequestFailed
from tests.scripted import Gate, World
from tests.session import QUICK, connected, session

URI = "file:///w/calc.py"
CODE = "def add(a, b):\n    return a + b\n"
ADD = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 5}}
ACTION = {
    **ADD,
    "range": {"start": ADD["position"], "end": ADD["position"]},
    "context": {"diagnostics": []},
}
QUESTION = ConsentQuestion("anthropic", "ANTHROPIC_API_KEY", "api.anthropic.com")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "state")


async def test_what_the_server_says_it_can(world):
    async with connected(world, profiles.vscode()) as editor:
        result = await editor.initialize()
    assert result["serverInfo"]["name"] == "aiex-lsp"
    assert result["capabilities"] == {
        "positionEncoding": "utf-16",
        "textDocumentSync": {"openClose": True, "change": 2, "save": {"includeText": False}},
        "notebookDocumentSync": {"notebookSelector": [{"notebook": "*"}]},
        "hoverProvider": True,
        "codeActionProvider": {
            "codeActionKinds": [
                "quickfix.aiex.fix",
                "aiex.explain",
                "aiex.analyze.general",
                "aiex.analyze.performance",
                "aiex.analyze.security",
                "aiex.analyze.maintainability",
                "aiex.generateTests",
                "refactor.rewrite.aiex.document",
                "refactor.rewrite.aiex.refactor",
            ],
            "resolveProvider": False,
        },
        "executeCommandProvider": {"commands": list(editor.server.methods)},
        "workspace": {"workspaceFolders": {"supported": True, "changeNotifications": True}},
        "experimental": {"aiex": {"version": result["serverInfo"]["version"]}},
    }


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["utf-8", "utf-16"], "utf-8"),
        (["utf-32", "utf-8"], "utf-32"),
        (["utf-7", "utf-16", "utf-8"], "utf-16"),
        (["utf-7"], "utf-16"),
        ([], "utf-16"),
        (None, "utf-16"),
        ("nonsense", "utf-16"),
    ],
)
async def test_the_clients_preferred_encoding_wins(world, offered, chosen):
    async with connected(world, {"general": {"positionEncodings": offered}}) as editor:
        result = await editor.initialize()
    assert result["capabilities"]["positionEncoding"] == chosen


@pytest.mark.parametrize(
    "capabilities",
    [
        {"textDocument": {"documentSymbol": {"symbolKind": {"valueSet": [1, 999]}}}},
        {"workspace": {"workspaceEdit": {"resourceOperations": ["create", "teleport"]}}},
        {"textDocument": None, "workspace": [], "window": "yes"},
    ],
)
async def test_a_client_of_a_newer_or_odd_protocol_still_starts(world, capabilities):
    async with session(world, capabilities) as editor:
        editor.open(URI, CODE)
        assert (await editor.request("aiex/explain", ADD))["markdown"]


@pytest.mark.parametrize("options", [None, [], "x", {"aiex": 1, "settings": 2}])
async def test_odd_initialization_options_are_ignored(world, options):
    async with session(world, profiles.neovim(), options=options) as editor:
        assert await editor.request("aiex/templates")
    assert world.init.editor_settings == {}


@pytest.mark.alone
async def test_initialize_is_answered_before_the_services_are_made(world):
    answered = threading.Event()

    def slowly(init: InitInfo):
        answered.wait(10)
        return World.services(world, init)

    world.services = slowly
    limits = replace(QUICK, start=1.0, outline=10.0)
    async with connected(world, profiles.neovim(), limits=limits) as editor:
        await editor.initialize()
        editor.open(URI, CODE)
        listed = await editor.request("textDocument/codeAction", ACTION)
        assert [one["title"] for one in listed][:1] == ["Explain `add`"]
        begun = time.monotonic()
        assert await editor.request("textDocument/hover", ADD) is None
        assert time.monotonic() - begun < 0.5, "a hover waits as long as hover.wait says"
        answered.set()
        assert await editor.request("aiex/templates")


@pytest.mark.parametrize("process_id", [0, -1, 2**80, True, "1"])
async def test_a_process_that_cannot_be_watched_is_left_alone(world, process_id):
    async with connected(world, profiles.neovim()) as editor:
        await editor.initialize(process_id=process_id)
        assert await editor.request("aiex/templates")
        assert editor.notifications("window/logMessage") == []
        assert not editor.status.done()


async def test_an_editor_is_told_of_the_log_of_its_own_work_only(world, tmp_path):
    """As with `serve --tcp`, where one process serves several."""
    async with (
        session(world, profiles.neovim()) as one,
        session(World(tmp_path / "other"), profiles.neovim()) as other,
    ):
        one.notify("textDocument/didOpen", {"textDocument": "nothing"})
        await one.until(lambda: one.notifications("window/logMessage"))
        await other.request("aiex/templates")
        assert other.notifications("window/logMessage") == []


async def test_before_initialize_and_after_shutdown_requests_are_refused(world):
    async with connected(world, profiles.neovim()) as editor:
        with pytest.raises(RequestFailed, match="-32002"):
            await editor.request("aiex/templates")
        await editor.initialize()
        with pytest.raises(RequestFailed, match="-32600"):
            await editor.request("initialize", {"capabilities": {}})
        await editor.request("shutdown")
        with pytest.raises(RequestFailed, match="-32600"):
            await editor.request("aiex/templates")
        editor.notify("exit")
        assert await editor.status == 0
    assert world.closed


@pytest.mark.parametrize("ending", ["exit", "end of stream"])
async def test_leaving_without_shutdown_is_status_1(world, ending):
    async with session(world, profiles.neovim()) as editor:
        if ending == "exit":
            editor.notify("exit")
        else:
            editor.server.protocol  # noqa: B018 - nothing to do: the fixture ends the stream
    assert await editor.status == 1
    assert world.closed


async def test_shutdown_cancels_what_runs(world):
    gates = [Gate(), Gate(), Gate()]
    world.tasks.script = dict(zip(("explain", "analyze", "hover"), gates, strict=True))
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        _, pending = editor.start("aiex/explain", ADD)
        await editor.command("aiex/analyze", ADD)
        await editor.request("textDocument/hover", ADD)
        for gate in gates:
            await gate.begun.wait()
        await editor.request("shutdown")
        with pytest.raises(RequestFailed, match="-32800"):
            await pending
        async with asyncio.timeout(5):
            for gate in gates:
                await gate.cancelled.wait()
        editor.notify("exit")
        assert await editor.status == 0


async def test_messages_that_are_not_messages_harm_nothing(world):
    async with session(world, profiles.neovim()) as editor:
        for body in (b"{", b"[]", b"null", b'{"jsonrpc": "1.0", "id": 1}', b"\xff\xfe"):
            editor._send_bytes(b"content-length: %d\r\n\r\n" % len(body) + body)
        editor.send({"id": "unknown", "result": None})
        editor.send({"id": None, "error": {"code": 1, "message": "?"}})
        editor.notify("$/cancelRequest", {"id": 12345})
        editor.notify("$/unknown", {})
        editor.notify("window/workDoneProgress/cancel", {"token": "nobody's"})
        editor.notify("textDocument/didChange", {"textDocument": {}})
        assert await editor.request("aiex/templates")
        with pytest.raises(RequestFailed, match="-32602"):
            await editor.request("textDocument/hover", {"position": "here"})


async def test_editor_settings_are_pulled_and_merged(world):
    options = {"settings": {"hover": {"mode": "cached", "wait": 0.5}, "strategy": "random"}}
    async with connected(world, profiles.neovim()) as editor:
        editor.configuration = {
            "hover": {"mode": "off", "wait": None},
            "default_provider": "ollama",
        }
        await editor.initialize(None, options)
        await editor.until(lambda: world.configured)
        assert world.init.editor_settings == options["settings"]
        assert world.configured[-1] == {
            "hover": {"mode": "off", "wait": 0.5},
            "strategy": "random",
            "default_provider": "ollama",
        }
        editor.configuration = {"strategy": "round_robin"}
        editor.notify("workspace/didChangeConfiguration", {"settings": None})
        await editor.until(lambda: len(world.configured) == 2)
        assert world.configured[-1]["strategy"] == "round_robin"


async def test_clients_that_cannot_be_asked_push_their_settings(world):
    async with session(world, profiles.bare()) as editor:
        editor.notify("workspace/didChangeConfiguration", {"settings": {"aiex": {"strategy": "x"}}})
        await editor.until(lambda: len(world.configured) == 2)
        assert world.configured[-1] == {"strategy": "x"}
        saved = {"textDocument": {"uri": "file:///w/.aiex.toml"}}
        editor.notify("textDocument/didSave", saved)
        await editor.until(lambda: len(world.configured) == 3)
    assert world.configured[-1] == {"strategy": "x"}, "they hold when files are read anew"


async def test_an_editor_that_does_not_answer_for_its_settings_keeps_those_it_told(world):
    async with connected(world, profiles.vscode()) as editor:
        editor.configuration = {"strategy": "random"}
        await editor.initialize()
        await editor.until(lambda: world.configured)
        for answer in (Editor.SILENT, RuntimeError("not now")):
            before = len(world.configured)
            editor.answers["workspace/configuration"] = answer
            editor.notify("workspace/didChangeConfiguration", {"settings": None})
            await editor.until(lambda before=before: len(world.configured) > before)
            assert world.configured[-1] == {"strategy": "random"}
        editor.answers["workspace/configuration"] = [None]
        editor.notify("workspace/didChangeConfiguration", {"settings": None})
        await editor.until(lambda: len(world.configured) == 4)
        assert world.configured[-1] == {}, "an editor that has none any more says so"


async def test_own_templates_are_offered_before_an_editor_tells_its_settings(world):
    limits = replace(QUICK, client_answer=60.0, outline=10.0)
    async with connected(world, profiles.vscode(), limits=limits) as editor:
        editor.answers["workspace/configuration"] = Editor.SILENT
        await editor.initialize()
        editor.open(URI, CODE)
        await editor.until(lambda: editor.server.templates)
        listed = await editor.request("textDocument/codeAction", ACTION)
        assert "Write a haiku: `add`" in [one["title"] for one in listed]
        assert world.configured == []


async def test_of_settings_that_change_quickly_the_last_hold(world):
    async with session(world, profiles.vscode()) as editor:
        began = len(world.configured)
        for name in ("random", "round_robin", "load_balanced"):
            editor.configuration = {"strategy": name}
            editor.notify("workspace/didChangeConfiguration", {"settings": None})
        await editor.until(lambda: len(world.configured) == began + 3)
    assert world.configured[-1]["strategy"] == "load_balanced"


async def test_watching_is_registered_for_standard_methods_only(world):
    async with session(world, profiles.vscode()) as editor:
        sent = await editor.until(lambda: editor.requests("client/registerCapability"))
    methods = [r["method"] for r in sent[0]["registrations"]]
    assert methods == ["workspace/didChangeConfiguration", "workspace/didChangeWatchedFiles"]


async def test_problems_of_the_configuration_are_told_once(world):
    world.set(
        problems=(
            Problem("unknown key `strategi`, did you mean `strategy`?", "/c/config.toml", 3),
            Problem("`ttl` must be a number", "/c/config.toml", 9),
        )
    )
    async with session(world, profiles.neovim()) as editor:
        await editor.until(lambda: editor.messages)
        editor.notify("workspace/didChangeConfiguration", {"settings": None})
        await editor.until(lambda: len(world.configured) == 2)
        await editor.request("aiex/templates")
        assert len(editor.messages) == 1
        assert "/c/config.toml:3: unknown key" in editor.messages[0]
        assert "1 more" in editor.messages[0]
        assert len(editor.messages[0]) <= 200


async def test_problems_of_a_configuration_file_that_is_open_are_diagnostics(world, tmp_path):
    path = tmp_path / "config.toml"
    uri, text = path.as_uri(), "[cache]\nttl = 'x'\n"
    world.set(problems=(Problem("`ttl` must be a number", str(path), 2, 7),))
    async with connected(world, profiles.neovim()) as editor:
        await editor.initialize()
        editor.open(uri, text, "toml")
        await editor.until(lambda: editor.diagnostics.get(uri))
        (diagnostic,) = editor.diagnostics[uri]
        assert diagnostic["range"] == {
            "start": {"line": 1, "character": 6},
            "end": {"line": 1, "character": 9},
        }
        assert diagnostic["message"] == "`ttl` must be a number"
        world.set(problems=())
        editor.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
        await editor.until(lambda: editor.diagnostics[uri] == [])
        world.set(problems=(Problem("wrong", str(path), 99),))
        editor.notify("workspace/didChangeConfiguration", {"settings": None})
        await editor.until(lambda: editor.diagnostics[uri])
        editor.close(uri)
        await editor.until(lambda: editor.diagnostics[uri] == [])


async def test_each_document_has_the_settings_of_its_folder(world, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    services = world.services

    def by_folder(init: InitInfo):
        def settings_for(folder: Path | None):
            off = FeatureSettings(enabled=folder != two)
            return replace(world.settings, features=off)

        return replace(services(init), settings_for=settings_for)

    world.services = by_folder
    async with session(world, profiles.vscode(), root=one) as editor:
        added = {"added": [{"uri": two.as_uri(), "name": "two"}], "removed": []}
        editor.notify("workspace/didChangeWorkspaceFolders", {"event": added})
        for folder in (one, two):
            editor.open((folder / "a.py").as_uri(), CODE)
        assert await editor.request(
            "aiex/explain", {"textDocument": {"uri": (one / "a.py").as_uri()}}
        )
        with pytest.raises(RequestFailed, match="paused"):
            await editor.request("aiex/explain", {"textDocument": {"uri": (two / "a.py").as_uri()}})


_KEYS = (
    *("textDocument", "uri", "range", "start", "end", "line", "character", "position"),
    *("context", "only", "diagnostics", "id", "jsonrpc", "method", "variables", "command"),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(_KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(data=st.data())
@settings(max_examples=25, deadline=None)
async def test_any_params_are_answered_and_the_server_goes_on(data):
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        async with session(world, profiles.vscode()) as editor:
            methods = [*editor.server.methods, "textDocument/hover", "textDocument/codeAction"]
            methods.append("workspace/executeCommand")
            for _ in range(5):
                method = data.draw(st.sampled_from(methods))
                _, answer = editor.start(method, data.draw(json_values))
                await asyncio.wait({answer}, timeout=5)
                error = answer.exception()
                assert error is None or error.code in (-32602, -32803)
                editor.notify(
                    data.draw(st.sampled_from(["textDocument/didOpen", "textDocument/didChange"])),
                    data.draw(json_values),
                )


async def test_services_that_cannot_be_made_are_told_and_tried_again(world):
    good, broken = world.services, [True]

    def services(init: InitInfo):
        if broken:
            raise ConfigError("config.toml cannot be read", "Check its permissions")
        return good(init)

    world.services = services
    async with connected(world, profiles.neovim()) as editor:
        await editor.initialize()
        await editor.until(lambda: editor.messages)
        assert editor.messages[0] == "config.toml cannot be read. Check its permissions."
        editor.open(URI, CODE)
        with pytest.raises(RequestFailed, match="cannot be read"):
            await editor.request("aiex/explain", ADD)
        assert await editor.request("textDocument/hover", ADD) is None
        broken.clear()
        assert (await editor.request("aiex/explain", ADD))["markdown"]
        await editor.until(lambda: editor.server.templates)


@pytest.mark.parametrize(
    ("title", "agreed"),
    [("Use it", [("anthropic", True)]), ("Not now", []), ("Never", [("anthropic", False)])],
)
async def test_consent_is_asked_once_and_holds_up_nothing(world, title, agreed):
    world.question = QUESTION
    async with session(world, profiles.vscode()) as editor:
        editor.answers["window/showMessageRequest"] = {"title": title}
        editor.open(URI, CODE)
        for _ in range(2):
            assert (await editor.request("aiex/explain", ADD))["markdown"]
        (asked,) = await editor.until(lambda: editor.requests("window/showMessageRequest"))
        assert asked["message"] == (
            "Use anthropic with the key in ANTHROPIC_API_KEY? "
            "Code you ask about is sent to api.anthropic.com."
        )
        assert [a["title"] for a in asked["actions"]] == ["Use it", "Not now", "Never"]
        await editor.until(lambda: world.agreed == agreed)


@pytest.mark.parametrize("answer", [RuntimeError("method not found"), Editor.SILENT])
async def test_editors_that_cannot_ask_are_told_how_to_agree(world, answer):
    world.question = QUESTION
    async with session(world, profiles.neovim()) as editor:
        editor.answers["window/showMessageRequest"] = answer
        editor.open(URI, CODE)
        await editor.request("aiex/explain", ADD)
        await editor.until(lambda: editor.messages)
    assert "aiex-lsp config set providers.anthropic.enabled true" in editor.messages[0]
    assert len(editor.messages[0]) <= 200
    assert world.agreed == []


async def test_nothing_is_asked_before_a_model_is_wanted(world):
    world.question = QUESTION
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        await editor.request("aiex/templates")
        assert editor.requests("window/showMessageRequest") == []


async def test_folders_come_and_go(world, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    async with session(world, profiles.vscode(), root=one) as editor:
        event = {
            "added": [{"uri": two.as_uri(), "name": "two"}],
            "removed": [{"uri": one.as_uri(), "name": "one"}],
        }
        editor.notify("workspace/didChangeWorkspaceFolders", {"event": event})
        await editor.until(lambda: len(world.configured) == 2)
        uri = (two / "a.py").as_uri()
        editor.open(uri, CODE)
        await editor.request("aiex/explain", {"textDocument": {"uri": uri}})
    assert world.tasks.asked[0][1].workspace.roots == (two,)


async def test_the_log_reaches_the_client_without_the_librarys_records(world, caplog):
    async with connected(world, profiles.neovim()) as editor:
        options = {"settings": {"providers": {"anthropic": {"api_key": "sk-ant-secret"}}}}
        await editor.request("initialize", {"capabilities": {}, "initializationOptions": options})
        logging.getLogger("aiex_lsp.somewhere").warning("early")
        logging.getLogger("pygls.protocol").error("library")
        editor.notify("initialized", {})
        logging.getLogger("aiex_lsp.somewhere").error("late")
        await editor.until(lambda: len(editor.notifications("window/logMessage")) == 2)
        logged = editor.notifications("window/logMessage")
    assert [(m["type"], m["message"]) for m in logged] == [
        (2, "aiex_lsp.somewhere: early"),
        (1, "aiex_lsp.somewhere: late"),
    ]
    assert "sk-ant-secret" not in json.dumps(editor.received) + caplog.text
