"""The structure of an answer: fences, headings, sections, prose.

Blocks are found by markdown-it-py (CommonMark); what models do that it takes amiss is put right
in `fences`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from aiex_lsp.responses.fences import Fence, closes, lengthen, scan, scan_is_better, split_lines
from aiex_lsp.responses.types import Section

MAX_LINES = 5_000
MAX_CHARS = 600_000
"""Above these the line scanner alone is used: markdown-it takes 10 to 40 µs a line here, and no
model's answer is half as long."""

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*))?$")
_CLOSING = re.compile(r"[ \t]+#+[ \t]*$")
_PSEUDO = re.compile(
    r" {0,3}(?P<number>\d{1,3}[.)][ \t]+)?(?P<mark>\*\*|__)(?P<title>[^*\s][^*]{0,118}?)"
    r"(?P<colon>:?)(?P=mark)[ \t]*:?[ \t]*$"
)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of lines `start`..`end` (0-based, end excluded)."""

    level: int
    title: str
    start: int
    end: int


@dataclass(frozen=True)
class Outline:
    """An answer's lines (without their breaks), code blocks and headings, in order."""

    lines: tuple[str, ...]
    fences: tuple[Fence, ...]
    headings: tuple[Heading, ...]

    @cached_property
    def titles(self) -> tuple[Heading, ...]:
        """The headings; where there are none, the lines of a not too long answer that stand
        for headings."""
        if self.headings or len(self.lines) > MAX_LINES:
            return self.headings
        return tuple(_pseudo_headings(self))


def outline(text: str, *, truncated: bool = False) -> Outline:
    """Return the structure of an answer; `truncated` is whether the model was cut off."""
    lines = split_lines(text)
    fixed = lengthen(lines, truncated)
    scanned = scan(fixed)
    if len(lines) > MAX_LINES or len(text) > MAX_CHARS:
        return Outline(tuple(lines), tuple(scanned), tuple(_atx_headings(lines, scanned)))
    fences, headings = _commonmark(fixed)
    if scan_is_better(fences, scanned):
        masked = list(fixed)
        for fence in scanned:
            masked[fence.start : fence.end + 1] = [""] * (fence.end + 1 - fence.start)
        indented, headings = _commonmark(masked)
        fences = sorted([*scanned, *(f for f in indented if f.indented)], key=lambda f: f.start)
    return Outline(tuple(lines), tuple(fences), tuple(headings))


def prose_lines(lines: Sequence[str], blocks: Sequence[tuple[int, int]]) -> list[str]:
    """Return the lines with those of the blocks (start, end included) made empty."""
    out = list(lines)
    for start, end in blocks:
        out[start : end + 1] = [""] * (end + 1 - start)
    return out


def prose(lines: Sequence[str], blocks: Sequence[tuple[int, int]]) -> str:
    """Return the text around the code blocks; runs of blank lines become one."""
    out: list[str] = []
    for line in prose_lines(lines, blocks):
        if line.strip() or (out and out[-1].strip()):
            out.append(line)
    return "\n".join(out).strip("\r\n \t")


def sections(doc: Outline) -> tuple[Section, ...]:
    """Return the headings as a tree with their text.

    Without any heading, lines that are only bold ("**Summary**", "1. **Overview**:") count as
    headings of level 2; a numbered one only where text follows it. Text before the first heading
    is a section of level 0 without title. Headings without a title do not count. No headings at
    all: no sections.
    """
    headings = doc.titles
    if not headings:
        return ()
    roots: list[_Node] = []
    preamble = _body(doc.lines, 0, headings[0].start)
    if preamble:
        roots.append(_Node(0, "", preamble, []))
    stack: list[_Node] = []
    for index, heading in enumerate(headings):
        end = headings[index + 1].start if index + 1 < len(headings) else len(doc.lines)
        node = _Node(heading.level, heading.title, _body(doc.lines, heading.end, end), [])
        while stack and stack[-1].level >= node.level:
            stack.pop()
        (stack[-1].children if stack else roots).append(node)
        stack.append(node)
    return tuple(node.freeze() for node in roots)


def flatten(tree: Sequence[Section]) -> list[Section]:
    """Return the sections of a tree in reading order."""
    out: list[Section] = []
    for section in tree:
        out.append(section)
        out.extend(flatten(section.children))
    return out


_MARKS = re.compile(r"[*_`\[]")
_LINK = re.compile(r"!?\[([^\[\]\n]{1,300})\]\([^()\s]{0,500}\)")
_BOLD = re.compile(r"(\*\*|__)(?=\S)([^*\n]{1,120}?)(?<=\S)\1(?!\w)")
_ITALIC = re.compile(r"(?<![*\w])([*_])(?=[^\s*_])([^*_\n]{1,300})(?<=\S)\1(?![*\w])")
_CODE = re.compile(r"(?<!`)(`{1,2})(?!`)[ ]?([^`\n]{1,400}?)[ ]?\1(?!`)")


def plain(text: str) -> str:
    """Return the text without links, emphasis and code marks."""
    if not _MARKS.search(text):
        return text
    spans: list[str] = []

    def keep(match: re.Match[str]) -> str:
        spans.append(match[2])
        return f"\0{len(spans) - 1}\0"

    text = _CODE.sub(keep, text.replace("\0", ""))
    text = _ITALIC.sub(r"\2", _BOLD.sub(r"\2", _LINK.sub(r"\1", text)))
    return re.sub("\0([0-9]+)\0", lambda m: spans[int(m[1])], text)


@dataclass(slots=True)
class _Node:
    level: int
    title: str
    content: str
    children: list[_Node]

    def freeze(self) -> Section:
        children = tuple(child.freeze() for child in self.children)
        return Section(self.level, self.title, self.content, children)


def _commonmark(lines: Sequence[str]) -> tuple[list[Fence], list[Heading]]:
    from markdown_it import MarkdownIt

    # Inline syntax is not needed; link definitions and raw HTML would hide text from us.
    parser = MarkdownIt("commonmark").disable(["normalize", "inline", "reference", "html_block"])
    fences: list[Fence] = []
    headings: list[Heading] = []
    tokens = parser.parse("\n".join(lines))
    for index, token in enumerate(tokens):
        if token.map is None:
            continue
        start, end = token.map[0], min(token.map[1], len(lines))
        if token.type == "fence":
            closed = end - start > 1 and closes(lines[end - 1], token.markup)
            while not closed and end - 1 > start and not lines[end - 1].strip():
                end -= 1
            code = token.content.rstrip("\n")
            fences.append(Fence(start, end - 1, token.info.strip(), code, not closed))
        elif token.type == "code_block":
            code = token.content.rstrip("\n")
            fences.append(Fence(start, end - 1, "", code, indented=True))
        elif token.type == "heading_open" and token.level == 0:
            title = _title(tokens[index + 1].content)
            headings.append(Heading(int(token.tag[1:]), title, start, end))
    return fences, [heading for heading in headings if heading.title]


def _atx_headings(lines: Sequence[str], fences: Sequence[Fence]) -> list[Heading]:
    masked = prose_lines(lines, [(f.start, f.end) for f in fences])
    found = ((i, _ATX.match(line)) for i, line in enumerate(masked))
    heads = [Heading(len(m[1]), _title(m[2] or ""), i, i + 1) for i, m in found if m]
    return [head for head in heads if head.title]


def _pseudo_headings(doc: Outline) -> list[Heading]:
    masked = prose_lines(doc.lines, [(f.start, f.end) for f in doc.fences if not f.indented])
    found: list[tuple[Heading, bool]] = []
    for index, line in enumerate(masked):
        match = _PSEUDO.match(line) if len(line) < 200 else None
        if match:
            heading = Heading(2, _title(match["title"]), index, index + 1)
            found.append((heading, bool(match["number"])))
    out = []
    for place, (heading, numbered) in enumerate(found):
        end = found[place + 1][0].start if place + 1 < len(found) else len(doc.lines)
        if not numbered or _body(doc.lines, heading.end, end):
            out.append(heading)
    return out


def _title(text: str) -> str:
    if len(text) > 1000:
        return text.strip()
    if "#" in text:
        text = _CLOSING.sub("", text)
    return " ".join(plain(text).split()).removesuffix(":").strip()


def _body(lines: Sequence[str], start: int, end: int) -> str:
    while start < end and not lines[start].strip():
        start += 1
    while end > start and not lines[end - 1].strip():
        end -= 1
    return "\n".join(lines[start:end])
