"""Neovim with the language's own server and aiex in one buffer: the other's work is untouched.

The model takes ten seconds for a hover, the other server 50 ms for anything.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.editors.harness import PAGES, answer, desk, seen_by
from tests.editors.node_tools import PYRIGHT, why_no_node
from tests.editors.test_editor_neovim import NVIM
from tests.servers.script import Reply

SOURCE = '''\
"""Prices."""


def total(prices: list[float], discount: float = 0) -> float:
    """Return the sum of prices less a discount."""
    return sum(prices, "😀é".count("x")) - discount


def shout(name: str) -> str:
    """Return a name, loud."""
    return name.upper() + "!"


def listed(names: list[str]) -> str:
    """Return names in a row."""
    return ", ".join(names)


wrong: int = shout("no number")
'''

HOVER_LIMIT = 400
"""Milliseconds from the key to the float, with a model that takes ten seconds."""

START_LIMIT = 1000
"""The same in the first second of a server, whose start takes both cores."""

INIT = """
vim.o.completeopt = 'menuone,noselect'
vim.lsp.config('{name}', {{
  cmd = {command}, filetypes = {{ 'python' }}, root_markers = {{ '.git' }},
}})
vim.lsp.enable('{name}')
function _G.start_aiex()
{aiex}
end
"""

PLAIN = """
vim.lsp.config('aiex', {
  cmd = { 'aiex-lsp', 'serve' }, filetypes = { 'python' }, root_markers = { '.git' },
  capabilities = { general = { positionEncodings = { 'utf-16' } } },
})
vim.lsp.enable('aiex')
"""

PLUGIN = f"""
vim.opt.rtp:prepend('{PAGES / "neovim"}')
require('aiex').setup {{}}
"""

pytestmark = [
    pytest.mark.editors,
    pytest.mark.alone,
    pytest.mark.xdist_group("beside"),
    pytest.mark.skipif(NVIM is None, reason="no nvim on PATH and AIEX_NVIM is not set"),
]


def slow(body: dict[str, Any]) -> Reply:
    """Answer a hover after ten seconds, all else at once."""
    reply = answer(body)
    if "small window" in "\n".join(str(message["content"]) for message in body["messages"]):
        return Reply(reply.text, first_token=10.0)
    return reply


def sit_down(folder: Path, name: str, command: list[str], aiex: str) -> dict[str, Any]:
    """Return what the programmer of beside.lua saw."""
    assert NVIM is not None
    init = folder / "init.lua"
    quoted = "{ " + ", ".join(f"[=[{part}]=]" for part in command) + " }"
    init.write_text(INIT.format(name=name, command=quoted, aiex=aiex), encoding="utf-8")
    script = Path(__file__).with_name("beside.lua")
    with desk(folder) as here:
        here.server.answer = slow
        here.source.write_text(SOURCE, encoding="utf-8")
        run = [NVIM, "--headless", "-n", "-i", "NONE", "-u", str(init), str(here.source)]
        return seen_by(here, [*run, "-c", f"luafile {script}"], AIEX_OTHER=name)


@pytest.fixture(scope="module", params=[PLAIN, PLUGIN], ids=["plain", "plugin"])
def seen(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Return what is seen beside the scripted server, by the bare configuration and the plugin."""
    command = [sys.executable, str(Path(__file__).with_name("beside_server.py"))]
    folder = tmp_path_factory.mktemp("beside")
    return sit_down(folder, "other", command, request.param)


@pytest.fixture(scope="module")
def pyright(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what is seen beside pyright."""
    if (reason := why_no_node()) is not None:
        pytest.skip(reason)
    command = [str(shutil.which("node")), str(PYRIGHT), "--stdio"]
    return sit_down(tmp_path_factory.mktemp("pyright"), "pyright", command, PLUGIN)


def test_hover_shows_within_400_ms_though_the_model_takes_ten_seconds(seen: dict[str, Any]) -> None:
    took = [round(hover["ms"]) for hover in seen["hovers"]]
    assert max(took) < HOVER_LIMIT, (took, seen["alone"]["hover_ms"])


def test_hover_is_held_up_by_no_server_that_is_just_starting(seen: dict[str, Any]) -> None:
    took = [round(hover["ms"]) for hover in seen["first_hovers"]]
    assert max(took) < START_LIMIT, (took, seen["alone"]["hover_ms"])


def test_the_others_hover_is_shown_whole_and_once(seen: dict[str, Any]) -> None:
    assert seen["alone"]["hover"] == "other: a function"
    for hover in (*seen["first_hovers"], *seen["hovers"]):
        assert hover["text"].count("other: a function") == 1
        assert hover["text"].count("# other") == hover["text"].count("# aiex") <= 1
    assert "aiex: explaining `total`…, hover again" in seen["hovers"][0]["text"]


def test_completion_is_the_others_alone(seen: dict[str, Any]) -> None:
    assert seen["completion"]["words"] == ["other_one", "other_two"]
    assert seen["completion"]["words"] == seen["alone"]["completion"]["words"]
    assert seen["completion"]["ms"] < HOVER_LIMIT


def test_aiex_claims_nothing_that_the_languages_server_does(seen: dict[str, Any]) -> None:
    assert sorted(seen["claims"]) == [
        "codeActionProvider",
        "executeCommandProvider",
        "experimental",
        "hoverProvider",
        "notebookDocumentSync",
        "positionEncoding",
        "textDocumentSync",
        "workspace",
    ]


def test_diagnostics_keep_their_source_and_number(seen: dict[str, Any]) -> None:
    assert [one["source"] for one in seen["diagnostics"]] == ["other"]
    assert seen["diagnostics"] == seen["alone"]["diagnostics"]


def test_findings_come_beside_the_others_diagnostics_and_go_alone(seen: dict[str, Any]) -> None:
    assert [one["source"] for one in seen["with_findings"]] == ["aiex", "other"]
    assert seen["after_findings"] == seen["alone"]["diagnostics"]


def test_the_others_diagnostics_follow_a_change_at_once(seen: dict[str, Any]) -> None:
    assert seen["diagnostics_ms"] < HOVER_LIMIT


def test_the_others_quick_fix_is_offered_first_and_once(seen: dict[str, Any]) -> None:
    assert seen["actions"][0] == "other: Other: spell it out"
    assert sum(one.startswith("other:") for one in seen["actions"]) == 1
    assert "aiex: Explain `total`" in seen["actions"]


def test_a_key_for_the_preferred_quick_fix_applies_the_others_and_asks_nothing(
    seen: dict[str, Any],
) -> None:
    """Neovim gives a server its own diagnostics only; by the plugin aiex has a fix of its own."""
    assert '"😀é".count("x")) - price_reduction\n' in seen["fixed"]
    assert seen.get("fixed_only", seen["fixed"]) == seen["fixed"]
    assert not seen["fix_asked"]


def test_rename_format_and_definition_go_to_the_other_alone(seen: dict[str, Any]) -> None:
    assert '"😀é".count("x")) - rebate\n' in seen["renamed"]
    assert seen["formatted"].count("# formatted by other") == 1
    assert seen["jumped"]
    assert "notified" not in seen


def test_what_the_other_shows_at_its_words_stays_where_it_is(seen: dict[str, Any]) -> None:
    """Semantic tokens, inlay hints, highlights, signature help and symbols, after wide characters.

    The other counts columns in utf-16 units.
    """
    alone = seen["alone"]["marks"]
    line = SOURCE.splitlines()[5]
    start = len(line[: line.index("discount")].encode())
    assert alone["tokens"] == [["parameter", start, start + len("discount"), "other"]]
    assert [hint[0] for hint in alone["hints"]] == [": other"] * 3
    assert [5, start, start + len("discount")] in alone["highlights"]
    assert "other(prices, discount)" in alone["help"]
    assert alone["symbols"] == ["[Function] other_symbol"]
    assert seen["marks"] == alone


def test_neovim_has_nothing_to_warn_of(seen: dict[str, Any]) -> None:
    """A buffer whose servers count columns differently is worth a warning."""
    assert seen["columns"] == {"other": "utf-16", "aiex": "utf-16"}
    assert "different position encodings" not in seen["health"]
    assert "Position Encodings" in seen["health"]


def test_pyright_hovers_within_400_ms_with_its_own_text_once(pyright: dict[str, Any]) -> None:
    took = [round(hover["ms"]) for hover in pyright["hovers"]]
    assert max(took) < HOVER_LIMIT, (took, pyright["alone"]["hover_ms"])
    for hover in pyright["hovers"]:
        assert hover["text"].count("(function)") == 1
    assert "hover again" in pyright["hovers"][0]["text"]


def test_pyright_keeps_its_diagnostics(pyright: dict[str, Any]) -> None:
    assert {one["source"].lower() for one in pyright["diagnostics"]} == {"pyright"}
    assert pyright["diagnostics"] == pyright["alone"]["diagnostics"]
    assert pyright["after_findings"] == pyright["alone"]["diagnostics"]
    sources = [one["source"].lower() for one in pyright["with_findings"]]
    assert sorted(set(sources)) == ["aiex", "pyright"]


def test_pyright_completes_as_it_does_alone(pyright: dict[str, Any]) -> None:
    assert "upper" in pyright["completion"]["words"]
    assert pyright["completion"]["words"] == pyright["alone"]["completion"]["words"]
