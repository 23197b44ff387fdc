"""A block of code in place of the range it was asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiex_lsp.edits.cleaning import cleaned_code
from aiex_lsp.edits.comments import documented, quiet_lines, with_comments
from aiex_lsp.edits.elided import check_placeholders, elisions, filled
from aiex_lsp.edits.extract import Extract, plain_extract, readable, symbol_extract
from aiex_lsp.edits.helpers import helpers_apart
from aiex_lsp.edits.indent import fitted
from aiex_lsp.edits.neighbours import repeated_around
from aiex_lsp.edits.refusals import ONE_FILE, NotUsableError, shortened
from aiex_lsp.edits.scene import Scene, definitions
from aiex_lsp.responses.info import path_in_comment
from aiex_lsp.syntax.tokens import string_lines
from aiex_lsp.syntax.types import Symbol
from aiex_lsp.text.diff import line_changes
from aiex_lsp.text.snapshot import Span


@dataclass(frozen=True, slots=True)
class Placed:
    """The plain text the range becomes, and imports and helpers to be added elsewhere."""

    text: str
    imports: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


def placed(scene: Scene, code: str) -> Placed:
    """Return what the range becomes by a block of code. Raises `NotUsableError`."""
    code = readable(cleaned_code(code), scene.language)
    if path_in_comment(code) and code.split("\n", 1)[0].strip() not in scene.line_set:
        code = code.partition("\n")[2]
    code = _completed(scene, code)
    if scene.symbol is None:
        return _selection(scene, code)
    return _symbol(scene, code, scene.symbol)


def _completed(scene: Scene, code: str) -> str:
    """Return a block with what it leaves out of the range filled in, where that needs no guess.

    Before anything is parsed: a block with gaps often is not balanced.
    """
    lines = code.split("\n")
    if not elisions(lines, scene.lines):
        return code
    original = _ends(scene.old)[1].split("\n")
    lead = scene.text[scene.text.rfind("\n", 0, scene.span.start) + 1 : scene.span.start]
    if not lead.strip():
        original[0] = lead + original[0]
    lines = fitted(lines, original, frozenset())
    try:
        return "\n".join(filled(lines, original, quiet_lines("\n".join(lines))))
    except NotUsableError:
        return code


def _symbol(scene: Scene, code: str, asked: Symbol) -> Placed:
    if scene.intent == "document" and (text := documented(scene, code)) is not None:
        return Placed(text)
    apart = helpers_apart(scene, code, asked)
    code = apart.code
    found = definitions(code, scene.language, asked.name, member=bool(asked.container))
    own = _same(found, asked, code, scene.old) or _renamed(scene, found, asked)
    if own is None:
        names = [one.name for one in found]
        if names:
            raise NotUsableError(
                f"The answer is code for `{shortened(names[0])}`, not for `{shortened(asked.name)}`"
            )
        if elisions(code.split("\n"), scene.lines):
            raise NotUsableError("The answer leaves out parts of the code")
        raise NotUsableError(
            f"The answer has only a part of `{shortened(asked.name)}`, not the whole"
        )
    _check_once(scene, found, own)
    extract = symbol_extract(scene, code, found, own, asked)
    return Placed(_fitted(scene, extract, asked), extract.imports, apart.added)


def _selection(scene: Scene, code: str) -> Placed:
    found = definitions(code, scene.language)
    names = {one.name for one in scene.inside}
    for around in reversed(_ancestors(scene)):
        if around.name in names:
            continue
        own = _same(
            definitions(code, scene.language, around.name, member=bool(around.container)),
            around,
            code,
            scene.text[around.start : around.end],
        )
        if own is not None:
            return _narrowed(scene, code, around)
    if names and found and not names & {one.name for one in found}:
        top = [one.name for one in scene.inside]
        raise NotUsableError(
            f"The answer is code for `{shortened(found[0].name)}`, not for `{shortened(top[0])}`"
        )
    if _is_whole_file(scene, code):
        return _cut_out(scene, scene.text.removeprefix("\ufeff"), code)
    extract = plain_extract(scene, code)
    wider = repeated_around(scene, extract.code.split("\n"))
    if wider is not None:
        old = scene.lines[wider.start : wider.stop]
        new = fitted(extract.code.strip("\n").split("\n"), old, frozenset())
        start = scene.starts[wider.start]
        cut = _cut_out(scene, "\n".join(old), "\n".join(restored(new, old)), start)
        return Placed(cut.text, extract.imports)
    return Placed(_fitted(scene, extract, None), extract.imports)


def _same(found: list[Symbol], asked: Symbol, code: str, old: str) -> Symbol | None:
    """Return the definition that is the asked one; of overloads the one most like it."""
    same = [one for one in found if one.name == asked.name]
    fitting = [one for one in same if asked.qualified_name.endswith(one.qualified_name)] or same
    fitting = [one for one in fitting if one.kind == asked.kind] or fitting
    fitting = [one for one in fitting if one.signature == asked.signature] or fitting
    if len(fitting) < 2:
        return next(iter(fitting), None)
    lines = {line.strip() for line in old.split("\n")}

    def alike(one: Symbol) -> float:
        own = [line.strip() for line in code[max(0, one.start) : one.end].split("\n")]
        return sum(line in lines for line in own) / len(own)

    return max(fitting, key=alike)


def _check_once(scene: Scene, found: list[Symbol], own: Symbol) -> None:
    """Raise where the block has more definitions of this name than the file."""
    there = max(1, sum(one.name == own.name for one in scene.outline.symbols))
    if sum(one.name == own.name and one.container == own.container for one in found) > there:
        raise NotUsableError(f"The answer defines `{shortened(own.name)}` more than once")


def _renamed(scene: Scene, found: list[Symbol], asked: Symbol) -> Symbol | None:
    """Return the one definition that is the asked one under another name: a refactoring's."""
    if scene.intent not in ("refactor", "run"):
        return None
    known = {one.name for one in scene.outside}
    top = [one for one in found if one.kind == asked.kind and one.name not in known]
    return top[0] if len(top) == 1 and len(found) <= 2 else None


def _ancestors(scene: Scene) -> list[Symbol]:
    span = scene.span
    return [
        one
        for one in scene.outline.symbols
        if one.start <= span.start and span.end <= one.end and one not in scene.inside
    ]


def _narrowed(scene: Scene, code: str, around: Symbol) -> Placed:
    """Return the range's part of an answer that gives the whole definition around it."""
    start = scene.text.rfind("\n", 0, around.start) + 1
    if scene.text[start : around.start].strip():
        start = around.start
    wider = Scene(scene.document, Span(start, around.end), scene.intent, around.name, scene.target)
    whole = _symbol(wider, code, around)
    cut = _cut_out(scene, wider.old, whole.text, start)
    return Placed(cut.text, whole.imports, whole.added)


def _is_whole_file(scene: Scene, code: str) -> bool:
    outside = [line.strip() for line in scene.around().split("\n") if len(line.strip()) > 3]
    if len(outside) < 3:
        return False
    there = {line.strip() for line in code.split("\n")}
    return sum(line in there for line in outside) > 0.7 * len(outside)


def _cut_out(scene: Scene, old: str, new: str, offset: int = 0) -> Placed:
    """Return what the range becomes where `old`, which holds it, becomes `new`."""
    before, after = old.split("\n"), new.strip("\n").split("\n")
    if offset == 0 and scene.text.startswith("\ufeff"):
        offset = 1
    first = scene.text.count("\n", offset, scene.span.start)
    last = scene.text.count("\n", offset, max(scene.span.start, scene.span.end - 1)) + 1
    while before and not before[-1] and len(before) > last:
        before.pop()
    top, bottom = first, last
    for i, j, k, m in line_changes(before, after):
        if all(not line.strip() for line in [*before[i:j], *after[k:m]]) and not (
            first <= i and j <= last
        ):
            if j <= first:
                top += (m - k) - (j - i)
                bottom += (m - k) - (j - i)
            continue
        if i < first or j > last:
            raise NotUsableError("The answer changes lines outside of the asked code", ONE_FILE)
        bottom += (m - k) - (j - i)
    text = "\n".join(after[top:bottom])
    return Placed(text + ("\n" if scene.old.endswith("\n") else ""))


def _fitted(scene: Scene, extract: Extract, asked: Symbol | None) -> str:
    old = scene.old
    lead, core, tail = _ends(old)
    original = core.split("\n")
    column = scene.span.start - (scene.text.rfind("\n", 0, scene.span.start) + 1)
    hanging = scene.text[scene.span.start - column : scene.span.start] if not lead else ""
    if hanging and not hanging.strip():
        original[0] = hanging + original[0]
    code = extract.code.strip("\n").rstrip()
    strings = string_lines(code, scene.language)
    lines = fitted(code.split("\n"), original, strings)
    check_placeholders(lines, original)
    lines = filled(lines, original, quiet_lines("\n".join(lines)))
    if asked is not None:
        lines = _with_lead(scene, lines, original, asked)
    lines = restored(lines, original)
    if scene.intent == "fix":
        lines = with_comments(lines, original, scene.language)
    text = "\n".join(lines)
    if hanging and not hanging.strip() and text.startswith(hanging):
        text = text[len(hanging) :]
    return lead + _same_end(text, core, scene.text[scene.span.end : scene.span.end + 1]) + tail


def _with_lead(scene: Scene, lines: list[str], original: list[str], asked: Symbol) -> list[str]:
    """Return the lines with the comment and decorators that stood before and were left out."""
    first = next((line.strip() for line in lines if line.strip()), "")
    at = next((n for n, line in enumerate(original) if line.strip() == first), 0)
    named = scene.text.count("\n", scene.span.start, asked.name_start)
    before = scene.old[: len(scene.old) - len(scene.old.lstrip("\n"))].count("\n")
    if 0 < at <= named - before:
        return [*original[:at], *lines]
    if asked.doc_start is None or scene.intent == "document":
        return lines
    # The head itself is changed: the comment above it is kept where the answer has none.
    heads = scene.text.count("\n", scene.span.start, max(asked.start, scene.span.start)) - before
    if heads > 0 and not _begins_documented(first) and _word(first) == _word(original[heads]):
        return [*original[:heads], *lines]
    return lines


def _begins_documented(line: str) -> bool:
    return line.startswith(("//", "/*", "#", "--", "@", "*", '"', "<"))


def _word(line: str) -> str:
    return re.split(r"\W", line.strip(), maxsplit=1)[0]


def restored(lines: list[str], original: list[str]) -> list[str]:
    """Return the lines, those of the original to the byte that differ only in blanks at the end."""
    bare = [line.rstrip() for line in lines]
    old = [line.rstrip() for line in original]
    out: list[str] = []
    at = 0
    for i, j, k, m in [*line_changes(old, bare), (len(old), len(old), len(bare), len(bare))]:
        out.extend(original[at:i])
        out.extend(line.rstrip(" \t") if not line.strip() else line for line in lines[k:m])
        at = j
    return out


def _same_end(text: str, core: str, following: str) -> str:
    for mark in (";", ","):
        if text.endswith(mark) and not core.endswith(mark) and following == mark:
            return text[:-1]
        if core.endswith(mark) and not text.endswith((";", ",")) and "#" not in text[-80:]:
            return text + mark
    return text


def _ends(text: str) -> tuple[str, str, str]:
    """Return the blank lines a range begins with, its text, and the blanks it ends with."""
    body = text.rstrip()
    lead = body.rfind("\n", 0, len(body) - len(body.lstrip())) + 1
    return text[:lead], text[lead : len(body)], text[len(body) :]
