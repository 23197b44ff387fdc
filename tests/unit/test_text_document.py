"""Whatever an editor does to its text, the server's text is the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.text.document import TextChange, apply_changes
from aiex_lsp.text.snapshot import Encoding, Snapshot

PIECES = ["a", "bc", "é", "e\u0301", "漢", "😀", "\r", "\n", "\r\n", "\ufeff", "\u2028"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
CODEC = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


@dataclass
class Client:
    """An editor's buffer, kept as code units; it knows nothing of the server's code."""

    units: bytes
    encoding: Encoding

    @property
    def width(self) -> int:
        return CODEC[self.encoding][1]

    @property
    def text(self) -> str:
        return self.units.decode(CODEC[self.encoding][0])

    def cursors(self) -> list[tuple[tuple[int, int], int]]:
        """Every place a cursor can stand: (line, character) and index of the unit."""
        codec, width = CODEC[self.encoding]
        places = []
        line = character = index = 0
        text = self.text
        for number, char in enumerate(text):
            inside_break = char == "\n" and number and text[number - 1] == "\r"
            if not inside_break:
                places.append(((line, character), index))
            step = len(char.encode(codec)) // width
            index += step
            character += step
            if char == "\n" or (char == "\r" and text[number + 1 : number + 2] != "\n"):
                line, character = line + 1, 0
        places.append(((line, character), index))
        return places

    def replace(self, start: int, end: int, text: str) -> None:
        codec, width = CODEC[self.encoding]
        self.units = self.units[: start * width] + text.encode(codec) + self.units[end * width :]


@settings(max_examples=150)
@given(st.data(), st.sampled_from(["utf-8", "utf-16", "utf-32"]), TEXTS)
def test_any_edits_in_any_encoding_keep_both_texts_the_same(
    data: st.DataObject, encoding: Encoding, text: str
) -> None:
    client = Client(text.encode(CODEC[encoding][0]), encoding)
    doc = Snapshot("file:///a", text, "plaintext", 0)
    for version in range(1, data.draw(st.integers(1, 5)) + 1):
        changes = []
        for _ in range(data.draw(st.integers(1, 3))):
            new = data.draw(TEXTS)
            if data.draw(st.integers(0, 9)) == 0:
                client.units = new.encode(CODEC[encoding][0])
                changes.append(TextChange(None, None, new))
                continue
            places = client.cursors()
            one, other = sorted(data.draw(st.integers(0, len(places) - 1)) for _ in range(2))
            (start, first), (end, last) = places[one], places[other]
            client.replace(first, last, new)
            changes.append(TextChange(start, end, new))
        doc = apply_changes(doc, changes, version, encoding)
        assert doc.text == client.text
        assert doc.version == version
        fresh = Snapshot("file:///b", doc.text, "plaintext")
        assert doc.line_starts == fresh.line_starts


def edit(text: str, *changes: TextChange, encoding: Encoding = "utf-16") -> str:
    return apply_changes(Snapshot("u", text, "x", 1), changes, 2, encoding).text


def test_a_position_past_the_end_is_the_end_and_a_reversed_range_is_turned() -> None:
    assert edit("a\nb", TextChange((0, 0), (2**31, 2**31), "z")) == "z"
    assert edit("a\nb", TextChange((9, 0), None, "!")) == "a\nb!"
    assert edit("abc", TextChange((0, 2), (0, 1), "-")) == "a-c"


def test_the_old_snapshot_stays_as_it_was() -> None:
    old = Snapshot("u", "a\nb", "x", 1)
    new = apply_changes(old, [TextChange((1, 0), (1, 1), "c\nd")], 2)
    assert (old.text, old.version, old.line_starts) == ("a\nb", 1, (0, 2))
    assert (new.text, new.version, new.line_starts) == ("a\nc\nd", 2, (0, 2, 4))
    assert (new.uri, new.language_id) == ("u", "x")


@pytest.mark.parametrize("line", [0, 50_000, 99_999])
def test_an_edit_at_100_000_lines_takes_less_than_5_ms(line: int) -> None:
    doc = Snapshot("u", "    some_variable = other(argument)\r\n" * 100_000, "python", 1)
    assert doc.line_count == 100_001
    change = TextChange((line, 4), (line, 8), "é\nx")

    def edited() -> None:
        assert apply_changes(doc, [change], 2).line_count == 100_002

    def copied() -> None:
        assert len(bytes(bytearray(4_000_000))) == 4_000_000

    # 5 ms where copying 4 MB takes 0.5: a busy machine is measured by its own pace.
    assert best_time(edited) < max(0.005, 10 * best_time(copied))


def best_time(work: Callable[[], None]) -> float:
    """Return the least processor seconds of several runs."""
    times = []
    for _ in range(12):
        began = time.thread_time()
        work()
        times.append(time.thread_time() - began)
    return min(times)
