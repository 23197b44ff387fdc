"""Helix as on its page, in a terminal: what a programmer gets there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.editors.emacs_desk import DOCUMENTED, FIXED, Model
from tests.editors.harness import HOVER, REFACTORED, SOURCE, TEST
from tests.editors.helix_desk import HELIX, Helix, helix, missing
from tests.servers.script import Reply

pytestmark = [
    pytest.mark.editors,
    pytest.mark.xdist_group("editors"),
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]

BEFORE = SOURCE[SOURCE.index("def total") :]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Helix]:
    """Yield one Helix for all tests, another server beside aiex."""
    with helix(tmp_path_factory.mktemp("helix")) as editor:
        yield editor


@pytest.fixture
def editor(started: Helix) -> Helix:
    """Return Helix with the source as it was, the cursor on the function's name."""
    started.here.server.answer = Model()
    started.start_over()
    return started


def test_helix_finds_aiex_by_the_page_s_configuration(editor: Helix) -> None:
    ran = subprocess.run(
        [str(HELIX), "--health", "python"],
        env=editor.environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    health = re.sub(r"\x1b\[[\d;]*m", "", ran.stdout)
    assert re.search(r"✓ aiex-lsp: .*/programs/aiex-lsp", health)


def test_helix_lists_the_code_actions_beside_those_of_the_language_s_own_server(
    editor: Helix,
) -> None:
    menu = editor.menu()
    for title in (
        "Own action",
        "Explain `total`",
        "Analyze `total` (security)",
        "Generate tests for `total`",
        "Document `total`",
        "Refactor `total`",
    ):
        assert title in menu


def test_helix_shows_an_explanation_as_a_document_beside_the_code(editor: Helix) -> None:
    editor.choose("Explain `total`")
    shown = editor.sees("# Explain `total`", "## Detail", "desk · gpt-fake")
    assert "def total(prices" in shown
    editor.command("bc")
    editor.sees("def total(prices, discount=0):", not_="## Detail")


def test_helix_shows_findings_as_diagnostics_beside_those_of_others(editor: Helix) -> None:
    editor.choose("Analyze `total` (general)")
    editor.sees("● 2", "1 finding")
    editor.command("bc")
    editor.type("]d")
    editor.sees("No check of the discount", "Own says so")


def test_helix_gets_the_tests_in_their_file_and_shows_it(editor: Helix) -> None:
    editor.choose("Generate tests for `total`")
    editor.sees("from prices import total", "tests/test_prices.py")
    editor.command("wa")
    editor.sees("written")
    written = editor.here.source.parent / "tests" / "test_prices.py"
    assert TEST in written.read_text(encoding="utf-8")
    assert editor.here.source.read_text(encoding="utf-8") == SOURCE


@pytest.mark.parametrize(
    ("action", "code"), [("Document `total`", DOCUMENTED), ("Refactor `total`", REFACTORED)]
)
def test_helix_makes_an_edit_and_takes_it_back_by_one_undo(
    editor: Helix, action: str, code: str
) -> None:
    editor.choose(action)
    editor.sees("prices.py [+]")
    assert editor.text() == SOURCE.replace(BEFORE, code)
    editor.keys("u")
    editor.sees("prices.py [+]")
    assert editor.text() == SOURCE


def test_helix_fixes_what_the_language_s_own_server_reports(editor: Helix) -> None:
    editor.sees("● ")
    editor.type("]d")
    editor.sees(" 6:")
    editor.choose("Fix: Own says so")
    editor.sees("prices.py [+]")
    assert editor.text() == SOURCE.replace(BEFORE, FIXED)


def test_helix_never_edits_text_that_has_changed_meanwhile(editor: Helix) -> None:
    asked: list[dict[str, Any]] = []

    def answer(body: dict[str, Any]) -> Reply:
        asked.append(body)
        return Reply(f"Shorter:\n\n```python\n{REFACTORED}```", first_token=1.0)

    editor.here.server.answer = answer
    editor.choose("Refactor `total`")
    editor.until("the model is asked", lambda: bool(asked))
    editor.command("6")
    editor.type("wi2 * ")
    editor.escape()
    editor.sees("# Refactor `total`", "-discount + sum(prices)")  # shown, not made
    editor.command("bc")
    text = editor.text()
    assert "2 * " in text
    assert "-discount" not in text


def test_helix_runs_a_template_of_one_s_own(editor: Helix) -> None:
    editor.choose("Explain to a beginner")
    editor.sees("Adds up the prices", "## Detail")


def test_helix_keys_of_the_page_tell_who_answers(editor: Helix) -> None:
    editor.type(" ip")
    editor.sees("PROVIDER", "desk ", "healthy")


def test_helix_hovers_with_the_language_s_own_text_while_the_model_is_slow(editor: Helix) -> None:
    editor.here.server.answer = lambda body: Reply(HOVER, first_token=10)
    editor.type(" k")
    editor.sees("Own documentation", limit=2)


def test_helix_hovers_are_the_explanation_at_the_latest_the_second_time(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with helix(tmp_path_factory.mktemp("alone"), own=False) as alone:
        alone.here.server.answer = Model()
        alone.sees("def total")
        alone.to_total()

        def hovered() -> str:
            alone.escape()
            alone.type(" k")
            return alone.sees("", limit=1) if HOVER in alone.screen() else ""

        alone.until("hover", hovered)
