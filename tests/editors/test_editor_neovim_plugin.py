"""The Neovim plugin: its own commands in the real editor, with the server and a scripted provider.

Each script writes what the programmer saw; the tests say what that has to be.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.editors.neovim_plugin import needs_neovim, sit_down

pytestmark = [pytest.mark.editors, pytest.mark.xdist_group("neovim"), needs_neovim]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return sit_down(tmp_path_factory.mktemp("answers"), "neovim_answers.lua")


class TestAnswers:
    def test_nothing_is_loaded_or_started_before_the_first_matching_buffer(self, answers):
        assert answers["loaded_before"] == ["aiex", "aiex.config"]
        assert answers["clients_before"] == 0
        assert answers["statusline_before"] == ""
        assert answers["root"].endswith("/project")

    def test_an_explanation_grows_in_a_float_while_the_model_writes(self, answers):
        assert answers["part"] == "Adds up the prices."
        assert "<C-c> stops" in answers["footer_running"]
        assert answers["title"] == "Explain `total`"
        assert answers["whole"] == "Adds up the prices.\n\nNothing is rounded."
        assert answers["height_whole"] > answers["height_part"]

    def test_the_float_leaves_focus_and_cursor_line_and_says_who_answered(self, answers):
        assert answers["focus_kept"]
        assert not answers["covers_cursor_line"]
        assert "desk · gpt-fake" in answers["footer_done"]
        assert "f asks on" in answers["footer_done"]

    def test_a_question_about_an_answer_is_answered_below_it(self, answers):
        assert answers["focused"]
        assert answers["follow_up_prompt"] == "Question: "
        assert answers["follow_up"].startswith("Adds up the prices.")
        assert answers["follow_up"].endswith("> Why is that?\n\nBecause nobody asked for it.")

    def test_a_key_keeps_it_as_a_split_and_q_closes(self, answers):
        assert answers["float_gone"]
        assert answers["split_relative"] == ""
        assert answers["split_text"] == answers["follow_up"]
        assert "Explain `total`" in answers["split_bar"]
        assert "gpt-fake" in answers["split_bar"]
        assert answers["windows_after_q"] == 1
        assert answers["reopened"]

    def test_a_stream_that_begins_anew_elsewhere_replaces_what_was_there(self, answers):
        assert answers["restarted"] == "A whole thought."
        assert "spare" in answers["restart_footer"]

    def test_a_narrow_screen_has_room_for_the_float(self, answers):
        assert answers["narrow"] <= 30
        assert len(answers["narrow_footer"]) <= 28
        assert answers["narrow_height"] >= 3
        assert answers["mode_after"] == "n"

    def test_code_actions_stream_too(self, answers):
        assert "Explain `total`" in answers["actions"]
        assert answers["action_title"] == "Explain `total`"

    def test_cancelling_stops_the_model_and_keeps_what_it_wrote(self, answers):
        assert answers["cancel_left"]
        assert answers["key_left"]
        assert answers["wiped_left"]
        assert answers["wiped_jobs"] == 0
        assert answers["cancelled"].startswith("Too slow")
        assert answers["cancelled"].rstrip().endswith("**Cancelled.**")

    def test_findings_are_diagnostics(self, answers):
        assert answers["findings"] == [[5, "No check of the discount\nCheck it", "aiex"]]
