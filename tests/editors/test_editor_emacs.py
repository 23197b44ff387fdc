"""Emacs and eglot with the configuration of their page: what a programmer gets there."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.editors.harness import REFACTORED, SOURCE, desk, seen_by, snippet

EMACS = shutil.which("emacs")


@cache
def missing() -> str | None:
    """Return why these tests cannot run, None where they can."""
    if EMACS is None:
        return "no emacs on PATH"
    looked = subprocess.run(
        [EMACS, "--batch", "--eval", "(progn (package-initialize) (require 'eglot))"],
        capture_output=True,
        check=False,
        timeout=30,
    )
    return "this emacs has no eglot" if looked.returncode else None


pytestmark = [
    pytest.mark.editors,
    pytest.mark.xdist_group("editors"),
    pytest.mark.skipif("missing() is not None", reason="no emacs with eglot is installed"),
]


def sit_down(folder: Path, *, plain: bool) -> dict[str, Any]:
    """Return what the programmer of emacs.el saw."""
    assert EMACS is not None
    text = snippet("emacs.md", "elisp")
    if plain:
        text = text.replace(":showMarkdown t", ":showMarkdown :json-false")
    init = folder / "init.el"
    init.write_text(text, encoding="utf-8")
    script = Path(__file__).with_name("emacs.el")
    with desk(folder) as here:
        return seen_by(
            here,
            [EMACS, "--batch", "--eval", "(package-initialize)", "-l", str(script)],
            AIEX_INIT=str(init),
            AIEX_SOURCE=str(here.source),
            AIEX_PLAIN="1" if plain else "0",
        )


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return sit_down(tmp_path_factory.mktemp("emacs"), plain=False)


def test_emacs_hovers_are_the_explanation_at_the_latest_the_second_time(
    seen: dict[str, Any],
) -> None:
    assert "Sums prices" in seen["hover_first"] or "hover again" in seen["hover_first"]
    assert "Sums prices less a discount." in seen["hover_second"]


def test_emacs_lists_the_code_actions(seen: dict[str, Any]) -> None:
    for title in (
        "Explain `total`",
        "Analyze `total` (security)",
        "Generate tests for `total`",
        "Document `total`",
        "Refactor `total`",
    ):
        assert title in seen["actions"]


def test_emacs_shows_the_explanation_in_the_buffer_of_the_page(seen: dict[str, Any]) -> None:
    assert "Adds up the prices" in seen["explanation"]


def test_emacs_shows_findings_by_flymake(seen: dict[str, Any]) -> None:
    assert len(seen["findings"]) == 1
    assert "No check of the discount" in seen["findings"][0]


def test_emacs_gets_the_tests_in_their_file_after_its_own_question(seen: dict[str, Any]) -> None:
    assert "test_prices.py" in seen["asked"]
    assert seen["tests_file"].endswith("/tests/test_prices.py")
    assert "from prices import total" in seen["tests"]
    assert seen["source_after"] == SOURCE


def test_emacs_gets_a_refactored_function_and_takes_it_back_by_one_undo(
    seen: dict[str, Any],
) -> None:
    before = SOURCE[SOURCE.index("def total") :]
    assert seen["refactored"] == SOURCE.replace(before, REFACTORED)
    assert seen["undone"] == SOURCE


def test_emacs_without_the_view_is_told_in_a_message(tmp_path: Path) -> None:
    seen = sit_down(tmp_path, plain=True)
    assert any("Adds up the prices" in message for message in seen["said"])
