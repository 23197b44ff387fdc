"""One remark of a prose review: its text and fields, made into a finding."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from aiex_lsp.responses.findings import lines_in, severity_of
from aiex_lsp.responses.markdown import plain
from aiex_lsp.responses.types import Finding, Severity

LINE = re.compile(
    r"(?:\b(?:lines?|ln\.?)\s{0,3}(?:#|no\.?|numbers?)?\s{0,3}:?\s{0,3}`?|(?<![\w.])L)(?=\d)(\d{1,7}`?(?:\s{0,3}(?:-|–|—|to|through|and|,)\s{0,3}`?L?\d{1,7})?)",
    re.IGNORECASE,
)
FIELD = re.compile(
    r"(?:\*\*|__)?(?P<name>severity|level|priority|impact|risk|category|type|rule|lines?|"
    r"line numbers?|location|where|"
    r"description|issue|problem|explanation|details?|why|suggestion|suggested fix|fix|"
    r"recommendation|solution|"
    r"remediation|how to fix|code|message)(?:\*\*|__)?\s*[:=]\s*(?:\*\*|__)?\s*(?P<value>.*)",
    re.IGNORECASE,
)
SEVERITY_TAG = re.compile(
    r"^\W{0,6}(critical|blocker|high|severe|error|medium|moderate|major|warning|low|minor|info(?:rmation)?(?:al)?|"
    r"note|nit(?:pick)?|style|hint)\b(?:\s+(?:severity|priority|risk|impact))?\W{0,3}\s*[:\])–—-]\W*|"
    r"[\[(]\s*(?:severity\s*[:=]\s*)?(critical|blocker|high|severe|error|medium|moderate|major|warning|low|minor|"
    r"info(?:rmation)?(?:al)?|nit(?:pick)?|style|hint)(?:\s+(?:severity|priority|risk|impact))?\s*[\])]\W{0,3}",
    re.IGNORECASE,
)
NUMBERED = re.compile(
    r"(?:(?:issue|problem|finding|bug)\s*#?\d*|\d{1,3}[.)])\s*[:.–—-]?\s*", re.IGNORECASE
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

_SEVERITY = ("severity", "level", "priority", "impact", "risk")
_PLACE = ("line", "lines", "line number", "line numbers", "location", "where")
_CATEGORY = ("category", "type", "rule")
_DESCRIPTION = (
    *("description", "issue", "problem", "message", "explanation"),
    *("details", "detail"),
)
_FIX = (
    *("suggestion", "suggested fix", "fix", "recommendation"),
    *("solution", "remediation", "how to fix"),
)
"""Names of a remark's fields by what they tell; the first that is there counts."""


@dataclass(slots=True)
class Item:
    """What may be a finding: its first line, the lines after it, and labelled fields.

    `kind` is "list", "heading", "line" or "compiler"; `section` the heading it stands under.
    """

    title: str
    kind: str
    indent: int = 0
    section: str = ""
    body: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)


def finding_of_line(text: str, severity: Severity | None = None) -> Finding | None:
    """Return the finding that one line tells ("Line 3: unused import")."""
    found = finding_of(Item(" ".join(text[:5000].split()), "list"))
    if found is None or severity is None or SEVERITY_TAG.search(text):
        return found
    return replace(found, severity=severity)


def finding_of(item: Item) -> Finding | None:
    """Return the finding an item tells, None where it tells nothing."""
    # Runs of spaces would cost the patterns below quadratic time.
    title = " ".join(plain(item.title[:5000]).split())
    if item.kind == "list" and (value := FIELD.match(title)):
        title = value["value"]  # a list of fields alone: nothing that can stand by itself
    severity = _severity(item)
    if tag := SEVERITY_TAG.search(title):
        severity = severity or severity_of(tag[1] or tag[2])
        title = _without_tag(title, tag)
    body = " ".join(plain(part) for part in item.body)
    place = next((item.fields[name] for name in _PLACE if name in item.fields), None)
    start, end = _place(place, title, body)
    title = _without_place(NUMBERED.sub("", title, count=1) if NUMBERED.match(title) else title)
    message = _message(item, title, body)
    if message is None:
        return None
    fix, category = _filled(item, _FIX), plain(_filled(item, _CATEGORY))
    return Finding(
        message=message[:2000],
        severity=severity or severity_of_section(item.section) or "warning",
        category=(category or _category(item.section)).strip(),
        start_line=start,
        end_line=end,
        suggestion=plain(fix).strip() if fix else None,
        quote=None,
    )


def _filled(item: Item, names: tuple[str, ...]) -> str:
    """Return the first of these fields that says something, "" where none does."""
    return next((item.fields[name] for name in names if item.fields.get(name)), "")


def _severity(item: Item) -> Severity | None:
    for name in _SEVERITY:
        if name in item.fields and (found := severity_of(item.fields[name])):
            return found
    return None


def _message(item: Item, title: str, body: str) -> str | None:
    """Return what an item says on one line, None where that is too little to be a finding."""
    described = plain(_filled(item, _DESCRIPTION))
    if item.kind == "heading" or _filled(item, _DESCRIPTION):
        parts = (title.rstrip(":").strip(), described.strip() or body.strip())
        message = ": ".join(part for part in parts if part)
    else:
        message = f"{title} {body}"
    message = " ".join(message.split())
    introduces = message.endswith(":") and len(message) < 60
    if len(message) < 4 or not re.search(r"\w{2}", message) or introduces:
        return None
    return message


def _without_tag(title: str, tag: re.Match[str]) -> str:
    before, after = title[: tag.start()].strip(), title[tag.end() :].strip()
    if not before and not after:
        return title
    # A line number stays apart from what follows: "Line 3 (High): leaks".
    joint = ": " if LINE.fullmatch(before) else " "
    return f"{before}{joint}{after}".strip(" -–—:")


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
        found = LINE.search(field_value)
        start, end = lines_in(found[1] if found else plain(field_value))
        if start is not None:
            return start, end
    for text in (title, body):
        if match := LINE.search(text):
            return lines_in(match[1].replace("`", "").replace("through", "to"))
    return None, None


def _without_place(text: str) -> str:
    """Return a title without the line number it begins or ends with."""
    match = LINE.match(text.lstrip("[(*"))
    if match:
        offset = len(text) - len(text.lstrip("[(*"))
        rest = text[offset + match.end() :]
        if re.match(r"\s*[)\]]?\s*(?:\([^)]{0,80}\))?\s*[:–—\])-]", rest):
            return re.sub(r"^\s*[)\]]?\s*(?:\([^)]{0,80}\))?[\s:–—\])*-]*", "", rest)
    text = re.sub(
        r"\s*[(\[](?:on |at )?(?:lines?|L)\s*\d[\d\s,–—-]*[)\]]\s*:?\s*$",
        "",
        text,
        flags=re.IGNORECASE,
    )
    return re.sub(r"\s+[–—-]\s+(?:lines?|L)\s*\d[\d\s,–—-]*$", "", text, flags=re.IGNORECASE)
