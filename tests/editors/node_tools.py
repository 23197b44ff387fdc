"""What of Node the editors' tests use: an LSP client library and pyright, pinned in node/."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from tests.editors.harness import Desk, seen_by

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(os.environ.get("AIEX_LSP_CLIENT") or ROOT / ".tools/lsp-client")
"""Where `make test` installs tests/editors/node/package-lock.json."""

MODULES = TOOLS / "node_modules"
PYRIGHT = MODULES / "pyright/langserver.index.js"


def why_no_node() -> str | None:
    """Return why what needs Node cannot run here, None where it can."""
    if shutil.which("node") is None:
        return "node is not installed"
    if not (MODULES / ".installed").exists():
        return f"{TOOLS} is not installed; `make test` does it where npm is found"
    return None


def seen_by_node(here: Desk, client: str, *, limit: float) -> dict[str, Any]:
    """Return what a client of node/ saw at a desk."""
    return seen_by(
        here,
        [str(shutil.which("node")), str(Path(__file__).parent / "node" / client)],
        limit=limit,
        AIEX_TOOLS=str(TOOLS),
        AIEX_SOURCE=here.source.as_uri(),
        AIEX_ROOT=here.source.parent.as_uri(),
    )
