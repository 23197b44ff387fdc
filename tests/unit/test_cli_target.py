"""FILE[:L1[-L2]] -> the text and the lines a command is about, or a sentence that says why not."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.cli.target import project_root, read_target, split_spec
from aiex_lsp.errors import DocumentError, RangeError, UsageError
from aiex_lsp.text.snapshot import Span


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.py"
    path.write_bytes(b"\xef\xbb\xbfone\r\n  two\r\nthree\r\n")
    return path


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("a.py", ("a.py", None, None)),
        ("a.py:12", ("a.py", 12, None)),
        ("a.py:12-20", ("a.py", 12, 20)),
        ("a.py:12:", ("a.py", 12, None)),
        (r"C:\src\a.py", (r"C:\src\a.py", None, None)),
        (r"C:\src\a.py:3-4", (r"C:\src\a.py", 3, 4)),
        ("a:b.py", ("a:b.py", None, None)),
        ("a.py:x", ("a.py:x", None, None)),
    ],
)
def test_files_and_lines(spec: str, parts: tuple[str, int | None, int | None]) -> None:
    assert split_spec(spec) == parts


def test_a_file_that_has_such_a_name_wins(file: Path) -> None:
    (file.parent / "a.py:2").write_text("x = 1")
    assert split_spec("a.py:2") == ("a.py:2", None, None)


@pytest.mark.parametrize("spec", ["a.py:0", "a.py:5-3", "a.py:0-3"])
def test_lines_that_cannot_be(file: Path, spec: str) -> None:
    with pytest.raises(UsageError, match=r"lines count from 1|comes before"):
        read_target(spec)


def test_the_text_is_as_on_disk_and_lines_become_spans(file: Path) -> None:
    whole = read_target("a.py")
    assert whole.snapshot.text == "\ufeffone\r\n  two\r\nthree\r\n"
    assert whole.snapshot.language_id == "python"
    assert whole.span is None
    cursor = read_target("a.py:2").span
    assert cursor == Span(8, 8)
    lines = read_target("a.py:2-3")
    assert lines.span is not None
    assert lines.snapshot.slice(lines.span) == "  two\r\nthree"


def test_lines_past_the_end_say_what_the_file_has(file: Path) -> None:
    with pytest.raises(RangeError, match=r"a.py has 3 lines, so there is no line 4"):
        read_target("a.py:4")
    with pytest.raises(RangeError, match=r"no line 99999"):
        read_target("a.py:1-99999")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty.py", b"", "empty.py is empty"),
        ("blank.py", b"\xef\xbb\xbf \n\t\n", "blank.py is empty"),
        ("image.png", b"\x89PNG\0\1", "binary"),
        ("old.py", b"x = 1\ny = '\xe9'\n", r"not UTF-8 \(line 2\)"),
        ("wide.py", "x = 1".encode("utf-16"), "UTF-16"),
    ],
)
def test_files_that_cannot_be_asked_about(file: Path, name: str, data: bytes, message: str) -> None:
    (file.parent / name).write_bytes(data)
    with pytest.raises(DocumentError, match=message):
        read_target(name)


def test_missing_files_and_folders(file: Path) -> None:
    with pytest.raises(DocumentError, match=r"nope\.py does not exist"):
        read_target("nope.py")
    with pytest.raises(DocumentError, match="does not exist"):
        read_target("a.py/b.py")
    with pytest.raises(DocumentError, match="is a folder"):
        read_target(".")
    with pytest.raises(DocumentError, match="not a regular file"):
        read_target("/dev/null")


def test_the_project_is_the_nearest_folder_with_a_manifest(tmp_path: Path) -> None:
    inner = tmp_path / "project" / "src" / "deep"
    inner.mkdir(parents=True)
    (tmp_path / "project" / "Cargo.toml").touch()
    assert project_root(inner / "a.rs") == tmp_path / "project"
    assert project_root(tmp_path / "project" / "src") == tmp_path / "project"


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=30))
def test_any_argument_gives_a_target_or_a_usage_error(spec: str) -> None:
    with suppress(UsageError):
        assert read_target(spec).snapshot.text
