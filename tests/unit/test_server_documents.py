"""Documents that come, go and are named in odd ways."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aiex_lsp.llm.types import Listener
from aiex_lsp.server.documents import LISTED_DOCUMENTS, path_of, shown
from aiex_lsp.tasks.types import TaskRequest
from tests.e2e import profiles
from tests.editor import RequestFailed
from tests.scripted import World, explanation, review
from tests.session import QUICK, Session, session

URI = "file:///w/calc.py"
CODE = "def add(a, b):\n    return a + b\n"
PATIENT = replace(QUICK, outline=10.0)
OTHER = "def quite_another(a):\n    return a\n"


async def echo(request: TaskRequest, _listener: Listener) -> Any:
    assert request.span is not None
    return explanation(request.snapshot.text + "@" + request.snapshot.slice(request.span))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "state", explain=echo)


async def listed(editor: Session, uri: str = URI) -> dict[str, Any]:
    at = {"line": 0, "character": 5}
    params = {
        "textDocument": {"uri": uri},
        "range": {"start": at, "end": at},
        "context": {"diagnostics": [], "only": ["aiex.explain"]},
    }
    (action,) = await editor.request("textDocument/codeAction", params)
    return action["command"]


async def run(editor: Session, command: dict[str, Any]) -> str:
    (argument,) = command["arguments"]
    result = await editor.command(command["command"], {**argument, "wait": True})
    return result["markdown"]


async def test_an_action_of_a_document_that_was_opened_again_is_not_run_on_another_text(world):
    """Both texts are version 1: a number alone does not tell them apart."""
    async with session(world, profiles.vscode(), limits=PATIENT) as editor:
        editor.open(URI, CODE)
        command = await listed(editor)
        editor.close(URI)
        editor.open(URI, OTHER)
        with pytest.raises(RequestFailed, match="Open the list of actions again"):
            await run(editor, command)
        assert world.tasks.asked == []
        assert await run(editor, await listed(editor)) == f"{OTHER}@quite_another"


async def test_an_action_of_a_document_that_was_opened_again_unchanged_is_run(world):
    async with session(world, profiles.vscode(), limits=PATIENT) as editor:
        editor.open(URI, CODE)
        command = await listed(editor)
        editor.close(URI)
        editor.open(URI, "\n\n" + CODE)
        assert await run(editor, command) == f"\n\n{CODE}@add"


async def test_versions_that_jump_back_mean_the_latest_text_of_their_number(world):
    async with session(world, profiles.vscode(), limits=PATIENT) as editor:
        editor.open(URI, OTHER)
        await listed(editor)
        editor.versions[URI] = 0
        editor.change(URI, {"text": CODE})
        command = await listed(editor)
        assert command["arguments"][0]["textDocument"]["version"] == 1
        editor.versions[URI] = 7
        editor.change(URI, {"text": "# top\n" + CODE})
        assert await run(editor, command) == f"# top\n{CODE}@add"


async def test_what_is_kept_for_listed_actions_is_bounded(world):
    async with session(world, profiles.vscode(), limits=PATIENT) as editor:
        for count in range(LISTED_DOCUMENTS + 5):
            uri = f"file:///w/{count}.py"
            editor.open(uri, CODE)
            await listed(editor, uri)
            editor.close(uri)
        documents = editor.server.documents
        assert len(documents._listed) == LISTED_DOCUMENTS
        assert documents.listed("file:///w/4.py", 1) is None
        assert documents.listed("file:///w/5.py", 1) is not None


async def test_a_document_opened_twice_has_the_text_it_was_opened_with_last(world):
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        editor.open(URI, OTHER)
        place = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 5}}
        assert (await editor.request("aiex/explain", place))["markdown"] == f"{OTHER}@"
        editor.close(URI)
        with pytest.raises(RequestFailed, match="not open"):
            await editor.request("aiex/explain", place)


async def test_versions_may_be_null_as_in_old_clients(world):
    world.tasks.script["analyze"] = review("a + b")
    async with session(world, profiles.vscode()) as editor:
        item = {"uri": URI, "languageId": "python", "version": None, "text": "x = 1\n"}
        editor.notify("textDocument/didOpen", {"textDocument": item})
        editor.documents[URI] = "x = 1\n"
        document = {"uri": URI, "version": None}
        changes = [{"text": CODE}]
        editor.notify(
            "textDocument/didChange", {"textDocument": document, "contentChanges": changes}
        )
        await editor.request("aiex/analyze", {"textDocument": {"uri": URI}})
        assert editor.diagnostics[URI]
        snapshot = editor.server.documents.get(URI)
        assert snapshot is not None
        assert (snapshot.text, snapshot.version) == (CODE, None)


async def test_a_change_that_cannot_be_read_leaves_no_wrong_text_behind(world):
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        document = {"uri": URI, "version": 2}
        editor.notify(
            "textDocument/didChange",
            {"textDocument": document, "contentChanges": [{"range": {}, "text": "x"}]},
        )
        place = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 5}}
        with pytest.raises(RequestFailed, match="Open it first"):
            await editor.request("aiex/explain", place)
        editor.open(URI, OTHER)
        assert (await editor.request("aiex/explain", place))["markdown"].startswith(OTHER)


async def test_one_file_under_two_spellings_is_changed_and_closed_under_either(world):
    plain, escaped = "file:///w/a b/caf%C3%A9.py", "file:///w/a%20b/caf%c3%a9.py"
    async with session(world, profiles.vscode()) as editor:
        editor.open(plain, CODE)
        document = {"uri": escaped, "version": 2}
        editor.notify(
            "textDocument/didChange",
            {"textDocument": document, "contentChanges": [{"text": OTHER}]},
        )
        place = {"textDocument": {"uri": escaped}, "position": {"line": 0, "character": 5}}
        assert (await editor.request("aiex/explain", place))["markdown"].startswith(OTHER)
        editor.notify("textDocument/didClose", {"textDocument": {"uri": escaped}})
        await editor.request("aiex/templates")
        assert list(editor.server.documents) == []


async def test_a_cell_that_changes_its_language_stays_open(world):
    cell = "vscode-notebook-cell:/w/n.ipynb#a"
    place = {"textDocument": {"uri": cell}, "position": {"line": 0, "character": 5}}

    def item(language: str, text: str) -> dict[str, Any]:
        return {"uri": cell, "languageId": language, "version": 1, "text": text}

    notebook = {"uri": "file:///w/n.ipynb", "version": 1}
    async with session(world, profiles.vscode()) as editor:
        editor.notify(
            "notebookDocument/didOpen",
            {
                "notebookDocument": {
                    **notebook,
                    "notebookType": "jupyter-notebook",
                    "cells": [{"kind": 2, "document": cell}],
                },
                "cellTextDocuments": [item("markdown", "def")],
            },
        )
        structure = {
            "array": {"start": 0, "deleteCount": 1, "cells": [{"kind": 2, "document": cell}]},
            "didOpen": [item("python", CODE)],
            "didClose": [{"uri": cell}],
        }
        editor.notify(
            "notebookDocument/didChange",
            {"notebookDocument": notebook, "change": {"cells": {"structure": structure}}},
        )
        assert (await editor.request("aiex/explain", place))["markdown"].startswith(CODE)


ODD = [
    "untitled:Untitled-1",
    "vscode-remote://ssh-remote%2Bbox/w/calc.py",
    "vscode-vfs://github/o/r/calc.py",
    "vscode-notebook-cell:Untitled-1.ipynb#W0s",
    "git:/w/calc.py?%7B%22ref%22%3A%22HEAD%22%7D",
    "jdt://contents/java.base/java.lang/String.class",
    "file://server/share/calc.py",
    "file://[",
    "file:///w/nul%00byte.py",
    "file:",
    "fugitive:///w/.git//0/calc.py",
    "C:\\w\\calc.py",
    "",
]


@pytest.mark.parametrize("uri", ODD)
async def test_odd_uris_are_documents_too(world, uri):
    place = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 5}}
    async with session(world, profiles.vscode(), root=Path("/w")) as editor:
        editor.open(uri, CODE)
        if uri:
            assert (await editor.request("aiex/explain", place))["markdown"].startswith(CODE)
            prompt = await editor.request("aiex/renderPrompt", {**place, "task": "explain"})
            assert prompt["messages"]
        editor.change(uri, {"text": OTHER})
        editor.close(uri)
        folder = {"added": [{"uri": uri, "name": "x"}], "removed": [{"uri": uri, "name": "x"}]}
        editor.notify("workspace/didChangeWorkspaceFolders", {"event": folder})
        assert await editor.request("aiex/templates")
        assert list(editor.server.documents) == []


@pytest.mark.parametrize(
    "uri",
    [
        "untitled:.env",
        "git:/w/.env?%7B%22ref%22%3A%22HEAD%22%7D",
        "vscode-remote://ssh-remote%2Bbox/home/u/.ssh/id_rsa",
        "file://server/share/.env",
        ".env",
    ],
)
async def test_files_of_secrets_are_not_sent_whatever_their_uri(world, uri):
    async with session(world, profiles.vscode()) as editor:
        editor.open(uri, "TOKEN=1\n", "plaintext")
        with pytest.raises(RequestFailed, match="may hold secrets"):
            await editor.request("aiex/explain", {"textDocument": {"uri": uri}})
    assert world.tasks.asked == []


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///w/a%20b.py", "/w/a b.py"),
        ("file://localhost/w/a.py", "/w/a.py"),
        ("file:///c%3A/w/a.py", "c:/w/a.py"),
        ("file:///C:/w/a.py", "C:/w/a.py"),
        ("vscode-notebook-cell://ssh-remote%2Bbox/w/n.ipynb#a", "/w/n.ipynb"),
        ("vscode-notebook-cell:Untitled-1.ipynb#a", None),
        ("untitled:/w/a.py", None),
        ("file:relative.py", None),
        ("file://[", None),
        ("file:///nul%00", None),
    ],
)
def test_the_path_of_a_uri(uri, path):
    assert path_of(uri) == (None if path is None else Path(path))


def test_a_file_of_another_machine_is_no_file_here(monkeypatch):
    assert path_of("file://server/etc/hosts") is None
    assert shown("file://server/etc/hosts") == "file://server/etc/hosts"
    monkeypatch.setattr(sys, "platform", "win32")
    assert str(path_of("file://server/share/a.py")) == "//server/share/a.py"
