"""aimock: an independent mock server of many vendors' dialects, with faults of its own.

`make test` installs it where npm is found. https://github.com/CopilotKit/aimock
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_CLI = ROOT / ".tools/node_modules/@copilotkit/aimock/dist/cli.js"
_LISTENING = re.compile(rb"listening on (http://\S+)")
_NODE = (20, 15)
"""The oldest node its package.json allows."""


def why_not() -> str | None:
    """Return why aimock cannot run here, None where it can."""
    node = shutil.which("node")
    if node is None:
        return "node is not installed"
    if not _CLI.exists():
        return "aimock is not installed; `make test` does it where npm is found"
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = tuple(int(part) for part in re.findall(r"\d+", said)[:2])
    return None if version >= _NODE else f"node {said.strip()} is too old for aimock"


class Aimock:
    """A running aimock; `base_url` is without a path."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    def journal(self) -> list[dict[str, Any]]:
        """Return the requests that came, the oldest first."""
        found: list[dict[str, Any]] = self._get("/__aimock/journal?limit=1000")
        return found

    def generations(self, path: str = "/api/chat") -> list[dict[str, Any]]:
        """Return the requests for an answer."""
        return [entry for entry in self.journal() if entry["path"].split("?")[0] == path]

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(self.base_url + path, timeout=10) as response:
            return json.loads(response.read())


@contextmanager
def aimock(
    folder: Path, fixtures: Sequence[dict[str, Any]], *, chunk_size: int = 8
) -> Iterator[Aimock]:
    """Yield a server that answers by `fixtures` (https://aimock.copilotkit.dev/fixtures)."""
    file = folder / "fixtures.json"
    file.write_text(json.dumps({"fixtures": list(fixtures)}))
    process = subprocess.Popen(
        [
            "node",
            str(Path(__file__).with_suffix(".mjs")),
            *f"-p 0 -f {file.name} --chunk-size {chunk_size} --validate-on-load --strict".split(),
        ],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    # A pipe that nobody reads would hold it up one day.
    drain = threading.Thread(target=process.stdout.read, daemon=True)
    said = b""
    try:
        while (match := _LISTENING.search(said)) is None:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"aimock did not start:\n{said.decode(errors='replace')}")
            said += line
        drain.start()
        yield Aimock(match[1].decode())
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if drain.is_alive():
            drain.join(5)
        process.stdout.close()
