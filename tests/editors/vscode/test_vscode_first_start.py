"""The extension's first start where there is no server yet: it makes an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.editors.vscode.rig import EXTENSION, HERE, NODE, TOOLS, built_vsix, missing

WHEELS = TOOLS / "wheels"
INITIALIZE = {"processId": None, "rootUri": None, "capabilities": {}}

pytestmark = [pytest.mark.editors, pytest.mark.xdist_group("vscode"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    if why := missing(browser=False):
        pytest.skip(why)
    built_vsix()
    if not (WHEELS / ".installed").exists():
        pytest.skip("the server's dependencies are not here: `make vscode` downloads them")


def environment(folder: Path, wheels: Path) -> dict[str, str]:
    """Return where pip knows the wheels of a folder alone, and one Python is on PATH."""
    return {
        "HOME": str(folder),
        "PATH": str(TOOLS / "node" / "bin"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
    }


def start(folder: Path, wheels: Path, **given: Any) -> subprocess.Popen[str]:
    """Return a window that starts the extension; its storage is in the folder."""
    given = {"extension": str(EXTENSION), "storage": str(folder / "storage"), **given}
    return subprocess.Popen(
        [str(NODE), str(HERE / "first_start.mjs")],
        env={**environment(folder, wheels), "AIEX_GIVEN": json.dumps({"settings": {}, **given})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(window: subprocess.Popen[str]) -> dict[str, Any]:
    """Return what a start of the extension found and told."""
    with window:
        out, errors = window.communicate(timeout=120)
    assert window.returncode == 0, out + errors
    said: dict[str, Any] = json.loads(out)
    return said


def started(folder: Path, wheels: Path, **given: Any) -> dict[str, Any]:
    """Return what one window's start found and told, when it has ended."""
    return ended(start(folder, wheels, **given))


def answer(command: list[str], folder: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Return what a server answers to the first request; it ends with its input."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, **request}).encode()
    done = subprocess.run(
        command,
        env={**environment(folder, folder), "AIEX_STATE_DIR": str(folder / "state")},
        input=b"Content-Length: %d\r\n\r\n%s" % (len(body), body),
        cwd=folder,
        capture_output=True,
        timeout=60,
        check=False,
    )
    head, _, rest = done.stdout.partition(b"\r\n\r\n")
    assert head.lower().startswith(b"content-length:"), done.stderr.decode()
    found: dict[str, Any] = json.loads(rest[: int(head.split(b":")[1].split()[0])])
    return found


def test_of_two_windows_that_start_first_one_makes_an_environment_and_both_have_its_server(
    tmp_path: Path,
) -> None:
    windows = [start(tmp_path, WHEELS) for _ in range(2)]
    other, first = sorted(map(ended, windows), key=lambda one: len(one["told"]))
    assert first.get("found"), first
    assert other["found"] == first["found"], other
    assert other["told"] == ["aiex: first start: another window makes the environment"]
    assert first["told"] == [
        "aiex: first start: looking for Python 3.11 or later",
        "aiex: first start: making an environment",
        "aiex: first start: installing aiex-lsp and the built-in model's engine",
        # Its engine is not among the wheels here: the rest is installed all the same.
        "aiex: first start: installing aiex-lsp",
    ]
    command = [first["found"]["command"], *first["found"]["args"]]
    assert Path(command[0]).is_relative_to(tmp_path / "storage")
    said = answer(command, tmp_path, {"method": "initialize", "params": INITIALIZE})
    assert said["result"]["serverInfo"]["name"] == "aiex-lsp"

    later = started(tmp_path, WHEELS)
    assert later["found"] == first["found"]
    assert later["told"] == []
    assert [path.name for path in (tmp_path / "storage").iterdir()] == ["server"]


def test_a_window_that_ended_while_it_made_the_environment_keeps_no_other_from_making_it(
    tmp_path: Path,
) -> None:
    lock = tmp_path / "storage" / "server.lock"
    first = start(tmp_path, WHEELS)
    limit = time.monotonic() + 60
    while not (tmp_path / "storage" / "server" / "bin").exists():
        assert time.monotonic() < limit
        time.sleep(0.01)
    first.kill()
    first.communicate()
    assert lock.exists()
    next_one = started(tmp_path, WHEELS, cancelAt="installing")
    assert next_one["told"][:2] == [
        "aiex: first start: looking for Python 3.11 or later",
        "aiex: first start: making an environment",
    ]
    assert not lock.exists()


def test_where_nothing_can_be_installed_it_says_what_to_do_and_leaves_nothing_half_made(
    tmp_path: Path,
) -> None:
    empty = tmp_path / "no wheels"
    empty.mkdir()
    failed = started(tmp_path, empty)
    assert failed["error"].startswith("aiex could not install aiex-lsp: ERROR: ")
    assert failed["next"] == (
        "Look at the network, or install it yourself and set aiex.server.command."
    )
    assert not (tmp_path / "storage" / "server").exists()


def test_who_cancels_the_first_start_is_told_so_and_nothing_half_made_is_left(
    tmp_path: Path,
) -> None:
    cancelled = started(tmp_path, WHEELS, cancelAt="making")
    assert cancelled["error"].startswith("aiex has no server: you cancelled its installation.")
    assert len(cancelled["told"]) == 2
    assert not (tmp_path / "storage" / "server").exists()
