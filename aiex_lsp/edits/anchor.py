"""Edits bound to the text they were made for: moved along, or refused, never misplaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from aiex_lsp.edits.types import EditPlan, FileEdit, Replacement
from aiex_lsp.errors import StaleEditError
from aiex_lsp.text.diff import minimal_replacements
from aiex_lsp.text.snapshot import Snapshot, Span

CurrentText = Callable[[str], Snapshot | None]
"""The document of a uri as it is now; None where there is no such document or file."""


def reanchor(plan: EditPlan, current: CurrentText) -> EditPlan:
    """Return the plan for the documents as they are now; all of it or nothing.

    Changes outside the replaced ranges move them. Raises `StaleEditError` where a changed place
    touches one, where a document is gone, or where a file to be created exists by now.
    """
    return replace(plan, files=tuple(_reanchored(edit, current(edit.uri)) for edit in plan.files))


def _reanchored(edit: FileEdit, now: Snapshot | None) -> FileEdit:
    name = edit.uri.rsplit("/", 1)[-1]
    if edit.create:
        if now is not None and now.text.strip():
            raise StaleEditError(
                f"{name} exists by now; nothing was changed", "Run the task again to extend it"
            )
        return edit
    if now is None:
        raise StaleEditError(
            f"{name} was closed or deleted meanwhile; nothing was changed",
            "Open it and run the task again",
        )
    if now.text == edit.base_text:
        return replace(edit, version=now.version)
    changes = minimal_replacements(edit.base_text, now.text)
    moved = tuple(_moved(one, changes, name) for one in edit.replacements)
    for one in moved:
        if now.text[one.span.start : one.span.end] != one.old_text:
            raise _stale(name)
    asked = None if edit.range is None else _asked(edit, edit.range, changes, now, name)
    return replace(edit, replacements=moved, version=now.version, base_text=now.text, range=asked)


def _asked(
    edit: FileEdit, asked: Span, changes: list[tuple[int, int, str]], now: Snapshot, name: str
) -> Span:
    """Return where the range that was asked about lies now. Raises where it was changed."""
    shift = 0
    for start, end, text in changes:
        if end <= asked.start:
            shift += len(text) - (end - start)
        elif start < asked.end:
            raise _stale(name)
    moved = Span(asked.start + shift, asked.end + shift)
    before, after = edit.base_text, now.text
    # What was typed on its first or last line touches it though its own text is the same.
    if (
        before[asked.start : asked.end] != after[moved.start : moved.end]
        or _ends_line(before[: asked.start][-1:]) != _ends_line(after[: moved.start][-1:])
        or _ends_line(before[asked.end :][:1]) != _ends_line(after[moved.end :][:1])
    ):
        raise _stale(name)
    return moved


def _ends_line(char: str) -> bool:
    return char in ("", "\n", "\r", "\ufeff")


def _moved(one: Replacement, changes: list[tuple[int, int, str]], name: str) -> Replacement:
    shift = 0
    for start, end, text in changes:
        if end <= one.span.start and not (start == end == one.span.start):
            shift += len(text) - (end - start)
        elif start >= one.span.end and not (start == end == one.span.end):
            break
        else:
            raise _stale(name)
    return replace(one, span=Span(one.span.start + shift, one.span.end + shift))


def _stale(name: str) -> StaleEditError:
    return StaleEditError(
        f"{name} was changed at the same place meanwhile; nothing was changed",
        "Run the task again",
    )
