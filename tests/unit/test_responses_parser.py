"""What a reader gets from an answer: blocks, paths, thinking removed, summary, references."""

from __future__ import annotations

import pytest

from aiex_lsp.responses.info import parse_info
from aiex_lsp.responses.markdown import flatten
from aiex_lsp.responses.parser import parse


def _blocks(text: str, language: str | None = None, **kwargs: bool) -> list[tuple[str, str]]:
    parsed = parse(text, "code_generation", language=language, **kwargs)
    return [(block.language, block.code) for block in parsed.code_blocks]


@pytest.mark.parametrize(
    ("info", "language", "path"),
    [
        ("", "", None),
        ("python", "python", None),
        ('python title="a.py" {1,3}', "python", "a.py"),
        ("py:src/a.py", "py", "src/a.py"),
        ("js filename=src/x.js", "js", "src/x.js"),
        ("python src/x.py", "python", "src/x.py"),
        ("src/app/main.go", "", "src/app/main.go"),
        ("12:15:src/a.ts", "", "src/a.ts"),
        ("{.python .numberLines}", "python", None),
        ("{python}", "python", None),
        ("rust,ignore", "rust", None),
        ("js{1,3-5}", "js", None),
        ("c++", "c++", None),
        ("plaintext", "text", None),
        ("python (src/a.py)", "python", "src/a.py"),
        ('title="x.py"', "", "x.py"),
        ("ts // src/types.ts", "ts", "src/types.ts"),
    ],
)
def test_info_strings_tell_language_and_path(info: str, language: str, path: str | None) -> None:
    found = parse_info(info)
    assert (found.language, found.path) == (language, path)


@pytest.mark.parametrize(
    ("before", "path"),
    [
        ("**src/a.py**", "src/a.py"),
        ("`src/a.py`:", "src/a.py"),
        ("File: `x.py`", "x.py"),
        ("### 2. `src/a.py`", "src/a.py"),
        ("**File:** src/a.py", "src/a.py"),
        ("Create `tests/test_a.py` with this content:", "tests/test_a.py"),
        ("Here are the tests for `src/a.py`:", None),
        ("It runs on Node.js", None),
        ("See version 1.2", None),
        ("Put it in the Makefile.", None),
    ],
)
def test_a_file_name_just_before_a_fence_is_its_path(before: str, path: str | None) -> None:
    parsed = parse(f"{before}\n\n```python\nx = 1\n```")
    assert parsed.code_blocks[0].path == path


@pytest.mark.parametrize(
    ("first", "path"),
    [
        ("# src/a.py", "src/a.py"),
        ("# File: src/a.py", "src/a.py"),
        ("# compute the sum", None),
        ("x = 1  # src/a.py", None),
    ],
)
def test_a_comment_in_the_first_line_may_name_the_file(first: str, path: str | None) -> None:
    assert parse(f"```python\n{first}\ny = 2\n```").code_blocks[0].path == path


def test_an_inner_fence_of_fewer_backticks_is_text_of_the_outer() -> None:
    text = "Write:\n\n````md\n```py\nx\n```\n````"
    assert _blocks(text) == [("markdown", "```py\nx\n```")]


def test_a_markdown_fence_may_hold_fences_of_the_same_length() -> None:
    text = "Save this:\n\n```markdown\n# A\n```sh\nls\n```\nend\n```\n\nDone."
    parsed = parse(text)
    assert [b.code for b in parsed.code_blocks] == ["# A\n```sh\nls\n```\nend"]
    assert parsed.explanation == "Save this:\n\nDone."


def test_an_answer_wholly_in_a_markdown_fence_is_unwrapped_unless_markdown_was_asked() -> None:
    text = "```markdown\n# Title\n\nText.\n\n```python\nx = 1\n```\n\nMore.\n```\n"
    parsed = parse(text, "code_explanation", language="python")
    assert [section.title for section in parsed.sections] == ["Title"]
    assert [block.language for block in parsed.code_blocks] == ["python"]
    assert parsed.markdown.startswith("# Title")
    assert [b[0] for b in _blocks(text, "markdown")] == ["markdown"]


def test_a_wrapped_answer_with_unlabelled_inner_fences_is_unwrapped_too() -> None:
    text = "```markdown\n# T\n```\npip install x\n```\ntext\n```python\nx = 1\n```\n```"
    parsed = parse(text, language="python")
    assert [block.code for block in parsed.code_blocks] == ["pip install x", "x = 1"]


def test_an_unclosed_fence_is_truncated() -> None:
    parsed = parse("Here:\n\n```python\ndef f():\n    return (", "code_generation")
    assert parsed.truncated
    assert parsed.code_blocks[0].truncated
    assert parsed.code_blocks[0].valid is False
    assert parsed.code_blocks[0].error


def test_the_finish_reason_makes_an_answer_truncated() -> None:
    assert parse("All is", truncated=True).truncated
    assert not parse("All is well.").truncated


def test_lines_of_a_block_are_those_of_the_answer() -> None:
    block = parse("a\n\n```python\nx = 1\n```\nb").code_blocks[0]
    assert (block.start_line, block.end_line) == (2, 4)


def test_crlf_answers_are_read_like_others() -> None:
    assert _blocks("a\r\n```python\r\nx = 1\r\ny = 2\r\n```\r\n") == [("python", "x = 1\ny = 2")]


def test_code_without_a_fence_is_one_block() -> None:
    code = "def f(x):\n    return x + 1\n\n\nclass A:\n    pass"
    assert _blocks(code, "python") == [("python", code)]


def test_prose_without_a_fence_is_no_block_even_where_the_language_would_take_it() -> None:
    for language in ("shellscript", "ruby", "python"):
        assert _blocks("Nothing to change here, it is fine.", language) == []


@pytest.mark.parametrize(
    ("code", "document", "language"),
    [
        ("x = compute(1)\nprint(x)", "python", "python"),
        ("const a = (b) => b * 2;", "javascript", "javascript"),
        ("git commit -m 'x'", "python", "shellscript"),
        ('{"a": [1, 2]}', "python", "json"),
        ("SELECT name FROM users WHERE id = 1", "python", "sql"),
        ('fn main() {\n    println!("hi");\n}', None, "rust"),
        ("defmodule A do\n  def b, do: 1\nend", None, "elixir"),
        ("Hello, world", "python", "text"),
        ("", "python", "text"),
    ],
)
def test_an_unlabelled_block_is_of_the_documents_language_or_of_what_it_looks_like(
    code: str, document: str | None, language: str
) -> None:
    assert parse(f"```\n{code}\n```", language=document).code_blocks[0].language == language


def test_the_primary_language_is_that_of_most_valid_code() -> None:
    text = "```bash\npip install x\n```\n```python\ndef f():\n    return 'some more code'\n```"
    assert parse(text).language == "python"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>hm</think>\n\nYes.", "Yes."),
        ("\n<think>\n```py\n</think>\n```\nhm\n</think>Yes.", "Yes."),
        ("<think>a</think><think>b</think>Yes.", "Yes."),
        ("</think>\nYes.", "Yes."),
        ("So, it is 4.\n</think>\n\nIt is 4.", "It is 4."),
        ("<thinking>hm</thinking>Yes.", "Yes."),
        ("[THINK]hm[/THINK]Yes.", "Yes."),
        ("<think>for ever", ""),
        ("Use `<think>` tags.", "Use `<think>` tags."),
        ("Use <think>x</think> tags.", "Use <think>x</think> tags."),
        ("```html\n</think>\n```\ndone", "```html\n</think>\n```\ndone"),
    ],
)
def test_thinking_at_the_start_is_not_the_answer(text: str, answer: str) -> None:
    assert parse(text).markdown == answer


def test_headings_in_code_are_none_and_equal_titles_are_kept_apart() -> None:
    text = "intro\n# A\na\n```sh\n# not\n```\n## B\nb\n# A\nc"
    sections = parse(text, "code_explanation").sections
    assert [(s.level, s.title) for s in flatten(sections)] == [
        (0, ""), (1, "A"), (2, "B"), (1, "A"),
    ]  # fmt: skip
    assert sections[0].content == "intro"
    assert sections[1].content == "a\n```sh\n# not\n```"
    assert sections[1].children[0].content == "b"
    assert sections[2].content == "c"


def test_bold_lines_are_sections_only_where_there_are_no_headings() -> None:
    titles = [s.title for s in parse("**Summary**\nx\n\n1. **Overview**:\ny").sections]
    assert titles == ["Summary", "Overview"]
    assert [s.title for s in parse("# A\n\n**Summary**\nx").sections] == ["A"]
    assert parse("1. **Fast**\n2. **Small**\n").sections[:0] == ()


def test_references_are_told_apart_and_named_once() -> None:
    text = (
        "Call `load()` of `Store`, then `load()`. `a + b` in `src/a.py`, `b.py:12`, c/d.go:7-9; "
        "not 10:30 nor http://x.y:80/."
    )
    found = [(r.text, r.kind, r.line) for r in parse(text).code_references]
    assert found == [
        ("load()", "call", None),
        ("Store", "identifier", None),
        ("a + b", "expression", None),
        ("src/a.py", "path", None),
        ("b.py:12", "path", 12),
        ("c/d.go:7-9", "path", 7),
    ]


def test_concepts_are_bold_terms_and_known_words_without_labels() -> None:
    text = "**Note:** a **hash ring** with memoized lookups; **Memoization** again. **Returns**: x"
    assert parse(text, "code_explanation").concepts == ("hash ring", "memoization")


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("Sure! Here's what it does:\n\nIt **adds** `a` and b.", "It adds a and b."),
        ("# T\n\nFirst.\n\n## TL;DR\n\nShort.", "Short."),
        ("Certainly! It adds two numbers.", "It adds two numbers."),
        ("- one\n- two", "one"),
        ("", ""),
        ("```python\nx = 1\n```", ""),
        ("Here's the code:", "Here's the code:"),
    ],
)
def test_the_summary_is_the_first_paragraph_that_says_something(text: str, summary: str) -> None:
    assert parse(text, "code_explanation").summary == summary


def test_a_long_summary_ends_at_a_sentence() -> None:
    text = "This sentence is about the function, e.g. its arguments. " * 20
    summary = parse(text).summary
    assert 200 < len(summary) <= 300
    assert summary.endswith("arguments.")
    assert len(parse("word " * 200).summary) <= 300
