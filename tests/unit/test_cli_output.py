"""Streamed markdown: what is drawn is what was said, and no answer steers the terminal."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from aiex_lsp.cli.output import MarkdownStream, cost_text, split_finished, terminal_safe

ANSWER = (
    "# Title\n\nIt adds **two** numbers.\n\n- one\n- two\n\n"
    "```python\ndef f():\n    return 1\n```\n\nThe end.\n"
)


def drawn(pieces: list[str], height: int = 20) -> str:
    """Return what stays on the screen."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=False, width=60, height=height)
    stream = MarkdownStream(console)
    for piece in pieces:
        stream.feed(piece)
    stream.close()
    return out.getvalue()


def test_markdown_is_rendered_however_it_arrives() -> None:
    shown = drawn([ANSWER])
    assert "Title" in shown
    assert "# Title" not in shown
    assert "It adds two numbers." in shown
    assert "def f():" in shown
    assert "```" not in shown
    words = shown.split()
    assert drawn(list(ANSWER)).split()[-2:] == words[-2:] == ["The", "end."]


def test_on_a_terminal_finished_blocks_stay_and_the_last_is_drawn_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("aiex_lsp.cli.output.REFRESH", 0.0)
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=60, height=10, color_system=None)
    stream = MarkdownStream(console)
    for char in ANSWER + "\n" + "\n".join(f"line {n}  " for n in range(40)):
        stream.feed(char)
    stream.close()
    assert "return 1" in out.getvalue()
    assert "line 39" in out.getvalue()


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="ab #-*`>\n\u2028|1.[]<", max_size=80))
def test_splitting_loses_nothing(text: str) -> None:
    done, rest = split_finished(text)
    assert done + rest == text


def test_finished_blocks_are_split_off() -> None:
    assert split_finished("one\n\ntwo") == ("one\n\n", "two")
    assert split_finished("```\na\n\nb") == ("", "```\na\n\nb")
    assert split_finished("- a\n- b\n\npara") == ("- a\n- b\n\n", "para")


def test_control_characters_do_not_reach_a_terminal() -> None:
    assert terminal_safe("a\x1b[2Jb\x07\x9bc\r\nd\te") == "a[2Jbc\nd\te"


def test_costs() -> None:
    assert [cost_text(c) for c in (None, 0.0, 0.00123, 2.5)] == [
        "price unknown",
        "$0",
        "$0.0012",
        "$2.50",
    ]
