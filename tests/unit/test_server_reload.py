"""Templates and configuration hold as soon as their files change: the real parts, real files."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aiex_lsp.app import App
from aiex_lsp.config.paths import config_paths
from aiex_lsp.errors import ConfigError
from aiex_lsp.server.services import InitInfo, Services
from tests.e2e import profiles
from tests.scripted import World
from tests.session import QUICK, Session, connected, session

EAGER = replace(QUICK, look_interval=0.0, start=5.0, client_answer=5.0)
PATIENT = replace(EAGER, look_interval=10_000.0)
QUIET = "[providers.ollama]\nenabled = false\n[providers.lm_studio]\nenabled = false\n"
CODE = "def add(a, b):\n    return a + b\n"
TEMPLATE = """---
title: {title}
kind: aiex.shout
response_type: {type}
variables:
  code: {{type: string, required: true, inject: code}}
---
{{% block user %}}{{{{ {name} }}}}{{% endblock %}}
"""


def template(title: str = "Shout", name: str = "code", type: str = "general") -> str:
    return TEMPLATE.format(title=title, name=name, type=type)


class RealWorld:
    """A user's folders, and services made of them as the program makes them."""

    def __init__(self, home: Path) -> None:
        self.user = home / "config"
        self.site = home / "site" / "aiex-lsp" / "config.toml"
        self.root = home / "work"
        self.folder = self.root / ".aiex" / "templates"
        for folder in (self.user, self.root, self.site.parent):
            folder.mkdir(parents=True)
        self.config = self.user / "config.toml"
        self.config.write_text(QUIET)
        self.env = {
            "HOME": str(home),
            "AIEX_CONFIG": str(self.config),
            "AIEX_STATE_DIR": str(home / "state"),
            "XDG_CONFIG_DIRS": str(home / "site"),
            "PATH": os.environ["PATH"],
        }
        self.uri = (self.root / "a.py").as_uri()

    def services(self, init: InitInfo) -> Services:
        return App(config_paths(self.env), self.env)._services(init)

    def add(self, text: str, name: str = "shout.md.j2") -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return write(self.folder / name, text)


def write(path: Path, text: str) -> Path:
    """Write a file so that its stamp is another one, whatever the file system's clock."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    if path.stat().st_mtime_ns <= before:
        os.utime(path, ns=(before + 1_000_000, before + 1_000_000))
    return path


@pytest.fixture
def real(tmp_path: Path) -> RealWorld:
    return RealWorld(tmp_path)


@asynccontextmanager
async def working(
    real: RealWorld, capabilities: dict[str, Any], *, limits=EAGER
) -> AsyncIterator[Session]:
    """Yield an editor in the workspace with a document open, the server ready."""
    async with connected(real, capabilities, limits=limits) as editor:  # type: ignore[arg-type]
        await editor.initialize(real.root)
        editor.open(real.uri, CODE)
        await eventually(lambda: titles(editor, real.uri), "Explain `add`")
        await editor.until(lambda: editor.server.watched)  # the first settings were taken over
        # The look that this began has nothing to do with what a test writes from here on.
        await editor.until(lambda: not editor.server.reloading.running)
        yield editor


async def titles(editor: Session, uri: str) -> list[str]:
    place = {"line": 0, "character": 5}
    found = await editor.request(
        "textDocument/codeAction",
        {
            "textDocument": {"uri": uri},
            "range": {"start": place, "end": place},
            "context": {"diagnostics": [], "triggerKind": 1},
        },
    )
    return [one["title"] for one in found or ()]


async def eventually(look: Callable[[], Awaitable[list[str]]], title: str, there=True) -> None:
    """Return once an action is listed (or is no more)."""
    async with asyncio.timeout(10):
        while (title in await look()) is not there:  # noqa: ASYNC110 - it asks the server
            await asyncio.sleep(0)


def sorted_(diagnostics: list[Any] | None) -> list[Any]:
    return sorted(diagnostics or (), key=lambda one: one["range"]["start"]["line"])


def watched(editor: Session, *paths: Path) -> None:
    changes = [{"uri": path.as_uri(), "type": 2} for path in paths]
    editor.notify("workspace/didChangeWatchedFiles", {"changes": changes})


def saved(editor: Session, path: Path) -> None:
    editor.notify("textDocument/didSave", {"textDocument": {"uri": path.as_uri()}})


@pytest.mark.parametrize("tell", [watched, saved])
async def test_a_template_is_an_action_as_soon_as_its_file_is_there(real, tell):
    async with working(real, profiles.vscode(), limits=PATIENT) as editor:
        look = lambda: titles(editor, real.uri)  # noqa: E731
        path = real.add(template())
        assert "Shout: `add`" not in await look()
        tell(editor, path)
        await eventually(look, "Shout: `add`")
        write(path, template("Whisper to {name}"))
        tell(editor, path)
        await eventually(look, "Whisper to `add`")
        assert "Shout: `add`" not in await look()
        path.unlink()
        tell(editor, path)
        await eventually(look, "Whisper to `add`", there=False)


@pytest.mark.parametrize("profile", [profiles.bare, profiles.emacs])
async def test_without_watching_the_next_look_at_the_actions_finds_it(real, profile):
    async with working(real, profile()) as editor:
        path = real.add(template())
        await eventually(lambda: titles(editor, real.uri), "Shout: `add`")
        user = write(real.user / "templates" / "sing.md.j2", template("Sing"))
        await eventually(lambda: titles(editor, real.uri), "Sing: `add`")
        user.unlink()
        path.unlink()
        await eventually(lambda: titles(editor, real.uri), "Sing: `add`", there=False)
        await eventually(lambda: titles(editor, real.uri), "Shout: `add`", there=False)


@pytest.mark.parametrize("place", ["config", "site", "workspace"])
async def test_a_changed_configuration_holds_at_once(real, place):
    paths = {"config": real.config, "site": real.site, "workspace": real.root / ".aiex.toml"}
    async with working(real, profiles.bare()) as editor:
        text = '[features]\ndisabled_languages = ["python"]\n'
        write(paths[place], text if place != "config" else QUIET + text)
        await eventually(lambda: titles(editor, real.uri), "Explain `add`", there=False)
        write(paths[place], QUIET if place == "config" else "")
        await eventually(lambda: titles(editor, real.uri), "Explain `add`")


async def test_a_watched_configuration_holds_without_a_question(real):
    async with working(real, profiles.vscode(), limits=PATIENT) as editor:
        own = write(real.root / ".aiex.toml", '[features]\ndisabled_languages = ["python"]\n')
        watched(editor, own)
        await eventually(lambda: titles(editor, real.uri), "Explain `add`", there=False)
        own.unlink()
        watched(editor, own)
        await eventually(lambda: titles(editor, real.uri), "Explain `add`")


async def test_errors_of_a_template_are_diagnostics_of_its_file_until_they_are_mended(real):
    path = real.add(template(name="cod"))
    uri = path.as_uri()
    async with working(real, profiles.neovim(), limits=PATIENT) as editor:
        editor.open(uri, path.read_text(), "jinja")
        unused, found = await editor.until(lambda: sorted_(editor.diagnostics.get(uri)))
        assert found["range"]["start"]["line"] == 7
        assert "'cod'" in found["message"]
        assert (found["severity"], unused["severity"]) == (1, 2)
        assert found["source"] == "aiex"
        write(path, template())
        saved(editor, path)
        await editor.until(lambda: editor.diagnostics[uri] == [])
        await eventually(lambda: titles(editor, real.uri), "Shout: `add`")


async def test_errors_of_a_template_that_is_not_open_are_told_by_one_message(real):
    async with working(real, profiles.vscode(), limits=PATIENT) as editor:
        assert editor.messages == []
        path = real.add(template(name="cod"))
        for _ in range(3):
            watched(editor, path)
        await editor.until(lambda: editor.messages)
        await editor.request("aiex/templates")
        (message,) = editor.messages
        assert "shout.md.j2:8" in message
        assert len(message) <= 200
        write(path, template())
        watched(editor, path)
        await eventually(lambda: titles(editor, real.uri), "Shout: `add`")
        assert len(editor.messages) == 1


async def test_a_broken_override_leaves_what_it_overrides(real):
    real.add("---\ntitle: Shout\n---\n", "explain.md.j2")
    async with working(real, profiles.vscode()) as editor:
        await editor.until(lambda: editor.messages)
        listed = [one["id"] for one in await editor.request("aiex/templates")]
        assert "explain" in listed


async def test_errors_of_configuration_come_and_go_with_its_file(real):
    own = write(real.root / ".aiex.toml", 'strategi = "random"\n')
    uri = own.as_uri()
    async with working(real, profiles.emacs()) as editor:
        editor.open(uri, own.read_text(), "toml")
        (found,) = await editor.until(lambda: editor.diagnostics.get(uri))
        assert "strategy" in found["message"]
        write(own, 'strategy = "random"\n')
        await titles(editor, real.uri)
        await editor.until(lambda: editor.diagnostics[uri] == [])


async def test_what_is_typed_is_checked_before_it_is_saved(real):
    path = real.add(template())
    uri = path.as_uri()
    async with working(real, profiles.vscode(), limits=PATIENT) as editor:
        editor.open(uri, path.read_text(), "jinja")
        editor.change(uri, {"text": template(name="cod")})
        _, found = await editor.until(lambda: sorted_(editor.diagnostics.get(uri)))
        assert found["range"]["start"]["line"] == 7
        # What is saved holds.
        await eventually(lambda: titles(editor, real.uri), "Shout: `add`")
        editor.change(uri, {"text": template()})
        await editor.until(lambda: editor.diagnostics[uri] == [])
        editor.change(uri, {"text": "no head"})
        (found,) = await editor.until(lambda: editor.diagnostics[uri])
        assert "front matter" in found["message"]
        editor.close(uri)
        await editor.until(lambda: editor.diagnostics[uri] == [])


@pytest.mark.parametrize("place", ["config", "workspace"])
async def test_configuration_that_is_typed_is_checked_before_it_is_saved(real, place):
    path = real.config if place == "config" else write(real.root / ".aiex.toml", "")
    uri = path.as_uri()
    async with working(real, profiles.vscode(), limits=PATIENT) as editor:
        editor.open(uri, path.read_text(), "toml")
        editor.change(uri, {"text": path.read_text() + "[cache]\nttl = 'x'\n"})
        (found,) = await editor.until(lambda: editor.diagnostics.get(uri))
        assert found["range"]["start"]["line"] == path.read_text().count("\n") + 1
        editor.change(uri, {"text": "strategy = "})
        (found,) = await editor.until(
            lambda: "TOML" in str(editor.diagnostics[uri]) and editor.diagnostics[uri]
        )
        editor.change(uri, {"text": path.read_text()})
        await editor.until(lambda: editor.diagnostics[uri] == [])


async def test_other_files_of_these_names_are_left_alone(real, tmp_path):
    elsewhere = tmp_path / "pyproject.toml"
    async with working(real, profiles.vscode(), limits=PATIENT) as editor:
        editor.open(elsewhere.as_uri(), "", "toml")
        editor.change(elsewhere.as_uri(), {"text": "strategy = "})
        await editor.request("aiex/templates")
        await editor.until(lambda: not editor.server.drafts.checking)
        assert elsewhere.as_uri() not in editor.diagnostics


async def test_the_editor_watches_what_it_can(real):
    async with working(real, profiles.vscode()) as editor:
        sent = await editor.until(lambda: editor.requests("client/registerCapability"))
    (files,) = [r for r in sent[0]["registrations"] if r["id"] == "aiex-files"]
    patterns = [one["globPattern"] for one in files["registerOptions"]["watchers"]]
    assert {"**/.aiex.toml", "**/.aiex/templates/*"} <= {p for p in patterns if isinstance(p, str)}
    relative = [(p["baseUri"], p["pattern"]) for p in patterns if isinstance(p, dict)]
    assert (real.user.as_uri(), "config.toml") in relative
    assert (real.user.as_uri(), "templates/*") in relative
    assert (real.site.parent.as_uri(), "config.toml") in relative


async def test_the_workspace_is_watched_even_where_the_parts_cannot_be_made(real):
    def broken(_init: InitInfo) -> Services:
        raise ConfigError("config.toml cannot be read", "Check its permissions")

    real.services = broken
    async with connected(real, profiles.vscode(), limits=EAGER) as editor:
        await editor.initialize(real.root)
        sent = await editor.until(lambda: editor.requests("client/registerCapability"))
    methods = [one["method"] for one in sent[0]["registrations"]]
    assert methods == ["workspace/didChangeConfiguration", "workspace/didChangeWatchedFiles"]


async def test_folders_that_are_added_bring_their_templates(real, tmp_path):
    other = tmp_path / "other"
    write(other / ".aiex" / "templates" / "shout.md.j2", template())
    async with working(real, profiles.vscode(), limits=PATIENT) as editor:
        folder = {"uri": other.as_uri(), "name": "other"}
        event = {"added": [folder], "removed": []}
        editor.notify("workspace/didChangeWorkspaceFolders", {"event": event})
        await eventually(lambda: titles(editor, real.uri), "Shout: `add`")
        event = {"added": [], "removed": [folder]}
        editor.notify("workspace/didChangeWorkspaceFolders", {"event": event})
        await eventually(lambda: titles(editor, real.uri), "Shout: `add`", there=False)


async def test_the_files_are_looked_at_in_the_background_and_not_every_time(tmp_path):
    world = World(tmp_path)
    threads: list[threading.Thread] = []
    made = world.services

    def services(init: InitInfo) -> Services:
        found = made(init)
        inner = found.templates

        def templates() -> Any:
            threads.append(threading.current_thread())
            return inner()

        found.templates = templates
        return found

    world.services = services  # type: ignore[method-assign]
    async with session(world, profiles.bare(), limits=replace(QUICK, look_interval=1e6)) as editor:
        editor.open("file:///w/a.py", CODE)
        for _ in range(5):
            await titles(editor, "file:///w/a.py")
        await editor.until(lambda: not editor.server.reloading.running)
    assert len(threads) == 2, "once at the start, once for the first question"
    assert threading.main_thread() not in threads


def test_settings_are_read_when_they_are_taken_over_and_not_when_they_are_asked_for(real):
    app = App(config_paths(real.env), real.env, (real.root,))
    app.configure({})
    write(real.config, 'strategy = "random"\n' + QUIET)
    write(real.root / ".aiex.toml", "[cache]\nttl = 5\n")
    assert app.settings_for(None).strategy != "random"
    assert app.settings_for(real.root).cache.ttl != 5
    app.configure({})
    assert app.settings_for(None).strategy == "random"
    assert app.settings_for(real.root).strategy == "random"
