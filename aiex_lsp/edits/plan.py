"""From a document's old and new text to a plan that changes only what differs."""

from __future__ import annotations

from collections.abc import Sequence

from aiex_lsp.edits.types import EditPlan, FileEdit, Replacement
from aiex_lsp.text.diff import minimal_replacements
from aiex_lsp.text.snapshot import Snapshot, Span


def plan_for(
    current: Snapshot, new_text: str, *, create: bool = False, label: str = ""
) -> EditPlan:
    """Return the plan that turns `current` into `new_text`; `create` makes a new file of it."""
    if create:
        edit = FileEdit(current.uri, create=True, new_text=new_text)
        return EditPlan((edit,), label)
    replacements = tuple(
        Replacement(Span(start, end), current.text[start:end], text)
        for start, end, text in minimal_replacements(current.text, new_text)
    )
    edit = FileEdit(current.uri, replacements, current.version, current.text)
    return EditPlan((edit,) if replacements else (), label)


def apply_replacements(text: str, replacements: Sequence[Replacement]) -> str:
    """Return `text` with the replacements made. Raises `ValueError` where they do not fit it."""
    parts: list[str] = []
    position = 0
    for one in replacements:
        if one.span.start < position or text[one.span.start : one.span.end] != one.old_text:
            raise ValueError("the replacements do not belong to this text")
        parts += [text[position : one.span.start], one.new_text]
        position = one.span.end
    return "".join([*parts, text[position:]])


def result_of(edit: FileEdit) -> str:
    """Return the text a file has after its edit."""
    if edit.create:
        return edit.new_text or ""
    return apply_replacements(edit.base_text, edit.replacements)
