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
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(?P<text>.+?)[ \t]*#*$")
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
    strong = [finding for item, finding in found if finding.start_line or _marked_issue(item)]
    if strong:
        return strong
    if _NONE_FOUND.search(intro[:3000]) or _NONE_FOUND.search(text[:600]):
        return []
    return [finding for item, finding in found if item.kind in ("list", "heading")]


def _items(text: str) -> tuple[list[Item], str]:
    """Return what may be findings, in order, and the text before the first."""
    lines = split_lines(text)
    blocks = {fence.start: fence for fence in scan(lines)}
    items: list[Item] = []
    section, intro = "", []
    current: Item | None = None
    pending: str | None = None
    index, blank = 0, False
    while index < len(lines):
        if index in blocks:
            index = blocks[index].end + 1
            continue
        line = lines[index]
        index += 1
        if not line.strip():
            blank = True
            continue
        head = _HEADING.match(line) or _BOLD_LINE.match(line)
        marked = _MARKER.match(line)
        compiled = _COMPILER.match(line) if len(line) < 2000 else None
        if compiled:
            item = Item(compiled[4], "compiler", section=section)
            item.fields = {"lines": compiled[1] + (f"-{compiled[2]}" if compiled[2] else "")}
            if compiled[3]:
                item.fields["severity"] = compiled[3]
            items.append(item)
            current = item
        elif head and not (FIELD.match(head["text"]) and _HEADING.match(line) is None):
            title = plain(head["text"]).strip()
            if _is_issue_title(title):
                current = Item(title, "heading", section=section)
                items.append(current)
            else:
                section, current = title, None
        elif (label := FIELD.match(marked["text"] if marked else line.strip())) and (
            current is not None and (current.kind != "list" or _deeper(line, current) or not marked)
        ):
            current.fields.setdefault(label["name"].lower(), label["value"].strip())
        elif (
            label
            and not marked
            and severity_of(label["value"])
            and label["name"].lower() in ("severity", "level", "priority")
        ):
            pending = label["value"]
        elif marked and not (
            current and _deeper(line, current) and current.kind in ("list", "heading")
        ):
            indent = len(marked["indent"].expandtabs(4))
            current = Item(marked["text"], "list", indent, section)
            items.append(current)
        elif _starts_item(line):
            current = Item(line.strip(), "line", section=section)
            items.append(current)
        elif current is not None and (
            current.kind == "heading" or _deeper(line, current) or not blank
        ):
            current.body.append((marked["text"] if marked else line).strip())
        else:
            current = None
            intro.append(line) if not items else None
        if pending and current is not None and not current.fields and not current.body:
            current.fields["severity"], pending = pending, None
        blank = False
    return [item for item in items if not _GOOD.search(item.section)], "\n".join(intro)


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
