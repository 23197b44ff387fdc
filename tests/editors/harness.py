"""What the editors share: a page's own snippet, a project, a provider and an environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.base import serve_in_thread
from tests.servers.openai import OpenAIServer
from tests.servers.script import Reply

PAGES = Path(__file__).parents[2] / "editors"

SOURCE = '''\
"""Prices. Ünïcödé 😀 before the code moves every column and byte."""


def total(prices, discount=0):
    """Return the sum of prices less a discount."""
    return sum(prices) - discount  # 😀 total
'''
LINE = 3
COLUMN = 4
"""Where `total` stands in SOURCE, from 0."""

EXPLANATION = "Adds up the prices and takes the discount off.\n\n## Detail\n\nNothing is rounded."
HOVER = "Sums prices less a discount."
TEST = "def test_total_takes_the_discount_off():\n    assert total([1, 2], 1) == 2"
REFACTORED = """\
def total(prices, discount=0):
    \"\"\"Return the sum of prices less a discount.\"\"\"
    return -discount + sum(prices)  # 😀 total
"""
"""What the model makes of `total`."""

REVIEW = (
    '[{"line": 6, "severity": "warning", "category": "general",'
    ' "message": "No check of the discount", "suggestion": "Check it"}]'
)


def snippet(page: str, language: str) -> str:
    """Return the first code block of a language on an editor's page."""
    text = (PAGES / page).read_text(encoding="utf-8")
    found = re.search(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)
    assert found, f"{page} has no {language} block"
    return found[1]


def answer(body: dict[str, Any]) -> Reply:
    """Answer as a model would, by the task's prompt."""
    prompt = "\n".join(str(message["content"]) for message in body["messages"])
    if "writes tests" in prompt:
        return Reply(f"Here is a test.\n\n```python\nfrom prices import total\n\n\n{TEST}\n```")
    if "makes code clearer" in prompt:
        return Reply(f"Shorter:\n\n```python\n{REFACTORED}```")
    if "small window" in prompt:
        return Reply(HOVER)
    if "review" in prompt.lower():
        return Reply(REVIEW)
    return Reply(EXPLANATION)


@dataclass(frozen=True)
class Desk:
    """A project on disk and an environment whose `aiex-lsp` asks the scripted provider."""

    folder: Path
    environment: dict[str, str]
    server: OpenAIServer

    @property
    def source(self) -> Path:
        return self.folder / "project" / "prices.py"


def seen_by(
    here: Desk, command: list[str], *, limit: float = 40, **environment: str
) -> dict[str, Any]:
    """Return what the programmer of an editor's script saw; each script writes $AIEX_SEEN."""
    result = here.folder / "seen.json"
    ran = subprocess.run(
        command,
        env={
            **here.environment,
            "AIEX_SEEN": str(result),
            "AIEX_LINE": str(LINE),
            "AIEX_COLUMN": str(COLUMN),
            **environment,
        },
        cwd=here.source.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=limit,
        check=False,
    )
    assert result.exists(), ran.stderr.decode(errors="replace")
    seen: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    assert "stuck" not in seen, seen
    return seen


@contextmanager
def desk(folder: Path) -> Iterator[Desk]:
    """Yield a desk; nothing of the user's own configuration reaches it."""
    project = folder / "project"
    (project / "tests").mkdir(parents=True)
    (project / ".git").mkdir()
    (project / "pyproject.toml").write_text('[project]\nname = "prices"\nversion = "1"\n')
    (project / "tests" / "test_other.py").write_text("def test_other():\n    assert True\n")
    (project / "prices.py").write_text(SOURCE, encoding="utf-8")
    with serve_in_thread(OpenAIServer(answer=answer)) as server:
        config = folder / "config.toml"
        config.write_text(
            'default_provider = "desk"\n[providers.desk]\ntype = "openai"\nlocal = true\n'
            f'base_url = "{server.base_url}"\n'
        )
        yield Desk(folder, _environment(folder, config), server)


def _environment(folder: Path, config: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("LANG", "TERM", "TMPDIR") if name in os.environ}
    tools = Path(sys.executable).parent
    return {
        **kept,
        "LC_ALL": "C.UTF-8",
        "PATH": os.pathsep.join([str(tools), os.environ["PATH"]]),
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "xdg-config"),
        "XDG_STATE_HOME": str(folder / "xdg-state"),
        "XDG_DATA_HOME": str(folder / "xdg-data"),
        "XDG_CACHE_HOME": str(folder / "xdg-cache"),
        "AIEX_CONFIG": str(config),
        "AIEX_STATE_DIR": str(folder / "state"),
    }
