"""Any text is parsed: without an error, without loss, in bounded time."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiex_lsp.responses.fences import split_lines
from aiex_lsp.responses.findings import read_review
from aiex_lsp.responses.markdown import flatten
from aiex_lsp.responses.parser import parse
from aiex_lsp.responses.types import Parsed

TYPES = [
    "general",
    "code_generation",
    "code_explanation",
    "test_generation",
    "documentation",
    "findings",
]

PIECES = st.sampled_from(
    [
        "```", "```python\n", "```markdown\n", "~~~", "````", "   ```", "> ", "- ", "1. ", "    ",
        "\t", "# ", "## Summary\n", "===\n", "---\n", "**Bold**", "**", "`", "`x`", "\n", "\n\n",
        "\r\n", "\r", "<think>", "</think>", "def f():\n    return 1\n", "{", "}", "[", "]", '"',
        '{"findings": [', '{"message": "a", "line": 3}', ",", "Line 12: wrong",
        "| Line | Issue |\n",
        "|---|---|\n", "| 1 | x |\n", "a.py:12: error: no", "\0", "\u2028", "é", "😀", "*", "_",
        "\\",
        "Severity: High", "<div>\n", "[a]: b\n", "title=\"a.py\"", "Sure! ", "* ", "word ", ": ",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=40).map("".join))


def _kept(text: str) -> list[str]:
    return [line.strip() for line in split_lines(text) if line.strip()]


def _outside(parsed: Parsed) -> list[str]:
    inside = {
        number
        for block in parsed.code_blocks
        for number in range(block.start_line, block.end_line + 1)
    }
    lines = split_lines(parsed.markdown)
    return [line.strip() for i, line in enumerate(lines) if i not in inside and line.strip()]


@given(text=TEXTS, type=st.sampled_from(TYPES), truncated=st.booleans())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_is_parsed_and_each_line_is_found_again(
    text: str, type: str, truncated: bool
) -> None:
    parsed = parse(text, type, truncated=truncated, language="python")  # type: ignore[arg-type]
    assert parsed.type == type
    assert parsed.truncated >= truncated
    assert len(parsed.summary) <= 300 or type == "findings"
    # The answer is a part of the text, only line breaks at an unwrapped fence apart.
    assert "\n".join(split_lines(parsed.markdown)) in "\n".join(split_lines(text))
    # Prose: every line outside the code blocks is in the explanation.
    assert _kept(parsed.explanation) == _outside(parsed)
    lines = split_lines(parsed.markdown)
    for block in parsed.code_blocks:
        assert 0 <= block.start_line <= block.end_line < len(lines)
        whole = "".join("".join(lines[block.start_line : block.end_line + 1]).split())
        for part in [*block.code.split(), block.info]:
            assert "".join(part.split()) in whole
        # Fence lines apart, nothing of the block's lines is missing from its code.
        body = lines[block.start_line + 1 : block.end_line]
        code = "".join(block.code.split())
        for line in body:
            assert "".join(line.split()).lstrip(">-*+") in code
    # Sections: each line outside the headings is in one of them.
    if parsed.sections:
        told = [line for part in flatten(parsed.sections) for line in _kept(part.content)]
        missing = [line for line in _kept(parsed.markdown) if line not in told]
        assert all(line[:1] in "#=-*_0123456789" or _is_title(line, parsed) for line in missing)


def _is_title(line: str, parsed: Parsed) -> bool:
    """Return whether a line is a heading, or one line of a heading of several."""
    titles = [_letters(section.title) for section in flatten(parsed.sections)]
    return any(title in _letters(line) or _letters(line) in title for title in titles)


def _letters(text: str) -> str:
    return "".join(char for char in text if char.isalnum())


@given(text=TEXTS, line_count=st.none() | st.integers(0, 20))
@settings(max_examples=100, deadline=None)
def test_findings_of_any_text_are_inside_the_lines_that_were_shown(
    text: str, line_count: int | None
) -> None:
    for finding in read_review(text, line_count).findings:
        assert finding.message.strip()
        assert finding.severity in ("error", "warning", "information", "hint")
        if finding.start_line is not None:
            assert finding.end_line is not None
            assert 1 <= finding.start_line <= finding.end_line
            assert line_count is None or finding.end_line <= line_count


SIZE = 200_000
HOSTILE = {
    "quotes": ">" * SIZE,
    "quotes with spaces": "> " * (SIZE // 2),
    "list marks": "- " * (SIZE // 2),
    "a list": "-\n" * (SIZE // 2),
    "numbered list": "1. a\n" * (SIZE // 5),
    "nested list": "\n".join("  " * depth + "- a" for depth in range(440)),
    "backticks": "`" * SIZE,
    "spaced backticks": "` " * (SIZE // 2),
    "double backticks": "``a " * (SIZE // 4),
    "bare fences": "```\n" * (SIZE // 4),
    "markdown fences": "```markdown\n" * (SIZE // 12),
    "nested fences": "```markdown\n```x\n```\n" * (SIZE // 21),
    "python fences": "```python\nx\n```\n" * (SIZE // 16),
    "open fences": "~~~\n```\n" * (SIZE // 8),
    "brackets": "[" * SIZE,
    "links": "[a](" * (SIZE // 4),
    "stars": "*a " * (SIZE // 3),
    "double stars": "**a" * (SIZE // 3),
    "underscores": "__a" * (SIZE // 3),
    "star run": "*" * SIZE,
    "underscore run": "_" * SIZE,
    "headings": "# a\n" * (SIZE // 4),
    "setext": "a\n=\n" * (SIZE // 4),
    "bold lines": "**a**\n" * (SIZE // 6),
    "blank lines": "\n" * SIZE,
    "spaces": " " * SIZE,
    "tabs": "\t" * SIZE,
    "one word": "a" * SIZE,
    "words": "recursion " * (SIZE // 10),
    "sentences": "It is. " * (SIZE // 7),
    "colons": "a:" * (SIZE // 2),
    "dots": "a." * (SIZE // 2),
    "slashes": "a/" * (SIZE // 2),
    "path and lines": "a.py:1 " * (SIZE // 7),
    "digits": "1" * SIZE,
    "line words": "line " * (SIZE // 5),
    "line items": "Line 1: a\n" * (SIZE // 10),
    "list items": "- Line 1: a\n" * (SIZE // 12),
    "severities": "high: " * (SIZE // 6),
    "tables": "|a|b\n|-|-\n" * (SIZE // 10),
    "pipes": "|" * SIZE,
    "json lists": "[" * (SIZE // 2) + "]" * (SIZE // 2),
    "json objects": '{"a":' * (SIZE // 5),
    "json strings": '{"' * (SIZE // 2),
    "json quotes": '{"a": "' + '"b ' * (SIZE // 3),
    "json backslashes": '{"a": "' + "\\" * SIZE,
    "json escapes": '{"a": "' + "\\u1" * (SIZE // 3),
    "json pieces": "{a " * (SIZE // 3),
    "json comments": "[" + "/*" * (SIZE // 2),
    "open json comments": "[1. /*" * (SIZE // 6),
    "json items": '{"findings":[' + '{"message":"a","line":1},' * (SIZE // 25),
    "thinking": "<think>" * (SIZE // 7),
    "closed thinking": "<think></think>" * (SIZE // 15),
    "end of thinking": "a</think>a " * (SIZE // 11),
    "html": "<div>\n" * (SIZE // 6),
    "indented": "    a(\n" * (SIZE // 7),
    "parentheses": "def f(" * (SIZE // 6),
    "broken code": "```python\n" + "def f(:\n" * (SIZE // 8),
    "emoji": "😀" * (SIZE // 4),
    "no-issues": "no issue, " * (SIZE // 10),
    "filler": "Sure, here is " * (SIZE // 14),
    "separators": "\u2028" * (SIZE // 3),
    "a gap": "a" + " " * SIZE + "b",
    "a gap in an item": "- a" + " " * SIZE + "b",
    "a gap in a heading": "# a" + " " * SIZE + "b",
    "a gap in a bold line": "**a" + " " * SIZE + "b**",
    "a gap in a numbered line": "Line 1" + " " * SIZE + "x",
    "a gap after a line word": "line" + " " * SIZE + "x",
    "a gap in a field": "Severity" + " " * SIZE + "x",
    "a gap in a fence": "```" + " " * SIZE + "x\n" + "```",
    "a gap before a fence": "File:" + " " * SIZE + "x\n```\nx\n```",
    "a gap in code": "```\nx" + " " * SIZE + "y\n```",
    "a gap in json": '{"findings": [' + " " * SIZE + "x",
    "a gap in a json string": '{"findings": ["a"' + " " * SIZE + 'x"',
    "a gap in a table": "|a" + " " * SIZE + "|b\n|-|-\n|Line" + " " * 1000 + "|x",
    "gaps": "a   \t " * (SIZE // 6),
    "long lines of items": ("- Line 3" + " (high" * 2000 + "\n") * 16,
    "dashes": "-" * SIZE,
    "lone tags": "a" + " " * SIZE + "</think>",
    "carriage returns": "\r" * SIZE,
}  # fmt: skip


@pytest.mark.alone
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_of_200_kb_takes_less_than_a_second(name: str) -> None:
    parse("warm up: imports\n```python\nx = 1\n```", "code_explanation", language="python")
    for type in ("code_explanation", "findings"):
        started = time.process_time()
        parse(HOSTILE[name], type, language="python")
        assert time.process_time() - started < 1.0, type
