"""Findings of a review that was written as a table."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aiex_lsp.responses.findings import lines_in, severity_of
from aiex_lsp.responses.markdown import plain
from aiex_lsp.responses.types import Finding


def findings_in_tables(lines: Sequence[str]) -> list[Finding]:
    """Return a finding for each row of the tables that have an issue and a line or severity."""
    out: list[Finding] = []
    index = 0
    while index + 1 < len(lines):
        if "|" not in lines[index] or not re.fullmatch(r"[\s|:-]*-[\s|:-]*", lines[index + 1]):
            index += 1
            continue
        header = [_column(cell) for cell in _cells(lines[index])]
        index += 2
        while index < len(lines) and "|" in lines[index]:
            if "message" in header and ({"severity", "lines"} & set(header)):
                row = dict(zip(header, _cells(lines[index]), strict=False))
                found = _row(row)
                if found:
                    out.append(found)
            index += 1
    return out


def _row(row: dict[str, str]) -> Finding | None:
    message = row.get("message", "")
    if title := row.get("title"):
        message = f"{title}: {message}" if message else title
    if len(message) < 3:
        return None
    start, end = lines_in(row.get("lines", ""))
    return Finding(
        message=message,
        severity=severity_of(row.get("severity", "")) or "warning",
        category=row.get("category") or "general",
        start_line=start,
        end_line=end,
        suggestion=row.get("suggestion") or None,
    )


def _cells(line: str) -> list[str]:
    parts = re.split(r"(?<!\\)\|", line.strip().strip("|"))
    return [plain(part.strip()).replace("\\|", "|") for part in parts[:20]]


def _column(name: str) -> str:
    name = name.lower()
    for column, words in (
        ("lines", ("line", "location", "where")),
        ("severity", ("severity", "level", "priority", "impact", "risk")),
        ("suggestion", ("suggest", "fix", "recommend", "solution", "remed")),
        ("category", ("category", "type", "rule", "area")),
        (
            "message",
            ("issue", "problem", "description", "message", "finding", "detail", "bug", "comment"),
        ),
    ):
        if any(word in name for word in words):
            return column
    return name or "?"
