"""What the tests of the Neovim plugin share: the editor, its page's configuration, a desk."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.editors.harness import PAGES, SOURCE, Desk, _environment, answer, seen_by
from tests.editors.neovim_provider import DirectedServer
from tests.servers.base import serve_in_thread

NEOVIM = (
    os.environ.get("AIEX_NVIM")
    or shutil.which("nvim", path=str(Path(sys.executable).parent))
    or shutil.which("nvim")
)
PLUGIN = PAGES / "neovim"
HERE = Path(__file__).parent

needs_neovim = pytest.mark.skipif(NEOVIM is None, reason="no nvim on PATH and AIEX_NVIM is not set")


def page_block(holds: str) -> str:
    """Return the page's block of Lua that holds a text, with this clone's path in it."""
    text = (PAGES / "neovim.md").read_text(encoding="utf-8")
    for block in re.findall(r"^```lua\n(.*?)^```$", text, re.M | re.S):
        if holds in block:
            return str(block).replace("/path/to/clone", str(PAGES.parent))
    raise AssertionError(f"neovim.md has no block with {holds}")


def make_project(folder: Path) -> Path:
    """Return the source file of a new project with another test in it."""
    project = folder / "project"
    (project / "tests").mkdir(parents=True)
    (project / ".git").mkdir()
    (project / "pyproject.toml").write_text('[project]\nname = "prices"\nversion = "1"\n')
    (project / "tests" / "test_other.py").write_text("def test_other():\n    assert True\n")
    source = project / "prices.py"
    source.write_text(SOURCE, encoding="utf-8")
    return source


def sit_down(
    folder: Path,
    script: str,
    *,
    init: str | None = None,
    prepare: Callable[[Path], None] = lambda _folder: None,
    rtp: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return what the programmer of a script saw; `prompts` are the texts the provider got."""
    source = make_project(folder)
    prepare(folder)
    start = folder / "init.lua"
    text = page_block("rtp:prepend") if init is None else init
    if rtp is not None:
        text += f"vim.opt.rtp:append({str(rtp)!r})\n"
    start.write_text(text, encoding="utf-8")
    with serve_in_thread(DirectedServer(folder, answer=answer)) as server:
        config = folder / "config.toml"
        config.write_text(
            'default_provider = "desk"\nfallback_providers = ["spare"]\n'
            "[cache]\nttl = 0\n[retry]\nbackoff = 0.05\njitter = 0.05\n"
            + "".join(
                f'[providers.{name}]\ntype = "openai"\nlocal = true\n'
                f'default_model = "gpt-fake"\nbase_url = "{server.base_url}"\n'
                for name in ("desk", "spare")
            ),
            encoding="utf-8",
        )
        here = Desk(folder, _environment(folder, config), server)
        seen = seen_by(
            here,
            [*editor(start), "-c", f"luafile {HERE / script}"],
            AIEX_DESK=str(folder),
            AIEX_HELPERS=str(HERE),
            AIEX_SOURCE=str(source),
            **(environment or {}),
        )
        seen["prompts"] = [
            "\n".join(str(message["content"]) for message in one.json["messages"])
            for one in server.generations
        ]
        return seen


def editor(init: Path | str) -> list[str]:
    """Return the command that starts Neovim with one configuration and nothing else."""
    assert NEOVIM is not None
    return [NEOVIM, "--headless", "-n", "-i", "NONE", "-u", str(init)]


def run_plugin(folder: Path, lua: str) -> str:
    """Return what Lua code prints in a Neovim that has the plugin and no configuration."""
    script = folder / "script.lua"
    script.write_text(
        f"vim.opt.rtp:prepend({str(PLUGIN)!r})\nvim.cmd.runtime('plugin/aiex.lua')\n{lua}\n",
        encoding="utf-8",
    )
    ran = subprocess.run(
        [*editor("NONE"), "-l", str(script)],
        capture_output=True,
        timeout=20,
        check=False,
        env={"HOME": str(folder), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )
    return (ran.stdout + ran.stderr).decode("utf-8")
