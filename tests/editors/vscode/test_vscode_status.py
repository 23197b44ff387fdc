"""What a programmer sees of the providers in the real VS Code, and switches."""

from __future__ import annotations

from typing import Any

import pytest

from tests.editors.vscode.rig import saw

pytestmark = [pytest.mark.editors, pytest.mark.xdist_group("vscode"), pytest.mark.timeout(420)]


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


def test_each_entry_of_the_menu_does_what_it_says(seen: dict[str, Any]) -> None:
    assert any("desk, unhealthy" in one for one in saw(seen, "provider killed")["told"])
    chosen = saw(seen, "chosen in the menu")
    assert chosen["Model"]["told"] == {"provider": "spare", "model": "gpt-fake"}
    assert chosen["Strategy"]["told"] == {"strategy": "round_robin"}
    assert len(chosen["Strategy"]["offered"]) == 5
    assert chosen["Reset a circuit"]["told"] == {"provider": "desk"}


def test_a_server_that_cannot_start_is_told_with_what_to_do_about_it(seen: dict[str, Any]) -> None:
    told = saw(seen, "no server")
    assert told["text"] == (
        "aiex cannot start: there is no program /nowhere/aiex-lsp, which aiex.server.command names."
        " Correct that setting, or remove it to let aiex look itself."
    )
    assert told["buttons"] == ["Try Again", "Settings", "Log"]
    assert told["colour"] == saw(seen, "provider killed")["after"]
    assert not [one for one in told["menu"] if "Provider…" in one]
    assert [one for one in told["menu"] if "Show the log" in one]


def test_a_server_that_dies_is_started_again(seen: dict[str, Any]) -> None:
    assert saw(seen, "server killed") == "Document `total`"


def test_while_paused_nothing_is_offered(seen: dict[str, Any]) -> None:
    paused = saw(seen, "paused")
    assert paused["actions"] == "No code actions available"
    assert paused["after"].startswith("aiex ready")


def test_the_configuration_file_opens(seen: dict[str, Any]) -> None:
    text = saw(seen, "configuration opened")
    assert text == (seen["folder"] / "config.toml").read_text()


def test_each_step_of_the_walkthrough_is_done_when_the_programmer_did_it(
    seen: dict[str, Any],
) -> None:
    walked = saw(seen, "walkthrough")
    titles = [
        "The server",
        "A model",
        "Explain code",
        "Fix, refactor, test",
        "Who answers, at what price",
    ]
    assert saw(seen, "untrusted")["steps"] == dict.fromkeys(titles, False)
    assert walked["done"] == dict.fromkeys(titles, True)
    assert walked["opened"].startswith("aiex")
