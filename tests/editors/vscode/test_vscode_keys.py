"""The keys of the extension beside those that VS Code and its own extensions have by default."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.editors.vscode.rig import CODE_SERVER, EXTENSION, missing, saw

pytestmark = [pytest.mark.editors, pytest.mark.xdist_group("vscode"), pytest.mark.timeout(420)]

VSCODE = CODE_SERVER.parents[2] / "lib" / "vscode"
ALT_I = 512 + 39
"""As VS Code counts keys; on a Mac 256 is Ctrl."""
CTRL_ALT_I = 256 + ALT_I
CTRL_K = 2048 + 41


def begun() -> set[int]:
    """Return each key or first key of a chord that VS Code's own commands have on any platform."""
    source = (VSCODE / "out/vs/code/browser/workbench/workbench.js").read_text(encoding="utf-8")
    chord = re.search(rf"primary:([\w$]+)\({CTRL_K},", source)
    assert chord is not None, "chords are written in another way now"
    name = re.escape(chord[1])
    keys = re.findall(rf"(?:primary:|secondary:\[|\b{name}\()(\d+)", source)
    for group in re.findall(r"secondary:\[([\d,]+)\]", source):
        keys += group.split(",")
    return {int(one) for one in keys}


@pytest.fixture(scope="module", autouse=True)
def _there() -> None:
    if why := missing():
        pytest.skip(why)


def test_no_key_of_vs_code_on_any_platform_begins_as_ours() -> None:
    keys = begun()
    assert CTRL_K in keys
    assert len(keys) > 300
    assert not keys & {ALT_I, CTRL_ALT_I}


def test_no_key_of_an_extension_that_comes_with_vs_code_begins_as_ours() -> None:
    found = set()
    for path in (VSCODE / "extensions").glob("*/package.json"):
        bound = json.loads(path.read_text(encoding="utf-8")).get("contributes", {})
        for one in bound.get("keybindings", []):
            found |= {one[key].lower() for key in ("key", "mac", "win", "linux") if key in one}
    assert len(found) > 20
    assert not [one for one in found if re.match(r"(ctrl\+)?alt\+i\b", one)]


def test_in_the_running_vs_code_only_ours_begin_with_alt_i(seen: dict[str, Any]) -> None:
    keys = saw(seen, "api keys")
    manifest = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
    ours = {(one["key"], one["command"]) for one in manifest["contributes"]["keybindings"]}
    assert {(key, command) for key, command in keys if re.match(r"alt\+i\b", key)} == ours
    assert len(keys) > 500
