"""Edit plans: what would change, bound to the text it was made for."""

from __future__ import annotations

from dataclasses import dataclass

from aiex_lsp.text.snapshot import Span


@dataclass(frozen=True, slots=True)
class Replacement:
    """Put `new_text` in place of `span`; `old_text` is what must stand there."""

    span: Span
    old_text: str
    new_text: str


@dataclass(frozen=True, slots=True)
class FileEdit:
    """Changes to one document; `replacements` ascend and do not overlap.

    `create` makes a new file of `new_text` (no replacements then). `version` and `base_text` are
    the snapshot the plan was made for (version None: read from disk). `range` is what was asked
    about: a change inside it makes the edit stale even where no replacement is touched.
    """

    uri: str
    replacements: tuple[Replacement, ...] = ()
    version: int | None = None
    base_text: str = ""
    create: bool = False
    new_text: str | None = None
    range: Span | None = None


@dataclass(frozen=True, slots=True)
class EditPlan:
    """All or nothing: the files to change, and one line that says what it does."""

    files: tuple[FileEdit, ...]
    label: str = ""
