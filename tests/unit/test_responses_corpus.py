"""Answers in the styles models are known for, each with what a reader finds in it.

The expectations in fixtures/responses/*.toml are written from the answer. `origin` tells whether
the answer was written by us or recorded from a model.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aiex_lsp.responses.markdown import flatten
from aiex_lsp.responses.parser import parse
from aiex_lsp.responses.types import Finding, Parsed

FOLDER = Path(__file__).parent / "fixtures" / "responses"
CASES = sorted(path.stem for path in FOLDER.glob("*.toml"))
NEEDED = 0.9
"""The share of expected fields that must be right, over all answers."""

Check = tuple[str, bool, Any]


def _load(name: str) -> tuple[dict[str, Any], Parsed]:
    case = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    text = (FOLDER / f"{name}.md").read_bytes().decode("utf-8")
    parsed = parse(
        text, case["type"], truncated=case.get("truncated", False), language=case["language"]
    )
    return case, parsed


def _checks(expected: dict[str, Any], parsed: Parsed) -> Iterator[Check]:
    if "language" in expected:
        yield "language", parsed.language == expected["language"], parsed.language
    if "blocks" in expected:
        yield from _block_checks(expected["blocks"], parsed)
    if "sections" in expected:
        titles = [[s.level, s.title] for s in flatten(parsed.sections) if s.level]
        yield "section count", len(titles) == len(expected["sections"]), titles
        for wanted, got in zip(expected["sections"], titles, strict=False):
            yield f"section {wanted}", wanted == got, got
    for text in expected.get("contents", ()):
        contents = [s.content for s in flatten(parsed.sections)]
        yield f"content {text}", any(text in content for content in contents), contents
    names = [reference.text for reference in parsed.code_references]
    for name in expected.get("references", ()):
        yield f"reference {name}", name in names, names
    concepts = [concept.casefold() for concept in parsed.concepts]
    for concept in expected.get("concepts", ()):
        yield f"concept {concept}", concept.casefold() in concepts, concepts
    if "summary" in expected:
        yield "summary", parsed.summary.startswith(expected["summary"]), parsed.summary
    if expected.get("summary_empty"):
        yield "no summary", parsed.summary == "", parsed.summary
    for text in expected.get("explanation", ()):
        yield f"explanation {text}", text in parsed.explanation, parsed.explanation
    if expected.get("explanation_empty"):
        yield "no explanation", parsed.explanation == "", parsed.explanation
    for text in expected.get("markdown_without", ()):
        yield f"no {text} in markdown", text not in parsed.markdown, parsed.markdown
    yield "truncated", parsed.truncated == expected.get("truncated", False), parsed.truncated
    if expected.get("block_truncated"):
        yield "last block truncated", parsed.code_blocks[-1].truncated, parsed.code_blocks[-1]
    if "findings" in expected:
        yield from _finding_checks(expected, parsed.findings)


def _block_checks(wanted: list[list[Any]], parsed: Parsed) -> Iterator[Check]:
    blocks = parsed.code_blocks
    yield "block count", len(blocks) == len(wanted), blocks
    for want, block in zip(wanted, blocks, strict=False):
        yield "block language", block.language == want[0], block.language
        valid = None if want[1] == "none" else want[1]
        yield "block valid", block.valid == valid, (block.valid, block.error)
        if not parsed.truncated:
            yield "block truncated", not block.truncated, block
        path = want[2] if len(want) > 2 else None
        yield "block path", block.path == path, block.path


def _finding_checks(expected: dict[str, Any], found: tuple[Finding, ...]) -> Iterator[Check]:
    wanted = expected["findings"]
    yield "finding count", len(found) == len(wanted), found
    for (start, end, severity, words), finding in zip(wanted, found, strict=False):
        lines = (None if start == "none" else start, None if end == "none" else end)
        got = (finding.start_line, finding.end_line)
        yield f"lines of {words}", got == lines, got
        yield f"severity of {words}", finding.severity == severity, finding.severity
        yield f"message of {words}", words.lower() in finding.message.lower(), finding.message
    for category, finding in zip(expected.get("categories", ()), found, strict=False):
        yield f"category {category}", finding.category == category, finding.category
    for suggestion, finding in zip(expected.get("suggestions", ()), found, strict=False):
        yield f"suggestion {suggestion}", (finding.suggestion or "") == suggestion, finding


def test_corpus_holds_sixty_written_and_six_recorded_answers_and_says_which() -> None:
    origins = [_load(name)[0]["origin"] for name in CASES]
    assert origins.count("written") >= 60
    assert origins.count("recorded") >= 6
    assert set(origins) == {"written", "recorded"}


def test_nine_of_ten_expected_fields_are_right() -> None:
    right, misses = 0, []
    for name in CASES:
        case, parsed = _load(name)
        for what, is_right, got in _checks(case["expect"], parsed):
            right += is_right
            if not is_right:
                misses.append(f"{name}: {what}: got {got!r}")
    print(f"{right} of {right + len(misses)} expected fields are right")
    print("\n".join(misses))
    assert right >= NEEDED * (right + len(misses)), "\n".join(misses)


@pytest.mark.parametrize("name", CASES)
def test_lines_of_the_answer_are_in_explanation_or_blocks(name: str) -> None:
    _, parsed = _load(name)
    rest = parsed.markdown.split("\n")
    for block in parsed.code_blocks:
        rest[block.start_line : block.end_line + 1] = [""] * (block.end_line + 1 - block.start_line)
    kept = [line for line in rest if line.strip()]
    assert [line.strip() for line in kept] == [
        line.strip() for line in parsed.explanation.split("\n") if line.strip()
    ]
