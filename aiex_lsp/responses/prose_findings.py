"""Findings of a review that was written as prose: lists, tables, headings, compiler lines."""

from __future__ import annotations

import re

from aiex_lsp.responses.fences import scan, split_lines
from aiex_lsp.responses.findings import severity_of
from aiex_lsp.responses.markdown import plain
from aiex_lsp.responses.review_items import (
    FIELD,
    LINE,
    NUMBERED,
    SEVERITY_TAG,
    Item,
    finding_of,
)
from aiex_lsp.responses.review_tables import findings_in_tables
from aiex_lsp.responses.types import Finding

_COMPILER = re.compile(
    r"[-*>\s]*`?(?:[\w./\\-]+\.\w{1,8}):(\d{1,7})(?:-(\d{1,7}))?(?::\d{1,7})?`?\s*[:–—-]\s*"
    r"(?:(?:\*\*|\[)?(error|warning|note|info|information|hint|critical|high|medium|low)(?:\*\*|\])?(?:\[[\w-]+\])?\s*[:–—-]\s*)?(\S.*)",
    re.IGNORECASE,
)
_MARKER = re.compile(r"(?P<indent>[ \t]*)(?P<mark>[-*+•]|\d{1,3}[.)])[ \t]+(?P<text>\S.*)")
MAX_LINE = 5000
"""Characters of a line that are read."""

MAX_ITEMS = 1000
"""List items and the like that are looked at in one review."""

_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(?P<text>\S.*)")
_BOLD_LINE = re.compile(r" {0,3}\*\*(?P<text>[^*]{1,200})\*\*[ \t]*:?[ \t]*$")
_GOOD = re.compile(
    r"strength|positive|what(?:'s| is| works)? (?:good|well)|good practice|summary|conclusion|"
    r"overview|overall|"
    r"corrected|improved (?:code|version)|refactored|fixed|introduction|example|verdict|"
    r"final thoughts|explanation|"
    r"how it works|reviewed code|revised",
    re.IGNORECASE,
)
_ADVICE = re.compile(r"recommend|suggest|improve|next step|nice to have", re.IGNORECASE)
_ISSUES = re.compile(
    r"issue|problem|bug|finding|concern|vulnerabilit|error|warning|weakness|smell|critical|high|medium|low|minor|"
    r"major|security|performance|maintainability|readability|style|correctness|nit",
    re.IGNORECASE,
)
_NONE_FOUND = re.compile(
    r"\b(?:no|not any|zero|didn['’]t (?:find|see|spot|notice) any|did not find any|"
    r"don['’]t see any|couldn['’]t find any|"
    r"found no|without any|there (?:are|were) no|does not (?:have|"
    r"contain) any)\s+(?:\w+[ ,-]+){0,4}"
    r"(?:issues?|problems?|bugs?|vulnerabilit\w+|findings?|errors?|concerns?|defects?|flaws?)\b|"
    r"\b(?:code|function|it|implementation|everything) (?:looks|is|seems|appears) (?:good|fine|"
    r"correct|clean|ok|great|solid|free of)",
    re.IGNORECASE,
)


def findings_in_prose(text: str) -> list[Finding]:
    """Return the findings that lists, tables, headings and compiler-like lines of a text tell."""
    table = findings_in_tables(split_lines(text))
    if table:
        return table
    items, intro = _items(text)
    found = [(item, finding) for item in items if (finding := finding_of(item))]
    strong = [item for item, finding in found if finding.start_line or _marked_issue(item)]
    if strong:
        # A remark without a line stands in one list with those that have one.
        lists = {(item.section, item.indent) for item in strong if item.kind == "list"}
        taken = {id(item) for item in strong}
        return [
            finding
            for item, finding in found
            if id(item) in taken or (item.kind == "list" and (item.section, item.indent) in lists)
        ]
    if _NONE_FOUND.search(intro[:3000]) or _NONE_FOUND.search(text[:600]):
        return []
    return [finding for item, finding in found if item.kind in ("list", "heading")]


def _items(text: str) -> tuple[list[Item], str]:
    """Return what may be findings, in order, and the text before the first."""
    lines = split_lines(text)
    blocks = {fence.start: fence.end for fence in scan(lines)}
    reader = _Reader()
    index = 0
    while index < len(lines) and len(reader.items) < MAX_ITEMS:
        if index in blocks:
            index = blocks[index] + 1
            continue
        reader.take(lines[index])
        index += 1
    items = [item for item in reader.items if not _GOOD.search(item.section)]
    return items, "\n".join(reader.intro)


class _Reader:
    """Takes a review line by line and groups the lines into items."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.intro: list[str] = []
        self._section = ""
        self._current: Item | None = None
        self._severity: str | None = None
        """A severity that stood alone before the item it is about."""
        self._after_blank = False

    def take(self, line: str) -> None:
        """Add a line to the item it belongs to, or begin a new one."""
        if not line.strip():
            self._after_blank = True
            return
        # Long lines and runs of spaces would cost the patterns below quadratic time.
        indent = line[: len(line) - len(line.lstrip())][:100]
        line = indent + " ".join(line[:MAX_LINE].split())
        head = _HEADING.match(line)
        bold = None if head else _BOLD_LINE.match(line)
        if bold and FIELD.match(bold["text"]):
            bold = None
        if not self._compiler_line(line):
            if title := head or bold:
                self._heading(" ".join(plain(title["text"][:1000]).split()).rstrip("# "))
            elif not self._field(line):
                self._text(line)
        self._after_blank = False

    def _begin(self, item: Item) -> None:
        self._current = item
        self.items.append(item)
        if self._severity and "severity" not in item.fields:
            item.fields["severity"] = self._severity
        self._severity = None

    def _compiler_line(self, line: str) -> bool:
        match = _COMPILER.match(line) if len(line) < 2000 else None
        if match is None:
            return False
        fields = {"lines": match[1] + (f"-{match[2]}" if match[2] else "")}
        if match[3]:
            fields["severity"] = match[3]
        self._begin(Item(match[4], "compiler", section=self._section, fields=fields))
        return True

    def _heading(self, title: str) -> None:
        if _is_issue_title(title):
            self._begin(Item(title, "heading", section=self._section))
        else:
            self._section, self._current = title, None

    def _field(self, line: str) -> bool:
        """Take a line such as "**Severity:** High"; return whether it was one."""
        marked = _MARKER.match(line)
        field = FIELD.match(marked["text"] if marked else line.strip())
        if field is None:
            return False
        name, value = field["name"].lower(), field["value"].strip()
        current = self._current
        if current and (current.kind != "list" or _deeper(line, current) or not marked):
            current.fields.setdefault(name, value)
            return True
        if not marked and name in ("severity", "level", "priority") and severity_of(value):
            self._severity = value
            return True
        return False

    def _text(self, line: str) -> None:
        marked = _MARKER.match(line)
        current = self._current
        inside = current is not None and _deeper(line, current)
        if marked and not (current and inside and current.kind in ("list", "heading")):
            indent = len(marked["indent"].expandtabs(4))
            self._begin(Item(marked["text"], "list", indent, self._section))
        elif _starts_item(line):
            self._begin(Item(line.strip(), "line", section=self._section))
        elif current and (inside or not self._after_blank):
            current.body.append((marked["text"] if marked else line).strip())
        else:
            self._current = None
            if not self.items:
                self.intro.append(line)


def _deeper(line: str, item: Item) -> bool:
    if item.kind == "heading":
        return True
    return len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip()) > item.indent


def _is_issue_title(title: str) -> bool:
    """Return whether a heading names one issue rather than a group of them."""
    if re.fullmatch(
        r"(?:\d+[.)]\s*)?[\w &/-]{0,30}?(?:issues|problems|bugs|findings|concerns|"
        r"vulnerabilities|errors|warnings)",
        title,
        re.IGNORECASE,
    ):
        return False
    if _GOOD.search(title) or _ADVICE.search(title):
        return False
    return bool(NUMBERED.match(title) or LINE.search(title) or SEVERITY_TAG.search(title))


def _starts_item(line: str) -> bool:
    text = line.strip().lstrip("*_[(`> ")
    if LINE.match(text):
        return True
    tag = SEVERITY_TAG.match(line.strip())
    return bool(tag and len(line.strip()) > tag.end() + 5)


def _marked_issue(item: Item) -> bool:
    """Return whether an item says itself, or its section says, that it is an issue."""
    in_issues = _ISSUES.search(item.section) and not _ADVICE.search(item.section)
    return _tagged(item) or bool(in_issues)


def _tagged(item: Item) -> bool:
    severity = {"severity", "level", "priority", "impact", "risk"}
    return bool(SEVERITY_TAG.search(plain(item.title)) or severity & item.fields.keys())
