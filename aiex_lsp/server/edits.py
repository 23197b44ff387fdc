"""Edit plans on their way to the editor: as its capabilities allow, never on the wrong text."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from aiex_lsp.config.settings import Settings
from aiex_lsp.edits.types import EditPlan, FileEdit, Replacement
from aiex_lsp.errors import EditError
from aiex_lsp.server import convert, show
from aiex_lsp.server.capabilities import Client
from aiex_lsp.server.documents import path_of, shown
from aiex_lsp.server.landed import landing
from aiex_lsp.text.snapshot import Snapshot, Span

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

_ANNOTATION = "aiex"
_TRIES = 3
"""How often an edit is sent that is refused because the user typed on."""

AnyTextEdit = types.TextEdit | types.AnnotatedTextEdit
Change = types.TextDocumentEdit | types.CreateFile | types.RenameFile | types.DeleteFile


async def current_plan(ls: AiexServer, plan: EditPlan) -> EditPlan:
    """Return the plan for the documents as they are now. Raises `StaleEditError`.

    Long texts are compared in a thread, again where the user typed on meanwhile: between the last
    look at the open documents and the return there is no wait.
    """
    for _ in range(_TRIES):
        seen = {edit.uri: ls.documents.get(edit.uri) for edit in plan.files}
        moved = await asyncio.to_thread(_reanchored, plan, seen)
        if all(ls.documents.get(uri) is snapshot for uri, snapshot in seen.items()):
            break
    else:
        moved = _reanchored(plan, {edit.uri: ls.documents.get(edit.uri) for edit in plan.files})
    return replace(moved, files=tuple(_named_as_open(ls, edit) for edit in moved.files))


def _reanchored(plan: EditPlan, seen: Mapping[str, Snapshot | None]) -> EditPlan:
    from aiex_lsp.edits.anchor import reanchor

    return reanchor(plan, lambda uri: seen.get(uri) or _read(uri))


def workspace_edit(client: Client, plan: EditPlan, *, confirm: bool) -> types.WorkspaceEdit:
    """Return the plan in the richest form the client takes.

    Where it cannot create files, text is put at the start of the document that does not exist
    yet: editors make it.
    """
    if not client.document_changes:
        return types.WorkspaceEdit(
            changes={e.uri: _text_edits(e, client, types.TextEdit) for e in plan.files}
        )
    annotated = confirm and client.change_annotations
    annotations: dict[types.ChangeAnnotationIdentifier, types.ChangeAnnotation] = {}
    changes: list[Change] = []
    for number, edit in enumerate(plan.files, 1):
        # One a file: whoever confirms sees what happens to each, and may take some of them.
        annotation = f"{_ANNOTATION}.{number}" if annotated else None
        if annotation is not None:
            annotations[annotation] = _announced(edit, plan)
        if edit.create and client.create_files:
            changes.append(
                types.CreateFile(
                    uri=edit.uri,
                    options=types.CreateFileOptions(overwrite=False, ignore_if_exists=True),
                    annotation_id=annotation,
                )
            )
        document = types.OptionalVersionedTextDocumentIdentifier(
            uri=edit.uri, version=None if edit.create else edit.version
        )
        make = types.TextEdit if annotation is None else partial(_annotated, annotation)
        changes.append(types.TextDocumentEdit(document, _text_edits(edit, client, make)))
    return types.WorkspaceEdit(document_changes=changes, change_annotations=annotations or None)


def _annotated(annotation: str, range: types.Range, new_text: str) -> AnyTextEdit:
    return types.AnnotatedTextEdit(annotation, range, new_text)


def _announced(edit: FileEdit, plan: EditPlan) -> types.ChangeAnnotation:
    """Return what a user who is asked to confirm reads of one file."""
    count = len(edit.replacements)
    does = "creates" if edit.create else "changes"
    lines = (edit.new_text or "").count("\n")
    size = f"{lines} lines" if edit.create else f"{count} place{'s' if count != 1 else ''}"
    label = f"{plan.label or 'Edit by a language model'}: {does} {shown(edit.uri)}"
    return types.ChangeAnnotation(label, needs_confirmation=True, description=size)


async def apply(ls: AiexServer, plan: EditPlan, settings: Settings) -> bool:
    """Return whether the editor applied the plan; False is said to the user with its reason.

    Raises `StaleEditError` where the text has changed at the plan's place.
    """
    confirm = ls.client.change_annotations and _confirmed(settings, len(plan.files))
    for edit in plan.files:
        await asyncio.to_thread(ensure_writable, edit.uri)
    if confirm:
        # It may wait for its user for minutes; other edits are not held up by that.
        plan, refusal = await _sent_anchored(ls, plan, confirm=True)
    else:
        async with ls.editing.at(edit.uri for edit in plan.files):
            plan, refusal = await _sent_anchored(ls, plan, confirm=False)
    if refusal is not None:
        show.show_failure(ls, refusal)
        return False
    if ls.client.show_document:
        for edit in plan.files:
            if edit.create:
                await show.show_document(ls, edit.uri)
    return True


def ensure_writable(uri: str) -> None:
    """Raise `EditError` for a file that is there and read-only. Blocking."""
    path = path_of(uri)
    try:
        if path is None or not path.exists():
            return
        if path.stat().st_mode & 0o222 and os.access(path, os.W_OK):
            return
    except OSError:
        return
    raise EditError(f"{shown(uri)} is read-only; nothing was changed", "Make it writable first")


async def _sent_anchored(
    ls: AiexServer, plan: EditPlan, *, confirm: bool
) -> tuple[EditPlan, EditError | None]:
    """Return the plan as it was sent, and why the editor did not apply it, None where it did."""
    refusal: EditError | None = None
    for _ in range(_TRIES):
        plan = await current_plan(ls, plan)
        with landing(ls, plan) as watch:
            try:
                refusal = await _send(ls, plan, confirm=confirm)
            except TimeoutError:
                # Not sent again: whoever has not answered may make it yet, or has made it.
                made = await watch.changed() and await watch.landed()
                refusal = None if made else _unanswered()
                break
            if refusal is None and await watch.landed():
                break
            if refusal is not None and not await watch.changed():
                break
        refusal = refusal or EditError(
            "The editor did not make the edit, though it says so", "Run the task again"
        )
    return plan, refusal


async def _send(ls: AiexServer, plan: EditPlan, *, confirm: bool) -> EditError | None:
    """Return why the editor did not apply the plan, None where it did. Raises `TimeoutError`."""
    params = types.ApplyWorkspaceEditParams(
        edit=workspace_edit(ls.client, plan, confirm=confirm), label=plan.label or None
    )
    limit = ls.limits.confirmed_edit if confirm else ls.limits.apply_edit
    try:
        answer = await ls.protocol.ask(types.WORKSPACE_APPLY_EDIT, params, limit)
    except JsonRpcException as refusal:
        return _refused(refusal.message)
    if isinstance(answer, dict) and answer.get("applied") is True:
        return None
    reason = answer.get("failureReason") if isinstance(answer, dict) else None
    return _refused(reason if isinstance(reason, str) else "")


def diff_of(ls: AiexServer, plan: EditPlan) -> str:
    """Return the plan as a unified diff, for clients that apply nothing."""
    from aiex_lsp.edits.plan import result_of
    from aiex_lsp.text.diff import unified_diff

    parts = []
    for edit in plan.files:
        path = path_of(edit.uri)
        root = ls.documents.folder_of(edit.uri)
        if path is None:
            name = shown(edit.uri)
        elif root is not None and path.is_relative_to(root):
            name = path.relative_to(root).as_posix()
        else:
            name = path.name
        parts.append(unified_diff(edit.base_text, result_of(edit), name, created=edit.create))
    return "".join(parts)


def _confirmed(settings: Settings, files: int) -> bool:
    """Return whether a change of so many files asks for confirmation."""
    confirm = settings.edits.confirm
    return confirm == "always" or (confirm == "multi_file" and files > 1)


def _named_as_open(ls: AiexServer, edit: FileEdit) -> FileEdit:
    snapshot = ls.documents.get(edit.uri)
    return edit if snapshot is None else replace(edit, uri=snapshot.uri)


def _unanswered() -> EditError:
    return EditError("The editor has not said whether it applied the edit", "Look at the document")


def _refused(reason: str) -> EditError:
    because = f": {reason}" if reason else ""
    return EditError(f"The editor did not apply the edit{because}", "Nothing was changed")


def _text_edits(
    edit: FileEdit, client: Client, make: Callable[[types.Range, str], AnyTextEdit]
) -> list[Any]:
    snapshot = Snapshot(edit.uri, edit.base_text, "", edit.version)
    replacements: Sequence[Replacement] = edit.replacements
    if edit.create:
        snapshot = Snapshot(edit.uri, "", "")
        replacements = (Replacement(Span(0, 0), "", edit.new_text or ""),)
    return [
        make(convert.range_of(snapshot, one.span, client.encoding), one.new_text)
        for one in replacements
    ]


def _read(uri: str) -> Snapshot | None:
    path = path_of(uri)
    if path is None:
        return None
    try:
        return Snapshot(uri, path.read_bytes().decode("utf-8"), "")
    except (OSError, UnicodeDecodeError):
        return None
