"""Configuration that a page has its reader copy: it parses, and the page shows it as it is."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from aiex_lsp.config.options import Options
from aiex_lsp.server import __doc__ as PROTOCOL
from aiex_lsp.syntax.languages import supported
from tests.editors.harness import PAGES

SHOWN = [
    ("helix.md", "helix/languages.toml"),
    ("helix.md", "helix/config.toml"),
    ("kate.md", "kate/servers.json"),
    ("sublime.md", "sublime/LSP.sublime-settings"),
    ("sublime.md", "sublime/aiex.sublime-keymap"),
]


def text(file: str) -> str:
    return (PAGES / file).read_text(encoding="utf-8")


@pytest.mark.parametrize(("page", "file"), SHOWN, ids=[file for _, file in SHOWN])
def test_a_page_shows_the_file_that_is_to_be_copied(page: str, file: str) -> None:
    blocks = re.findall(r"^```\w+\n(.*?)^```$", text(page), re.M | re.S)
    assert text(file) in blocks
    assert f"]({file})" in text(page)


@pytest.mark.parametrize("page", ["kate.md", "sublime.md", "zed.md"])
def test_a_page_says_that_it_is_not_tested(page: str) -> None:
    assert "not tested" in text(page).lower()


def test_helix_runs_aiex_beside_each_language_s_own_servers() -> None:
    said = tomllib.loads(text("helix/languages.toml"))
    server = said["language-server"]["aiex"]
    assert [server["command"], *server["args"]] == ["aiex-lsp", "serve"]
    assert server["config"]["settings"] == {}  # a user's own config.toml has the last word
    for language in said["language"]:
        *own, last = language["language-servers"]
        assert own
        assert last == "aiex"
        assert language["name"] in supported()


def test_helix_keys_run_commands_there_are() -> None:
    keys = tomllib.loads(text("helix/config.toml"))["keys"]["normal"]["space"]["i"]
    commands = {path.stem for path in Path(PAGES.parent / "aiex_lsp" / "cli").glob("*.py")}
    for command in keys.values():
        name = re.match(r":sh aiex-lsp (\w+)", command)
        assert name is not None
        assert name[1] in commands


@pytest.mark.parametrize(
    ("file", "key"),
    [("kate/servers.json", "servers"), ("sublime/LSP.sublime-settings", "clients")],
)
def test_a_client_starts_the_server_with_settings_it_knows(file: str, key: str) -> None:
    for client in json.loads(text(file))[key].values():
        assert client["command"] == ["aiex-lsp", "serve"]
        settings = client["initializationOptions"]["settings"]
        # A user's own config.toml has the last word.
        assert set(settings) == {"defaults"}
        Options.model_validate(settings["defaults"])


@pytest.mark.parametrize("file", ["sublime/aiex.sublime-commands", "sublime/aiex.sublime-keymap"])
def test_sublime_calls_commands_the_server_has(file: str) -> None:
    clients: Any = json.loads(text("sublime/LSP.sublime-settings"))["clients"]
    for entry in json.loads(text(file)):
        assert entry["command"] == "lsp_execute"
        assert entry["args"]["session_name"] in clients
        assert entry["args"]["command_name"] in str(PROTOCOL)
