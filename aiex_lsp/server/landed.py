"""Whether an edit an editor says it made is in the text it tells of.

Neovim answers "applied" and makes nothing of an edit for a version that is no longer its newest,
as after every keystroke it has not told of yet; eglot tells of changes half a second later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from aiex_lsp.edits.types import EditPlan, FileEdit
from aiex_lsp.errors import EditError
from aiex_lsp.text.snapshot import Snapshot

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

_LOOKS = 50
"""How often is looked for the change."""


class Landing:
    """The versions of a plan's open documents since its edit was sent."""

    def __init__(self, limit: float, watched: Sequence[tuple[FileEdit, Sequence[Snapshot]]]):
        self._limit = limit
        self._watched = watched

    async def changed(self) -> bool:
        """Return whether the editor tells of a change, soon."""
        for _ in range(_LOOKS if self._watched else 0):
            if any(versions for _, versions in self._watched):
                return True
            await asyncio.sleep(self._limit / _LOOKS)
        return False

    async def landed(self) -> bool:
        """Return whether an edit that was answered as applied was made, as far as can be told.

        Raises `EditError` where it was made in some of the documents only.
        """
        if not await self.changed():
            return True
        told = [(edit, tuple(versions)) for edit, versions in self._watched]
        made = await asyncio.to_thread(lambda: [_made(edit, versions) for edit, versions in told])
        if any(made) and not all(made):
            raise EditError(
                "The editor made the edit in a part of the files only", "Undo it, and run it again"
            )
        return all(made)


@contextmanager
def landing(ls: AiexServer, plan: EditPlan) -> Iterator[Landing]:
    """Yield what tells whether the plan, sent meanwhile, was made."""
    with ExitStack() as stack:
        watched = [
            (edit, stack.enter_context(ls.documents.followed(edit.uri)))
            for edit in plan.files
            if edit.replacements and ls.documents.get(edit.uri) is not None
        ]
        yield Landing(ls.limits.edit_seen, watched)


def _made(edit: FileEdit, versions: Sequence[Snapshot]) -> bool:
    """Return whether a version is nearer to the edited text than to the old one."""
    from aiex_lsp.edits.plan import result_of

    new = result_of(edit)
    return not versions or any(
        _distance(new, one.text) <= _distance(edit.base_text, one.text) for one in versions
    )


def _distance(old: str, new: str) -> int:
    from aiex_lsp.text.diff import minimal_replacements

    return sum(end - start + len(text) for start, end, text in minimal_replacements(old, new))
