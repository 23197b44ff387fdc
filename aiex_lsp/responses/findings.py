"""Findings of a review, from JSON as asked for or from whatever else the model wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiex_lsp.responses import review_words as words
from aiex_lsp.responses.lenient_json import find_json
from aiex_lsp.responses.types import Finding, Severity

MAX_FINDINGS = 200
"""More than these no reader looks at, and no editor shows well."""

FINDINGS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "findings": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "message": {"type": "string"},
                    "severity": {
                        "type": "string",
                        "enum": ["error", "warning", "information", "hint"],
                    },
                    "category": {"type": "string"},
                    "start_line": {"type": ["integer", "null"]},
                    "end_line": {"type": ["integer", "null"]},
                    "suggestion": {"type": ["string", "null"]},
                    "quote": {"type": ["string", "null"]},
                },
                "required": [
                    "message",
                    "severity",
                    "category",
                    "start_line",
                    "end_line",
                    "suggestion",
                    "quote",
                ],
                "additionalProperties": False,
            },
        },
        "summary": {"type": "string"},
    },
    "required": ["findings", "summary"],
    "additionalProperties": False,
}
"""What a model is asked to answer with: within the subset that OpenAI's strict `json_schema`,
Anthropic's tools, Ollama's `format` and llama.cpp's grammar converter all take."""


@dataclass(frozen=True, slots=True)
class Review:
    """What was read from a review: `structured` tells whether it was JSON."""

    findings: tuple[Finding, ...] = ()
    summary: str = ""
    structured: bool = False
    truncated: bool = False


def read_review(text: str, line_count: int | None = None) -> Review:
    """Return findings and summary of a model's answer, JSON or prose. Never raises.

    `line_count` is that of the text it was shown.
    """
    review = _from_json(text)
    if review is None:
        from aiex_lsp.responses.prose_findings import findings_in_prose

        review = Review(tuple(findings_in_prose(text)))
    placed = (_within(finding, line_count) for finding in review.findings)
    unique = tuple(dict.fromkeys(placed))[:MAX_FINDINGS]
    return replace(review, findings=unique)


def severity_of(word: str) -> Severity | None:
    """Return the severity a word stands for, None where it is none."""
    for part in re.findall(r"[a-z]+\d?", word.lower()[:100]):
        if part in words.SEVERITIES:
            return words.SEVERITIES[part]
    return None


def lines_in(text: str) -> tuple[int | None, int | None]:
    """Return the first and last line that a text such as "12-15", "L12" or "a.py:12" names."""
    match = re.search(
        r"(?<![\d.])(\d{1,9})(?:\s*(?:-|–|—|to|,|and|:L?)\s*L?(\d{1,9}))?", text[:300]
    )
    if not match:
        return None, None
    start = int(match[1])
    end = int(match[2]) if match[2] else start
    if ":" in match[0]:
        end = start
    return (start, end) if end >= start else (start, start)


def _within(finding: Finding, line_count: int | None) -> Finding:
    start, end = finding.start_line, finding.end_line
    if start is None or start < 1 or (line_count is not None and start > line_count):
        return replace(finding, start_line=None, end_line=None)
    end = start if end is None or end < start else end
    return replace(finding, end_line=end if line_count is None else min(end, line_count))


def _from_json(text: str) -> Review | None:
    best: Review | None = None
    for value, truncated in find_json(text):
        items, known = _items(value)
        if items is None:
            continue
        found = tuple(f for f in (_finding(item, label) for item, label in items) if f)
        summary = value.get("summary") if isinstance(value, dict) else None
        if not found and not known:
            continue
        review = Review(found, summary if isinstance(summary, str) else "", True, truncated)
        if best is None or len(found) > len(best.findings):
            best = review
    return best


def _items(value: Any) -> tuple[list[tuple[Any, str]] | None, bool]:
    """Return the raw findings, each with its list's name, and whether their list was known."""
    if isinstance(value, list):
        if value and all(isinstance(item, dict) for item in value):
            nested = [_items(item) for item in value if not _is_finding(item)]
            merged = [pair for items, _ in nested for pair in items or ()]
            return merged + [(item, "") for item in value if _is_finding(item)], False
        return None, False
    if not isinstance(value, dict):
        return None, False
    keys = {str(key).lower(): key for key in value}
    lists: list[tuple[Any, str]] = []
    known = False
    for name in [
        *words.LISTS,
        *(key for key in keys if key in words.SEVERITIES and key not in words.LISTS),
    ]:
        content = value[keys[name]] if name in keys else None
        if isinstance(content, list):
            known = True
            lists.extend((item, name) for item in content)
        elif isinstance(content, dict) and not _is_finding(value):
            inner, inner_known = _items(content)
            lists.extend(inner or ())
            known = known or inner_known
    if known and not (_is_finding(value) and not lists):
        return lists, True
    if _is_finding(value):
        return [(value, "")], False
    return None, False


def _is_finding(item: Mapping[Any, Any]) -> bool:
    keys = {str(key).lower() for key in item}
    told = any(key in keys for key in (*words.MESSAGE, "title"))
    return told and any(
        key in keys for key in (*words.SEVERITY, *words.START, *words.SUGGESTION, *words.CATEGORY)
    )


def _finding(item: Any, label: str) -> Finding | None:
    if isinstance(item, str):
        from aiex_lsp.responses.review_items import finding_of_line

        return finding_of_line(item, severity_of(label))
    if not isinstance(item, dict):
        return None
    fields = {str(key).lower(): value for key, value in item.items()}
    message = _text(fields, words.MESSAGE) or ""
    title = _text(fields, words.TITLE) or ""
    if title and message and title.lower() not in message.lower():
        message = f"{title.rstrip('.:')}: {message}"
    message = message or title
    if not message:
        return None
    category, severity = "general", None
    for key in words.SEVERITY:
        if isinstance(fields.get(key), str) and (severity := severity_of(fields[key])):
            break
    for key in words.CATEGORY:
        raw = fields.get(key)
        # "type" and "kind" may hold the severity instead.
        is_severity = key in words.SEVERITY and str(raw).strip().lower() in words.SEVERITIES
        if isinstance(raw, str) and raw.strip() and not is_severity:
            category = raw.strip()
            break
    start, end = _lines(fields)
    return Finding(
        message=message,
        severity=severity or severity_of(label) or "warning",
        category=category,
        start_line=start,
        end_line=end,
        suggestion=_text(fields, words.SUGGESTION),
        quote=_text(fields, words.QUOTE),
    )


def _text(fields: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    for name in names:
        value = fields.get(name)
        if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
            value = "\n".join(value)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None


def _lines(fields: Mapping[str, Any]) -> tuple[int | None, int | None]:
    start = end = None
    for name in words.START:
        if name in fields:
            start, end = _line_value(fields[name])
            if start is not None:
                break
    for name in words.END:
        if name in fields:
            last, _ = _line_value(fields[name])
            end = last if last is not None else end
            break
    return start, end


def _line_value(value: Any) -> tuple[int | None, int | None]:
    if isinstance(value, bool) or value is None:
        return None, None
    if isinstance(value, (int, float)):
        return (int(value), int(value)) if 0 <= value < 1e9 else (None, None)
    if isinstance(value, str):
        return lines_in(value)
    if isinstance(value, list):
        numbers = [n for n in (_line_value(part)[0] for part in value[:50]) if n is not None]
        return (min(numbers), max(numbers)) if numbers else (None, None)
    if isinstance(value, dict):
        return _lines({str(key).lower(): inner for key, inner in list(value.items())[:20]})
    return None, None
