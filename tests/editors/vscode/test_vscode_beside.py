"""The real VS Code with another server in the same document, which is not delayed or hidden."""

from __future__ import annotations

from statistics import median
from typing import Any

import pytest

from tests.editors.vscode.rig import saw

pytestmark = [pytest.mark.editors, pytest.mark.xdist_group("vscode"), pytest.mark.timeout(420)]

OTHER = "other: a function"
LOOKS = [f"{mode}, {when}" for mode in ("cached", "on") for when in ("before", "after")]
"""How aiex hovers, and whether the other server came before it or after."""


@pytest.mark.parametrize("look", LOOKS)
def test_hovers_beside_another_server_show_within_400_ms_though_the_model_takes_ten_seconds(
    seen: dict[str, Any], look: str
) -> None:
    hovers = saw(seen, f"api beside, {look}")["hovers"]
    assert median(one["ms"] for one in hovers) < 400, hovers
    for hover in hovers:
        texts = hover["texts"]
        assert texts.count(OTHER) == 1
        assert len(texts) == 2
    said = {text for hover in hovers for text in hover["texts"]} - {OTHER}
    (own,) = said
    assert own.startswith("aiex: explaining `pay`" if look.startswith("on") else "[Explain `pay`]")


def test_the_other_server_s_hover_stands_above_whoever_came_first(seen: dict[str, Any]) -> None:
    shown = saw(seen, "hovers above one another")
    for order in ("before", "after"):
        assert shown[order].startswith(OTHER)
        assert shown[order].count(OTHER) == 1


@pytest.mark.parametrize("look", LOOKS)
def test_the_other_server_s_completions_problems_and_preferred_fix_are_as_without_aiex(
    seen: dict[str, Any], look: str
) -> None:
    found = saw(seen, f"api beside, {look}")
    assert found["actions"] == [["Other: mend it", True], ["Fix: no coin", False]]
    assert found["completed"] == ["other_one"]
    assert found["reported"] == [["other", "no coin"]]
