"""Vim with ALE and with the commands of the page: what a programmer gets there."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.editors.emacs_desk import DOCUMENTED, FIXED, Model
from tests.editors.harness import PAGES, REFACTORED, SOURCE, desk, seen_by

VIM = shutil.which("vim")
ALE = Path(os.environ.get("AIEX_ALE", "/usr/share/vim-ale"))
SCRIPTS = Path(__file__).parent
BEFORE = SOURCE[SOURCE.index("def total") :]

OWN = f"""
call ale#linter#Define('python', {{
      \\ 'name': 'own', 'lsp': 'stdio', 'executable': 'python3', 'language': 'python',
      \\ 'command': '%e {SCRIPTS / "emacs_own_server.py"}',
      \\ 'project_root': function('aiex#ale#root'),
      \\ }})
"""
"""The language's own server, as one would have it in ALE."""
OWN_ONLY = "let g:ale_linters = {'python': ['own']}"

pytestmark = [
    pytest.mark.editors,
    pytest.mark.xdist_group("editors"),
    pytest.mark.skipif(VIM is None, reason="no vim on PATH"),
]
Runs = dict[str, Future[dict[str, Any]]]


def sit_down(folder: Path, script: str, vimrc: str) -> dict[str, Any]:
    """Return what the programmer of a script saw."""
    assert VIM is not None
    (folder / "vimrc").write_text(vimrc, encoding="utf-8")
    quiet = ["-n", "-i", "NONE", "--not-a-term", "-T", "dumb"]
    with desk(folder) as here:
        here.server.answer = Model()
        templates = here.source.parent / ".aiex" / "templates"
        templates.mkdir(parents=True)
        for name, extended in (("beginner", "explain"), ("quicker", "refactor")):
            text = f"---\ntitle: My {name}\nextends: {extended}\n---\n"
            (templates / f"{name}.md.j2").write_text(text, encoding="utf-8")
        start = [VIM, "-N", "-u", str(folder / "vimrc"), *quiet, str(here.source)]
        return seen_by(here, [*start, "-S", str(SCRIPTS / script)], limit=90, TERM="dumb")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Yield what is seen with each, one beside the other."""
    ale = f"set rtp+={ALE}\n"
    commands, setup, *_ = _vimrcs()
    client = commands + setup
    key = re.search(r"`(nnoremap [^`]*)`", (PAGES / "vim.md").read_text(encoding="utf-8"))
    assert key
    with ThreadPoolExecutor(2) as pool:
        yield {
            name: pool.submit(
                sit_down, tmp_path_factory.mktemp("vim"), script, "filetype plugin on\n" + vimrc
            )
            for name, script, vimrc in (
                ("ale", "vim.vim", f"{ale}let g:ale_linters_explicit = 1\n{client}"),
                ("commands", "vim_plugin.vim", f"{commands}\n{key[1]}\n"),
                ("beside", "vim_beside.vim", f"{ale}{OWN_ONLY}\n{client}{OWN}"),
            )
            if name == "commands" or ALE.is_dir()
        }


def _vimrcs() -> list[str]:
    """Return what the page has its reader write: for the commands, for ALE, for vim-lsp."""
    text = (PAGES / "vim.md").read_text(encoding="utf-8")
    text = text.replace("/path/to/clone", str(PAGES.parent))
    return re.findall(r"^```vim\n(.*?)^```$", text, re.M | re.S)


@pytest.fixture(scope="module")
def ale(runs: Runs) -> dict[str, Any]:
    """Return what was seen with ALE."""
    if "ale" not in runs:
        pytest.skip(f"no ALE in {ALE}; AIEX_ALE says where")
    return runs["ale"].result()


@pytest.fixture(scope="module")
def beside(runs: Runs) -> dict[str, Any]:
    """Return what was seen with ALE and another server."""
    if "beside" not in runs:
        pytest.skip(f"no ALE in {ALE}; AIEX_ALE says where")
    return runs["beside"].result()


@pytest.fixture(scope="module")
def commands(runs: Runs) -> dict[str, Any]:
    """Return what was seen with the commands."""
    return runs["commands"].result()


def test_ale_hovers_are_the_explanation_at_the_latest_the_second_time(ale: dict[str, Any]) -> None:
    assert "Sums prices" in ale["hover_first"] or "hover again" in ale["hover_first"]
    assert "Sums prices less a discount." in ale["hover_second"]


def test_ale_lists_the_code_actions(ale: dict[str, Any]) -> None:
    for title in (
        "Explain `total`",
        "Analyze `total` (security)",
        "Generate tests for `total`",
    ):
        assert title in ale["actions"]


def test_ale_shows_an_explanation_as_a_message(ale: dict[str, Any]) -> None:
    assert "Adds up the prices" in ale["explanation"]


def test_ale_lists_findings(ale: dict[str, Any]) -> None:
    assert [line for line, _ in ale["findings"]] == [6]
    assert "No check of the discount" in ale["findings"][0][1]


def test_ale_which_takes_no_edits_is_shown_the_diffs(ale: dict[str, Any]) -> None:
    assert "+++ b/tests/test_prices.py" in ale["diff"]
    assert "+def test_total_takes_the_discount_off():" in ale["diff"]
    assert "Fix: No check of the discount" in ale["fix_actions"]
    assert "+    if discount < 0:" in ale["fix"]
    assert "+    return -discount + sum(prices)" in ale["refactor"]
    assert ale["source_after"] == ale["source_at_last"] == SOURCE.rstrip("\n")


def test_ale_shows_what_the_language_s_own_server_says_and_what_aiex_says(
    beside: dict[str, Any],
) -> None:
    assert sorted(beside["findings"]) == [
        "Own says so",
        "general: No check of the discount Check it",
    ]
    assert beside["linters"] == ["own", "aiex"]
    assert any("Own documentation" in text for text in beside["shown"])
    assert any("Sums prices less a discount." in text for text in beside["shown"])


def test_ale_s_own_choice_of_linters_is_kept_and_aiex_added(beside: dict[str, Any]) -> None:
    assert beside["default_linters"] == ["aiex", "cargo", "rls"]


def test_vim_commands_complete_every_word(commands: dict[str, Any]) -> None:
    assert commands["completed"] == {
        "Aiex re": ["refactor"],
        "'<,'>Aiex e": ["explain"],
        "Ai explain ": ["brief", "standard", "detailed"],
        "Aiex analyze s": ["security"],
        "Aiex prompt t": ["tests"],
        "Aiex run beg": ["beginner"],
        "Aiex run refactor ins": ["instruction="],
        "Aiex stop ": [],
    }
    assert commands["wrong"].startswith("aiex: explian is no task; there are analyze, doctor")


def test_vim_commands_bind_no_key_and_have_help(commands: dict[str, Any]) -> None:
    assert len(commands["mapped"]) == 1  # the page's own
    assert commands["help"] == [":Aiex", "aiex-ale", "aiex#status()", "g:aiex_program"]


def test_vim_commands_work_without_ale_and_its_setup_says_so(commands: dict[str, Any]) -> None:
    assert "no ALE: install it" in commands["no_ale"]


def test_vim_command_makes_a_quickfix_list_of_findings_and_fixes_one(
    commands: dict[str, Any],
) -> None:
    assert commands["findings"] == [
        {"lnum": 6, "type": "W", "text": "No check of the discount. Check it", "name": "prices.py"}
    ]
    assert commands["list"] == [":Aiex analyze", True, "prices.py"]
    assert commands["list_fired"]
    assert commands["by_finding"] == SOURCE.replace(BEFORE, FIXED)


def test_vim_command_says_where_there_is_no_file_to_ask_about(commands: dict[str, Any]) -> None:
    assert "Save the buffer under a name first" in commands["unnamed"]
    assert "shows no file" in commands["terminal"]
    assert "no file of this machine" in commands["remote"]
    assert "read-only and its changes are not saved" in commands["readonly"]


def test_vim_command_edits_a_file_with_other_line_ends(commands: dict[str, Any]) -> None:
    assert commands["dos"] == SOURCE.replace(BEFORE, REFACTORED)
    assert commands["dos_undone"]


def test_vim_window_of_answers_is_for_reading(commands: dict[str, Any]) -> None:
    assert commands["answer_listed"] == 0
    assert commands["answer_closed"]
    assert commands["status"] == ["explain", ""]


def test_vim_window_of_answers_tells_why_there_is_none(commands: dict[str, Any]) -> None:
    assert "'verbosely' is not one of" in commands["refused"]


def test_vim_command_streams_an_explanation_beside_the_code(commands: dict[str, Any]) -> None:
    assert "Adds up the prices" in commands["explanation"]
    assert commands["shown"]
    assert commands["focus"] == "prices.py"


@pytest.mark.parametrize(
    ("name", "code"),
    [("refactored", REFACTORED), ("documented", DOCUMENTED), ("fixed", FIXED)],
)
def test_vim_command_edits_the_buffer_and_one_undo_takes_it_back(
    commands: dict[str, Any], name: str, code: str
) -> None:
    assert commands[name] == SOURCE.replace(BEFORE, code)
    assert commands[f"{name}_undone"]


def test_vim_command_changes_nothing_where_the_text_has_changed(commands: dict[str, Any]) -> None:
    assert "    prices = list(prices)\n" in commands["stale"]
    assert "# 😀 total sum\n" in commands["stale"]
    assert "-discount" not in commands["stale"]


def test_vim_command_says_where_there_is_nothing_to_fix(commands: dict[str, Any]) -> None:
    assert commands["nothing_to_fix"]


def test_vim_command_can_be_stopped(commands: dict[str, Any]) -> None:
    assert "stopped" in commands["stopped"]


def test_vim_command_writes_tests_and_shows_their_file(commands: dict[str, Any]) -> None:
    assert "from prices import total" in commands["tests"]
    assert commands["source_after"] == SOURCE


def test_vim_command_runs_templates_of_one_s_own(commands: dict[str, Any]) -> None:
    assert "Adds up the prices" in commands["template"]
    assert commands["own_edit"] == SOURCE.replace(BEFORE, REFACTORED)
    assert commands["own_edit_undone"]


def test_vim_command_is_had_by_the_key_of_the_page(commands: dict[str, Any]) -> None:
    assert "Adds up the prices" in commands["by_key"]


def test_vim_command_shows_prompt_usage_and_setup(commands: dict[str, Any]) -> None:
    assert "return sum(prices) - discount  # 😀 total" in commands["prompt"]
    assert "desk" in commands["usage"]
    assert "gpt-fake" in commands["doctor"]


def test_vim_command_edits_a_file_that_is_out_of_sight_and_says_so(
    commands: dict[str, Any],
) -> None:
    assert commands["elsewhere"] == "other.py"
    assert commands["hidden"] == SOURCE.replace(BEFORE, REFACTORED)


def test_vim_command_leaves_a_buffer_that_cannot_be_changed(commands: dict[str, Any]) -> None:
    assert commands["locked"] == SOURCE
