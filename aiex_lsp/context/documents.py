"""Which file a document's uri names, and how it is called in a prompt."""

from __future__ import annotations

import os
from pathlib import Path, PurePath
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from aiex_lsp.context.types import WorkspaceView

NAMELESS = "untitled"


def named_path(uri: str) -> Path | None:
    """Return the path in a uri of any scheme (a notebook's for its cells), None where none is."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if not parts.path or not parts.path.startswith("/"):
        return Path(unquote(parts.path)) if parts.path else None
    host = f"//{parts.netloc}" if parts.netloc and parts.scheme == "file" else ""
    try:
        return Path(os.path.normpath(url2pathname(host + parts.path)))
    except ValueError:
        return None


def file_path(uri: str) -> Path | None:
    """Return the path of a `file:` uri, None for untitled buffers, cells and everything else."""
    return named_path(uri) if uri.startswith("file:") else None


def root_for(uri: str, workspace: WorkspaceView) -> Path | None:
    """Return the workspace folder that holds a document, None for a file outside all of them.

    A document that is no file (untitled, a notebook's cell) belongs to the first folder.
    """
    path = file_path(uri)
    if path is None:
        return workspace.roots[0] if workspace.roots else None
    found = workspace.root_of(path)
    if found is not None:
        return found
    try:
        resolved = path.resolve()
        inside = [root for root in workspace.roots if resolved.is_relative_to(root.resolve())]
    except (OSError, RuntimeError, ValueError):
        return None
    return max(inside, key=lambda root: len(root.parts), default=None)


def display_name(uri: str, root: Path | None) -> str:
    """Return a document's path relative to its folder, or the name it has without one."""
    path = file_path(uri)
    if path is None:
        named = named_path(uri)
        name = named.name if named else ""
        cell = " (cell)" if "notebook" in uri.split(":", 1)[0] else ""
        return f"{name or NAMELESS}{cell}"
    if root is not None:
        for folder, inner in ((root, path), (root.resolve(), path.resolve())):
            if inner.is_relative_to(folder):
                return PurePath(inner.relative_to(folder)).as_posix()
    return path.name or NAMELESS
