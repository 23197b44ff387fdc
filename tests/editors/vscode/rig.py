"""The real VS Code as code-server, a browser before it, and scripted providers behind it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
TOOLS = ROOT / ".tools" / "vscode"
NODE = TOOLS / "bin" / "node"
CODE_SERVER = TOOLS / "code" / "node_modules" / "code-server" / "out" / "node" / "entry.js"
EXTENSION = ROOT / "editors" / "vscode"
VSIX = EXTENSION / "dist" / "aiex-lsp.vsix"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CLOSED = "http://127.0.0.1:9"
"""A port where nobody listens: whatever asks the gallery is refused at once."""

QUIET = (
    "--auth",
    "none",
    "--bind-addr",
    "127.0.0.1:0",
    "--disable-telemetry",
    "--disable-update-check",
    "--disable-getting-started-override",
)

Controls = dict[str, Callable[..., Any]]


def missing(*, browser: bool = True) -> str | None:
    """Return why VS Code cannot be driven here, None if it can."""
    if not (TOOLS / ".installed").exists():
        return "no VS Code here: `make vscode-tools` installs one into .tools/vscode"
    if browser and CHROMIUM is None:
        return "no chromium on PATH: `apt-get install chromium`"
    return None


def npm(*arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Return how npm ended in the extension's folder."""
    return subprocess.run(
        [str(NODE.with_name("npm")), *arguments],
        cwd=EXTENSION,
        env={**os.environ, "PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def built_vsix() -> Path:
    """Return the extension's file, built anew if its sources changed."""
    made = subprocess.run(
        ["make", "--silent", "vscode", f"PYTHON={sys.executable}"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert made.returncode == 0, f"make vscode failed:\n{made.stdout}\n{made.stderr}"
    return VSIX


@dataclass
class CodeServer:
    """A running code-server: where it listens and where it keeps its things."""

    folder: Path
    environment: dict[str, str]
    url: str = ""
    log: list[str] = field(default_factory=list)

    def arguments(self) -> list[str]:
        return [
            str(NODE),
            str(CODE_SERVER),
            "--user-data-dir",
            str(self.folder / "vscode"),
            "--extensions-dir",
            str(self.folder / "extensions"),
        ]

    def settings(self, **values: Any) -> None:
        """Write the user's settings; a running window takes them over at once."""
        path = self.folder / "vscode" / "User" / "settings.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values, indent=2), encoding="utf-8")

    def install(self, vsix: Path) -> str:
        """Return what code-server says of the installation of an extension."""
        done = subprocess.run(
            [*self.arguments(), "--install-extension", str(vsix)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@contextmanager
def serving(code: CodeServer) -> Iterator[CodeServer]:
    """Yield code-server when it listens on a port of its own choice; nothing of it stays."""
    process = subprocess.Popen(
        [*code.arguments(), *QUIET],
        env=code.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    listens = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            code.log.append(line.rstrip())
            if found := re.search(r"HTTP server listening on (http://\S+?)/?$", line.strip()):
                code.url = found[1]
                listens.set()
        listens.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        assert listens.wait(30), "code-server does not start: " + "\n".join(code.log)
        assert code.url, "code-server ended: " + "\n".join(code.log)
        yield code
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait(10)
        reader.join(10)
        if process.stdout is not None:
            process.stdout.close()


def environment(base: dict[str, str], folder: Path) -> dict[str, str]:
    """Return a desk's environment: a recording `aiex-lsp` first on PATH, another in a Python."""
    programs = folder / "bin"
    programs.mkdir()
    records = folder / "records"
    records.mkdir()
    recorder = programs / "aiex-lsp"
    recorder.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{HERE / "recorder.py"}" "$@"\n')
    recorder.chmod(0o755)
    python = folder / "selected-python"
    python.write_text(
        '#!/bin/sh\ncase "$*" in *"-m aiex_lsp"*) export AIEX_ORIGIN=selected\n'
        f'exec "{recorder}" serve;; esac\nexec "{sys.executable}" "$@"\n'
    )
    python.chmod(0o755)
    return {
        **base,
        "AIEX_PYTHON": str(python),
        "PATH": os.pathsep.join([str(programs), str(NODE.parent), base["PATH"]]),
        # A login shell would put its own PATH over this one.
        "VSCODE_CLI": "1",
        "AIEX_REAL": str(Path(sys.executable).with_name("aiex-lsp")),
        "AIEX_RECORDS": str(records),
        "EXTENSIONS_GALLERY": json.dumps(
            {
                "serviceUrl": CLOSED,
                "itemUrl": CLOSED,
                "resourceUrlTemplate": CLOSED + "/{publisher}/{name}",
            }
        ),
    }


def recorded(folder: Path) -> list[list[dict[str, Any]]]:
    """Return what each server process heard and said, the first to start first."""
    files = (folder / "records").glob("*.jsonl")
    servers = [[json.loads(line) for line in file.read_text().splitlines()] for file in files]
    return sorted((lines for lines in servers if lines), key=lambda lines: lines[0]["began"])


def alive(lines: list[dict[str, Any]]) -> bool:
    """Return whether a recorded server still runs."""
    try:
        state = Path(f"/proc/{lines[0]['pid']}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def drive(script: str, code: CodeServer, controls: Controls, **values: Any) -> dict[str, Any]:
    """Return what the programmer of a script saw, step by step.

    The script prints a JSON line a step (`{step, saw}` or `{step, stuck}`), and asks for what only
    this side can do by `{ask, arguments}`; the answer goes to its standard input.
    """
    screenshots = Path(os.environ.get("AIEX_SCREENSHOTS", ROOT / ".tools" / "screenshots"))
    screenshots.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [str(NODE), str(HERE / script)],
        env={
            **code.environment,
            "AIEX_CHROMIUM": str(CHROMIUM),
            "AIEX_LIMIT": os.environ.get("AIEX_LIMIT", "15000"),
            "AIEX_PLAYWRIGHT": str(TOOLS / "code" / "package.json"),
            "AIEX_SCREENSHOTS": str(screenshots),
            "AIEX_GIVEN": json.dumps({"url": code.url, **values}),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    errors: list[str] = []
    reader = threading.Thread(target=lambda: errors.extend(process.stderr or ()), daemon=True)
    reader.start()
    seen: dict[str, Any] = {"began": time.monotonic()}
    try:
        for line in process.stdout:
            said = json.loads(line)
            if "ask" in said:
                answer = controls[said["ask"]](*said.get("arguments", []))
                process.stdin.write(json.dumps({"answer": answer}) + "\n")
                process.stdin.flush()
            else:
                seen[said["step"]] = said
        process.wait(10)
    finally:
        process.kill()
        process.wait(10)
        reader.join(5)
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()
    seen["stderr"] = "".join(errors)
    return seen


def saw(seen: dict[str, Any], step: str) -> Any:
    """Return what was seen in a step; one that got stuck fails with its reason."""
    stuck = {k: v["stuck"] for k, v in seen.items() if isinstance(v, dict) and "stuck" in v}
    assert step in seen, f"the driver never came to {step!r}: {stuck} {seen.get('stderr')}"
    assert "stuck" not in seen[step], f"stuck at {step!r}: {seen[step]['stuck']}"
    return seen[step]["saw"]


def sent(lines: list[dict[str, Any]], method: str) -> list[dict[str, Any]]:
    """Return the params of what VS Code sent by a method."""
    said = [one["client"] for one in lines if "client" in one]
    return [one.get("params") or {} for one in said if one.get("method") == method]
