"""The Neovim plugin with odd but ordinary configurations, screens, buffers and habits."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.editors.neovim_plugin import PLUGIN, needs_neovim, run_plugin, sit_down

pytestmark = [pytest.mark.editors, pytest.mark.xdist_group("neovim"), needs_neovim]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return sit_down(
        tmp_path_factory.mktemp("odd"),
        "neovim_odd.lua",
        init="vim.cmd('filetype on')\n",
        environment={"AIEX_PLUGIN": str(PLUGIN)},
    )


def test_loaded_late_it_attaches_and_a_command_whose_file_was_left_is_told(seen):
    assert "ask again in the file" in seen["went_away"]


def test_callbacks_of_the_user_s_own_take_nothing_away(seen):
    assert seen["calls"] == ["on_init", "on_exit"]
    assert "Fix: Discount goes first" in seen["actions"]
    assert seen["group"] == "FloatTitle"
    assert seen["no_task"].endswith('did you mean "tests"?')


def test_the_border_is_that_of_all_floats_and_its_lines_are_seen_without_one(seen):
    assert seen["winborder"] == "╔"
    assert seen["rounded"] == "╭"
    assert "Explain `total`" in seen["bar"]
    assert "desk · gpt-fake" in seen["bar"]
    assert seen["bar_height"] == 6  # five lines of text below the bar


def test_a_split_is_for_reading_and_needs_room(seen):
    assert seen["no_room"]
    assert seen["float_stays"]
    assert seen["marks"] == [False, False, "", "0"]


def test_answers_are_splits_where_that_is_set(seen):
    assert seen["beside"] == ["", True, True]
    assert seen["squeezed"] == "editor"


def test_a_restored_session_has_no_empty_answers_and_takes_no_name(seen):
    assert seen["session_lines"].strip() != "0"
    assert seen["restored"].startswith("1 ")
    assert "prices.py" in seen["restored"]
    assert "aiex://" not in seen["restored"]
    assert seen["past_taken"].endswith("/8")


def test_of_an_answer_that_still_grows_nothing_is_asked(seen):
    assert seen["too_early"]


def test_an_answer_that_comes_out_of_sight_is_told(seen):
    assert seen["unseen"] == "aiex: Explain `total`: there is an answer; :Aiex answers shows it"


def test_tabs_terminals_and_the_last_window(seen):
    assert seen["tab"] == [1, True]
    assert "go to the code first" in seen["terminal"]
    assert seen["left"]
    assert seen["errors"] == ""


def test_checkhealth_names_settings_and_no_values(seen):
    assert "settings: providers.mine.api_key, providers.mine.type" in seen["health"]
    assert "sk-own" not in seen["health"]


def test_checkhealth_asks_the_program_as_it_is_started(seen):
    assert "OK aiex-lsp 0." in seen["broken"]
    assert "Not valid TOML" in seen["broken"]
    assert "no server runs" in seen["broken"]


def test_in_an_old_neovim_one_sentence_says_what_is_needed(tmp_path):
    said = run_plugin(
        tmp_path,
        """
        vim.notify = function(message) print(message) end
        vim.fn.has = function() return 0 end
        vim.lsp.config, vim.lsp.enable, vim.lsp.is_enabled = nil, nil, nil
        require('aiex').setup {}
        vim.cmd('Aiex explain')
        vim.api.nvim_feedkeys(vim.keycode('<Plug>(aiex-menu)'), 'x', false)
        vim.health = { report_error = function(message) print(message) end }
        require('aiex.health').check()
        """,
    )
    assert said.count("Neovim 0.11 or later is needed") == 4
    assert said.count("aiex: ") == 3
    assert "stack traceback" not in said


def test_what_waits_for_a_server_that_does_not_start_is_dropped(tmp_path):
    said = run_plugin(
        tmp_path,
        """
        vim.notify = function() end
        require('aiex').setup { cmd = { 'sh', '-c', 'exit 1' } }
        vim.bo.filetype = 'python'
        vim.cmd('Aiex explain')
        local function waiting()
          return #vim.api.nvim_get_autocmds({ event = 'LspAttach', buffer = 0 })
        end
        local before = waiting()
        print(before, vim.wait(5000, function() return waiting() < before end, 10), waiting())
        """,
    )
    assert said.split()[-3:] == ["1", "true", "0"]


def test_completion_knows_the_command_cut_short_and_behind_others(tmp_path):
    said = run_plugin(
        tmp_path,
        """
        for _, line in ipairs {
          'Ai ana', "'<,'>Aiex analyze s", "'a,'bAie analyze s", 'tab Aiex explain b',
        } do
          print(table.concat(vim.fn.getcompletion(line, 'cmdline'), ' '))
        end
        """,
    )
    assert said.split() == ["analyze", "security", "security", "brief"]


def test_a_border_that_is_none_is_told(tmp_path):
    said = run_plugin(
        tmp_path,
        """
        vim.notify = function(message) print(message) end
        for _, border in ipairs { 'roundd', {}, { '+', '-' }, 'bold' } do
          require('aiex').setup { enabled = false, answer = { border = border } }
          print(vim.inspect(require('aiex.config').get().answer.border):gsub('%s', ''), '')
        end
        """,
    )
    assert said.count('"answer.border" must be one of "auto", "none"') == 2
    assert said.count('"auto"') - said.count('"auto", "none"') == 2
    assert '{"+","-"}' in said
    assert os.linesep + '"bold"' in said


def test_filetypes_of_the_user_s_own_configuration_are_told(tmp_path):
    said = run_plugin(
        tmp_path,
        """
        vim.notify = function(message) print(message) end
        vim.lsp.config('aiex', { cmd = { 'env', 'serve' }, filetypes = { 'text' } })
        require('aiex').setup {}
        vim.bo.filetype = 'python'
        vim.cmd('Aiex explain')
        vim.cmd('checkhealth aiex')
        print(table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n'))
        """,
    )
    assert 'not for filetype "python"' in said
    assert "enabled for: text" in said


@pytest.mark.parametrize(
    ("selection", "keys", "taken"),
    [
        ("inclusive", "0fävl", [0, 2, 0, 5]),
        ("exclusive", "0fävl", [0, 2, 0, 4]),
        ("exclusive", "0v$", [0, 0, 0, 7]),
        ("inclusive", "0v$", [0, 0, 0, 7]),
        ("exclusive", "V", [0, 0, 0, 7]),
    ],
)
def test_a_selection_is_what_the_user_sees_selected(tmp_path, selection, keys, taken):
    said = run_plugin(
        tmp_path,
        f"""
        vim.api.nvim_buf_set_lines(0, 0, -1, false, {{ 'abäbä', 'end' }})
        vim.o.selection = '{selection}'
        vim.keymap.set('x', '<F5>', function()
          print(vim.json.encode(require('aiex.place').selection(0)))
        end)
        vim.api.nvim_feedkeys(vim.keycode('{keys}<F5>'), 'x', false)
        """,
    )
    assert json.loads(said) == taken
