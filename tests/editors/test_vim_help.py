"""Vim's `doc/aiex.txt` against the code: what can be typed, set or called is in it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.editors.harness import PAGES

VIM = shutil.which("vim")
PLUGIN = PAGES / "vim"
HELP = (PLUGIN / "doc" / "aiex.txt").read_text(encoding="utf-8")
SOURCES = "".join(path.read_text(encoding="utf-8") for path in PLUGIN.rglob("*.vim"))

pytestmark = [
    pytest.mark.editors,
    pytest.mark.skipif(VIM is None, reason="no vim on PATH"),
]

QUIET = ["-N", "-u", "NONE", "-i", "NONE", "-n", "-es", "--not-a-term"]
LOOK = (
    "call writefile([json_encode({'names': aiex#names(), 'words':"
    " map(copy(aiex#names()), {_, name -> [name, name ==# 'run' ? []"
    " : aiex#complete#words('', 'Aiex ' . name . ' ', 99)]})})], 'seen.json')"
)


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the code knows."""
    assert VIM is not None
    folder: Path = tmp_path_factory.mktemp("help")
    subprocess.run(
        [VIM, *QUIET, "-c", f"set runtimepath^={PLUGIN}", "-c", LOOK, "-c", "qall!"],
        cwd=folder,
        env={"HOME": str(folder), "PATH": "", "TERM": "dumb"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=20,
        check=False,
    )
    found: dict[str, Any] = json.loads((folder / "seen.json").read_text(encoding="utf-8"))
    return found


def test_every_command_is_described_and_every_described_one_exists(code):
    described = re.findall(r"^:(?:\[range\])?Aiex (\w+)", HELP, re.M)
    assert sorted(described) == code["names"]


def test_every_word_that_completes_is_described(code):
    for name, words in code["words"]:
        for word in words if name in ("explain", "analyze") else []:
            assert f"`{word}`" in HELP, f":Aiex {name} {word}"


def test_every_option_and_public_function_has_a_tag():
    for option in set(re.findall(r"g:, '(aiex_\w+)'", SOURCES)):
        assert f"*g:{option}*" in HELP
    for function in ("aiex#status()", "aiex#ale#setup()"):
        assert f"*{function}*" in HELP
        assert f"function! {function}" in SOURCES


def test_what_is_linked_to_has_a_tag_and_lines_fit():
    tags = set(re.findall(r"\*(\S+)\*", HELP))
    for link in re.findall(r"\|(:?[Aa]iex[-\w]*)\|", HELP):
        assert link in tags, link
    assert max(len(line.removesuffix(" >vim")) for line in HELP.splitlines()) <= 80
