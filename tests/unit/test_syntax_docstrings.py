"""Documentation: in the file's style, at its place, instead of what is there.

The cases are `fixtures/docstrings/<language>.txt`: a text, the comment of a model, the new text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.syntax.docstrings import described, place_of, put, style_of
from aiex_lsp.syntax.languages import supported
from aiex_lsp.syntax.symbols import symbols
from aiex_lsp.syntax.types import Symbol
from aiex_lsp.syntax.validate import validate

FOLDER = Path(__file__).parent / "fixtures" / "docstrings"
_CASE = re.compile(r"={8} ([^\n]*): (\S+)\n(.*?)-{8} comment\n(.*?)-{8} expected\n(.*)", re.DOTALL)


class Case(NamedTuple):
    """One case of a fixture file."""

    language: str
    title: str
    symbol: str
    before: str
    comment: str
    expected: str


def _cases() -> Iterator[Case]:
    for path in sorted(FOLDER.glob("*.txt")):
        for part in re.split(r"(?m)^(?=={8} )", path.read_text("utf-8"))[1:]:
            found = _CASE.fullmatch(part)
            assert found, part
            yield Case(path.stem, *found.groups())


CASES = list(_cases())


def name(case: Case) -> str:
    return f"{case.language}: {case.title}"


every_case = pytest.mark.parametrize("case", CASES, ids=name)


def _symbol(text: str, language: str, name: str) -> Symbol:
    return next(one for one in symbols(text, language) if one.name.split(".")[-1] == name)


def _put(text: str, case: Case, comment: str) -> str:
    return put(text, case.language, _symbol(text, case.language, case.symbol), comment)


def test_every_language_has_cases() -> None:
    """All languages with symbols are shown, with and without documentation that is there."""
    assert {one.language for one in CASES} == set(supported())
    replacing = {
        one.language
        for one in CASES
        if place_of(
            one.before, one.language, _symbol(one.before, one.language, one.symbol)
        ).replaces
    }
    assert replacing == set(supported())


@every_case
def test_the_comment_is_put_in_its_place(case: Case) -> None:
    """Text and comment give the expected text."""
    assert _put(case.before, case, case.comment) == case.expected


@every_case
def test_line_endings_are_the_files_own(case: Case) -> None:
    """With CRLF the result is the same with CRLF, whatever the answer has."""
    assert _put(case.before.replace("\n", "\r\n"), case, case.comment) == case.expected.replace(
        "\n", "\r\n"
    )


@pytest.mark.parametrize(
    "case", [one for one in CASES if one.language != "go" and "\n    " in one.before], ids=name
)
def test_tabs_stay_tabs(case: Case) -> None:
    """Where the file is indented by tabs so is the comment."""
    code = re.compile(r"(?m)^(?: {4})+")

    def tabbed(text: str) -> str:
        return code.sub(lambda found: "\t" * (len(found[0]) // 4), text)

    got = _put(tabbed(case.before), case, case.comment)
    inner = re.compile(r"\t+ *")  # what a comment indents inside itself keeps its blanks

    def flat(text: str) -> list[str]:
        return [inner.sub("", line).strip() for line in text.splitlines()]

    assert flat(got) == flat(case.expected)
    assert not re.search(r"(?m)^ {4,}", got)


@every_case
def test_again_changes_nothing(case: Case) -> None:
    """The same comment twice stands once."""
    once = _put(case.before, case, case.comment)
    assert _put(once, case, case.comment) == once


@every_case
def test_what_is_there_is_found(case: Case) -> None:
    """After a comment was put it is the one that a next one replaces."""
    text = _put(case.before, case, case.comment)
    assert place_of(text, case.language, _symbol(text, case.language, case.symbol)).replaces


_words = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")) | st.just("\n"),
    max_size=60,
) | st.lists(
    st.sampled_from(
        ["*/", '"""', "'''", "\\", '"', "'", "]]", "#{x}", "--", "//", "/*", "@param x", "\n", "a"]
    ),
    max_size=8,
).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(case=st.sampled_from(CASES), words=_words)
def test_whatever_the_words_the_code_stays(case: Case, words: str) -> None:
    """A comment of any words is a comment: the text parses and all definitions are there."""
    after = _put(case.before, case, words)
    assert validate(after, case.language).problems == validate(case.before, case.language).problems
    assert [one.qualified_name for one in symbols(after, case.language)] == [
        one.qualified_name for one in symbols(case.before, case.language)
    ]
    place = place_of(case.before, case.language, _symbol(case.before, case.language, case.symbol))
    assert after.startswith(case.before[: place.start])
    assert after.endswith(case.before[place.end :])


def test_no_words_change_nothing() -> None:
    """An empty comment leaves the text."""
    text = 'def f():\n    """Old."""\n'
    assert put(text, "python", symbols(text, "python")[0], '"""  """') == text


PYTHON = 'def a():\n    """{0}"""\n\ndef b():\n    """{0}"""\n\ndef c():\n    """{0}"""\n'


@pytest.mark.parametrize(
    ("convention", "language", "text"),
    [
        ("google", "python", "def f():\n    pass\n"),
        ("google", "python", PYTHON.format("A.\n\n    Args:\n        x: y\n    ")),
        (
            "numpy",
            "python",
            PYTHON.format("A.\n\n    Parameters\n    ----------\n    x : int\n    "),
        ),
        ("sphinx", "python", PYTHON.format("A.\n\n    :param x: y\n    :returns: z\n    ")),
        ("plain", "python", PYTHON.format("Only a sentence.")),
        ("jsdoc", "javascript", "/** @param {string} a - b */\nfunction f(a) {}\n"),
        ("tsdoc", "typescript", "function f(a: string) {}\n"),
        ("jsdoc", "typescript", "/** @param {string} a b */\nfunction f(a: string) {}\n"),
        ("yard", "ruby", "def f; end\n"),
        ("rdoc", "ruby", "# One.\ndef a; end\n\n# Two.\ndef b; end\n\n# Three.\ndef c; end\n"),
        ("luadoc", "lua", "--- Adds.\n-- @tparam number a x\nlocal function f(a) end\n"),
        ("emmylua", "lua", "---@param a number\nlocal function f(a) end\n"),
        ("elixir @doc", "elixir", "defmodule A do\nend\n"),
        ("rustdoc", "rust", "fn f() {}\n"),
        ("godoc", "go", "package a\n"),
        ("javadoc", "java", "class A {}\n"),
        ("xmldoc", "csharp", "class A {}\n"),
        ("doxygen", "c", "int f() { return 1; }\n"),
        ("phpdoc", "php", "<?php\n"),
        ("plain", "shellscript", "f() { :; }\n"),
        ("kdoc", "kotlin", "fun f() = 1\n"),
    ],
)
def test_the_convention_is_the_files_own(convention: str, language: str, text: str) -> None:
    """What the comments of a file show holds, else what the language has."""
    assert style_of(text, language).convention == convention


def test_the_projects_convention_holds_where_the_file_tells_none() -> None:
    """A project that says NumPy gets NumPy in a new file, not in one that does otherwise."""
    assert style_of("def f():\n    pass\n", "python", usual=lambda: "numpy").convention == "numpy"
    sphinx = PYTHON.format("A.\n\n    :param x: y\n    ")
    assert style_of(sphinx, "python", usual=lambda: "numpy").convention == "sphinx"
    assert style_of("fn f() {}\n", "rust", usual=lambda: "numpy").convention == "rustdoc"


def test_a_style_is_said_in_words() -> None:
    """What a prompt says names convention, quotes, place and width."""
    words = described(style_of(PYTHON.format("A.\n\n    Args:\n        x: y\n    "), "python"))
    assert words.startswith("Google style docstring")
    for part in ("Args:", '"""', "first statement of its body"):
        assert part in words
    words = described(style_of("/** \\param x */\nint f(int x) { return x; }\n", "c"))
    assert "@param" not in words
    for part in ("\\param", "/**"):
        assert part in words
    text = "defmodule A do\nend\n"
    words = described(style_of(text, "elixir", symbols(text, "elixir")[0]))
    for part in ("@moduledoc", "inside the body"):
        assert part in words


def test_a_clause_is_documented_with_its_function() -> None:
    """Elixir takes `@doc` before the first clause of a function only."""
    text = "defmodule A do\n  def f(1), do: 1\n  def f(x), do: x\n  def f(x, y), do: x + y\nend\n"
    second = symbols(text, "elixir")[2]
    assert put(text, "elixir", second, "F.").startswith(
        'defmodule A do\n  @doc """\n  F.\n  """\n  def f(1)'
    )
    other = symbols(text, "elixir")[3]
    assert '  @doc """\n  F.\n  """\n  def f(x, y)' in put(text, "elixir", other, "F.")
