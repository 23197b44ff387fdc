"""Edits through the Neovim plugin: the right file and place, one undo, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.editors.harness import REFACTORED, SOURCE
from tests.editors.neovim_plugin import needs_neovim, sit_down

pytestmark = [pytest.mark.editors, pytest.mark.xdist_group("neovim"), needs_neovim]

OWN = """---
title: {title}
kind: refactor.rewrite.aiex.own
response_type: {type}
variables:
  code: {{type: string, required: true, inject: code}}
  tone: {{type: string, required: true, description: How it sounds}}
---
{{% block user %}}
Say it {{{{ tone }}}}: {{{{ code }}}}
{{% endblock %}}
"""

CHANGED = SOURCE.split("def total")[0] + REFACTORED
"""The document with the model's function in the place of its own."""


def own_templates(folder: Path) -> None:
    templates = folder / "project" / ".aiex" / "templates"
    templates.mkdir(parents=True)
    for name, title, kind in (
        ("shout", "Shout", "general"),
        ("round", "Round it", "code_generation"),
    ):
        text = OWN.format(title=title, type=kind)
        (templates / f"{name}.md.j2").write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("edits")
    return sit_down(folder, "neovim_edits.lua", prepare=own_templates)


def test_tests_are_written_into_their_file_and_shown_beside(seen):
    assert seen["tests_name"].endswith("/tests/test_prices.py")
    assert "from prices import total" in seen["tests"]
    assert seen["tests_modified"]
    assert seen["source_untouched"]
    assert seen["tests_focus_kept"]


def test_what_another_server_reports_is_fixed_and_undone_in_one_step(seen):
    assert "Fix: Discount goes first" in seen["fix_actions"]
    assert seen["fixed"] == CHANGED.rstrip("\n")
    assert seen["fix_undone"]


def test_of_several_reports_the_user_picks_one(seen):
    assert sorted(seen["fix_choice"]) == [
        "4: Too short a name [ruff]",
        "6: Discount goes first [ruff]",
    ]
    assert any("Too short a name" in prompt for prompt in seen["prompts"])
    assert seen["undone"]
    assert "no diagnostic here to fix" in seen["nothing_to_fix"]


def test_the_instruction_of_a_refactoring_is_asked_for(seen):
    assert seen["instruction_prompt"].startswith("Refactor how")
    assert any("Put the discount first" in prompt for prompt in seen["prompts"])
    assert seen["dropped_jobs"] == 0


def test_documentation_is_written_and_taken_back_by_one_undo(seen):
    assert '    """Return the sum."""\n    return sum(prices) - discount' in seen["documented"]
    assert seen["documented_undone"]


def test_an_edit_is_one_undo_step_apart_from_what_was_typed(seen):
    assert "prices.py" in seen["said_refactored"]
    assert seen["cursor_kept"]
    assert seen["refactor_undone"]
    assert seen["typing_undone"]


def test_a_change_at_the_same_place_refuses_the_edit_and_loses_nothing(seen):
    assert "prices.py" in seen["stale"]
    assert seen["stale_offer"] == ["Run again"]
    assert seen["stale_kept"]
    assert "-discount + sum(prices)" in seen["stale_shown"]


def test_a_refused_edit_can_be_run_again_on_the_text_as_it_is(seen):
    assert seen["run_again"] == CHANGED.rstrip("\n")
    assert "abs(discount)" in seen["run_again_undone"]


def test_a_change_elsewhere_moves_the_edit(seen):
    first, rest = CHANGED.split("\n", 1)
    assert seen["moved"] == f"{first}\n# new\n# lines\n{rest}".rstrip("\n")
    assert seen["moved_undone"]


def test_an_edit_overtaken_by_a_keystroke_is_refused_with_the_reason_and_sent_again(seen):
    refused, made = seen["race_answers"]
    assert refused == {
        "applied": False,
        "failureReason": "other.py was changed while the model worked",
    }
    assert made == {"applied": True}
    assert seen["race_version"] == 0
    first, rest = CHANGED.split("\n", 1)
    assert seen["race"] == f"{first}\n# at the last moment\n{rest}".rstrip("\n")
    first, rest = SOURCE.split("\n", 1)
    assert seen["race_undone"] == f"{first}\n# at the last moment\n{rest}".rstrip("\n")


def test_of_several_files_all_are_changed_or_none(seen):
    assert seen["broken"] == [False, True, True]
    assert seen["whole"] == [True, True, True]
    assert seen["whole_undone"]


def test_a_buffer_that_cannot_be_changed_is_left_and_the_text_shown(seen):
    assert seen["locked_kept"]
    assert "-discount + sum(prices)" in seen["locked_shown"]
    assert "is not modifiable" in seen["locked_said"]


def test_own_templates_are_actions_and_ask_for_what_they_need(seen):
    assert "Shout: `total`" in seen["own_actions"]
    assert seen["own_prompt"] == ["How it sounds: "]
    assert any("Say it loud: " in prompt for prompt in seen["prompts"])
    assert any("Say it calm: " in prompt for prompt in seen["prompts"])
    assert seen["own_undone"]
    assert 'did you mean "shout"?' in seen["no_template"]
