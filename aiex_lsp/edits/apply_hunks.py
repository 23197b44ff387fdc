"""Hunks of an answer applied to its documents: inside the range, imports apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from aiex_lsp.edits.checks import check_bound, check_parses
from aiex_lsp.edits.elided import check_placeholders, elisions
from aiex_lsp.edits.files import named_document
from aiex_lsp.edits.helpers import only_helpers
from aiex_lsp.edits.hunks import FileHunks, Hunk, LineChange, Places
from aiex_lsp.edits.place import Placed
from aiex_lsp.edits.plain import PlainDocument, line_starts
from aiex_lsp.edits.refusals import ELIDED, ONE_FILE, UNCHANGED, NotUsableError
from aiex_lsp.edits.scene import Scene
from aiex_lsp.edits.types import FileEdit
from aiex_lsp.syntax.imports import imports
from aiex_lsp.syntax.languages import canonical
from aiex_lsp.text.snapshot import Snapshot

Finish = Callable[[Scene, Placed], FileEdit]

MAX_HUNKS = 2_000
"""Hunks of one answer that are looked for."""


def apply_files(scene: Scene, files: Sequence[FileHunks], finish: Finish) -> tuple[FileEdit, ...]:
    """Return the edits of all files the hunks are for. Raises `NotUsableError`: all or nothing."""
    if not files:
        raise NotUsableError(UNCHANGED)
    alone = len({one.path for one in files}) <= 1
    by_uri: dict[str, tuple[Snapshot, list[Hunk]]] = {}
    for one in files:
        document = named_document(scene.target, one.path, alone=alone)
        by_uri.setdefault(document.uri, (document, []))[1].extend(one.hunks)
    if sum(len(hunks) for _, hunks in by_uri.values()) > MAX_HUNKS:
        raise NotUsableError("The answer has more changes than can be looked at")
    out: list[FileEdit] = []
    for uri, (document, hunks) in by_uri.items():
        if uri == scene.target.snapshot.uri:
            out.append(finish(scene, _in_range(scene, hunks)))
        else:
            out.append(_elsewhere(document, hunks))
    return tuple(out)


def _in_range(scene: Scene, hunks: Sequence[Hunk]) -> Placed:
    lines, within = scene.lines, scene.line_range
    changes = _ordered(Places(lines), hunks, within)
    if not changes:
        raise NotUsableError(UNCHANGED)
    wanted: list[str] = []
    added: list[str] = []
    inside: list[LineChange] = []
    code = "\n".join(line for change in changes for line in change[2])
    for start, end, new in (_slid(one, lines, within) for one in changes):
        if (
            within.start <= start
            and end <= within.stop
            and not (start == end == within.start and _only_imports(new, scene.language))
        ):
            inside.append((start, end, new))
        elif start == end and (helpers := only_helpers(scene, "\n".join(new), code)):
            added.extend(helpers)
        else:
            wanted.extend(_added_imports(scene, lines[start:end], new))
    out: list[str] = []
    at = within.start
    for start, end, new in inside:
        out += [*lines[at:start], *new]
        at = end
    out += lines[at : within.stop]
    text = "\n".join(out)
    first = scene.starts[within.start]
    last = scene.starts[within.stop] - 1 if within.stop < len(scene.starts) else len(scene.text)
    before, after = scene.text[first : scene.span.start], scene.text[scene.span.end : last]
    if before == "\ufeff" and not text.startswith(before):
        text = before + text
    if scene.span.end > last:
        text += "\n"
        after = ""
    if not text.startswith(before) or not text.endswith(after):
        raise NotUsableError("The answer changes lines outside of the asked code", ONE_FILE)
    return Placed(text[len(before) : len(text) - len(after)], tuple(wanted), tuple(added))


def _slid(change: LineChange, lines: Sequence[str], within: range) -> LineChange:
    """Return an insertion moved over blank lines next to the range, where that is the same text."""
    start, end, new = change
    if start != end or within.start <= start <= within.stop:
        return change
    between = list(lines[start : within.start] or lines[within.stop : start])
    count = len(between)
    if not count or any(line.strip() for line in between) or len(new) <= count:
        return change
    if start < within.start and not any(line.strip() for line in new[:count]):
        return within.start, within.start, [*new[count:], *between]
    if start > within.stop and not any(line.strip() for line in new[-count:]):
        return within.stop, within.stop, [*between, *new[:-count]]
    return change


def _added_imports(scene: Scene, old: Sequence[str], new: Sequence[str]) -> list[str]:
    """Return the imports a change outside of the range adds; raise where it does more."""
    gone = [line.strip() for line in old if line.strip()]
    if not any(line.strip() for line in new) and not gone:
        return []
    added = "\n".join(line for line in new if line.strip() not in gone)
    if all(line in {one.strip() for one in new} for line in gone) and _only_imports(
        added.split("\n"), scene.language
    ):
        return _statements(added, scene.language)
    raise NotUsableError("The answer changes lines outside of the asked code", ONE_FILE)


def _only_imports(lines: Sequence[str], language: str) -> bool:
    text = "\n".join(line.strip() for line in lines)
    rest = text
    for one in reversed(imports(text, language)):
        rest = rest[: one.start] + rest[one.end :]
    if language == "go":
        rest = "\n".join(
            line for line in rest.split("\n") if not (line.startswith('"') and line.endswith('"'))
        )
    return bool(text.strip()) and not rest.replace(";", "").strip()


def _statements(text: str, language: str) -> list[str]:
    text = "\n".join(line.strip() for line in text.split("\n"))
    found = [one.text for one in imports(text, language)]
    if language == "go":
        # A line of an import block, which is no statement by itself.
        found += [f"import {line}" for line in text.split("\n") if line.startswith('"')]
    return found


def _elsewhere(document: Snapshot, hunks: Sequence[Hunk]) -> FileEdit:
    plain = PlainDocument.of(document)
    lines = plain.text.split("\n")
    changes = _ordered(Places(lines), hunks, range(len(lines)))
    starts = [*line_starts(plain.text), len(plain.text) + 1]
    edits = []
    for start, end, new in changes:
        text = "".join(f"{line}\n" for line in new)
        first, last = starts[start], starts[end]
        if last > len(plain.text):
            last, text = len(plain.text), text[:-1]
        edits.append((first, last, text))
    language = canonical(document.language_id) or document.language_id
    after = plain.applied(edits)
    check_parses(plain.text, after, language)
    check_bound(plain.text, after, document)
    if not edits:
        raise NotUsableError(UNCHANGED)
    return plain.file_edit(edits)


def _ordered(places: Places, hunks: Sequence[Hunk], within: range) -> list[LineChange]:
    """Return all hunks' changes by line. Raises `NotUsableError` where two overlap."""
    found: list[LineChange] = []
    for hunk in hunks:
        if elisions(hunk.new, places.lines):
            raise NotUsableError(ELIDED)
        check_placeholders(hunk.new, places.lines)
        found.extend(places.apply(hunk, within))
    found.sort(key=lambda change: (change[0], change[1]))
    for before, after in pairwise(found):
        if after[0] < before[1] or before[:2] == after[:2]:
            raise NotUsableError("The answer's changes overlap")
    return found
