"""A review's findings, in whatever form the model wrote them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aiex_lsp.responses.findings import FINDINGS_SCHEMA, read_review
from aiex_lsp.responses.parser import parse

Row = tuple[int | None, int | None, str, str]


def _rows(text: str, line_count: int | None = None) -> list[Row]:
    found = read_review(text, line_count).findings
    return [(f.start_line, f.end_line, f.severity, f.message) for f in found]


def _objects(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [found for part in schema for found in _objects(part)]
    if not isinstance(schema, dict):
        return []
    own = [schema] if schema.get("type") == "object" else []
    return own + [found for part in schema.values() for found in _objects(part)]


def test_the_schema_keeps_to_what_strict_structured_output_allows() -> None:
    for found in _objects(FINDINGS_SCHEMA):
        assert found["additionalProperties"] is False
        assert found["required"] == list(found["properties"])
    json.dumps(FINDINGS_SCHEMA)


def test_llama_cpp_takes_the_schema() -> None:
    xllamacpp = pytest.importorskip("xllamacpp")
    grammar = xllamacpp.json_schema_to_grammar(json.dumps(FINDINGS_SCHEMA))
    assert "start_line" in grammar or "start-line" in grammar


def test_an_answer_by_the_schema_is_read_in_full() -> None:
    item = {
        "message": "m", "severity": "hint", "category": "style", "start_line": 2, "end_line": 3,
        "suggestion": "s", "quote": "q",
    }  # fmt: skip
    parsed = parse(json.dumps({"findings": [item], "summary": "All."}), "findings")
    (found,) = parsed.findings
    assert {key: getattr(found, key) for key in item} == item
    assert parsed.summary == "All."


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('{"findings": [], "summary": "ok"}', []),
        ('[{"message": "a", "line": 3}]', [(3, 3, "warning", "a")]),
        ('{"issues": [{"description": "a", "lines": "4-6", "level": "high"}]}',
         [(4, 6, "error", "a")]),
        ('{"problems": [{"text": "a", "lines": [7, 9], "priority": "low"}]}',
         [(7, 9, "information", "a")]),
        ('{"findings": [{"message": "a", "location": {"line": 5}, "severity": "nit"}]}',
         [(5, 5, "hint", "a")]),
        ('{"results": [{"title": "T", "description": "d", "location": "a.py:8"}]}',
         [(8, 8, "warning", "T: d")]),
        ('{"critical": [{"message": "a", "line": 1}], "minor": [{"message": "b", "line": 2}]}',
         [(1, 1, "error", "a"), (2, 2, "information", "b")]),
        ('{"findings": ["Line 3: unused import", "no docstring"]}',
         [(3, 3, "warning", "unused import"), (None, None, "warning", "no docstring")]),
        ("{'findings': [{'message': 'don't', 'line': 1,},],}", [(1, 1, "warning", "don't")]),
        ('{findings: [{message: "a", line: 2 /* here */}]} // end', [(2, 2, "warning", "a")]),
        ('{"findings": [{"message": "say "hi" twice", "line": 2}]}',
         [(2, 2, "warning", 'say "hi" twice')]),
        ('{"findings": [{"message": "a\nb", "line": None}]}', [(None, None, "warning", "a\nb")]),
        ('Sure {x}: [{"message": "a", "line": 2}] done', [(2, 2, "warning", "a")]),
        ('{"findings": [{"message": "a", "line": 1}, {"message": "b", "li',
         [(1, 1, "warning", "a")]),
        ('{"findings": [{"message": "a", "line": 1}, {"message": "b", "line": 2',
         [(1, 1, "warning", "a")]),
        ('{"findings": [{"message": "", "line": 1}, 7, null, {}]}', []),
        ('{"message": "a", "severity": "error", "line": 1}', [(1, 1, "error", "a")]),
    ],
)  # fmt: skip
def test_json_of_many_kinds(text: str, rows: list[Row]) -> None:
    assert _rows(text) == rows


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("Line 12: wrong operator", [(12, 12, "warning", "wrong operator")]),
        ("L12-15: dead code", [(12, 15, "warning", "dead code")]),
        ("- **Line 3** (High): leaks", [(3, 3, "error", "leaks")]),
        ("1. `x` is unused on line 4.", [(4, 4, "warning", "x is unused on line 4.")]),
        ("**Severity: High**\nLine 3: It leaks.", [(3, 3, "error", "It leaks.")]),
        ("a.py:12: warning: unused", [(12, 12, "warning", "unused")]),
        ("src/a.py:12:3: error[E0382]: moved", [(12, 12, "error", "moved")]),
        ("| Line | Severity | Issue |\n|--|--|--|\n| 3 | Low | x \\| y |",
         [(3, 3, "information", "x | y")]),
        ("**1. Leak (L34)**\nIt leaks.", [(34, 34, "warning", "Leak: It leaks.")]),
        ("### 2. Leak — lines 4–6\nHere.", [(4, 6, "warning", "Leak: Here.")]),
        ("1. **Zero**: line 7 fails\n2. **Types**: none are given",
         [(7, 7, "warning", "Zero: line 7 fails"),
          (None, None, "warning", "Types: none are given")]),
        ("No issues found.", []),
        ("I didn't find any bugs.\n\n- Names are good\n- Short", []),
        ("", []),
        ("The code adds two numbers.", []),
    ],
)  # fmt: skip
def test_prose_of_many_kinds(text: str, rows: list[Row]) -> None:
    assert _rows(text) == rows


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("Critical", "error"), ("HIGH", "error"), ("major", "warning"), ("Medium", "warning"),
        ("minor", "information"), ("info", "information"), ("Nitpick", "hint"), ("style", "hint"),
        ("whatever", "warning"), ("high severity", "error"),
    ],
)  # fmt: skip
def test_severities_are_mapped(word: str, severity: str) -> None:
    text = json.dumps({"findings": [{"message": "m", "severity": word}]})
    assert read_review(text).findings[0].severity == severity


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (3, 5, (3, 5)), (3, None, (3, 3)), (5, 3, (5, 5)), (9, 99, (9, 10)), (11, 12, (None, None)),
        (0, 2, (None, None)), (-4, 2, (None, None)), (10**30, None, (None, None)),
        ("x", 1, (None, None)),
        (2.0, 3.0, (2, 3)), (True, None, (None, None)),
    ],
)  # fmt: skip
def test_lines_outside_the_text_are_no_lines(start: Any, end: Any, expected: Any) -> None:
    text = json.dumps({"findings": [{"message": "m", "start_line": start, "end_line": end}]})
    (found,) = read_review(text, 10).findings
    assert (found.start_line, found.end_line) == expected
