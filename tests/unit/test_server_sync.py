"""Server and client text stay the same, whatever is typed, in every encoding."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.llm.types import Listener
from aiex_lsp.tasks.types import TaskRequest
from tests.e2e import profiles
from tests.scripted import World, explanation
from tests.session import Session, session

URI = "file:///w/a.py"
PROFILES = {"utf-8": profiles.neovim(), "utf-16": profiles.vscode(), "utf-32": profiles.emacs()}

alphabet = st.sampled_from(
    [*"ab \tdef():", "\n", "\r\n", "é", "😀", "👩‍💻", "e\u0301", "\ufeff", "中"]
)
texts = st.lists(alphabet, max_size=12).map("".join)


async def echo(request: TaskRequest, _listener: Listener):
    return explanation(request.snapshot.text)


async def server_text(editor: Session, uri: str = URI) -> str:
    """Return what the server takes the document to be, read back through a real request."""
    result = await editor.request("aiex/explain", {"textDocument": {"uri": uri}})
    return result["markdown"]


def names_offset(text: str, offset: int) -> bool:
    """Return whether a client can name the offset: not between CR and LF."""
    return text[max(offset - 1, 0) : offset + 1] != "\r\n"


@pytest.mark.parametrize("encoding", list(PROFILES))
@given(data=st.data())
@settings(max_examples=30, deadline=None)
async def test_any_sequence_of_changes(encoding, data):
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), explain=echo)
        async with session(world, PROFILES[encoding]) as editor:
            assert editor.encoding == encoding
            editor.open(URI, data.draw(texts, "opened"))
            for _ in range(data.draw(st.integers(1, 4), "notifications")):
                batch, before = [], editor.documents[URI]
                for _ in range(data.draw(st.integers(1, 3), "changes")):
                    new = data.draw(texts, "text")
                    if data.draw(st.booleans(), "whole") and len(batch) == 0:
                        batch.append({"text": new})
                        before = new
                        continue
                    offsets = [o for o in range(len(before) + 1) if names_offset(before, o)]
                    ends = [data.draw(st.sampled_from(offsets)) for _ in range(2)]
                    start, end = sorted(ends)
                    batch.append(
                        {
                            "range": {
                                "start": editor.position(before, start),
                                "end": editor.position(before, end),
                            },
                            "text": new,
                        }
                    )
                    before = before[:start] + new + before[end:]
                editor.change(URI, *batch)
                assert editor.documents[URI] == before
                assert await server_text(editor) == before


async def test_changes_past_the_end_are_read_as_editors_do(tmp_path):
    world = World(tmp_path, explain=echo)
    async with session(world, PROFILES["utf-16"]) as editor:
        editor.open(URI, "a\nb")
        far = {"line": 99, "character": 99}
        editor.change(URI, {"range": {"start": far, "end": far}, "text": "!"})
        assert await server_text(editor) == "a\nb!"


async def test_an_untitled_buffer_and_an_unknown_document(tmp_path):
    world = World(tmp_path, explain=echo)
    async with session(world, PROFILES["utf-16"]) as editor:
        editor.open("untitled:Untitled-1", "x = 1\n")
        assert await server_text(editor, "untitled:Untitled-1") == "x = 1\n"
        editor.notify(
            "textDocument/didChange",
            {
                "textDocument": {"uri": "file:///never.py", "version": 2},
                "contentChanges": [{"text": "x"}],
            },
        )
        editor.notify("textDocument/didClose", {"textDocument": {"uri": "file:///never.py"}})
        assert await server_text(editor, "untitled:Untitled-1") == "x = 1\n"


async def test_notebook_cells_are_documents(tmp_path):
    world = World(tmp_path, explain=echo)
    notebook, cells = "file:///w/n.ipynb", [f"vscode-notebook-cell:/w/n.ipynb#{i}" for i in "abc"]

    def item(uri: str, text: str) -> dict:
        return {"uri": uri, "languageId": "python", "version": 1, "text": text}

    async with session(world, PROFILES["utf-16"]) as editor:
        editor.notify(
            "notebookDocument/didOpen",
            {
                "notebookDocument": {
                    "uri": notebook,
                    "notebookType": "jupyter-notebook",
                    "version": 1,
                    "cells": [{"kind": 2, "document": uri} for uri in cells[:2]],
                },
                "cellTextDocuments": [item(cells[0], "a = 1"), item(cells[1], "b = 2")],
            },
        )
        assert await server_text(editor, cells[1]) == "b = 2"
        place = {"start": {"line": 0, "character": 4}, "end": {"line": 0, "character": 5}}
        editor.notify(
            "notebookDocument/didChange",
            {
                "notebookDocument": {"uri": notebook, "version": 2},
                "change": {
                    "cells": {
                        "structure": {
                            "array": {"start": 1, "deleteCount": 1, "cells": []},
                            "didOpen": [item(cells[2], "c = 3")],
                            "didClose": [{"uri": cells[1]}],
                        },
                        "textContent": [
                            {
                                "document": {"uri": cells[0], "version": 2},
                                "changes": [{"range": place, "text": "9"}],
                            }
                        ],
                    }
                },
            },
        )
        assert await server_text(editor, cells[0]) == "a = 9"
        assert await server_text(editor, cells[2]) == "c = 3"
        assert editor.server.documents.get(cells[1]) is None
        editor.notify(
            "notebookDocument/didClose",
            {
                "notebookDocument": {"uri": notebook},
                "cellTextDocuments": [{"uri": cells[0]}, {"uri": cells[2]}],
            },
        )
        await editor.request("aiex/templates")
        assert list(editor.server.documents) == []


async def test_a_huge_file_is_opened_changed_and_explained_without_holding_up(tmp_path):
    world = World(tmp_path)
    text = "".join(f"print({i})\n" for i in range(100_000))
    async with session(world, PROFILES["utf-16"]) as editor:
        editor.open(URI, text)
        start = {"line": 99_999, "character": 0}
        editor.change(
            URI, {"range": {"start": start, "end": start}, "text": "def f():\n    pass\n"}
        )
        result = await editor.request(
            "aiex/explain", {"textDocument": {"uri": URI}, "position": start}
        )
        assert result["markdown"]
    snapshot = world.tasks.asked[0][1].snapshot
    assert snapshot.text == editor.documents[URI]
