"""One sitting at the real VS Code for all tests of this folder, and what they read it by."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.editors.harness import REFACTORED, SOURCE, desk
from tests.editors.vscode.providers import HOSTILE, TEMPLATE, TILL, TWO_FILES, two_providers
from tests.editors.vscode.rig import (
    EXTENSION,
    HERE,
    CodeServer,
    alive,
    built_vsix,
    drive,
    environment,
    missing,
    recorded,
    sent,
    serving,
)

SECRET = "sk-ant-of-the-programmer-0123456789"
SETTINGS = {
    "chat.disableAIFeatures": True,
    "files.autoSave": "off",
    "workbench.startupEditor": "none",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.colorTheme": "Default Dark Modern",
    "editor.minimap.enabled": False,
    # What blinks, moves or watches costs the machine time that the tests wait for.
    "editor.cursorBlinking": "solid",
    "workbench.reduceMotion": "on",
    "git.enabled": False,
    # It tells of ports that other tests open meanwhile, over what is clicked here.
    "remote.autoForwardPorts": False,
    "aiex.health.interval": 0,
}


def keys() -> dict[str, list[str]]:
    """Return the keys of each command of the extension, as the browser presses them."""
    package = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
    return {
        binding["command"]: [
            "+".join({"ctrl": "Control", "alt": "Alt", "shift": "Shift"}.get(k, k) for k in one)
            for one in (chord.split("+") for chord in binding["key"].split())
        ]
        for binding in package["contributes"].get("keybindings", [])
    }


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Yield what was seen in one sitting; the keys are the steps of `vscode/desk.mjs`."""
    if why := missing():
        pytest.skip(why)
    vsix = built_vsix()
    folder = tmp_path_factory.mktemp("vscode")
    with desk(folder) as here, two_providers(folder / "config.toml") as providers:
        project = here.source.parent
        templates = project / ".aiex" / "templates"
        templates.mkdir(parents=True)
        (templates / "haiku.md.j2").write_text(TEMPLATE)
        (project / "till.py").write_text(TILL)
        shutil.copy(EXTENSION / "media" / "icon.png", project / "seal.png")
        other = folder / "other"
        other.mkdir()
        (other / "prices.py").write_text(SOURCE, encoding="utf-8")
        workspace = folder / "two.code-workspace"
        folders = json.dumps({"folders": [{"path": "project"}, {"path": "other"}]})
        # Over a megabyte: VS Code (`onWorkspaceConfigurationChanged`) loses the folders where the
        # answers for this file and for its own cache of it arrive in one piece.
        workspace.write_text(f"// {'-' * 2**20}\n{folders}")
        results = folder / "api.json"
        code = CodeServer(
            folder, {**environment(here.environment, folder), "AIEX_API": str(results)}
        )
        code.settings(**SETTINGS)
        shutil.copytree(HERE / "api-tests", folder / "extensions" / "aiex-tests.api-tests-1.0.0")
        shutil.copytree(
            HERE / "python-extension", folder / "extensions" / "ms-python.python-2026.1.0"
        )
        installed = code.install(vsix)

        def servers() -> list[dict[str, Any]]:
            return [
                {
                    "environment": lines[0]["environment"],
                    "origin": lines[0]["origin"],
                    "methods": [one["client"].get("method") for one in lines if "client" in one],
                    "commands": [one["command"] for one in sent(lines, "workspace/executeCommand")],
                }
                for lines in recorded(folder)
            ]

        controls = {
            "servers": servers,
            "requests": lambda method: sum(
                (one["methods"] + one["commands"]).count(method) for one in servers()
            ),
            "params": lambda method: [
                one for lines in recorded(folder) for one in sent(lines, method)
            ],
            "kill": lambda: os.kill(recorded(folder)[-1][0]["pid"], signal.SIGKILL),
            "stop": providers.stop,
            "start": providers.start,
            "slow": providers.slow,
            "say": providers.say,
            "asked": providers.asked,
            "cut": providers.cut,
        }
        with serving(code):
            found = drive(
                "desk.mjs",
                code,
                controls,
                project=str(project),
                workspace=str(workspace),
                secret=SECRET,
                api=str(results),
                keys=keys(),
                hostile=HOSTILE,
                twoFiles=TWO_FILES,
                refactored=f"```python\n{REFACTORED}```",
            )
        found |= {"installed": installed, "folder": folder, "servers": ended(folder)}
        found["alive"] = [lines[0]["pid"] for lines in found["servers"] if alive(lines)]
        yield found


def ended(folder: Path) -> list[list[dict[str, Any]]]:
    """Return what the servers heard and said, when all have ended or ten seconds later."""
    limit = time.monotonic() + 10
    while any(alive(lines) for lines in recorded(folder)) and time.monotonic() < limit:
        time.sleep(0.05)
    return recorded(folder)
