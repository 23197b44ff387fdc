"""The real VS Code with the extension's file installed: what a programmer gets there."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.editors.harness import SOURCE, desk
from tests.editors.vscode.providers import HAIKU, TEMPLATE, TILL, two_providers
from tests.editors.vscode.rig import (
    EXTENSION,
    HERE,
    CodeServer,
    built_vsix,
    drive,
    environment,
    missing,
    recorded,
    saw,
    serving,
)

SECRET = "sk-ant-of-the-programmer-0123456789"
SETTINGS = {
    "chat.disableAIFeatures": True,
    "files.autoSave": "off",
    "workbench.startupEditor": "none",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.colorTheme": "Default Dark Modern",
    "editor.minimap.enabled": False,
    "aiex.health.interval": 0,
}

pytestmark = [
    pytest.mark.editors,
    pytest.mark.xdist_group("vscode"),
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(missing()), reason=str(missing())),
]


def keys() -> dict[str, list[str]]:
    """Return the keys of each command of the extension, as the browser presses them."""
    package = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
    return {
        binding["command"]: [
            "+".join({"ctrl": "Control", "alt": "Alt", "shift": "Shift"}.get(k, k) for k in one)
            for one in (chord.split("+") for chord in binding["key"].split())
        ]
        for binding in package["contributes"].get("keybindings", [])
    }


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Yield what was seen in one sitting; the keys are the steps of `vscode/desk.mjs`."""
    vsix = built_vsix()
    folder = tmp_path_factory.mktemp("vscode")
    with desk(folder) as here, two_providers(folder / "config.toml") as providers:
        project = here.source.parent
        templates = project / ".aiex" / "templates"
        templates.mkdir(parents=True)
        (templates / "haiku.md.j2").write_text(TEMPLATE)
        (project / "till.py").write_text(TILL)
        other = folder / "other"
        other.mkdir()
        (other / "prices.py").write_text(SOURCE, encoding="utf-8")
        workspace = folder / "two.code-workspace"
        workspace.write_text(json.dumps({"folders": [{"path": "project"}, {"path": "other"}]}))
        results = folder / "api.json"
        code = CodeServer(
            folder, {**environment(here.environment, folder), "AIEX_API": str(results)}
        )
        code.settings(**SETTINGS)
        shutil.copytree(HERE / "api-tests", folder / "extensions" / "aiex-tests.api-tests-1.0.0")
        installed = code.install(vsix)

        def servers() -> list[dict[str, Any]]:
            return [
                {
                    "environment": lines[0]["environment"],
                    "methods": [one["client"].get("method") for one in lines if "client" in one],
                    "ended": "exit" in lines[-1],
                }
                for lines in recorded(folder)
            ]

        controls = {
            "servers": servers,
            "requests": lambda method: sum(one["methods"].count(method) for one in servers()),
            "stop": providers.stop,
            "start": providers.start,
            "slow": providers.slow,
            "asked": providers.asked,
            "cut": providers.cut,
        }
        with serving(code):
            found = drive(
                "desk.mjs",
                code,
                controls,
                project=str(project),
                workspace=str(workspace),
                secret=SECRET,
                api=str(results),
                keys=keys(),
            )
        found |= {"installed": installed, "folder": folder, "servers": ended(folder)}
        yield found


def ended(folder: Path) -> list[list[dict[str, Any]]]:
    """Return what the servers heard and said, when all have ended or ten seconds later."""
    limit = time.monotonic() + 10
    while True:
        servers = recorded(folder)
        if all("exit" in lines[-1] for lines in servers) or time.monotonic() > limit:
            return servers
        time.sleep(0.05)


def sent(lines: list[dict[str, Any]], method: str) -> list[dict[str, Any]]:
    """Return the params of what VS Code sent by a method."""
    said = [one["client"] for one in lines if "client" in one]
    return [one.get("params") or {} for one in said if one.get("method") == method]


def test_the_file_of_the_extension_installs(seen: dict[str, Any]) -> None:
    assert "was successfully installed" in seen["installed"]


def test_nothing_runs_in_a_folder_that_is_not_trusted(seen: dict[str, Any]) -> None:
    untrusted = saw(seen, "untrusted")
    assert untrusted["servers"] == []
    assert untrusted["actions"] == "No code actions available"
    assert "not trusted" in untrusted["label"]
    for title in ("Explain", "Refactor", "Restart the Server", "Doctor"):
        assert not [one for one in untrusted["titles"] if one.startswith(f"aiex: {title}")]


def test_trust_starts_the_server_that_is_on_path_and_the_status_bar_says_who_answers(
    seen: dict[str, Any],
) -> None:
    trusted = saw(seen, "trusted")
    assert len(trusted["servers"]) == 1
    assert trusted["label"] == "aiex ready: desk"
    assert "desk" in trusted["text"]


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


def test_a_template_of_the_workspace_is_in_the_menu(seen: dict[str, Any]) -> None:
    assert saw(seen, "own template") == f"{HAIKU} (desk)"


def test_lenses_above_functions_come_where_they_are_asked_for(seen: dict[str, Any]) -> None:
    lens = saw(seen, "code lens")
    assert lens["before"] == 0
    assert lens["text"].replace("\u00a0", " ").split() == ["Explain", "|", "Tests", "|", "Document"]


def test_the_tooltip_has_every_provider_and_what_today_has_cost(seen: dict[str, Any]) -> None:
    tooltip = saw(seen, "tooltip")
    assert "desk\t healthy" in tooltip
    assert "spare" in tooltip
    assert "Today: $0" in tooltip


def test_a_provider_that_dies_changes_the_status_bar_s_colour(seen: dict[str, Any]) -> None:
    killed = saw(seen, "provider killed")
    assert killed["before"] != killed["after"]
    assert killed["label"] == "aiex has an error: desk ⚠ not reachable"


def test_the_status_bar_s_menu_switches_to_another_provider(seen: dict[str, Any]) -> None:
    switched = saw(seen, "switched")
    for entry in ("Provider…", "Model…", "Strategy…", "Check providers now", "Reset a circuit…"):
        assert any(entry in one for one in switched["menu"]), entry
    for entry in ("Usage and cost", "Doctor", "Open the configuration", "Show the log"):
        assert any(entry in one for one in switched["menu"]), entry
    assert switched["text"].endswith("Said by spare.")
    assert "spare" in switched["label"]


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


def test_a_server_ends_where_a_new_one_takes_its_place_and_with_vs_code(
    seen: dict[str, Any],
) -> None:
    saw(seen, "key kept")
    assert seen["servers"][0][-1] == {"exit": 0}
    assert all("exit" in lines[-1] for lines in seen["servers"])


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
    assert len(seen["servers"]) == 3
    (initialize,) = sent(seen["servers"][2], "initialize")
    assert [one["name"] for one in initialize["workspaceFolders"]] == ["project", "other"]


def test_an_extension_gets_only_the_kind_of_action_it_asks_for(seen: dict[str, Any]) -> None:
    assert saw(seen, "api only") == ["Explain `total`"]


def test_findings_are_diagnostics_of_other_folders_too(seen: dict[str, Any]) -> None:
    warning = 1
    assert saw(seen, "api findings") == [[5, "No check of the discount\nCheck it", warning]]


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
        "hover": {"mode": "cached"},
        "edits": {"confirm": "always"},
        "health": {"interval": 0},
    }
