"""Findings of a review that was written as prose: lists, tables, headings, compiler lines."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from aiex_lsp.responses.fences import scan, split_lines
from aiex_lsp.responses.findings import lines_in, severity_of
from aiex_lsp.responses.markdown import plain
from aiex_lsp.responses.review_tables import findings_in_tables
from aiex_lsp.responses.types import Finding, Severity

_LINE = re.compile(
    r"(?:\b(?:lines?|ln\.?)\s*(?:#|no\.?|numbers?)?\s*:?\s*`?|(?<![\w.])L)(?=\d)(\d{1,7}`?(?:\s*(?:-|–|—|to|through|and|,)\s*`?L?\d{1,7})?)",
    re.IGNORECASE,
)
_COMPILER = re.compile(
    r"[-*>\s]*`?(?:[\w./\\-]+\.\w{1,8}):(\d{1,7})(?:-(\d{1,7}))?(?::\d{1,7})?`?\s*[:–—-]\s*"
    r"(?:(?:\*\*|\[)?(error|warning|note|info|information|hint|critical|high|medium|low)(?:\*\*|\])?(?:\[[\w-]+\])?\s*[:–—-]\s*)?(\S.*)",
    re.IGNORECASE,
)
_MARKER = re.compile(r"(?P<indent>[ \t]*)(?P<mark>[-*+•]|\d{1,3}[.)])[ \t]+(?P<text>\S.*)")
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(?P<text>.+?)[ \t]*#*$")
_BOLD_LINE = re.compile(r" {0,3}\*\*(?P<text>[^*]{1,200})\*\*[ \t]*:?[ \t]*$")
_FIELD = re.compile(
    r"(?:\*\*|__)?(?P<name>severity|level|priority|impact|risk|category|type|rule|lines?|"
    r"line numbers?|location|where|"
    r"description|issue|problem|explanation|details?|why|suggestion|suggested fix|fix|"
    r"recommendation|solution|"
    r"remediation|how to fix|code|message)(?:\*\*|__)?\s*[:=]\s*(?:\*\*|__)?\s*(?P<value>.*)",
    re.IGNORECASE,
)
_SEVERITY_TAG = re.compile(
    r"^\W{0,6}(critical|blocker|high|severe|error|medium|moderate|major|warning|low|minor|info(?:rmation)?(?:al)?|"
    r"note|nit(?:pick)?|style|hint)\b(?:\s+(?:severity|priority|risk|impact))?\W{0,3}\s*[:\])–—-]\W*|"
    r"[\[(]\s*(?:severity\s*[:=]\s*)?(critical|blocker|high|severe|error|medium|moderate|major|warning|low|minor|"
    r"info(?:rmation)?(?:al)?|nit(?:pick)?|style|hint)(?:\s+(?:severity|priority|risk|impact))?\s*[\])]\W{0,3}",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"(?:(?:issue|problem|finding|bug)\s*#?\d*|\d{1,3}[.)])\s*[:.–—-]?\s*", re.IGNORECASE
)
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
_CATEGORIES = (
    "security",
    "performance",
    "maintainability",
    "readability",
    "correctness",
    "style",
    "reliability",
    "concurrency",
    "documentation",
    "testing",
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


@dataclass(slots=True)
class _Item:
    title: str
    kind: str
    indent: int = 0
    section: str = ""
    body: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    code: str | None = None
    open: bool = True


def findings_in_prose(text: str) -> list[Finding]:
    """Return the findings that lists, tables, headings and compiler-like lines of a text tell."""
    table = findings_in_tables(split_lines(text))
    if table:
        return table
    items, intro = _items(text)
    found = [(item, finding) for item in items if (finding := _finding(item))]
    strong = [finding for item, finding in found if finding.start_line or _marked_issue(item)]
    if strong:
        return strong
    if _NONE_FOUND.search(intro[:3000]) or _NONE_FOUND.search(text[:600]):
        return []
    return [finding for item, finding in found if item.kind in ("list", "heading")]


def finding_of_line(text: str, severity: Severity | None = None) -> Finding | None:
    """Return the finding that one line tells ("Line 3: unused import")."""
    found = _finding(_Item(text, "list"))
    if found is None or severity is None or _SEVERITY_TAG.search(text):
        return found
    return Finding(
        found.message, severity, found.category, found.start_line, found.end_line, found.suggestion
    )


def _items(text: str) -> tuple[list[_Item], str]:
    """Return what may be findings, in order, and the text before the first."""
    lines = split_lines(text)
    blocks = {fence.start: fence for fence in scan(lines)}
    items: list[_Item] = []
    section, intro = "", []
    current: _Item | None = None
    pending: str | None = None
    index, blank = 0, False
    while index < len(lines):
        if index in blocks:
            if current and current.code is None:
                current.code = blocks[index].code.strip() or None
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
            item = _Item(compiled[4], "compiler", section=section)
            item.fields = {"lines": compiled[1] + (f"-{compiled[2]}" if compiled[2] else "")}
            if compiled[3]:
                item.fields["severity"] = compiled[3]
            items.append(item)
            current = item
        elif head and not (_FIELD.match(head["text"]) and _HEADING.match(line) is None):
            title = plain(head["text"]).strip()
            if _is_issue_title(title):
                current = _Item(title, "heading", section=section)
                items.append(current)
            else:
                section, current = title, None
        elif (label := _FIELD.match(marked["text"] if marked else line.strip())) and (
            current is not None and (current.kind != "list" or _deeper(line, current) or not marked)
        ):
            current.fields.setdefault(label["name"].lower(), label["value"].strip())
            current.open = True
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
            current = _Item(marked["text"], "list", indent, section)
            items.append(current)
        elif _starts_item(line):
            current = _Item(line.strip(), "line", section=section)
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


def _deeper(line: str, item: _Item) -> bool:
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
    return bool(_NUMBERED.match(title) or _LINE.search(title) or _SEVERITY_TAG.search(title))


def _starts_item(line: str) -> bool:
    text = line.strip().lstrip("*_[(`> ")
    if _LINE.match(text):
        return True
    tag = _SEVERITY_TAG.match(line.strip())
    return bool(tag and len(line.strip()) > tag.end() + 5)


def _marked_issue(item: _Item) -> bool:
    """Return whether an item says itself, or its section says, that it is an issue."""
    in_issues = _ISSUES.search(item.section) and not _ADVICE.search(item.section)
    return _tagged(item) or bool(in_issues)


def _tagged(item: _Item) -> bool:
    severity = {"severity", "level", "priority", "impact", "risk"}
    return bool(_SEVERITY_TAG.search(plain(item.title)) or severity & item.fields.keys())


def _finding(item: _Item) -> Finding | None:
    title = plain(item.title).strip()
    if _FIELD.match(title) and item.kind == "list":
        # A list of fields alone: nothing that can stand by itself.
        value = _FIELD.match(title)
        title = value["value"] if value else title
    fields = item.fields
    severity: Severity | None = None
    for name in ("severity", "level", "priority", "impact", "risk"):
        if name in fields and (severity := severity_of(fields[name])):
            break
    if tag := _SEVERITY_TAG.search(title):
        severity = severity or severity_of(tag[1] or tag[2])
        title = (
            (title[: tag.start()] + " " + title[tag.end() :]).strip(" -–—:")
            if len(title) > len(tag[0])
            else title
        )
    place = next(
        (
            fields[k]
            for k in ("line", "lines", "line number", "line numbers", "location", "where")
            if k in fields
        ),
        None,
    )
    body = " ".join(plain(part) for part in item.body)
    start, end = _place(place, title, body)
    title = _without_place(_NUMBERED.sub("", title, count=1) if _NUMBERED.match(title) else title)
    described = next(
        (
            fields[k]
            for k in (
                "description",
                "issue",
                "problem",
                "message",
                "explanation",
                "details",
                "detail",
            )
            if fields.get(k)
        ),
        "",
    )
    parts = [
        part
        for part in (title.rstrip(":").strip(), plain(described).strip() or body.strip())
        if part
    ]
    if item.kind == "heading" or described:
        message = ": ".join(parts)
    else:
        message = " ".join([title, *([plain(described)] if described else []), body]).strip()
    message = " ".join(message.split())
    if (
        len(message) < 4
        or not re.search(r"\w{2}", message)
        or (message.endswith(":") and len(message) < 60)
    ):
        return None
    fix = next(
        (
            fields[k]
            for k in (
                "suggestion",
                "suggested fix",
                "fix",
                "recommendation",
                "solution",
                "remediation",
                "how to fix",
            )
            if fields.get(k)
        ),
        None,
    )
    category = next((plain(fields[k]) for k in ("category", "type", "rule") if fields.get(k)), None)
    return Finding(
        message=message[:2000],
        severity=severity or severity_of_section(item.section) or "warning",
        category=(category or _category(item.section)).strip(),
        start_line=start,
        end_line=end,
        suggestion=plain(fix).strip() if fix else None,
        quote=None,
    )


def severity_of_section(section: str) -> Severity | None:
    """Return the severity a group's heading tells ("Critical issues", "High severity")."""
    return (
        severity_of(section)
        if re.search(
            r"critical|high|medium|low|minor|major|warning|error|nit|style|severe",
            section,
            re.IGNORECASE,
        )
        else None
    )


def _category(section: str) -> str:
    lowered = section.lower()
    return next((name for name in _CATEGORIES if name in lowered), "general")


def _place(field_value: str | None, title: str, body: str) -> tuple[int | None, int | None]:
    if field_value:
        found = _LINE.search(field_value)
        start, end = lines_in(found[1] if found else plain(field_value))
        if start is not None:
            return start, end
    for text in (title, body):
        if match := _LINE.search(text):
            return lines_in(match[1].replace("`", "").replace("through", "to"))
    return None, None


def _without_place(text: str) -> str:
    """Return a title without the line number it begins or ends with."""
    match = _LINE.match(text.lstrip("[(*"))
    if match:
        offset = len(text) - len(text.lstrip("[(*"))
        rest = text[offset + match.end() :]
        if re.match(r"\s*[)\]]?\s*(?:\([^)]{0,80}\))?\s*[:–—\])-]", rest):
            return re.sub(r"^\s*[)\]]?\s*(?:\([^)]{0,80}\))?[\s:–—\])*-]*", "", rest)
    return re.sub(
        r"\s*[(\[](?:on |at )?(?:lines?|L)\s*\d[\d\s,–—-]*[)\]]\s*:?\s*$",
        "",
        text,
        flags=re.IGNORECASE,
    )
