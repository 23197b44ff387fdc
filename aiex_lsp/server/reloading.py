"""The user's files that change while the server runs: a change holds at once, without restart.

The editor watches them where it can; what is saved in it is seen; and whoever asks for code
actions lets their stamps be looked at, in the background.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from aiex_lsp.config.paths import WORKSPACE_FILE_NAME, WORKSPACE_TEMPLATES, ConfigPaths
from aiex_lsp.errors import AiexError
from aiex_lsp.server import configuration, drafts
from aiex_lsp.server.background import spawn
from aiex_lsp.server.documents import path_of
from aiex_lsp.server.lifecycle import services_of

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer


class Change(IntEnum):
    """What may have changed; what reads more is greater."""

    NONE = 0
    UNKNOWN = 1
    TEMPLATES = 2
    SETTINGS = 3


@dataclass
class Reloading:
    """What is to be read anew, and when the next look is due; `interval` is in seconds."""

    interval: float
    due: float = 0.0
    wanted: Change = Change.NONE
    running: bool = False


def look(ls: AiexServer) -> None:
    """Let the files' stamps be looked at, at most once in an interval. Touches no file itself."""
    now = asyncio.get_running_loop().time()
    if now < ls.reloading.due:
        return
    ls.reloading.due = now + ls.reloading.interval
    changed(ls, Change.UNKNOWN)


def changed(ls: AiexServer, what: Change) -> None:
    """Read anew in the background; of many changes at once each file is read once."""
    state = ls.reloading
    state.wanted = max(state.wanted, what)
    if not state.running and state.wanted is not Change.NONE:
        state.running = True
        spawn(ls, _read(ls))


def change_of(ls: AiexServer, uri: str) -> Change:
    """Return what a change of a file changes."""
    path = path_of(uri)
    if path is None:
        return Change.NONE
    paths = _paths(ls)
    if path.name == WORKSPACE_FILE_NAME or (
        paths is not None and path in (paths.user_file, paths.site_file)
    ):
        return Change.SETTINGS
    folders = (".aiex", "templates")
    if path.name.endswith(".j2") or path.name in folders or path.parent.name == "templates":
        return Change.TEMPLATES
    return Change.NONE


async def watchers(ls: AiexServer) -> list[str | tuple[Path, str]]:
    """Return what the editor is to watch: patterns, and where it can those of other folders."""
    folder = WORKSPACE_TEMPLATES.partition("/")[0]
    found: list[str | tuple[Path, str]] = [
        f"**/{WORKSPACE_FILE_NAME}",
        f"**/{WORKSPACE_TEMPLATES}/*",
        f"**/{WORKSPACE_TEMPLATES}",
        f"**/{folder}",
    ]
    if not ls.client.relative_patterns:
        return found
    try:
        services = await services_of(ls)
    except AiexError:
        return found  # told by whoever makes ready; the looks at the stamps see those files too
    if services.files is not None:
        found += await asyncio.to_thread(_outside, services.files.paths)
    return found


async def _read(ls: AiexServer) -> None:
    state = ls.reloading
    try:
        while state.wanted is not Change.NONE:
            what, state.wanted = state.wanted, Change.NONE
            # A look that came with news of a template must not be forgotten for them.
            if what is not Change.SETTINGS and await configuration.files_changed(ls):
                what = Change.SETTINGS
            before = ls.templates, ls.problems
            if what is Change.SETTINGS:
                await configuration.reload(ls)
            else:
                await configuration.refresh_templates(ls)
            if before != (ls.templates, ls.problems):
                drafts.recheck(ls)
    finally:
        state.running = False


def _paths(ls: AiexServer) -> ConfigPaths | None:
    task = ls.services
    if task is None or not task.done() or task.cancelled() or task.exception() is not None:
        return None
    files = task.result().files
    return files.paths if files is not None else None


def _outside(paths: ConfigPaths) -> list[str | tuple[Path, str]]:
    """Return the user's and the site's files, of folders that are there: others fail to watch."""
    wanted = [
        (paths.user_file.parent, paths.user_file.name),
        (paths.user_templates.parent, f"{paths.user_templates.name}/*"),
        (paths.user_templates.parent, paths.user_templates.name),
        (paths.site_file.parent, paths.site_file.name),
    ]
    return [(folder, pattern) for folder, pattern in wanted if folder.is_dir()]
