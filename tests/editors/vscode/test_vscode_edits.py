"""What a programmer changes in the real VS Code: each change seen first, one undo back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.editors.harness import SOURCE
from tests.editors.vscode.providers import TILL
from tests.editors.vscode.rig import saw, sent

pytestmark = [pytest.mark.editors, pytest.mark.xdist_group("vscode"), pytest.mark.timeout(420)]


def test_a_finding_is_a_diagnostic_with_a_lens_and_can_be_cleared(seen: dict[str, Any]) -> None:
    assert saw(seen, "findings") == "Fix with aiex: No check of the discount"
    saw(seen, "findings cleared")


def test_the_lens_of_a_finding_fixes_it_after_a_look_and_one_undo_takes_it_back(
    seen: dict[str, Any],
) -> None:
    fixed = saw(seen, "fixed by lens")
    assert fixed["shown"]["kind"] == "diff"
    assert fixed["shown"]["title"][0] == "Fix total: prices.py"
    assert "sum(prices) - max(discount, 0)  # 😀 total" in fixed["after"]
    assert fixed["undone"]


def test_a_refactoring_asks_what_for_shows_itself_and_one_undo_takes_it_back(
    seen: dict[str, Any],
) -> None:
    refactored = saw(seen, "refactored")
    assert refactored["shown"]["kind"] == "diff"
    assert "return -discount + sum(prices)  # 😀 total" in refactored["after"]
    assert refactored["undone"]
    asked = [p["arguments"][0] for p in sent(seen["servers"][0], "workspace/executeCommand")]
    assert "Put the discount first" in [one.get("instruction") for one in asked]


def test_documentation_is_written_and_taken_back_by_one_undo(seen: dict[str, Any]) -> None:
    documented = saw(seen, "documented")
    assert "    A discount of None is not allowed." in documented["after"]
    assert documented["undone"]


def test_a_change_that_is_discarded_changes_nothing(seen: dict[str, Any]) -> None:
    assert saw(seen, "preview discarded")["text"] == SOURCE


def test_tests_open_beside_the_source(seen: dict[str, Any]) -> None:
    tests = saw(seen, "tests")
    assert tests["text"].startswith("from prices import total\n\n\ndef test_total_takes")
    assert tests["beside"]
    assert tests["groups"] == 2


def test_the_menu_at_a_finding_offers_its_fix(seen: dict[str, Any]) -> None:
    assert saw(seen, "fix in the menu")["kind"] == "diff"


def test_where_no_confirmation_is_wanted_the_change_is_made_at_once(seen: dict[str, Any]) -> None:
    assert saw(seen, "without confirmation")


def test_a_change_of_lines_that_were_edited_meanwhile_is_refused(seen: dict[str, Any]) -> None:
    overtaken = saw(seen, "overtaken")
    assert "changed" in overtaken["told"]
    assert overtaken["text"] == SOURCE.replace("return sum", "return 1+sum")


def test_every_task_has_a_key(seen: dict[str, Any]) -> None:
    titles = saw(seen, "by keyboard")
    assert {*titles} == {"analyze", "refactor", "run", "answers", "menu", "document"}
    assert titles["document"] == "Document total: prices.py"


def test_of_several_files_where_nothing_is_ticked_nothing_is_changed_and_that_is_said(
    seen: dict[str, Any],
) -> None:
    none = saw(seen, "several files, none ticked")
    assert none["listed"][0].startswith("prices.py")
    assert any(one.startswith("till.py") for one in none["listed"])
    assert none["ticked"] == 0
    assert none["told"] == (
        "The editor did not apply the edit: nothing was ticked in its preview. Nothing was changed."
    )
    assert none["same"]
    assert none["text"] == SOURCE
    (first, *_) = edits_of_several_files(seen)
    assert first == {"applied": False, "failureReason": "nothing was ticked in its preview"}


def test_of_several_files_those_ticked_are_changed_and_one_undo_takes_all_back(
    seen: dict[str, Any],
) -> None:
    prices, till = saw(seen, "several files, all ticked")["after"]
    assert prices == SOURCE.replace("sum(prices) - discount", "-discount + sum(prices)")
    assert till == TILL.replace("given - amount", "-amount + given")
    assert saw(seen, "several files, all ticked")["undone"]
    assert [one["applied"] for one in edits_of_several_files(seen)] == [False, True]


def edits_of_several_files(seen: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what VS Code answered to edits of several files, in their order."""
    lines = seen["servers"][0]
    asked = {
        one["server"]["id"]
        for one in lines
        if one.get("server", {}).get("method") == "workspace/applyEdit"
        and len(one["server"]["params"]["edit"]["documentChanges"]) > 1
        and "kind" not in one["server"]["params"]["edit"]["documentChanges"][0]
    }
    clients = [one["client"] for one in lines if "client" in one]
    return [one["result"] for one in clients if "method" not in one and one.get("id") in asked]
