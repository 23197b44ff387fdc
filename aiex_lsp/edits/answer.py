"""A model's answer as the smallest safe change, or why there is none. CPU-bound: use threads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aiex_lsp.edits.apply_hunks import apply_files
from aiex_lsp.edits.checks import check_edit, incomplete
from aiex_lsp.edits.cleaning import cleaned_answer, cleaned_code, tagged_code
from aiex_lsp.edits.files import named_document
from aiex_lsp.edits.helpers import helper_changes
from aiex_lsp.edits.hunks import FileHunks
from aiex_lsp.edits.new_imports import import_changes
from aiex_lsp.edits.pick import candidates, is_bare_code, is_other_language
from aiex_lsp.edits.place import Placed, placed
from aiex_lsp.edits.refusals import CUT, NotUsableError, without_code
from aiex_lsp.edits.scene import EditTarget, Intent, Scene
from aiex_lsp.edits.search_replace import has_blocks, json_edits, parse_blocks
from aiex_lsp.edits.types import EditPlan, FileEdit
from aiex_lsp.edits.unified import is_diff, looks_marked, parse_diff
from aiex_lsp.responses.parser import parse
from aiex_lsp.responses.types import CodeBlock, Parsed

__all__ = ["EditTarget", "Intent", "Planned", "plan_answer"]

MAX_ANSWER = 2_000_000
"""Characters of an answer that are read: ten times what any model writes."""
MAX_BLOCKS = 200
"""Code blocks of an answer that are looked at."""

_LABELS = {"fix": "Fix", "document": "Document", "refactor": "Refactor", "run": "Change"}


@dataclass(frozen=True, slots=True)
class Planned:
    """The change an answer means, and what the answer says beside it."""

    plan: EditPlan
    code_blocks: tuple[CodeBlock, ...]
    explanation: str
    language: str | None


def plan_answer(target: EditTarget, answer: str, *, truncated: bool = False) -> Planned:
    """Return the smallest change of the target an answer means; CPU-bound, use a thread.

    Takes a whole block, a whole file, several blocks, a diff, search and replace blocks, or these
    as JSON. Raises `AnswerError` with the answer where nothing can be applied safely.
    """
    scene = Scene.of(target)
    try:
        if len(answer) > MAX_ANSWER:
            raise NotUsableError("The answer is far too long to be an edit")
        text = cleaned_answer(answer, scene.text)
        parsed = parse(
            text, "code_generation", truncated=truncated, language=target.snapshot.language_id
        )
        if parsed.truncated:
            raise NotUsableError(CUT, "Nothing was changed: raise max_tokens", repairable=False)
        edits = _edits(scene, parsed)
    except NotUsableError as error:
        raise error.as_answer_error(answer) from None
    name = f" `{scene.name}`" if scene.name else ""
    plan = EditPlan(edits, f"{_LABELS[target.intent]}{name}")
    return Planned(plan, parsed.code_blocks, parsed.explanation, parsed.language)


def _edits(scene: Scene, parsed: Parsed) -> tuple[FileEdit, ...]:
    text = parsed.markdown
    if has_blocks(text):
        return apply_files(scene, parse_blocks(text), _finished)
    in_json = _json(scene, parsed)
    if in_json is not None:
        hunks, code = in_json
        if hunks:
            return apply_files(scene, hunks, _finished)
        return (_finished(scene, placed(scene, code or "")),)
    if not parsed.code_blocks:
        if is_diff(text):
            return apply_files(scene, parse_diff(_from_diff(text)), _finished)
        code = cleaned_code(tagged_code(text))
        if not is_bare_code(scene, code):
            raise without_code(text)
        return (_finished(scene, placed(scene, code)),)
    if len(parsed.code_blocks) > MAX_BLOCKS:
        raise NotUsableError("The answer has more code blocks than can be looked at")
    diffs = [block for block in parsed.code_blocks if _is_diff(scene, block)]
    failed: NotUsableError | None = None
    if diffs:
        try:
            files = [one for block in diffs for one in parse_diff(cleaned_code(block.code))]
            if files:
                return apply_files(scene, files, _finished)
        except NotUsableError as error:
            failed = error
    rest = [block for block in parsed.code_blocks if block not in diffs]
    if failed is not None and not rest:
        raise failed
    if diffs and not rest:
        raise NotUsableError("The answer's diff changes nothing")
    try:
        return _first_good(scene, rest, text)
    except NotUsableError as error:
        raise failed or error from None


def _first_good(scene: Scene, blocks: list[CodeBlock], text: str) -> tuple[FileEdit, ...]:
    here = _for_this_document(scene, blocks)
    tries = candidates(scene, here, text.split("\n"))
    first: NotUsableError | None = None
    for code in tries:
        try:
            return (_finished(scene, placed(scene, code)),)
        except NotUsableError as error:
            other = is_other_language(scene, code)
            told = f"The answer is {other} code, not {scene.language}"
            better = incomplete(scene, code, error) if other is None else NotUsableError(told)
            first = first or better
    raise first or NotUsableError("The answer has no code for this place")


def _for_this_document(scene: Scene, blocks: Iterable[CodeBlock]) -> list[CodeBlock]:
    """Return the blocks that are not said to be another file's; raise where none is left."""
    here: list[CodeBlock] = []
    failed: NotUsableError | None = None
    for block in blocks:
        try:
            if named_document(scene.target, block.path) is scene.target.snapshot:
                here.append(block)
            else:
                failed = NotUsableError("The answer rewrites another file as a whole")
        except NotUsableError as error:
            failed = error
    if failed is not None and not here:
        raise failed
    if failed is not None and "outside of the workspace" in failed.what:
        raise failed
    return here


def _finished(scene: Scene, new: Placed) -> FileEdit:
    """Return the checked edit that puts the new text in the range and its imports on top."""
    span = scene.span
    changes = [(span.start, span.end, new.text)] if new.text != scene.old else []
    if changes or new.imports:
        code = "\n".join([new.text, *new.added])
        wanted = import_changes(scene.text, scene.language, new.imports, code)
        # Imports that would stand inside the range are the answer's own business.
        changes += [one for one in wanted if not span.start < one[0] < span.end]
    changes += helper_changes(scene, new.added)
    check_edit(scene, new.text, scene.document.applied(changes))
    return scene.document.file_edit(changes, span)


def _json(scene: Scene, parsed: Parsed) -> tuple[list[FileHunks], str | None] | None:
    fenced = [block for block in parsed.code_blocks if block.language in ("json", "jsonc")]
    one = len(fenced) == 1 and len(parsed.code_blocks) == 1
    found = json_edits(fenced[0].code if one else parsed.markdown)
    if found is not None and not found[0] and scene.language in ("json", "jsonc"):
        return None  # a document in JSON that has such a key
    return found


def _is_diff(scene: Scene, block: CodeBlock) -> bool:
    label = block.info.split(" ", 1)[0] if block.info else ""
    if is_diff(block.code, label) or block.language == "diff":
        return True
    return block.valid is False and looks_marked(block.code)


def _from_diff(text: str) -> str:
    lines = text.split("\n")
    begins = ("--- ", "diff --git", "@@", "*** ")
    start = next((at for at, line in enumerate(lines) if line.startswith(begins)), 0)
    return "\n".join(lines[start:])
