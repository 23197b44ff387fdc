"""For each language: what its definitions are called, where they are, and which one a cursor means.

`fixtures/syntax/LANGUAGE.ext` is a source file, `LANGUAGE.symbols` what an outline of it shows:
dotted name, kind and "test", signature.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.syntax.languages import line_comment, supported
from aiex_lsp.syntax.symbols import (
    build_outline,
    enclosing_symbol,
    fallback_block,
    identifier_at,
    symbols,
)

FOLDER = Path(__file__).parent / "fixtures" / "syntax"
SOURCES = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted(FOLDER.iterdir())
    if path.suffix != ".symbols"
}


def shown(text: str, language: str) -> list[str]:
    return [
        f"{one.qualified_name} | {one.kind}{' test' if one.is_test else ''} | {one.signature}"
        for one in symbols(text, language)
    ]


def around(language: str, marked: str) -> str | None:
    """Return the qualified name of what the cursor `¦` is in."""
    at = marked.index("¦")
    found = enclosing_symbol(marked.replace("¦", "", 1), language, at, at)
    return found.qualified_name if found else None


def test_every_language_has_a_fixture() -> None:
    assert sorted(SOURCES) == sorted(supported())


@pytest.mark.parametrize("language", supported())
def test_the_outline_of_a_real_looking_file(language: str) -> None:
    expected = (FOLDER / f"{language}.symbols").read_text(encoding="utf-8").splitlines()
    assert shown(SOURCES[language], language) == expected


@pytest.mark.parametrize("language", supported())
@pytest.mark.parametrize("change", ["bom", "crlf", "wide"])
def test_the_same_symbols_with_other_line_endings_a_bom_and_emoji(
    language: str, change: str
) -> None:
    text = SOURCES[language]
    opening = "<?php\n" if language == "php" else ""
    note = f"{opening}{line_comment(language)} naïve 😀 e\u0301\n\n"
    changed = {
        "bom": "\ufeff" + text,
        "crlf": text.replace("\n", "\r\n"),
        "wide": note + text.removeprefix(opening),
    }[change]
    if language == "shellscript" and change == "bom":
        return  # no shell takes one
    plain = symbols(text, language)
    found = symbols(changed, language)
    assert [one.qualified_name for one in found] == [one.qualified_name for one in plain]
    for one, before in zip(found, plain, strict=True):
        assert changed[one.name_start : one.name_end] == text[before.name_start : before.name_end]
        code = changed[one.start : one.end].replace("\r\n", "\n")
        assert code == text[before.start : before.end]


ENCLOSING = [
    # a decorator, a comment above, blanks before, the signature, the body, behind the last brace
    ("python", "def f():\n    pass\n\n@dec¦orator\ndef g():\n    pass\n", "g"),
    ("python", "x = 0\n\n# tells ¦what\ndef g():\n    pass\n", "g"),
    ("python", "class A:\n  ¦  def m(self):\n        pass\n", "A.m"),
    ("python", "class A:\n    def m(self):\n        pass¦\n\n    x = 1\n", "A.m"),
    ("python", "class A:\n    def m(self):\n        pass\n\n    x =¦ 1\n", "A"),
    ("python", "def f():\n    def g():\n        re¦turn 1\n", "f.g"),
    ("python", "import os\n¦\ndef f():\n    pass\n", None),
    ("python", "# a note\n¦\n\ndef f():\n    pass\n", None),
    ("javascript", "/** d¦oc */\nexport const f = () => {\n  return 1;\n};\n", "f"),
    ("javascript", "export const f = () => {\n  return¦ 1;\n};\n", "f"),
    ("javascript", "const f = () => 1;¦\n", "f"),
    ("javascript", "exp¦ort default class {\n  m() {}\n}\n", "default"),
    ("typescript", "@Inj¦ectable()\nexport class A {\n  m(): void {}\n}\n", "A"),
    ("typescript", "class A {\n  @Log¦()\n  m(): void {}\n}\n", "A.m"),
    ("typescriptreact", "const A = () => {\n  const b = () => <p>¦</p>;\n};\n", "A.b"),
    (
        "go",
        "package p\n\n// Tot¦al adds.\nfunc (c *Cart) Total() int {\n\treturn 1\n}\n",
        "Cart.Total",
    ),
    ("go", "package p\n\nfunc f() {\n\tgo func() {\n\t\tx¦()\n\t}()\n}\n", "f"),
    ("rust", "/// d¦oc\n#[inline]\nfn f() {}\n", "f"),
    ("rust", "#[in¦line]\n/// doc\nfn f() {}\n", "f"),
    ("rust", "impl A {\n    fn f(&self) {\n        1¦\n    }\n}\n", "A.f"),
    ("rust", "impl ¦A {\n    fn f(&self) {}\n}\n", "A"),
    ("java", "class A {\n    /** d¦oc */\n    @Override\n    public void f() {}\n}\n", "A.f"),
    ("java", "class A {\n    @Over¦ride\n    public void f() {}\n}\n", "A.f"),
    ("c", "static int *\nf(int a)\n{\n    return¦ 0;\n}\n", "f"),
    ("c", "sta¦tic int *\nf(int a)\n{\n    return 0;\n}\n", "f"),
    ("cpp", "template <typename¦ T>\nT f(T a) { return a; }\n", "f"),
    ("cpp", "int A::b(int x) {\n    return ¦x;\n}\n", "A.b"),
    ("csharp", "class A {\n    [Fa¦ct]\n    public void F() { }\n}\n", "A.F"),
    ("csharp", "class A {\n    int F() => 1¦;\n}\n", "A.F"),
    ("ruby", "class A\n  # d¦oc\n  def self.b\n    1\n  end\nend\n", "A.b"),
    ("php", "<?php\nclass A {\n    /** d¦oc */\n    #[X]\n    function f() {}\n}\n", "A.f"),
    ("elixir", 'defmodule A do\n  @doc "d¦oc"\n  @spec f(1) :: 1\n  def f(x), do: x\nend\n', "A.f"),
    ("elixir", "defmodule A do\n  @spec f(¦1) :: 1\n  def f(x), do: x\nend\n", "A.f"),
    ("lua", "-- d¦oc\nfunction M.a:b()\n  return 1\nend\n", "M.a.b"),
    ("shellscript", "# d¦oc\nf() {\n  echo\n}\n", "f"),
]


@pytest.mark.parametrize(("language", "marked", "name"), ENCLOSING)
def test_what_a_cursor_means(language: str, marked: str, name: str | None) -> None:
    assert around(language, marked) == name


def test_a_selection_of_whole_lines_means_what_they_hold() -> None:
    text = "class A:\n    def m(self):\n        return 1\n\n    def n(self):\n        return 2\n"
    outline = build_outline(text, "python")
    start, end = text.index("    def m"), text.index("    def n")
    assert outline.enclosing(start, end).qualified_name == "A.m"  # type: ignore[union-attr]
    both = outline.enclosing(start, len(text))
    assert both is not None
    assert both.qualified_name == "A"
    assert outline.enclosing(0, 10_000_000) is not None


def test_doc_start_is_the_comment_and_start_the_decorator() -> None:
    text = "\n# above\n@dec\ndef f():\n    pass\n"
    (found,) = symbols(text, "python")
    assert found.doc_start == 1
    assert text[found.start :].startswith("@dec")
    assert text[found.body_start :] == "pass\n"
    (plain,) = symbols("# far\n\ndef f():\n    pass\n", "python")
    assert plain.doc_start is None


def test_a_shebang_and_a_comment_behind_code_belong_to_nothing() -> None:
    (found,) = symbols("#!/bin/sh\nf() {\n  :\n}\n", "bash")
    assert found.doc_start is None
    (found,) = symbols("int x; // x\nint f() { return 1; }\n", "c")
    assert found.doc_start is None


BROKEN = [
    ("python", "def a():\n    return 1\n\ndef b(:\n    x =\n\ndef c():\n    return 2\n"),
    ("javascript", "function a() {}\nconst x = (;\nfunction c() {}\n"),
    ("typescript", "function a(): void {}\nlet x: = 1;\nfunction c() {}\n"),
    ("go", "package p\nfunc a() {}\nfunc b() { x := }\nfunc c() {}\n"),
    ("rust", "fn a() {}\nfn b() { let x = ; }\nfn c() {}\n"),
    ("java", "class A { void a() {}\n void b() { int x = ; }\n void c() {} }\n"),
    ("c", "int a() { return 1; }\nint b() { return ; + }\nint c() { return 1; }\n"),
    ("cpp", "int a() { return 1; }\nint b() { foo(; }\nint c() { return 1; }\n"),
    ("csharp", "class A { void a() {}\n void b() { var x = ; }\n void c() {} }\n"),
    ("ruby", "def a\n  1\nend\ndef b\n  x = = 1\nend\ndef c\n  1\nend\n"),
    ("php", "<?php\nfunction a() {}\nfunction b() { $x = ; }\nfunction c() {}\n"),
    ("elixir", "def a(x) do\n  x\nend\ndef b(x) do\n  x +\nend\ndef c(x) do\n  x\nend\n"),
    ("lua", "function a() end\nlocal x = = 1\nfunction c() end\n"),
    ("shellscript", "a() {\n  :\n}\nfoo ) bar\nc() {\n  :\n}\n"),
]


MIDDLES = [
    (
        "python",
        ["def b(", "def b(x", "x = {", "if a.", "foo(a, b", "@", "class B:\n    def m(self"],
    ),
    ("javascript", ["x.", "foo(", "function b( {\n}", "const s = `abc", "return <div>", "let"]),
    ("typescript", ["x.", "foo(", "const b = () => {", 'const s = "abc', "let x: "]),
]


@pytest.mark.parametrize(
    ("language", "middle"), [(name, one) for name, all_ in MIDDLES for one in all_]
)
def test_an_unfinished_line_hides_no_function_behind_it(language: str, middle: str) -> None:
    before, behind = {
        "python": ("def a():\n    return 1\n\n", "\n\ndef c(x):\n    return [x]\n"),
    }.get(language, ("function a() {}\n", "\n\nfunction c(x) {\n  return [x];\n}\n"))
    text = before + middle + behind
    assert {"a", "c"} <= {one.name for one in symbols(text, language)}
    at = text.index("[x]")
    found = enclosing_symbol(text, language, at, at)
    assert found is not None
    assert found.name == "c"


@pytest.mark.parametrize(("language", "text"), BROKEN)
def test_code_in_the_middle_of_an_edit_still_shows_what_stands_around(
    language: str, text: str
) -> None:
    assert {"a", "c"} <= {one.name for one in symbols(text, language)}


NOISE = st.lists(
    st.sampled_from(
        [
            "(",
            ")",
            "{",
            "}",
            "[",
            "]",
            "\n",
            "\r\n",
            "\r",
            "\t",
            " ",
            '"',
            "'",
            "`",
            "\\",
            "😀",
            "é",
            "\ufeff",
            "\0",
            "\ud83d",
            "class ",
            "def ",
            "end",
            "=>",
            "::",
            "<?php",
            "#",
            "//",
            "/*",
            "@",
            "do",
            "function",
            "=",
            ",",
            "<",
            "é",
            "\u2028",
            "fn",
            "if",
            "test(",
            "operator",
            "~",
        ]
    ),
    max_size=12,
).map("".join)


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(supported()), NOISE)
def test_no_text_makes_it_raise(data: st.DataObject, language: str, noise: str) -> None:
    source = SOURCES[language]
    begin = data.draw(st.integers(0, len(source)))
    text = source[:begin] + noise + source[begin + data.draw(st.integers(0, 80)) :]
    if data.draw(st.booleans()):
        text = text[data.draw(st.integers(0, len(text))) :]
    outline = build_outline(text, language)
    last = -1
    for one in outline.symbols:
        assert 0 <= one.start <= one.name_start <= one.name_end <= one.end <= len(text)
        assert one.doc_start is None or 0 <= one.doc_start < one.start
        assert "\n" not in one.signature
        assert last <= one.start
        last = one.start
        assert outline.enclosing(one.name_start, one.name_start) is not None
    cursor = data.draw(st.integers(0, len(text)))
    outline.enclosing(cursor, cursor)
    identifier_at(text, language, cursor)
    start, end = fallback_block(text, cursor, cursor)
    assert 0 <= start <= end <= len(text)


def test_an_unknown_language_has_an_empty_outline() -> None:
    assert symbols("IDENTIFICATION DIVISION.", "cobol") == []
    assert enclosing_symbol("x", "plaintext", 0, 0) is None


@pytest.mark.parametrize(
    ("language", "marked", "name"),
    [
        ("python", "tot¦al(x)", "total"),
        ("python", "¦total(x)", "total"),
        ("python", "total¦(x)", "total"),
        ("python", "x = é¦té", "été"),
        ("python", "re¦turn x", None),
        ("python", "x = 12¦3", None),
        ("python", "a +¦ b", None),
        ("javascript", "$el¦.x", "$el"),
        ("ruby", "list.emp¦ty? && x", "empty?"),
        ("ruby", "a.b¦!= c", "b"),
        ("elixir", "Enum.emp¦ty?(x)", "empty?"),
        ("rust", "Point::n¦ew(1)", "new"),
        ("python", "", None),
    ],
)
def test_the_identifier_under_the_cursor(language: str, marked: str, name: str | None) -> None:
    at = max(marked.find("¦"), 0)
    text = marked.replace("¦", "")
    found = identifier_at(text, language, at)
    assert (found[2] if found else None) == name
    assert found is None or text[found[0] : found[1]] == name


@pytest.mark.parametrize(
    ("marked", "block"),
    [
        ("a\nb\n\nc¦\nd\n\ne\n", "c\nd"),
        ("PROC x\n  one\n\n  t¦wo\nEND\nother\n", "PROC x\n  one\n\n  two"),
        ("proc x {\n  one\n\n  t¦wo\n}\nother\n", "proc x {\n  one\n\n  two\n}"),
        ("a\r\n¦\r\nb\r\n", "b"),
        ("¦", ""),
        ("\n\n¦\n", ""),
        ("one line only¦", "one line only"),
    ],
)
def test_the_block_around_a_cursor_where_no_symbols_are_known(marked: str, block: str) -> None:
    at = marked.index("¦")
    text = marked.replace("¦", "")
    start, end = fallback_block(text, at, at)
    assert text[start:end] == block


def test_a_selection_is_its_own_block() -> None:
    assert fallback_block("a\nb\nc\n", 2, 3) == (2, 3)


@pytest.mark.alone
def test_a_file_of_100_000_lines_leaves_other_threads_their_turn() -> None:
    one = SOURCES["python"].replace("from __future__ import annotations\n", "")
    text = one * (100_000 // one.count("\n") + 1)
    build_outline("x = 1", "python")
    # Parsed in one piece it would be 0.4 s each time; other waits are the machine's own.
    assert any(longest_wait_while(lambda: build_outline(text, "python")) < 0.25 for _ in range(4))


def longest_wait_while(work: Callable[[], object]) -> float:
    """Return the seconds this thread had to wait for its turn at most."""
    thread = threading.Thread(target=work)
    longest = 0.0
    last = time.perf_counter()
    thread.start()
    while thread.is_alive():
        thread.join(0.001)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    return longest


def test_a_large_outline_answers_at_once() -> None:
    text = SOURCES["python"].replace("from __future__ import annotations\n", "") * 200
    outline = build_outline(text, "python")
    assert len(outline.symbols) > 2_000

    def once(at: int) -> float:
        began = time.thread_time()
        outline.enclosing(at, at)
        return time.thread_time() - began

    assert min(once(len(text) // 2 + n) for n in range(10)) < 0.001


def test_many_threads_parse_at_once() -> None:
    expected = {name: shown(text, name) for name, text in SOURCES.items()}
    wrong: list[str] = []

    def work() -> None:
        for name, text in SOURCES.items():
            if shown(text, name) != expected[name]:
                wrong.append(name)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("language", ["javascript", "cpp", "python", "rust"])
def test_nesting_without_end_takes_bounded_time(language: str) -> None:
    began = time.thread_time()
    for text in ("{" * 100_000, "function f(){" * 10_000, "def f(\n" * 10_000, "((" * 900):
        build_outline(text, language)
    assert time.thread_time() - began < 5


def test_half_a_file_behind_an_open_bracket_is_not_lost() -> None:
    block = "@dec\ndef f{0}(x):\n    return [x]\n\n\n"
    text = "".join(block.format(n) for n in range(300))
    middle = text.index("@dec\ndef f150")
    found = symbols(text[:middle] + "foo((\n\n\n" + text[middle:], "python")
    assert [one.name for one in found] == [f"f{n}" for n in range(300)]
    assert all(one.body_start is not None for one in found)


@pytest.mark.parametrize(
    ("language", "comment", "code"),
    [
        ("ruby", "# c\n", "def f; end\n"),
        ("python", "# c\n", "def f():\n    pass\n"),
        ("elixir", "# c\n", "def f(), do: 1\n"),
        ("lua", "-- c\n", "function f() end\n"),
    ],
)
def test_tens_of_thousands_of_comments_take_bounded_time(
    language: str, comment: str, code: str
) -> None:
    build_outline(code, language)
    began = time.thread_time()
    (found,) = build_outline(comment * 50_000 + code, language).symbols
    assert time.thread_time() - began < 4
    assert found.name == "f"
    assert found.doc_start is not None
