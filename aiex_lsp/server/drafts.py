"""Configuration and templates while they are edited: checked as they stand in the editor."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aiex_lsp.config.settings import Problem
from aiex_lsp.server.background import spawn
from aiex_lsp.server.documents import path_of
from aiex_lsp.server.lifecycle import services_of

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

_SUFFIXES = (".toml", ".j2")


@dataclass
class Drafts:
    """What is wrong with the files that are edited and not saved, by uri."""

    problems: dict[str, tuple[Problem, ...]] = field(default_factory=dict)
    unsaved: set[str] = field(default_factory=set)
    checking: set[str] = field(default_factory=set)
    again: set[str] = field(default_factory=set)

    def forget(self, uri: str) -> None:
        """Take a file as it lies on the disk again: it was saved or closed."""
        self.unsaved.discard(uri)
        self.problems.pop(uri, None)


def edited(ls: AiexServer, uri: str) -> None:
    """Check a document in the background if it is one of the user's files.

    One check at a time and file: while it runs later texts wait for the next.
    """
    if not uri.endswith(_SUFFIXES) or (path := path_of(uri)) is None:
        return
    ls.drafts.unsaved.add(uri)
    if uri not in ls.drafts.checking:
        ls.drafts.checking.add(uri)
        spawn(ls, _check(ls, uri, path))


def recheck(ls: AiexServer) -> None:
    """Check the drafts once more: a file that they build on has changed."""
    for uri in list(ls.drafts.unsaved):
        if uri in ls.drafts.checking:
            ls.drafts.again.add(uri)
        else:
            edited(ls, uri)


async def _check(ls: AiexServer, uri: str, path: Path) -> None:
    drafts = ls.drafts
    try:
        files = (await services_of(ls)).files
        checked = None
        while files is not None and uri in drafts.unsaved:
            snapshot = ls.documents.get(uri)
            if snapshot is None or (snapshot is checked and uri not in drafts.again):
                break
            drafts.again.discard(uri)
            found = await asyncio.to_thread(files.check, path, snapshot.text, ls.documents.roots)
            if found is None:
                drafts.forget(uri)
                break
            checked = snapshot
            if uri in drafts.unsaved and drafts.problems.get(uri) != tuple(found):
                drafts.problems[uri] = tuple(found)
                ls.findings.changed(uri)
    finally:
        drafts.checking.discard(uri)
        drafts.again.discard(uri)
