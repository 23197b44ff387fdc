"""The scripts Redis runs, each one step on the server's clock."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

_PARTS = {
    **dict.fromkeys(
        ("reserve", "settle", "release", "publish", "lower", "usage"), ("clock", "window")
    ),
    **dict.fromkeys(("admit", "record", "permit", "circuits"), ("clock", "circuit")),
}
"""The scripts that need more than the clock, and what stands before them."""


@dataclass(frozen=True)
class Script:
    """One script by its file's name; its text is read at the first use."""

    name: str

    @cached_property
    def text(self) -> str:
        """Return the whole script. Blocks for as long as three small files take to read."""
        folder = files("aiex_lsp.state") / "lua"
        names = (*_PARTS.get(self.name, ("clock",)), self.name)
        return "\n".join((folder / f"{name}.lua").read_text(encoding="utf-8") for name in names)

    @cached_property
    def sha(self) -> str:
        """Return the name under which Redis knows the script."""
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
