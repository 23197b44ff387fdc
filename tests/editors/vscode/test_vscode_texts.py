"""What a programmer reads in the real VS Code: menus, explanations, hovers."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.editors.vscode.providers import HAIKU
from tests.editors.vscode.rig import saw, sent

pytestmark = [pytest.mark.editors, pytest.mark.xdist_group("vscode"), pytest.mark.timeout(420)]


def test_the_menu_lists_all_actions_by_the_name_of_the_symbol(seen: dict[str, Any]) -> None:
    titles = saw(seen, "actions")
    assert titles[:2] == ["Document `total`", "Refactor `total`"]
    assert {"Explain `total`", "Analyze `total` (security)", "Generate tests for `total`"} <= {
        *titles
    }
    assert len(titles) == 9


def test_an_explanation_stands_beside_the_code_with_who_gave_it_and_takes_no_focus(
    seen: dict[str, Any],
) -> None:
    explained = saw(seen, "explained by menu")
    assert explained["text"].startswith("Adds up the prices and takes the discount off.")
    assert "##" not in explained["text"]
    assert explained["meta"].startswith("desk · gpt-fake · $0 · ")
    assert explained["focused"]


def test_the_menu_goes_through_the_request_so_that_it_streams(seen: dict[str, Any]) -> None:
    saw(seen, "explained by menu")
    asked = sent(seen["servers"][0], "aiex/explain")
    assert asked[0]["partialResultToken"]
    commands = [one["command"] for one in sent(seen["servers"][0], "workspace/executeCommand")]
    assert "aiex/explain" not in commands


def test_a_question_is_answered_under_the_answer(seen: dict[str, Any]) -> None:
    text = saw(seen, "followed up")
    assert text.index("Nothing is rounded.") < text.index("Why is nothing rounded?")
    assert text.endswith("Because nobody asked for rounding. (desk)")


def test_keyboard_and_context_menu_explain_too(seen: dict[str, Any]) -> None:
    assert saw(seen, "explained by keyboard")
    assert "aiex" in saw(seen, "explained by context menu").splitlines()


def test_an_answer_is_shown_while_it_comes_and_cancel_ends_the_model_s_work(
    seen: dict[str, Any],
) -> None:
    streamed = saw(seen, "streamed and cancelled")
    assert streamed["early"].startswith("word0 word1 word2")
    assert "word399" not in streamed["after"]
    assert streamed["after"].endswith("Cancelled.")
    assert streamed["busy"].startswith("aiex busy: desk")


def test_an_earlier_answer_can_be_read_again(seen: dict[str, Any]) -> None:
    reopened = saw(seen, "reopened")
    assert reopened["offered"][0].startswith("Explain pay")
    assert "Adds up the prices" in reopened["text"]


def test_the_mouse_s_hover_asks_no_model_but_offers_to(seen: dict[str, Any]) -> None:
    assert saw(seen, "hover with a link") == "Explain total"


def test_with_hovers_on_the_hover_is_the_explanation(seen: dict[str, Any]) -> None:
    assert saw(seen, "hover").startswith("Sums prices less a discount.")


def test_a_template_of_the_workspace_is_in_the_menu(seen: dict[str, Any]) -> None:
    assert saw(seen, "own template") == f"{HAIKU} (desk)"


def test_what_an_answer_writes_is_shown_and_never_run(seen: dict[str, Any]) -> None:
    hostile = saw(seen, "hostile answer")
    assert hostile["active"] == 0
    assert hostile["links"] == ["https://example.com/x.png"]
    assert "<script>" in hostile["text"]
    assert hostile["code"].strip() == "coins = sorted(coins)"


def test_the_answer_is_told_to_screen_readers_and_loads_nothing(seen: dict[str, Any]) -> None:
    view = saw(seen, "for screen readers")
    assert (view["answer"], view["status"], view["question"]) == ("polite", "status", 1)
    assert view["order"] == ["a", "copy", "pre", "followup", "ask"]
    assert view["policy"].startswith("default-src 'none';")
    assert "unsafe" not in view["policy"]


def test_the_answer_wears_the_colours_of_the_theme(seen: dict[str, Any]) -> None:
    colours = saw(seen, "in other colours")
    light, dark = colours["vscode-light"], colours["vscode-dark"]
    assert light["text"] != dark["text"]
    # With high contrast what has an edge shows it: blocks of code and buttons.
    contrast = colours["vscode-high-contrast"]
    assert contrast["text"] == "rgb(255, 255, 255)"
    for edge in (contrast["block"], contrast["border"]):
        assert re.fullmatch(r"rgb\(.*\)", edge), edge


def test_commands_appear_only_where_they_work(seen: dict[str, Any]) -> None:
    offered = saw(seen, "where commands appear")
    assert [one for one in offered["explain"] if one.startswith("aiex: Explain")]
    # In a file that is read-only none that would write, in a picture none at all.
    assert not [one for one in offered["refactor"] if one.startswith("aiex: Refactor")]
    assert not [one for one in offered["picture"] if one.startswith("aiex: Explain")]


def test_with_the_cursor_in_the_log_the_code_that_is_shown_is_meant(seen: dict[str, Any]) -> None:
    assert saw(seen, "from the log").endswith("/prices.py")


def test_doctor_usage_and_the_prompt_are_read_beside_the_code(seen: dict[str, Any]) -> None:
    pages = saw(seen, "pages")
    assert "desk" in pages["Doctor"]
    assert "desk" in pages["Usage and cost"]
    assert "def total(prices, discount=0):" in pages["prompt"]
