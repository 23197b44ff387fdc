"""Whether code is of its language: files, fragments, and where an error is."""

from __future__ import annotations

import ast
import sys
import threading
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.syntax.languages import supported
from aiex_lsp.syntax.validate import new_errors, validate

FOLDER = Path(__file__).parent / "fixtures" / "syntax"
SOURCES = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted(FOLDER.iterdir())
    if path.suffix != ".symbols"
}

INVALID = [
    ("python", "def f(:\n    pass\n", 1),
    ("python", "x = (1,\ny = 2\nz = 3\n", 1),
    ("python", "def f():\nreturn 1\n", 2),
    ("python", "if x\n    y = 1\n", 1),
    ("python", 'def f():\n    pass\nprint "x"\n', 3),
    ("python", "def f():\n    x = 'abc\n", 2),
    ("javascript", "function f( {\n  return 1;\n}\nlet x = 2;\n", 1),
    ("javascript", "const a = 1;\nfunction g() {\n  if (a) {\n    b();\n}\n", 5),
    ("javascript", "let y = 1;\nlet x = ;\n", 2),
    ("javascript", "foo(1, 2;\nbar();\n", 1),
    ("javascriptreact", "const a = 1;\nconst b = <div><b></div>;\n", 2),
    ("typescript", "let y = 1;\ninterface A { x: ; }\n", 2),
    ("typescriptreact", "const a = <div><b></div>;\n", 1),
    ("go", "package p\nfunc f() {\n  x := 1 +\n}\nfunc g() {}\n", 3),
    ("go", "package p\nfunc f( {\n}\n", 2),
    ("rust", "fn f() {\n    let x = 1\n    let y = 2;\n}\n", 2),
    ("rust", "fn f() {\n  let v = vec![1, 2;\n}\nfn g() {}\n", 2),
    ("java", "class A {\n  void f() {\n    int x = 1\n    int y = 2;\n  }\n}\n", 3),
    ("java", "class A {\n  void f() {\n    g(;\n  }\n}\n", 3),
    ("c", "int f(void) {\n  return 1\n}\n", 2),
    ("c", "int f(void {\n  return 1;\n}\n", 1),
    ("cpp", "class A {\n  int x\n};\nint main() { return 0; }\n", 2),
    ("csharp", "class A {\n  void F() {\n    var x = 1\n  }\n}\n", 3),
    ("csharp", "class A {\n  void F( {\n  }\n}\n", 2),
    ("ruby", "class A\n  def b(\n  end\nend\n", 2),
    ("ruby", "def f\n  if x\n    1\nend\n", 1),
    ("php", "<?php\nfunction f() {\n  $x = ;\n}\n", 3),
    ("php", "<?php\nfunction f( {\n  return 1;\n}\n", 2),
    ("elixir", "defmodule A do\n  def f(x) do\n    x\nend\n", 5),
    ("lua", "function f(\n  return 1\nend\n", 1),
    ("lua", "local y = 1\nlocal x = = 1\n", 2),
    ("shellscript", "echo\nif [ -f x ]; then\n  echo hi\n", 4),
    ("shellscript", 'f() {\n  echo "a\n}\n', 1),
]

FRAGMENTS = [
    ("python", "    def f(self):\n        return 1\n", "indented"),
    (
        "python",
        "def f(self):\n        return 1\n\n    def g(self):\n        return 2\n",
        "indented",
    ),
    ("python", "return 1\n", None),
    ("javascript", "foo() {\n  return 1;\n}\n", "as members of a class"),
    ("javascript", "{ a: 1, b() { return 2; }, c: 3 }", "as an expression"),
    ("typescript", "private x: number = 1;\n", "as members of a class"),
    ("go", "func f() {}\n", None),
    ("go", "x := 1\nif x > 1 {\n}\n", None),
    ("rust", "let x = 1;\nx + 1\n", "as statements of a function"),
    ("rust", "pub fn f(&self) -> i32 { 1 }\n", None),
    ("java", "public void f() {\n  int x = 1;\n}\n", None),
    ("java", "int x = 1;\nfoo(x);\n", None),
    ("csharp", "public override void F() { }\n", None),
    ("csharp", "var x = 1;\n", None),
    ("c", "x = 1;\nreturn x;\n", None),
    ("php", "function f() { return 1; }\n", "without <?php"),
    ("php", "public function f(): int { return 1; }\n", "as members of a class"),
    ("php", "<p><?= $x ?></p>\n", None),
    ("elixir", "def f(x), do: x\n", None),
    ("lua", "{ a = 1 }\n", "as an expression"),
    ("ruby", "def f; end\n", None),
    ("shellscript", "echo hi | grep h\n", None),
]


@pytest.mark.parametrize("language", supported())
def test_a_real_looking_file_is_valid(language: str) -> None:
    found = validate(SOURCES[language], language)
    assert (found.valid, found.error, found.fragment) == (True, None, None)
    assert validate("", language).valid is True


@pytest.mark.parametrize("language", supported())
def test_a_file_cut_off_in_the_middle_of_a_line_is_not(language: str) -> None:
    text = SOURCES[language]
    cut = text[: len(text) * 2 // 3].rsplit("\n", 1)[0] + "\nfoo(("
    found = validate(cut, language)
    assert found.valid is False
    assert found.error


@pytest.mark.parametrize(("language", "code", "line"), INVALID)
def test_an_error_is_told_with_its_place(language: str, code: str, line: int) -> None:
    found = validate(code, language)
    assert found.valid is False
    first = found.problems[0]
    assert (first.line, found.error) == (line, f"{line}:{first.column}: {first.message}")
    assert code[: first.start].count("\n") == line - 1 or first.start == len(code)
    assert 0 <= first.start <= first.end <= len(code)
    assert len(first.message) < 120


@pytest.mark.parametrize(("language", "code", "as_what"), FRAGMENTS)
def test_a_fragment_is_accepted_and_it_is_said_as_what(
    language: str, code: str, as_what: str | None
) -> None:
    found = validate(code, language)
    assert (found.valid, found.error) == (True, None)
    if as_what:
        assert found.fragment in (as_what, None if language == "javascript" else as_what)


def test_an_error_inside_a_fragment_has_the_fragments_line() -> None:
    found = validate("public int f() {\n  int x = 1 +;\n}\n", "java")
    assert found.valid is False
    assert found.problems[0].line == 2


def test_messages_name_what_is_missing_or_near() -> None:
    def message(code: str, language: str) -> str:
        return validate(code, language).problems[0].message

    assert message("foo(1;\n", "javascript") == 'missing ")"'
    assert message("let x = ;\n", "javascript") == 'syntax error near "="'
    assert message("fn f() {\n  let v = vec![1;\n}\n", "rust").startswith('"[" is never closed')
    assert message("const a = <div><b></div>;", "tsx") == '"<div>" has no closing tag'


def test_a_bom_and_emoji_do_not_shift_the_place() -> None:
    code = "\ufeffs = '😀é'\nx = = 1\n"
    problem = validate(code, "python").problems[0]
    assert (problem.line, problem.column, code[problem.start]) == (2, 5, "=")
    code = "\ufefflet s = '😀é'; let x = ;\n"
    problem = validate(code, "javascript").problems[0]
    assert code[problem.start : problem.end] == "="
    assert validate("\ufeffx = 1\n", "python").valid is True


def test_an_unknown_language_and_an_oversized_text_are_not_judged() -> None:
    assert validate("((", "cobol").valid is None
    assert validate("(" * 3_000_000, "python").valid is None


class TestPython:
    def test_newer_syntax_than_the_interpreters_is_left_to_the_grammar(self) -> None:
        code = "type X[T] = list[T]\ndef f[T](a: T) -> T:\n    return f'{a['k']}'\n"
        assert validate(code, "python").valid is True

    def test_what_warns_is_valid_and_warns_nobody(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert validate("x = '\\d'\nassert (1, 'x')\nx is 1\n", "python").valid is True

    def test_the_filters_of_warnings_stay_after_many_threads(self) -> None:
        before = list(warnings.filters)
        threads = [
            threading.Thread(target=lambda: [validate("x = '\\d'", "python") for _ in range(20)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert warnings.filters == before

    @pytest.mark.parametrize(
        "code", ["(" * 5_000, "-" * 60_000 + "1", "a." * 50_000 + "b", "[" * 150 + "]" * 150]
    )
    def test_deep_nesting_crashes_nothing(self, code: str) -> None:
        validate(code, "python")
        done: list[bool] = []
        thread = threading.Thread(
            target=lambda: done.append(validate(code, "python").valid is None)
        )
        thread.start()
        thread.join()
        assert done == [False]

    def test_null_bytes(self) -> None:
        assert validate("x = 1\n\0", "python").error == (
            "2:1: null bytes are not allowed in source code"
        )

    def test_it_agrees_with_the_interpreter_on_its_own_library(self) -> None:
        path = Path(ast.__file__)
        assert validate(path.read_text(encoding="utf-8"), "python").valid is True
        assert sys.version_info >= (3, 11)


class TestNewErrors:
    def test_an_error_that_was_there_before_is_not_new_wherever_it_moved(self) -> None:
        before = "function a() {}\nlet x = ;\n"
        assert new_errors(before, "// more\n\n" + before, "javascript") == ()

    def test_an_added_error_is(self) -> None:
        before = "let x = ;\nlet y = 1;\n"
        (found,) = new_errors(before, "let x = ;\nlet y = ;\n", "javascript")
        assert found.line == 2

    def test_the_same_error_a_second_time_is_new(self) -> None:
        assert len(new_errors("let x = ;\n", "let x = ;\nlet x = ;\n", "javascript")) == 1

    def test_python(self) -> None:
        assert new_errors("a = 1\n", "a =\n", "python")[0].line == 1
        assert new_errors("a =\n", "# c\na =\n", "python") == ()

    def test_nothing_is_new_in_valid_or_unknown_text(self) -> None:
        assert new_errors("a =", "a = 1", "python") == ()
        assert new_errors("a", "((", "cobol") == ()


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(supported()))
def test_no_text_makes_it_raise(data: st.DataObject, language: str) -> None:
    source = SOURCES[language]
    begin = data.draw(st.integers(0, len(source)))
    noise = data.draw(
        st.text(st.sampled_from("(){}[]\n\r\t \"'`\\😀é\ufeff\0\ud83d#/<>=:;,.@$?|&"), max_size=12)
    )
    code = source[begin : begin + data.draw(st.integers(0, 300))] + noise
    code += source[: data.draw(st.integers(0, 100))]
    found = validate(code, language)
    assert found.valid is (not found.problems)
    for one in found.problems:
        assert 0 <= one.start <= one.end <= len(code)
        assert one.line >= 1
        assert one.column >= 1
        assert "\n" not in one.message
