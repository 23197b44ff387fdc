"""Each fixture: a test file, what a model wrote, and the file as a careful person would have it."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.edits.merge import merge_tests
from aiex_lsp.syntax.validate import validate

FIXTURES = sorted((Path(__file__).parent / "fixtures" / "merge").glob("*.toml"))
CASES = [pytest.param(tomllib.loads(path.read_text()), id=path.stem) for path in FIXTURES]


def merged(case: dict, existing: str) -> str:
    return merge_tests(
        existing, case["code"], case["language"], in_source=case.get("in_source", False)
    )


@pytest.mark.parametrize("case", CASES)
def test_tests_are_merged_and_nothing_is_overwritten(case):
    assert merged(case, case["existing"]) == case["expected"]
    assert validate(case["expected"], case["language"]).valid


@pytest.mark.parametrize("case", CASES)
def test_merging_the_same_again_changes_nothing(case):
    assert merged(case, case["expected"]) == case["expected"]


@pytest.mark.parametrize("case", CASES)
def test_line_endings_and_bom_stay(case):
    existing = "\ufeff" + case["existing"].replace("\n", "\r\n")
    expected = "\ufeff" + case["expected"].replace("\n", "\r\n")
    assert merged(case, existing) == expected


@pytest.mark.parametrize("case", CASES)
def test_an_empty_file_gets_the_code_as_it_is(case):
    if not case.get("in_source"):
        assert merged(case, "") == case["code"]


def test_an_unknown_language_appends():
    assert merge_tests("a\n", "b\n", "cobol") == "a\n\nb\n"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200), st.text(max_size=200), st.sampled_from(["python", "go", "java"]))
def test_any_texts_merge_without_losing_a_line(existing, code, language):
    result = merge_tests(existing, code, language)
    for line in existing.replace("\r", "\n").split("\n"):
        assert line.strip() in result
