"""Neovim's `doc/aiex.txt` against the code: what can be typed, set, linked or heard is in it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.editors.neovim_plugin import PLUGIN, needs_neovim, run_plugin

pytestmark = [pytest.mark.editors, needs_neovim]

HELP = (PLUGIN / "doc" / "aiex.txt").read_text(encoding="utf-8")

LUA = """
local function options(table, prefix)
  local found = {}
  for name, value in pairs(table) do
    local inner = type(value) == 'table' and not vim.islist(value)
      and options(value, prefix .. name .. '.')
    if inner then
      found = vim.tbl_extend('force', found, inner)
    else
      found[prefix .. name] = value
    end
  end
  return found
end
print(vim.json.encode({
  commands = require('aiex.command').names(),
  completed = vim.iter(require('aiex.command').names()):fold({}, function(all, name)
    all[name] = require('aiex.command').complete('', 'Aiex ' .. name .. ' ', 100)
    return all
  end),
  options = options(require('aiex.config').defaults, ''),
  links = require('aiex.highlight').links,
  maps = vim.iter(vim.api.nvim_get_keymap('n')):map(function(map) return map.lhs end):totable(),
  both = vim.iter(vim.api.nvim_get_keymap('x')):map(function(map) return map.lhs end):totable(),
  api = vim.tbl_keys(require('aiex')),
}))
"""


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the code knows."""
    found: dict[str, Any] = json.loads(run_plugin(tmp_path_factory.mktemp("help"), LUA))
    return found


def section(tag: str) -> str:
    """Return the text of the help from a section's tag to the next ruler."""
    return HELP.split(f" *{tag}*", 1)[1].split("\n====", 1)[0]


def test_every_command_is_described_and_every_described_one_exists(code):
    described = set(re.findall(r"^:(?:\[range\])?Aiex (\w+)", section("aiex-commands"), re.M))
    assert described == set(code["commands"])


def test_every_fixed_word_that_completes_is_described(code):
    text = section("aiex-commands")
    for name in ("explain", "analyze", "provider"):
        for word in code["completed"][name]:
            assert word in text, f":Aiex {name} {word}"


def test_every_option_is_described_with_its_default(code):
    shown = HELP[HELP.index("require('aiex').setup {\n      enabled") :].split("\n<", 1)[0]
    for path, default in code["options"].items():
        name = path.rsplit(".", 1)[-1]
        found = re.findall(rf"\b{name} = (.*)", shown)
        assert found, path
        if isinstance(default, bool):
            default = str(default).lower()
        if isinstance(default, str | int | float):
            value = re.compile(rf"'?{re.escape(str(default))}'?[, ]")
            assert any(value.match(one) for one in found), path


def test_every_group_is_described_with_its_link(code):
    described = dict(re.findall(r"\b(Aiex\w+) +([A-Z]\w+)", section("aiex-highlights")))
    assert described == code["links"]


def test_every_mapping_is_described_for_its_modes(code):
    both, _, normal = section("aiex-mappings").partition("In Normal mode:")
    plug = re.compile(r"\*(<Plug>\(aiex-\w+\))\*")
    assert set(plug.findall(both)) == {one for one in code["both"] if one.startswith("<Plug>(aiex")}
    assert set(plug.findall(HELP)) == {one for one in code["maps"] if one.startswith("<Plug>(aiex")}
    assert len(plug.findall(normal)) + len(plug.findall(both)) == len(set(plug.findall(HELP)))


def test_every_function_and_event_is_described(code):
    for name in code["api"]:
        assert name == "missing" or f"`{name}(" in section("aiex-lua"), name
    sources = "".join(path.read_text(encoding="utf-8") for path in PLUGIN.rglob("*.lua"))
    for event in re.findall(r"pattern = '(Aiex\w+)'", sources):
        assert f"*{event}*" in HELP
    for kind in re.findall(r"kind = '(aiex_\w+)'", sources):
        assert f"`{kind}`" in HELP, kind


def test_what_is_linked_to_has_a_tag_and_lines_fit():
    tags = set(re.findall(r"\*(\S+)\*", HELP))
    for link in re.findall(r"\|((?::?[Aa]iex|<Plug>\(aiex)\S*)\|", HELP):
        assert link in tags, link
    shown = re.sub(r" >(lua|sh)$", "", HELP, flags=re.M)  # which the help hides
    assert max(len(line) for line in shown.splitlines()) <= 79
