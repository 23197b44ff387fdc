"""The Neovim plugin with long texts, wiped buffers, other tabs and a server that crashes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.editors.neovim_plugin import needs_neovim, sit_down

pytestmark = [pytest.mark.editors, pytest.mark.xdist_group("neovim"), needs_neovim]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return sit_down(tmp_path_factory.mktemp("rough"), "neovim_rough.lua")


def test_a_second_setup_starts_no_second_server_and_its_options_hold(seen):
    assert seen["clients"] == 1
    assert seen["footer"] == "desk · gpt-fake · free"  # the key that asks on is not wanted


def test_what_is_to_be_known_of_who_answers_stands_below_the_answer_once(seen):
    assert seen["note"] == "With a note.\n\n---\n\n*A larger model answers better.*"
    assert seen["note_after"] == seen["note"] + "\n\n---\n\n> And now?\n\nAnd no second one."


def test_what_two_servers_show_is_kept_apart(seen):
    assert seen["shown"] == ["Of one.", "Of another."]
    assert seen["shown_more"] == "Of one, more."


def test_a_command_in_the_window_of_an_answer_says_where_to_go(seen):
    assert "go to the code first" in seen["no_file"]


def test_a_long_text_is_plain_while_it_grows_and_coloured_when_it_is_whole(seen):
    assert seen["plain"]
    assert seen["coloured"]
    assert seen["long_height"] < 20


def test_an_answer_outlives_the_tab_and_the_buffer_it_is_about(seen):
    assert seen["wiped"] == "Half of it and the rest."


def test_a_server_that_crashes_ends_the_answer_and_starts_again_with_the_file(seen):
    assert seen["crashed"].startswith("Cut off")
    assert "The server has ended; :edit starts it again" in seen["crashed"]
    assert seen["errors"] == ""
