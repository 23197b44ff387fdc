"""Neovim without the plugin, as its page sets it up: what a programmer gets there."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.editors import neovim_plugin
from tests.editors.harness import REFACTORED, SOURCE, desk, seen_by

NVIM = (
    os.environ.get("AIEX_NVIM")
    or shutil.which("nvim", path=str(Path(sys.executable).parent))
    or shutil.which("nvim")
)

pytestmark = [
    pytest.mark.editors,
    pytest.mark.xdist_group("editors"),
    pytest.mark.skipif(NVIM is None, reason="no nvim on PATH and AIEX_NVIM is not set"),
]


def sit_down(folder: Path, *, plain: bool) -> dict[str, Any]:
    """Return what the programmer of neovim.lua saw."""
    assert NVIM is not None
    init = folder / "init.lua"
    text = neovim_plugin.page_block("vim.lsp.config(")
    if plain:
        text = text.replace("showMarkdown = true", "showMarkdown = false")
    init.write_text(text, encoding="utf-8")
    script = Path(__file__).with_name("neovim.lua")
    with desk(folder) as here:
        command = [NVIM, "--headless", "-n", "-i", "NONE", "-u", str(init), str(here.source)]
        return seen_by(
            here, [*command, "-c", f"luafile {script}"], AIEX_PLAIN="1" if plain else "0"
        )


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return sit_down(tmp_path_factory.mktemp("neovim"), plain=False)


def test_neovim_attaches_in_the_project(seen: dict[str, Any]) -> None:
    assert seen["root"].endswith("/project")
    assert seen["encoding"] == "utf-16"


def test_neovim_hovers_are_the_explanation_at_the_latest_the_second_time(
    seen: dict[str, Any],
) -> None:
    assert "Sums prices" in seen["hover_first"] or "hover again" in seen["hover_first"]
    assert "Sums prices less a discount." in seen["hover_second"]


def test_neovim_lists_the_code_actions(seen: dict[str, Any]) -> None:
    titles = "\n".join(seen["actions"])
    for title in (
        "Explain `total`",
        "Analyze `total` (security)",
        "Generate tests for `total`",
    ):
        assert title in titles


def test_neovim_streams_an_explanation_into_the_window_of_the_page(seen: dict[str, Any]) -> None:
    assert "Adds up the prices" in seen["explanation"]
    assert seen["filetype"] == "markdown"
    assert seen["focus_kept"]


def test_neovim_shows_findings_as_diagnostics(seen: dict[str, Any]) -> None:
    assert seen["findings"] == [
        {"line": 5, "message": "No check of the discount\nCheck it", "source": "aiex"}
    ]


def test_neovim_gets_the_tests_in_their_file_and_the_source_untouched(seen: dict[str, Any]) -> None:
    assert seen["tests_file"].endswith("/tests/test_prices.py")
    assert "from prices import total" in seen["tests"]
    assert seen["source_after"] == SOURCE.rstrip("\n")
    assert seen["notified"] == []


def test_neovim_can_be_paused(seen: dict[str, Any]) -> None:
    assert seen["paused"]


def test_neovim_without_the_view_shows_a_document_beside(tmp_path: Path) -> None:
    seen = sit_down(tmp_path, plain=True)
    assert "Adds up the prices" in seen["explanation"]
    assert seen["filetype"] == "markdown"
    assert seen["focus_kept"]


@pytest.fixture(scope="module")
def overtaken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what came of two edits, each with a keystroke in the moment it arrived."""
    init = neovim_plugin.page_block("vim.lsp.config(")
    folder = tmp_path_factory.mktemp("overtaken")
    return neovim_plugin.sit_down(folder, "neovim_outdated.lua", init=init)


TYPED = SOURCE.replace("\n", "\n# at the last moment\n", 1)
LANDED = (TYPED.split("def total")[0] + REFACTORED).rstrip("\n")


def test_neovim_refuses_an_outdated_edit_with_the_handler_of_the_page(
    overtaken: dict[str, Any],
) -> None:
    seen = overtaken["page"]
    assert [answer["applied"] for answer in seen["answers"]] == [False, True]
    assert seen["after_first"] == TYPED.rstrip("\n")
    assert seen["text"] == LANDED
    assert seen["undone"] == TYPED.rstrip("\n")


def test_neovim_alone_drops_an_outdated_edit_and_the_server_sends_it_again(
    overtaken: dict[str, Any],
) -> None:
    seen = overtaken["neovim"]
    # It says that it made the first one, and did not.
    assert [answer["applied"] for answer in seen["answers"]] == [True, True]
    assert "newer than edits" in overtaken["messages_shown"]
    assert seen["after_first"] == TYPED.rstrip("\n")
    assert seen["text"] == LANDED
