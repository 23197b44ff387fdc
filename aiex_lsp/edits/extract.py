"""Of a block that holds more than was asked for: the part that belongs in the range."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiex_lsp.edits.elided import is_elision
from aiex_lsp.edits.refusals import ONE_FILE, NotUsableError, shortened
from aiex_lsp.edits.scene import Scene
from aiex_lsp.syntax.imports import ImportStatement, imports
from aiex_lsp.syntax.languages import line_comment
from aiex_lsp.syntax.types import Symbol

_CLOSING = re.compile(r"[})\]]+[;,]*|end[;,]?|\{|do|<\?php|\?>")
_HEADER = re.compile(
    r"package [\w.]+;?|namespace [\w\\.]+[;{]?|['\"]use strict['\"];?|#!.*|# -\*-.*"
)
_USAGE = re.compile(
    r"if __name__|print\(|console\.\w+\(|fmt\.Print|println!|System\.out|puts |IO\.puts|echo |"
    r"printf\(|std::cout|Console\.Write|assert\b|expect\(",
)
_USAGE_NOTE = re.compile(r"\b(?:example|usage|test(?:ing)? (?:it|the)|output|demo|try it)\b", re.I)


@dataclass(frozen=True, slots=True)
class Extract:
    """The code for the range and the import statements that came along."""

    code: str
    imports: tuple[str, ...] = ()


def symbol_extract(
    scene: Scene, code: str, found: list[Symbol], own: Symbol, asked: Symbol
) -> Extract:
    """Return the asked symbol's text (`own` in the block) with helpers that are new.

    Raises `NotUsableError` where the block changes something else of the file.
    """
    start, end = _region(code, own)
    used: list[tuple[int, int]] = []
    kept = [(start, end)]
    for other in _outermost(found, own):
        first, last = _region(code, other)
        if first < end and start < last:
            continue
        used.append((first, last))
        if _is_known(scene, code[first:last], other, asked):
            continue
        if asked.container and not _is_sibling(other, own, asked, code):
            raise NotUsableError(
                f"The answer adds `{shortened(other.name)}` outside of the asked code", ONE_FILE
            )
        kept.append((first, last))
    wanted: list[str] = []
    for statement in imports(code, scene.language):
        if not any(a <= statement.start < b for a, b in [(start, end), *used]):
            wanted.append(statement.text)
            used.append((statement.start, _line_end(code, statement.end)))
    for first, last in _gaps(len(code), [*used, (start, end)]):
        kept.extend(_kept_gap(scene, code, first, last, after=first >= end, asked=asked))
    return Extract(_joined(code, sorted(kept), scene.language), tuple(wanted))


def plain_extract(scene: Scene, code: str) -> Extract:
    """Return a block without the imports at its head that do not belong in the range."""
    found = imports(code, scene.language)
    own = {" ".join(line.split()) for line in scene.old.split("\n")}
    head: list[ImportStatement] = []
    position = 0
    for one in found:
        between = code[position : one.start].strip()
        if between and not all(_HEADER.fullmatch(line) for line in between.split("\n")):
            break
        head.append(one)
        position = _line_end(code, one.end)
    if not head or any(" ".join(one.text.split()) in own for one in head):
        return Extract(code)
    if not code[position:].strip():
        return Extract(code)
    return Extract(code[position:].strip("\n"), tuple(one.text for one in head))


def readable(code: str, language: str) -> str:
    """Return a block whose bare `...` lines are comments, so that the rest can be parsed."""
    if language == "python" or ("..." not in code and "…" not in code):
        return code
    mark = line_comment(language)
    return "\n".join(
        f"{line[: len(line) - len(line.lstrip())]}{mark} ..."
        if re.fullmatch(r"[ \t]*\[?(?:\.{3}|…)\]?[;,]?[ \t]*", line)
        else line
        for line in code.split("\n")
    )


def _region(code: str, one: Symbol) -> tuple[int, int]:
    start = one.start if one.doc_start is None else min(one.doc_start, one.start)
    line = code.rfind("\n", 0, max(start, 0)) + 1
    if not code[line:start].strip():
        start = line
    end = max(0, min(one.end, len(code)))
    rest = code[end : _line_end(code, end)]
    if rest and re.fullmatch(r"[ \t]*[;,]?[ \t]*(?:(?://|#|--).*)?", rest):
        end += len(rest.rstrip())
    return max(start, 0), end


def _line_end(code: str, at: int) -> int:
    end = code.find("\n", at)
    return len(code) if end < 0 else end


def _outermost(found: list[Symbol], own: Symbol) -> list[Symbol]:
    """Return the definitions beside `own` that no other but what encloses `own` holds."""
    out: list[Symbol] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if (one.start <= own.start and own.end <= one.end) or _within(one, own):
            continue
        if not out or one.start >= out[-1].end:
            out.append(one)
    return out


def _within(one: Symbol, other: Symbol) -> bool:
    return other.start <= one.start and one.end <= other.end and one != other


def _is_known(scene: Scene, text: str, one: Symbol, asked: Symbol) -> bool:
    """Return whether the file has this definition already, as it stands in the block."""
    containers = {one.container, asked.container} if not one.container else {one.container}
    there = [
        other
        for other in scene.outside_named.get(one.name, ())
        if (other.container in containers or not asked.container)
    ]
    if not there:
        return False
    bare = _bare(text, scene.language)
    for other in there:
        if bare == _bare(scene.text[other.start : other.end], scene.language):
            return True
    if any(is_elision(line) for line in text.split("\n")) or len(bare) < 2:
        return True
    raise NotUsableError(
        f"The answer also changes `{shortened(one.name)}`, which was not asked for", ONE_FILE
    )


def _bare(text: str, language: str) -> list[str]:
    mark = line_comment(language)
    lines = (line.strip() for line in text.split("\n"))
    return [line.rstrip(";,") for line in lines if line and not line.startswith((mark, "/*", "*"))]


def _is_sibling(other: Symbol, own: Symbol, asked: Symbol, code: str) -> bool:
    if other.container != own.container:
        return False
    head = code[other.start : other.end].split("\n", 1)[0]
    if own.container == "" and head.lstrip().startswith(("def ", "async def ")):
        # A bare Python function is a method only where it says so.
        return bool(re.search(r"\(\s*(?:self|cls)\b", head)) or not asked.signature.count("self")
    return True


def _gaps(size: int, used: list[tuple[int, int]]) -> list[tuple[int, int]]:
    gaps: list[tuple[int, int]] = []
    at = 0
    for start, end in sorted(used):
        if start > at:
            gaps.append((at, start))
        at = max(at, end)
    if at < size:
        gaps.append((at, size))
    return gaps


def _kept_gap(
    scene: Scene, code: str, first: int, last: int, *, after: bool, asked: Symbol
) -> list[tuple[int, int]]:
    """Return what of the text between definitions belongs in the range, as spans."""
    text = code[first:last]
    mark = line_comment(scene.language)
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    strange = [
        line
        for line in lines
        if line not in scene.line_set
        and not _CLOSING.fullmatch(line)
        and not _HEADER.fullmatch(line)
        and not is_elision(line)
        and not line.startswith((mark, "/*", "*", "<!--"))
    ]
    if not strange:
        return []
    if after and _is_usage(lines, strange, asked.name, mark):
        return []
    if asked.container:
        raise NotUsableError("The answer changes lines outside of the asked code", ONE_FILE)
    lead = len(text) - len(text.lstrip("\n"))
    return [(first + lead, first + len(text.rstrip()))]


def _is_usage(lines: list[str], strange: list[str], name: str, mark: str) -> bool:
    notes = [line for line in lines if line.startswith(mark)]
    if any(_USAGE_NOTE.search(line) for line in notes):
        return True
    first = strange[0]
    if _USAGE.match(first):
        return True
    if any(
        re.match(rf"(?:[\w.]+ )*{re.escape(name)} *(?::[^=]*)?=(?![=>])", one) for one in strange
    ):
        return False  # the old name, kept for others
    calls = [line for line in strange if re.search(rf"\b{re.escape(name)}\b", line)]
    return bool(calls) and all(_USAGE.match(line) or line in calls for line in strange)


def _joined(code: str, spans: list[tuple[int, int]], language: str) -> str:
    out = ""
    at = -1
    gap = "\n\n\n" if language == "python" else "\n\n"
    for start, end in spans:
        if out:
            between = code[at:start]
            indented = code[start : start + 1] in (" ", "\t")
            blank = between if between and not between.strip() else ""
            out = out.rstrip("\n") + (
                "\n" * max(1, blank.count("\n")) if blank else "\n\n" if indented else gap
            )
            out += code[start:end].lstrip("\n") if not blank else code[start:end]
        else:
            out = code[start:end]
        at = end
    return out
