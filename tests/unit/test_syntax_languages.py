"""Languages by the words and file names people use, and offsets between bytes and characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiex_lsp.syntax.languages import (
    canonical,
    extension,
    language_of_path,
    line_comment,
    parse,
    supported,
)
from aiex_lsp.syntax.offsets import CodePoints, utf8


@pytest.mark.parametrize(
    ("word", "language"),
    [
        ("py", "python"),
        ("Python3", "python"),
        (" js ", "javascript"),
        ("jsx", "javascriptreact"),
        ("ts", "typescript"),
        ("TSX", "typescriptreact"),
        ("golang", "go"),
        ("rs", "rust"),
        ("c++", "cpp"),
        ("c#", "csharp"),
        ("cs", "csharp"),
        ("rb", "ruby"),
        ("ex", "elixir"),
        ("exs", "elixir"),
        ("sh", "shellscript"),
        ("bash", "shellscript"),
        ("lua", "lua"),
        ("php", "php"),
        ("h", "c"),
        (".py", "python"),
        ("language-python", "python"),
        ("cobol", None),
        ("", None),
        ("text", None),
        ("json", None),
    ],
)
def test_a_language_by_its_names(word: str, language: str | None) -> None:
    assert canonical(word) == language


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("src/app.py", "python"),
        ("a/b.test.tsx", "typescriptreact"),
        ("x.mjs", "javascript"),
        ("C:\\src\\Main.CS", "csharp"),
        ("lib.h", "c"),
        ("lib.hpp", "cpp"),
        ("lib.C", "cpp"),
        ("Gemfile", "ruby"),
        (".bashrc", "shellscript"),
        ("mix.exs", "elixir"),
        ("Dockerfile.dev", "dockerfile"),
        ("a.json", "json"),
        ("README.md", "markdown"),
        ("LICENSE", "plaintext"),
        (".gitignore", "plaintext"),
        ("", "plaintext"),
        ("py", "plaintext"),
    ],
)
def test_a_language_by_its_file(path: str, language: str) -> None:
    assert language_of_path(path) == language


def test_a_script_without_extension_is_known_by_its_first_line() -> None:
    assert language_of_path("bin/run", "#!/usr/bin/env -S python3 -u") == "python"
    assert language_of_path("bin/run", "#!/bin/sh -e") == "shellscript"
    assert language_of_path("bin/run", "hello") == "plaintext"


@pytest.mark.parametrize("language", supported())
def test_every_language_has_what_the_others_need(language: str) -> None:
    assert canonical(language) == language
    assert language_of_path(f"a{extension(language)}") == language
    assert line_comment(language) in ("#", "//", "--")
    assert parse("", language) is not None


def test_unknown_languages_are_said_to_be() -> None:
    assert parse("x", "cobol") is None
    assert extension("cobol") == ""


@given(st.text(st.sampled_from("aé漢😀\n\ufeff\ud83d"), max_size=40))
def test_bytes_and_characters_count_each_other(text: str) -> None:
    points = CodePoints(text)
    at = 0
    for index, char in enumerate(text):
        assert points.at(at) == index
        assert points.byte(index) == at
        at += len(utf8(char))
    assert points.at(at) == len(text)
    assert points.byte(len(text)) == at == len(utf8(text))
    assert points.at(at + 5) == len(text)
