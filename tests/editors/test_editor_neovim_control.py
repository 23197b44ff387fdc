"""What is around the answers in Neovim: status, providers, reports, health, completion, options."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from tests.editors.neovim_plugin import (
    PLUGIN,
    needs_neovim,
    page_block,
    run_plugin,
    sit_down,
)

pytestmark = [pytest.mark.editors, pytest.mark.xdist_group("neovim"), needs_neovim]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("control")
    # Help tags are written beside the help: not into the repository.
    doc = folder / "help" / "doc"
    shutil.copytree(PLUGIN / "doc", doc, ignore=shutil.ignore_patterns("tags"))
    return sit_down(
        folder, "neovim_control.lua", rtp=folder / "help", environment={"AIEX_DOC": str(doc)}
    )


class TestStatus:
    def test_the_statusline_tells_provider_and_model(self, seen):
        assert seen["statusline"].startswith("● desk · gpt-fake")
        assert seen["rendered"] == seen["statusline"]
        assert seen["statusline_color"].startswith("%#AiexStatusOk#")
        assert seen["busy"].startswith("◐ ")

    def test_it_turns_when_the_provider_dies_and_a_task_says_why(self, seen):
        assert seen["dead"].startswith("%#AiexStatusError#")
        assert "not reachable" in seen["dead"]
        assert "error" in seen["dead_told"]
        assert "**" in seen["dead_answer"]
        assert seen["dead_footer"] == "no answer"

    def test_when_the_server_ends_nothing_goes_on(self, seen):
        assert seen["statusline_gone"] == ""
        assert ":checkhealth aiex" in seen["not_attached"]


class TestProviders:
    def test_a_provider_is_picked_from_a_list_and_answers(self, seen):
        assert seen["provider_prompt"] == "Provider:"
        assert any(line.startswith("desk: ") for line in seen["provider_list"])
        assert "spare · gpt-fake" in seen["picked_footer"]

    def test_a_model_is_picked_and_answers(self, seen):
        assert "spare · gpt-other" in seen["model_footer"]


class TestReports:
    def test_the_prompt_is_shown_as_it_would_be_sent(self, seen):
        assert "return sum(prices) - discount  # 😀 total" in seen["prompt"]["text"]
        assert "## system" in seen["prompt"]["text"]
        assert "desk · gpt-fake" in seen["prompt"]["text"]

    def test_usage_doctor_and_status_are_shown(self, seen):
        assert "- **desk**" in seen["usage"]["text"]
        assert "All is well." in seen["doctor"]["text"]
        assert "- **spare** healthy" in seen["status"]["text"]

    @pytest.mark.parametrize("name", ["prompt", "usage", "doctor", "status"])
    def test_a_report_has_the_focus_and_q_closes_it(self, seen, name):
        assert seen[name]["focused"]
        assert seen[name]["closed"]


class TestCommands:
    def test_a_command_given_while_the_server_starts_is_done_when_it_has_started(self, seen):
        assert seen["clients_early"] == 0  # and the script saw the answer
        assert not any("attached" in message for message in seen["notified"][:-1])

    def test_completion_knows_every_word(self, seen):
        found = seen["complete"]
        for name in (
            *("explain", "tests", "analyze", "fix", "document", "refactor", "run", "status"),
            *("provider", "prompt", "usage", "doctor", "cancel", "followup", "answers"),
            *("clear", "pause", "resume"),
        ):
            assert name in found["commands"]
        assert found["range"] == ["explain"]
        assert found["levels"] == ["brief", "standard", "detailed"]
        assert found["types"] == ["security"]
        assert found["providers"] == ["spare", "strategy"]
        assert "cost_optimized" in found["strategies"]
        assert {"gpt-fake", "gpt-other"} <= set(found["models"])
        assert found["templates"] == ["refactor"]
        assert found["variables"] == ["instruction="]
        assert found["prompts"] == ["tests"]

    def test_a_wrong_word_gets_the_nearest_right_one(self, seen):
        assert seen["wrong_word"] == "aiex: there is no :Aiex explian; did you mean explain?"

    def test_without_a_word_there_is_a_menu(self, seen):
        assert seen["menu"] == sorted(seen["menu"])
        assert "refactor" in seen["menu"]

    def test_mappings_are_offered_and_none_is_forced(self, seen):
        assert seen["plugs"] == 22
        assert seen["forced"] == 0

    def test_groups_are_linked_and_help_tags_are_found(self, seen):
        assert seen["group"] == "DiagnosticError"
        assert [tag for tag, found in seen["help"] if not found] == []


def test_checkhealth_is_clean(seen):
    assert "ERROR" not in seen["health"]
    assert "WARNING" not in seen["health"]
    for text in ("OK Neovim 0.11", "aiex-lsp 0.", "desk: gpt-fake is there", "prices.py"):
        assert text in seen["health"], seen["health"]


class TestOptions:
    def test_wrong_options_are_told_with_the_nearest_name_and_the_rest_holds(self, tmp_path):
        said = run_plugin(
            tmp_path,
            """
            vim.notify = function(message) print(message) end
            require('aiex').setup {
              filetype = { 'python' },
              cmd = 'aiex-lsp',
              answer = { layout = 'popup', widht = 40, height = 7 },
              enabled = false,
            }
            print(vim.inspect(require('aiex.config').get().answer.height))
            """,
        )
        assert 'unknown option "filetype"; did you mean "filetypes"?' in said
        assert 'unknown option "answer.widht"; did you mean "answer.width"?' in said
        assert 'option "cmd" must be a list of strings; the default is used' in said
        assert 'option "answer.layout" must be one of "float", "split"' in said
        assert "Error" not in said
        assert said.strip().endswith("7")

    def test_the_configuration_of_the_page_is_taken(self, tmp_path):
        said = run_plugin(
            tmp_path,
            page_block("layout = 'split'") + "local taken = require('aiex.config').get()\n"
            "print(taken.answer.layout, taken.answer.split, taken.settings.hover.mode)\n"
            "print(vim.lsp.config.aiex.init_options.settings.hover.mode)\n"
            "print(vim.fn.maparg('<Leader>ae', 'x'), vim.fn.maparg('<Leader>aa', 'n'))\n",
        )
        assert said.split() == [
            *("split", "right", "cached", "cached"),
            *("<Plug>(aiex-explain)", "<Plug>(aiex-menu)"),
        ]

    def test_what_vim_lsp_config_says_wins(self, tmp_path):
        said = run_plugin(
            tmp_path,
            "vim.notify = function(message) print(message) end\n"
            "require('aiex').setup { cmd = { 'aiex-nowhere' } }\n"
            "vim.lsp.config('aiex', { cmd = { 'sh', '-c', 'exit 0' } })\n"
            "vim.bo.filetype = 'python'\n"
            "print(require('aiex.config').cmd()[1])\n",
        )
        assert said.strip() == "sh"

    def test_a_missing_server_is_told_once_at_the_first_matching_buffer(self, tmp_path):
        said = run_plugin(
            tmp_path,
            """
            vim.notify = function(message) print(message) end
            require('aiex').setup { cmd = { 'aiex-nowhere', 'serve' } }
            vim.bo.filetype = 'text'
            print('before')
            vim.bo.filetype = 'python'
            vim.bo.filetype = 'lua'
            vim.cmd('Aiex explain')
            """,
        )
        before, after = said.split("before")
        assert "aiex-nowhere" not in before
        assert after.count('there is no program "aiex-nowhere" on PATH') == 2
        assert ":help aiex-install" in after
