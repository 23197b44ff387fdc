"""Which document a path in an answer names; none outside of the workspace is ever edited."""

from __future__ import annotations

import os
import re
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from aiex_lsp.edits.refusals import ONE_FILE, NotUsableError, shortened
from aiex_lsp.edits.scene import EditTarget
from aiex_lsp.text.snapshot import Snapshot

_ROOTED = re.compile(r"[/\\~]|[A-Za-z]:[\\/]|\w+://")


def named_document(target: EditTarget, path: str | None, *, alone: bool = True) -> Snapshot:
    """Return the document an answer's path means, the target's own where it means that.

    `alone`: the answer names no other file, so that a bare unknown name ("original.py") is the
    document. Raises `NotUsableError` for paths outside the workspace and files that are not there.
    """
    own = target.snapshot
    if path is None:
        return own
    clean = path.strip().strip("\"'`").replace("\\", "/")
    document = unquote(urlsplit(own.uri).path)
    if _ROOTED.match(path.strip().strip("\"'`")):
        drive = f"/{clean}".lower() == document.lower() and ":" in clean[:2]
        if drive or document in (clean, unquote(urlsplit(clean).path)):
            return own
        raise _outside(path)
    parts = [part for part in clean.split("/") if part not in ("", ".")]
    if ".." in parts or not parts:
        raise _outside(path)
    relative = "/".join(parts)
    if f"/{document.lstrip('/')}".endswith(f"/{relative}"):
        return own
    other = target.read(relative)
    if other is None:
        if alone and len(parts) == 1:
            return own
        raise NotUsableError(
            f"The answer is for {shortened(PurePosixPath(relative).name)}, which is not the "
            "document",
            ONE_FILE,
        )
    if not _inside(target, relative):
        raise _outside(path)
    if target.intent not in ("refactor", "run"):
        raise NotUsableError(
            f"The answer also changes {shortened(PurePosixPath(relative).name)}, "
            "which was not asked for",
            ONE_FILE,
        )
    return other


def _inside(target: EditTarget, relative: str) -> bool:
    """Return whether a path, its links followed, lies in a folder of the workspace."""
    for root in target.roots:
        real = os.path.realpath(root / relative)
        if os.path.lexists(root / relative):
            base = os.path.realpath(root)
            return real == base or real.startswith(base.rstrip(os.sep) + os.sep)
    return not target.roots or not any(
        os.path.islink(root / part)
        for root in target.roots
        for part in (relative, *map(str, PurePosixPath(relative).parents))
        if part != "."
    )


def _outside(path: str) -> NotUsableError:
    return NotUsableError(
        f"The answer would edit {shortened(path.strip())}, outside of the workspace", ONE_FILE
    )
