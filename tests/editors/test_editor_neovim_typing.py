"""Somebody types on in Neovim while an edit comes: nothing of theirs is lost or interrupted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.editors.neovim_plugin import needs_neovim, sit_down

pytestmark = [pytest.mark.editors, pytest.mark.xdist_group("neovim"), needs_neovim]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return sit_down(tmp_path_factory.mktemp("typing"), "neovim_typing.lua")


def test_an_edit_lands_beside_the_typing_with_an_undo_step_of_its_own(seen):
    assert seen["typing_mode"] == seen["mode_kept"] == "i"
    assert " plus more\n" in seen["both"]
    assert "-discount + sum(prices)" in seen["both"]
    assert seen["undos"] == [
        {"more": False, "edit": True, "plus": True},
        {"more": False, "edit": False, "plus": True},
        {"more": False, "edit": False, "plus": False},
    ]
    assert seen["all_undone"]


def test_a_question_waits_until_the_typing_has_ended(seen):
    assert seen["mode_at_refusal"] == "i"
    assert not seen["asked_while_typing"]
    assert seen["own_kept"]
