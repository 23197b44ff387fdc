"""A diff that `patch -p1` takes, and the smallest edits that make one text the other."""

from __future__ import annotations

import itertools
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.text.diff import minimal_replacements, unified_diff

LINES = ["a", "b", "", "  é", "😀", "}"]
TEXTS = st.builds(
    lambda parts, end: "".join(parts) + end,
    st.lists(
        st.tuples(st.sampled_from(LINES), st.sampled_from(["\n", "\n", "\r\n", "\r"])).map("".join),
        max_size=30,
    ),
    st.sampled_from(["", "end", "\r"]),
)


def replaced(old: str, edits: list[tuple[int, int, str]]) -> str:
    for start, end, text in reversed(edits):
        old = old[:start] + text + old[end:]
    return old


def patched(folder: Path, old: str | None, diff: str, name: str) -> bytes:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if old is not None:
        target.write_bytes(old.encode())
    subprocess.run(
        ["patch", "-p1", "--binary", "--silent"],
        input=diff.encode(),
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return target.read_bytes()


def test_a_diff_reads_as_git_shows_it() -> None:
    old = "".join(f"{n}\n" for n in range(1, 21))
    new = old.replace("10\n", "ten\n").replace("20\n", "20")
    assert unified_diff(old, new, "src/a.py") == (
        "--- a/src/a.py\n+++ b/src/a.py\n"
        "@@ -7,7 +7,7 @@\n 7\n 8\n 9\n-10\n+ten\n 11\n 12\n 13\n"
        "@@ -17,4 +17,4 @@\n 17\n 18\n 19\n-20\n+20\n\\ No newline at end of file\n"
    )


def test_equal_texts_have_no_diff() -> None:
    assert unified_diff("a\n", "a\n", "x") == ""
    assert minimal_replacements("a\r\nb", "a\r\nb") == []


def test_a_new_file_comes_from_dev_null() -> None:
    assert unified_diff("", "a\nb\n", "t/n.py", created=True) == (
        "--- /dev/null\n+++ b/t/n.py\n@@ -0,0 +1,2 @@\n+a\n+b\n"
    )


@pytest.mark.skipif(shutil.which("patch") is None, reason="needs the patch command")
class TestWithPatch:
    @pytest.mark.parametrize("name", ["a.py", "dir/b c.py", 'q"uote.py', "ünï.py"])
    def test_any_file_name(self, tmp_path: Path, name: str) -> None:
        diff = unified_diff("a\nb\n", "a\nc\n", name)
        assert patched(tmp_path, "a\nb\n", diff, name) == b"a\nc\n"

    def test_a_new_file(self, tmp_path: Path) -> None:
        diff = unified_diff("", "é\r\nend", "new/dir/x.py", created=True)
        assert patched(tmp_path, None, diff, "new/dir/x.py") == "é\r\nend".encode()

    def test_many_texts(self, tmp_path: Path) -> None:
        rng = random.Random(7)
        kinds = ["a\n", "b\n", "\n", "c\r\n", "😀\n", "x\ry\n"]
        for number in range(60):
            old = "".join(rng.choices(kinds, k=rng.randint(1, 40))) + rng.choice(["", "end"])
            new = "".join(
                line for line in old.splitlines(keepends=True) if rng.random() < 0.85
            ) + rng.choice(["", "tail", "tail\n"])
            new = rng.choice(["", "head\n"]) + new
            if old != new and new:
                name = f"f{number}.txt"
                assert patched(tmp_path, old, unified_diff(old, new, name), name) == new.encode()


@settings(max_examples=150)
@given(TEXTS, TEXTS)
def test_replacements_make_the_new_text(old: str, new: str) -> None:
    edits = minimal_replacements(old, new)
    assert replaced(old, edits) == new
    for start, end, text in edits:
        assert old[start:end] != text
        assert old[max(start - 1, 0) : start + 1] != "\r\n"
        assert old[max(end - 1, 0) : end + 1] != "\r\n"
    assert all(a[1] < b[0] for a, b in itertools.pairwise(edits))


@given(TEXTS, TEXTS)
def test_a_diff_holds_both_sides(old: str, new: str) -> None:
    diff = unified_diff(old, new, "x")
    assert (diff == "") == (old == new)
    body = diff.split("\n")[2:]
    kept = [line[1:] for line in body if line[:1] == "+"]
    assert all(line in new.split("\n") for line in kept)


def test_only_the_changed_characters_are_replaced() -> None:
    old = "def f():\r\n    return old_name\r\n\r\nx = 1\r\n"
    new = "def f():\r\n    return new_name\r\n\r\nx = 12\r\n"
    assert minimal_replacements(old, new) == [(21, 24, "new"), (38, 38, "2")]


def test_large_texts_take_bounded_time() -> None:
    rng = random.Random(1)
    old = [f"line {rng.randint(0, 10**9)}\n" for _ in range(100_000)]
    new = list(old)
    new[10] = "changed near the top\n"
    new[50_000:50_003] = ["gone\n"]
    new[-2] = "changed near the end\n"
    began = time.thread_time()
    edits = minimal_replacements("".join(old), "".join(new))
    assert time.thread_time() - began < 3
    assert replaced("".join(old), edits) == "".join(new)
    assert sum(end - start for start, end, _ in edits) < 200


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("}\n" * 50_000, "}\n" * 49_000 + "x\n" + "}\n" * 1_500),
        ("a\nb\n" * 2_000, "b\nc\na\n" * 2_000),
        ("a\nb\n" * 250, "b\na\na\n" * 333),
        ("a" * 2_000_000, "b" * 2_000_000),
    ],
)
def test_repetitive_texts_take_bounded_time(old: str, new: str) -> None:
    began = time.thread_time()
    assert replaced(old, minimal_replacements(old, new)) == new
    assert time.thread_time() - began < 3
