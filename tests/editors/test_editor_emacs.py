"""Emacs with eglot and lsp-mode as on their page: what a programmer gets there."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.editors.emacs_desk import (
    DOCUMENTED,
    EMACS,
    FIXED,
    PROGRAMS,
    SLOW,
    checked,
    compiled,
    configuration,
    installed,
    missing,
    set_up_by_use_package,
    sit_down,
)
from tests.editors.harness import REFACTORED, SOURCE

pytestmark = [
    pytest.mark.editors,
    pytest.mark.xdist_group("editors"),
    pytest.mark.skipif(EMACS is None, reason="no emacs on PATH"),
]

BEFORE = SOURCE[SOURCE.index("def total") :]
Runs = dict[str, Future[dict[str, Any]]]


WHICH = list(PROGRAMS)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Yield what is seen in each scenario, two at a time: one waits for a slow model."""
    scenarios = {
        "slow": "eglot",
        "eglot": "eglot",
        "beside": "beside",
        "lsp-mode": "lsp-mode",
    }
    with ThreadPoolExecutor(2) as pool:
        yield {
            f"{name} {which}": pool.submit(
                sit_down,
                tmp_path_factory.mktemp(name),
                name,
                init=configuration(client),
                which=which,
            )
            for name, client in scenarios.items()
            for which in WHICH
            if missing("lsp-mode" if client == "lsp-mode" else "eglot", which) is None
        }


def seen(runs: Runs, scenario: str, which: str) -> dict[str, Any]:
    """Return what was seen in a scenario with one of the two Emacs; skip where it is missing."""
    if (run := runs.get(f"{scenario} {which}")) is None:
        pytest.skip(str(missing("lsp-mode" if scenario == "lsp-mode" else "eglot", which)))
    return run.result()


@pytest.fixture(scope="module", params=WHICH)
def eglot(runs: Runs, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what was seen with eglot."""
    return seen(runs, "eglot", request.param)


@pytest.fixture(scope="module", params=WHICH)
def lsp_mode(runs: Runs, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what was seen with lsp-mode."""
    return seen(runs, "lsp-mode", request.param)


@pytest.fixture(scope="module", params=WHICH)
def beside(runs: Runs, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what was seen beside a server that eglot runs."""
    return seen(runs, "beside", request.param)


@pytest.mark.parametrize("which", WHICH)
@pytest.mark.parametrize(
    ("file", "needs"),
    [
        ("aiex-beside.el", "jsonrpc"),
        ("aiex-eglot.el", "eglot"),
        ("aiex-lsp-mode.el", "lsp-mode"),
    ],
)
def test_emacs_package_compiles_without_a_warning(file: str, needs: str, which: str) -> None:
    if (why := missing(needs, which)) is not None:
        pytest.skip(why)
    assert compiled(file, which) == ""


@pytest.mark.parametrize("which", WHICH)
def test_emacs_package_is_documented_as_emacs_wants_it(which: str) -> None:
    if (why := missing("checkdoc", which)) is not None:
        pytest.skip(why)
    assert checked(which) == ""


@pytest.mark.parametrize("which", WHICH)
def test_emacs_package_is_installed_from_its_folder(tmp_path: Path, which: str) -> None:
    if (why := missing("package", which)) is not None:
        pytest.skip(why)
    assert installed(tmp_path, which) == ["aiex-beside-setup", "aiex-eglot-setup", "aiex-menu"]


def test_emacs_use_package_takes_the_page_s_lines() -> None:
    if (why := missing("use-package", "30")) is not None:
        pytest.skip(why)
    assert set_up_by_use_package() == "(aiex-beside-mode)"


# -- eglot ------------------------------------------------------------------------------------


def test_eglot_hovers_are_the_explanation_at_the_latest_the_second_time(
    eglot: dict[str, Any],
) -> None:
    assert "Sums prices" in eglot["hover_first"] or "hover again" in eglot["hover_first"]
    assert "Sums prices less a discount." in eglot["hover_second"]


def test_eglot_lists_the_code_actions(eglot: dict[str, Any]) -> None:
    for title in (
        "Explain `total`",
        "Analyze `total` (security)",
        "Generate tests for `total`",
        "Document `total`",
        "Refactor `total`",
    ):
        assert title in eglot["actions"]


def test_eglot_streams_an_explanation_beside_the_code(eglot: dict[str, Any]) -> None:
    assert eglot["pieces"] > 2
    assert "Adds up the prices" in eglot["explanation"]
    assert "Explain" in eglot["header"]
    assert "desk · gpt-fake" in eglot["header"]
    assert eglot["selected"] == "prices.py"


def test_eglot_answers_follow_up_and_earlier_ones_can_be_gone_back_to(
    eglot: dict[str, Any],
) -> None:
    assert eglot["anew"] == "This came whole at the second try."
    assert eglot["earlier"] == eglot["explanation"]


def test_eglot_cancels(eglot: dict[str, Any]) -> None:
    assert eglot["cancelled"] == "cancelled"


def test_eglot_mode_line_names_the_provider(eglot: dict[str, Any]) -> None:
    assert eglot["minor_mode"]
    assert eglot["mode_line"] == " aiex:desk · gpt-fake"


def test_eglot_shows_findings_by_flymake_until_they_are_cleared(eglot: dict[str, Any]) -> None:
    assert len(eglot["findings"]) == 1
    assert "No check of the discount" in eglot["findings"][0]


def test_eglot_gets_the_tests_in_their_file_and_shows_it(eglot: dict[str, Any]) -> None:
    assert eglot["tests_file"].endswith("/tests/test_prices.py")
    assert "from prices import total" in eglot["tests"]
    assert eglot["tests_shown"]
    assert eglot["source_after"] == SOURCE
    assert "asked" not in eglot


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("refactored", REFACTORED),
        ("refactored_by_menu", REFACTORED),
        ("documented", DOCUMENTED),
        ("fixed", FIXED),
    ],
)
def test_eglot_gets_an_edit_and_takes_it_back_by_one_undo(
    eglot: dict[str, Any], name: str, code: str
) -> None:
    assert eglot[name] == SOURCE.replace(BEFORE, code)
    assert eglot[f"{name}_undone"]


def test_eglot_refuses_an_edit_for_text_that_has_changed_and_runs_it_again(
    eglot: dict[str, Any],
) -> None:
    assert "- 2 * discount" in eglot["stale"]
    assert "changed at the same place" in eglot["stale_said"]
    assert eglot["again"] == SOURCE.replace(BEFORE, REFACTORED)


def test_eglot_shows_providers_usage_setup_and_prompt(eglot: dict[str, Any]) -> None:
    assert "desk " in eglot["status"]
    assert "healthy" in eglot["checked"]
    assert "desk" in eglot["doctor"]
    assert "desk " in eglot["usage"]
    assert "──── user ────" in eglot["prompt"]
    assert "def total" in eglot["prompt"]


def test_eglot_runs_a_template_on_the_model_chosen(eglot: dict[str, Any]) -> None:
    assert "Explain to a beginner `total'" in eglot["template_header"]
    assert "gpt-older" in eglot["template_header"]


def test_eglot_takes_keys_below_a_prefix_of_one_s_own(eglot: dict[str, Any]) -> None:
    assert eglot["by_key"] == eglot["explanation"]


def test_emacs_menu_offers_the_commands(eglot: dict[str, Any]) -> None:
    assert {"aiex-explain", "aiex-fix", "aiex-doctor", "aiex-status"} <= set(eglot["menu"])


@pytest.mark.parametrize("which", WHICH)
def test_eglot_waits_for_a_model_that_takes_longer_than_its_ten_seconds(
    runs: Runs, which: str
) -> None:
    slow = seen(runs, "slow", which)
    assert slow["answered_in"] < 5
    assert slow["took"] > SLOW
    assert slow["plain"] == SOURCE.replace(BEFORE, REFACTORED)
    assert slow["ours"] == SOURCE.replace(BEFORE, REFACTORED)
    assert slow["problems"] == []


# -- lsp-mode ---------------------------------------------------------------------------------


def test_lsp_mode_runs_aiex_beside_the_language_s_own_server(lsp_mode: dict[str, Any]) -> None:
    assert lsp_mode["servers"] == ["aiex", "own"]
    assert "Own action" in lsp_mode["actions"]
    assert "Explain `total`" in lsp_mode["actions"]
    assert "Own documentation" in lsp_mode["hover"]
    assert "Sums prices less a discount." in lsp_mode["hover"]


def test_lsp_mode_echoes_the_hover_of_the_language_s_own_server(lsp_mode: dict[str, Any]) -> None:
    """Of two hovers lsp-mode echoes nothing, and that when the last has come."""
    assert lsp_mode["echoed"] == "Own documentation"


def test_lsp_mode_streams_an_explanation_and_cancels(lsp_mode: dict[str, Any]) -> None:
    assert "Adds up the prices" in lsp_mode["explanation"]
    assert "desk · gpt-fake" in lsp_mode["header"]
    assert lsp_mode["cancelled"] == "cancelled"


def test_lsp_mode_keeps_the_diagnostics_of_both_apart(lsp_mode: dict[str, Any]) -> None:
    assert sorted(lsp_mode["findings"]) == [
        ["aiex", "No check of the discount\nCheck it"],
        ["own", "Own says so"],
    ]


def test_lsp_mode_fixes_what_the_language_s_own_server_reports(lsp_mode: dict[str, Any]) -> None:
    assert lsp_mode["fixed"] == SOURCE.replace(BEFORE, FIXED)


def test_lsp_mode_gets_an_edit_and_takes_it_back_by_one_undo(lsp_mode: dict[str, Any]) -> None:
    assert lsp_mode["refactored"] == SOURCE.replace(BEFORE, REFACTORED)
    assert lsp_mode["undone"] == SOURCE
    assert lsp_mode["documented"] == SOURCE.replace(BEFORE, DOCUMENTED)
    assert lsp_mode["documented_undone"] == SOURCE


def test_lsp_mode_gets_the_tests_in_their_file(lsp_mode: dict[str, Any]) -> None:
    assert lsp_mode["tests_file"].endswith("/tests/test_prices.py")
    assert "from prices import total" in lsp_mode["tests"]
    assert lsp_mode["tests_shown"]
    assert lsp_mode["selected_window"] == "prices.py"


def test_lsp_mode_shows_who_answers_and_takes_another(lsp_mode: dict[str, Any]) -> None:
    assert lsp_mode["mode_line"] == " aiex:desk · gpt-fake"
    assert "desk " in lsp_mode["status"]
    assert "gpt-older" in lsp_mode["selected"]


def test_lsp_mode_answers_follow_up_and_goes_back_and_the_server_outlives_the_buffer(
    lsp_mode: dict[str, Any],
) -> None:
    assert lsp_mode["follow_up"] == "Because nobody asked for it."
    assert lsp_mode["earlier"] == lsp_mode["explanation"]


def test_lsp_mode_refuses_an_edit_for_text_that_has_changed(lsp_mode: dict[str, Any]) -> None:
    assert "- 2 * discount" in lsp_mode["stale"]
    assert "changed at the same place" in lsp_mode["stale_said"]


def test_lsp_mode_runs_a_template_on_the_model_chosen(lsp_mode: dict[str, Any]) -> None:
    assert lsp_mode["template"] == lsp_mode["explanation"]
    assert "gpt-older" in lsp_mode["template_header"]


def test_lsp_mode_shows_usage_setup_and_prompt(lsp_mode: dict[str, Any]) -> None:
    assert "desk " in lsp_mode["usage"]
    assert "desk: gpt-fake is asked" in lsp_mode["doctor"]
    assert "def total" in lsp_mode["prompt"]


def test_lsp_mode_an_answer_says_that_its_server_has_ended(lsp_mode: dict[str, Any]) -> None:
    assert lsp_mode["gone"] == "the server has ended"


def test_lsp_mode_takes_keys_below_a_prefix_of_one_s_own(lsp_mode: dict[str, Any]) -> None:
    assert lsp_mode["by_key"] == lsp_mode["explanation"]


def test_lsp_mode_the_mode_line_is_plain_again_where_it_has_left(lsp_mode: dict[str, Any]) -> None:
    assert not lsp_mode["mode_after"]


# -- beside eglot -----------------------------------------------------------------------------


def test_beside_eglot_nothing_starts_before_the_first_command(beside: dict[str, Any]) -> None:
    assert beside["started_by_itself"] is None


def test_beside_eglot_the_language_s_own_server_is_left_alone(beside: dict[str, Any]) -> None:
    assert beside["hover"] == "Own documentation"
    assert beside["findings"] == ["aiex: No check of the discount\nCheck it", "own: Own says so"]
    assert beside["still_eglot"]


def test_beside_eglot_findings_are_shown_at_once_and_go_with_their_server(
    beside: dict[str, Any],
) -> None:
    assert beside["findings_at_once"] == ["aiex: No check of the discount\nCheck it"]
    assert beside["findings_after"] == ["own: Own says so"]
    assert beside["mode_line_after"] == " aiex"


def test_beside_eglot_a_view_of_the_buffer_is_the_same_file(beside: dict[str, Any]) -> None:
    assert beside["view"] == beside["explanation"]
    assert beside["after_view"] == beside["explanation"]


def test_beside_eglot_an_answer_is_shown_again(beside: dict[str, Any]) -> None:
    assert beside["shown_again"] == beside["explanation"]


def test_beside_eglot_a_restored_desktop_leaves_its_modes_to_the_setup(
    beside: dict[str, Any],
) -> None:
    assert beside["desktop"] == ["aiex-beside-mode", "aiex-mode"]


def test_beside_eglot_the_settings_leave_config_toml_the_last_word(beside: dict[str, Any]) -> None:
    assert beside["settings"] == {}


def test_beside_eglot_explains_and_shows_who_answers(beside: dict[str, Any]) -> None:
    assert "Adds up the prices" in beside["explanation"]
    assert beside["mode_line"] == " aiex:desk · gpt-fake"


def test_beside_eglot_fixes_what_the_other_server_reports_in_one_undo_step(
    beside: dict[str, Any],
) -> None:
    assert beside["fixed"] == SOURCE.replace(BEFORE, FIXED)
    assert beside["undone"] == SOURCE


def test_beside_eglot_documents_in_one_undo_step(beside: dict[str, Any]) -> None:
    assert beside["documented"] == SOURCE.replace(BEFORE, DOCUMENTED)
    assert beside["documented_undone"] == SOURCE


def test_beside_eglot_a_kept_answer_goes_on_and_the_earlier_one_is_there(
    beside: dict[str, Any],
) -> None:
    assert beside["follow_up"] == "Because nobody asked for it."
    assert beside["earlier"] == beside["explanation"]


def test_beside_eglot_what_two_servers_show_is_kept_apart(beside: dict[str, Any]) -> None:
    assert beside["shown"] == ["Of another.", "Of one, more."]


def test_beside_eglot_cancels(beside: dict[str, Any]) -> None:
    assert beside["cancelled"] == "cancelled"


def test_beside_eglot_runs_a_template_on_the_model_chosen(beside: dict[str, Any]) -> None:
    assert beside["template"] == beside["explanation"]
    assert "gpt-older" in beside["template_header"]


def test_beside_eglot_shows_usage_setup_and_prompt(beside: dict[str, Any]) -> None:
    assert "desk " in beside["usage"]
    assert "desk: gpt-fake is asked" in beside["doctor"]
    assert "def total" in beside["prompt"]


def test_beside_eglot_takes_keys_below_a_prefix_of_one_s_own(beside: dict[str, Any]) -> None:
    assert beside["by_key"] == beside["explanation"]


def test_beside_eglot_a_read_only_buffer_is_left_as_it_is(beside: dict[str, Any]) -> None:
    assert beside["read_only"] == SOURCE
    assert "prices.py is read-only" in beside["read_only_said"]


def test_beside_eglot_a_file_written_under_another_name_is_known_by_it(
    beside: dict[str, Any],
) -> None:
    assert "Code from renamed.py" in beside["renamed"]
    assert "by another name" in beside["renamed"]


def test_beside_eglot_a_file_of_another_machine_is_refused_with_the_reason(
    beside: dict[str, Any],
) -> None:
    on, why = beside["far"]
    assert on is None
    assert "local files" in why


def test_beside_eglot_typing_elsewhere_moves_an_edit(beside: dict[str, Any]) -> None:
    assert beside["moved"] == "# 😀 first\n" + SOURCE.replace(BEFORE, REFACTORED)
    assert beside["moved_undone"] == "# 😀 first\n" + SOURCE


def test_beside_eglot_typing_at_the_same_place_refuses_an_edit(beside: dict[str, Any]) -> None:
    assert "- 2 * discount" in beside["stale"]
    assert "changed at the same place" in beside["stale_said"]


def test_beside_eglot_gets_the_tests_in_their_file(beside: dict[str, Any]) -> None:
    assert beside["tests_file"].endswith("/tests/test_prices.py")
    assert "from prices import total" in beside["tests"]


def test_beside_eglot_a_server_that_ended_is_started_again(beside: dict[str, Any]) -> None:
    assert beside["gone"] == "the server has ended"
    assert "desk " in beside["status"]
