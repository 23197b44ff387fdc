"""The usage record: rows in, what is found again; several processes, damage, no room to write."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from aiex_lsp.errors import StateError
from aiex_lsp.state import usage
from aiex_lsp.state.usage import KEEP_SECONDS, UsageRow, UsageStore

NOW = 1_800_000_000.0


def row(at: float = NOW, **changes) -> UsageRow:
    values = {
        "provider": "anthropic",
        "provider_type": "anthropic",
        "model": "claude",
        "task": "explain",
        "outcome": "ok",
        "duration": 1.5,
        "first_token": 0.4,
        "input_tokens": 100,
        "output_tokens": 20,
        "cost": 0.25,
    }
    return UsageRow(at=at, **{**values, **changes})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "usage.sqlite3"


_STORES: list[UsageStore] = []


@pytest.fixture(autouse=True)
def close_stores():
    yield
    while _STORES:
        _STORES.pop().close()


def opened(path: Path, now: float = NOW) -> UsageStore:
    _STORES.append(UsageStore(path, lambda: now))
    return _STORES[-1]


def test_rows_come_back_whole_and_in_order(path):
    store = opened(path)
    rows = [row(NOW + 2, cost=None, first_token=None), row(NOW + 1, task="hover")]
    store.add(rows)
    assert store.between(NOW, NOW + 3) == [rows[1], rows[0]]
    assert store.between(NOW, NOW + 2) == [rows[1]]
    store.close()
    assert opened(path).between(NOW, NOW + 3) == [rows[1], rows[0]]


def test_cost_adds_what_is_known_and_counts_unpriced_answers(path):
    store = opened(path)
    failed = row(outcome="stall", cost=None)
    store.add([row(), row(cost=0.5), row(cost=None), failed, row(NOW - 10, cost=9.0)])
    assert store.cost(NOW, NOW + 1) == (0.75, 1)
    assert opened(path.with_name("other")).cost(NOW, NOW + 1) == (0.0, 0)


def test_rows_older_than_ninety_days_go_at_opening(path):
    store = opened(path)
    store.add([row(NOW - 1), row(NOW)])
    store.close()
    later = opened(path, NOW + KEEP_SECONDS)
    assert later.between(0, NOW + 1) == [row(NOW)]


def test_the_file_is_the_users_alone(path):
    old = os.umask(0)
    try:
        store = opened(path)
        store.add([row()])
    finally:
        os.umask(old)
    for name in os.listdir(path.parent):
        assert stat.S_IMODE((path.parent / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("content", [b"not a database, for sure " * 50, b"SQLite format 3\0" * 300])
def test_a_damaged_file_is_set_aside_and_begun_anew(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    store = opened(path)
    store.add([row()])
    assert store.between(0, NOW + 1) == [row()]
    assert store.problem is not None
    assert "damaged" in store.problem
    assert path.with_name("usage.sqlite3.damaged").read_bytes() == content


def test_damage_while_it_is_open_loses_old_rows_only(path):
    store = opened(path)
    store.add([row(NOW)])
    store.close()
    store.add([row(NOW + 1)])
    with path.open("r+b") as file:
        file.write(b"\0" * path.stat().st_size)
    other = opened(path)
    other.add([row(NOW + 2)])
    assert row(NOW + 2) in other.between(0, NOW + 3)
    store.add([row(NOW + 3)])
    assert row(NOW + 3) in store.between(0, NOW + 4)


def test_a_deleted_file_is_made_again(path):
    store = opened(path)
    store.add([row(NOW)])
    for left in path.parent.iterdir():
        left.unlink()
    store.add([row(NOW + 1)])
    assert opened(path).between(0, NOW + 2) == [row(NOW + 1)]


def test_a_table_of_other_columns_is_set_aside(path):
    path.parent.mkdir()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE usage (at REAL, something TEXT)")
    db.close()
    store = opened(path)
    store.add([row()])
    assert store.between(0, NOW + 1) == [row()]


def test_where_nothing_can_be_written_rows_are_kept_in_memory(tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("no folder")
    store = opened(blocker / "usage.sqlite3")
    store.add([row()])
    assert store.between(0, NOW + 1) == [row()]
    assert "cannot be written" in (store.problem or "")


def test_a_file_of_a_newer_version_is_left_alone(path):
    store = opened(path)
    store.add([row()])
    store.close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    before = path.read_bytes()
    newer = opened(path)
    newer.add([row(NOW + 1)])
    assert newer.between(0, NOW + 2) == [row(NOW), row(NOW + 1)]
    assert path.read_bytes() == before


def test_on_a_network_folder_no_file_is_shared_through_memory(path):
    store = UsageStore(path, lambda: NOW, mounts=f"host:/home {path.parent} nfs4 rw 0 0\n")
    _STORES.append(store)
    store.add([row()])
    assert os.listdir(path.parent) == [path.name]
    assert store.between(0, NOW + 1) == [row()]


def test_a_file_held_by_another_is_an_error_that_says_so(path, monkeypatch):
    monkeypatch.setattr(usage, "BUSY_SECONDS", 0.01)
    store = UsageStore(path, lambda: NOW, lambda _seconds: None)
    _STORES.append(store)
    store.add([row()])
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StateError, match="locked"):
        store.add([row(NOW + 1)])
    holder.execute("ROLLBACK")
    holder.close()
    store.add([row(NOW + 2)])
    assert store.between(0, NOW + 3) == [row(NOW), row(NOW + 2)]


def test_processes_that_open_a_new_file_at_once_all_write(path):
    script = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from aiex_lsp.state.usage import UsageRow, UsageStore
        sys.stdin.readline()
        store = UsageStore(Path(sys.argv[1]), lambda: 1.8e9)
        for i in range(20):
            store.add([UsageRow(1.8e9 + i, "p", "t", sys.argv[2], "explain", "ok")])
        store.close()
        assert store.problem is None, store.problem
        """
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(path), str(number)], stdin=subprocess.PIPE
        )
        for number in range(6)
    ]
    for one in started:
        assert one.stdin is not None
        one.stdin.write(b"\n")
        one.stdin.close()
    assert [one.wait() for one in started] == [0] * 6
    rows = opened(path).between(0, 2e9)
    assert len(rows) == 120
    assert {one.model for one in rows} == {str(number) for number in range(6)}
