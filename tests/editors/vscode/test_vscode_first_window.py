"""The first start in the real VS Code, where no `aiex-lsp` is on PATH."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.editors.harness import desk
from tests.editors.vscode.conftest import SETTINGS
from tests.editors.vscode.rig import (
    NODE,
    TOOLS,
    CodeServer,
    built_vsix,
    drive,
    environment,
    missing,
    saw,
    serving,
)

WHEELS = TOOLS / "wheels"

pytestmark = [pytest.mark.editors, pytest.mark.xdist_group("vscode"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what was seen in a window that had nothing to install from, and then had."""
    if why := missing():
        pytest.skip(why)
    vsix = built_vsix()
    if not (WHEELS / ".installed").exists():
        pytest.skip("the server's dependencies are not here: `make vscode` downloads them")
    folder = tmp_path_factory.mktemp("first")
    wheels = folder / "wheels"

    def connect() -> None:
        wheels.symlink_to(WHEELS)

    with desk(folder) as here:
        found = environment(here.environment, folder)
        code = CodeServer(
            folder,
            {
                **found,
                "PATH": os.pathsep.join([str(TOOLS / "node" / "bin"), str(NODE.parent), "/bin"]),
                "PIP_CONFIG_FILE": os.devnull,
                "PIP_NO_INDEX": "1",
                "PIP_FIND_LINKS": str(wheels),
            },
        )
        code.settings(**SETTINGS)
        code.install(vsix)
        with serving(code):
            given = {"project": str(here.source.parent)}
            return {
                **drive("first_window.mjs", code, {"connect": connect}, **given),
                "storage": folder / "vscode" / "User" / "globalStorage",
            }


def test_where_nothing_can_be_installed_the_window_says_what_to_do(first: dict[str, Any]) -> None:
    seen = saw(first, "nothing to install")
    assert seen["why"].startswith("aiex could not install aiex-lsp: ")
    assert ". Look at the network, or install it yourself and set aiex.server" in seen["why"]


def test_try_again_makes_an_environment_with_progress_and_explains(first: dict[str, Any]) -> None:
    seen = saw(first, "installed")
    assert seen["progress"].startswith("aiex: first start: ")
    assert "desk" in seen["label"]
    assert "Adds up the prices" in seen["text"]
    assert list(first["storage"].glob("*/server/aiex-source.txt"))


def test_nothing_but_this_machine_was_asked(first: dict[str, Any]) -> None:
    assert saw(first, "foreign") == []
