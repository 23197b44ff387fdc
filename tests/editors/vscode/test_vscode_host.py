"""What the extension host, other extensions and the machine see of aiex in the real VS Code."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.editors.vscode.conftest import SECRET
from tests.editors.vscode.rig import saw, sent

pytestmark = [pytest.mark.editors, pytest.mark.xdist_group("vscode"), pytest.mark.timeout(420)]


def test_the_file_of_the_extension_installs(seen: dict[str, Any]) -> None:
    assert "was successfully installed" in seen["installed"]


def test_nothing_runs_in_a_folder_that_is_not_trusted(seen: dict[str, Any]) -> None:
    untrusted = saw(seen, "untrusted")
    assert untrusted["servers"] == []
    assert untrusted["actions"] == "No code actions available"
    assert "not trusted" in untrusted["label"]
    for title in ("Explain", "Refactor", "Restart the Server", "Doctor"):
        assert not [one for one in untrusted["titles"] if one.startswith(f"aiex: {title}")]


def test_where_the_project_is_on_no_disk_aiex_is_off_and_vs_code_says_why(
    seen: dict[str, Any],
) -> None:
    virtual = saw(seen, "virtual")
    assert not [one for one in virtual["titles"] if one.startswith("aiex: ")]
    assert (virtual["items"], virtual["servers"]) == (0, 0)
    assert "here it is on none: clone it" in virtual["told"]


def test_trust_starts_the_server_that_is_on_path_and_the_status_bar_says_who_answers(
    seen: dict[str, Any],
) -> None:
    trusted = saw(seen, "trusted")
    assert len(trusted["servers"]) == 1
    assert trusted["label"] == "aiex ready: desk"
    assert "desk" in trusted["text"]


def test_the_selected_python_s_server_is_taken_when_another_python_is_selected(
    seen: dict[str, Any],
) -> None:
    *before, last = saw(seen, "another Python selected")
    assert set(before) == {"PATH"}
    assert last == "selected"


def test_a_key_reaches_the_server_s_environment_and_nothing_else(seen: dict[str, Any]) -> None:
    saw(seen, "key kept")
    before, after = seen["servers"][:2]
    assert before[0]["environment"] == {}
    assert after[0]["environment"] == {"ANTHROPIC_API_KEY": SECRET}
    assert SECRET not in json.dumps([lines[1:] for lines in seen["servers"]])
    assert SECRET not in json.dumps(saw(seen, "api settings"))
    holding = [
        path.relative_to(seen["folder"])
        for path in seen["folder"].rglob("*")
        if path.is_file() and SECRET.encode() in path.read_bytes()
    ]
    assert {path.parts[0] for path in holding} <= {"records"}, holding


def test_a_key_that_is_removed_is_given_to_no_server_again(seen: dict[str, Any]) -> None:
    removed = saw(seen, "key removed")
    assert removed["offered"] == ["anthropic"]
    assert removed["environment"] == {}
    assert removed["none"] == "aiex: VS Code keeps no key of a provider."


def test_a_server_is_asked_to_end_where_a_new_one_takes_its_place_and_none_outlives_vs_code(
    seen: dict[str, Any],
) -> None:
    saw(seen, "key kept")
    assert sent(seen["servers"][0], "shutdown") == [{}]
    assert seen["alive"] == []


def test_nothing_leaves_this_machine(seen: dict[str, Any]) -> None:
    assert saw(seen, "foreign") == []


def test_every_declared_command_is_there_and_no_other(seen: dict[str, Any]) -> None:
    declared = set(saw(seen, "api declared"))
    there = {one for one in saw(seen, "api commands") if one.startswith("aiex.")}
    assert declared <= there
    assert {"aiex.explain", "aiex.fix", "aiex.menu", "aiex.setKey", "aiex.doctor"} <= declared


def test_one_server_serves_all_folders_of_a_window(seen: dict[str, Any]) -> None:
    folders = saw(seen, "api folders")
    for titles in folders.values():
        assert ["Explain `total`", "aiex.explain"] in titles
    assert ["Write a haiku: `total`", "aiex.haiku"] in folders["project"]
    assert saw(seen, "two folders") == 1
    (initialize,) = sent(seen["servers"][-1], "initialize")
    assert [one["name"] for one in initialize["workspaceFolders"]] == ["project", "other"]


def test_an_extension_gets_only_the_kind_of_action_it_asks_for(seen: dict[str, Any]) -> None:
    assert saw(seen, "api only") == ["Explain `total`"]


def test_findings_are_diagnostics_of_other_folders_too(seen: dict[str, Any]) -> None:
    warning = 1
    assert saw(seen, "api findings") == [[5, "No check of the discount\nCheck it", warning]]


def test_a_cell_of_a_notebook_has_actions_too(seen: dict[str, Any]) -> None:
    assert "Explain `doubled`" in saw(seen, "api notebook")


def test_completion_is_not_touched(seen: dict[str, Any]) -> None:
    assert "discount" in saw(seen, "api completion")
    for lines in seen["servers"]:
        assert not sent(lines, "textDocument/completion")


def test_where_no_setting_is_made_none_is_sent_but_what_this_editor_changes(
    seen: dict[str, Any],
) -> None:
    (initialize,) = sent(seen["servers"][0], "initialize")
    options = initialize["initializationOptions"]
    assert options["settings"] == {
        "defaults": {"hover": {"mode": "cached"}, "edits": {"confirm": "always"}},
        "health": {"interval": 0},
    }
