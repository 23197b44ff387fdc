"""Vim and ALE with the configuration of their page: what a programmer gets there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.editors.harness import SOURCE, desk, seen_by, snippet

VIM = shutil.which("vim")
ALE = Path(os.environ.get("AIEX_ALE", "/usr/share/vim-ale"))

pytestmark = [
    pytest.mark.editors,
    pytest.mark.xdist_group("editors"),
    pytest.mark.skipif(VIM is None, reason="no vim on PATH"),
    pytest.mark.skipif(not ALE.is_dir(), reason=f"no ALE in {ALE}; AIEX_ALE says where"),
]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    assert VIM is not None
    folder = tmp_path_factory.mktemp("vim")
    vimrc = folder / "vimrc"
    ours = f"filetype plugin on\nset rtp+={ALE}\nlet g:ale_linters = {{'python': ['aiex']}}\n"
    vimrc.write_text(ours + snippet("vim.md", "vim"), encoding="utf-8")
    script = Path(__file__).with_name("vim.vim")
    quiet = ["-n", "-i", "NONE", "--not-a-term", "-T", "dumb"]
    with desk(folder) as here:
        command = [VIM, "-N", "-u", str(vimrc), *quiet, str(here.source), "-S", str(script)]
        return seen_by(here, command, TERM="dumb")


def test_vim_hovers_are_the_explanation_at_the_latest_the_second_time(seen: dict[str, Any]) -> None:
    assert "Sums prices" in seen["hover_first"] or "hover again" in seen["hover_first"]
    assert "Sums prices less a discount." in seen["hover_second"]


def test_vim_lists_the_code_actions(seen: dict[str, Any]) -> None:
    for title in (
        "Explain `total`",
        "Analyze `total` (security)",
        "Generate tests for `total`",
    ):
        assert title in seen["actions"]


def test_vim_shows_an_explanation_as_a_message(seen: dict[str, Any]) -> None:
    assert "Adds up the prices" in seen["explanation"]


def test_vim_lists_findings_as_ale_does(seen: dict[str, Any]) -> None:
    assert [line for line, _ in seen["findings"]] == [6]
    assert "No check of the discount" in seen["findings"][0][1]


def test_vim_without_edits_of_servers_is_shown_the_diff(seen: dict[str, Any]) -> None:
    assert "+++ b/tests/test_prices.py" in seen["diff"]
    assert "+def test_total_takes_the_discount_off():" in seen["diff"]
    assert seen["source_after"] == SOURCE.rstrip("\n")
