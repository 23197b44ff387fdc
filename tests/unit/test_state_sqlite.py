"""The database file: who may read it, and what happens to it under a running server."""

import asyncio
import os
import sqlite3
import stat
import time
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from aiex_lsp.errors import StateError
from aiex_lsp.state.mounts import network_type
from aiex_lsp.state.primary import UnsuitableError
from aiex_lsp.state.sqlite import SqliteStore
from aiex_lsp.state.types import CircuitPolicy, Row, WindowLimits

TEN = WindowLimits(10, None)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "state" / "shared.db"


@pytest.fixture
async def open_store(path):
    stores = []

    def make(**options) -> SqliteStore:
        stores.append(SqliteStore(path, random=Random(1), **options))
        return stores[-1]

    yield make
    for store in stores:
        await store.aclose()


async def take(store, row_id: str):
    return await store.reserve_seen("p/limits", Row(row_id, 0, 1), TEN)


async def test_file_and_folder_are_the_user_s_alone(open_store, path):
    await take(open_store(), "a")
    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert modes == dict.fromkeys(modes, 0o600)
    assert "shared.db-wal" in modes


async def test_nothing_is_made_before_the_first_use(open_store, path):
    open_store()
    assert not path.parent.exists()


async def test_two_servers_see_one_window(open_store):
    one, two = open_store(), open_store()
    for name in range(6):
        await take(one, f"a{name}")
    granted = [(await take(two, f"b{name}")).reservation.granted for name in range(6)]
    assert granted == [True] * 4 + [False] * 2


async def test_many_servers_open_a_new_file_at_once(open_store):
    stores = [open_store(limit=10) for _ in range(12)]
    seen = await asyncio.gather(*(take(store, str(n)) for n, store in enumerate(stores)))
    assert len({one.born for one in seen}) == 1
    assert sum(one.reservation.granted for one in seen) == 10


async def test_a_deleted_file_is_made_anew_and_others_join_it(open_store, path):
    one, two = open_store(), open_store()
    first = await take(one, "a")
    await take(two, "b")
    for file in path.parent.iterdir():
        file.unlink()
    again = await take(one, "c")
    joined = await take(two, "d")
    assert again.born != first.born
    assert joined.born == again.born
    assert joined.reservation.requests == 2


async def test_only_the_database_deleted_its_log_is_not_read_as_the_new_one_s(open_store, path):
    one, two = open_store(), open_store()
    for name in range(5):
        await take(one, str(name))
    await take(two, "x")
    path.unlink()
    assert (await take(two, "y")).reservation.requests == 1
    assert (await take(one, "z")).reservation.requests == 2
    with closing(sqlite3.connect(path)) as look:
        assert look.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_deleted_folder_is_made_anew(open_store, path):
    store = open_store()
    await take(store, "a")
    for file in path.parent.iterdir():
        file.unlink()
    path.parent.rmdir()
    assert (await take(store, "b")).reservation.requests == 1


async def test_a_replaced_file_is_the_one_used(open_store, path, tmp_path):
    other = SqliteStore(tmp_path / "other.db", random=Random(1))
    for name in range(3):
        await take(other, str(name))
    await other.aclose()
    store = open_store()
    await take(store, "a")
    (tmp_path / "other.db").replace(path)
    assert (await take(store, "b")).reservation.requests == 4


@pytest.mark.parametrize(
    "damage", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 9000]
)
async def test_a_damaged_file_is_told_moved_aside_and_made_anew(open_store, path, damage):
    path.parent.mkdir()
    path.write_bytes(damage)
    store = open_store()
    with pytest.raises(StateError, match=r"damaged; it was moved to shared\.db\.damaged"):
        await take(store, "a")
    assert (await take(store, "a")).reservation.granted
    assert path.with_name("shared.db.damaged").read_bytes() == damage


async def test_contents_that_are_not_ours_are_damage(open_store, path):
    store = open_store()
    await take(store, "a")
    policy = CircuitPolicy()
    await store.record({"p/": "failure"}, "h", policy)
    with closing(sqlite3.connect(path)) as other:
        other.execute("UPDATE circuits SET record = '{\"x\": '")
        other.commit()
    with pytest.raises(StateError, match="damaged"):
        await store.circuits(["p/"])
    assert (await store.admit(["p/"], "h", 1, policy)).admitted


async def test_another_version_s_file_is_kept_beside(open_store, path):
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as old:
        old.execute("CREATE TABLE things (x)")
        old.execute("PRAGMA user_version = 7")
        old.commit()
    assert (await take(open_store(), "a")).reservation.granted
    with closing(sqlite3.connect(path.with_name("shared.db.version-7"))) as kept:
        assert kept.execute("SELECT count(*) FROM things").fetchone() == (0,)


async def test_a_locked_file_is_an_error_within_the_limit_that_names_the_remedy(open_store, path):
    store = open_store(limit=0.2)
    await take(store, "a")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(StateError, match="is locked by another program") as failure:
            await take(store, "b")
        assert 0.15 < time.monotonic() - began < 2
        assert "Close programs" in str(failure.value)
        other.execute("ROLLBACK")
    assert (await take(store, "b")).reservation.requests == 2


async def test_a_short_lock_is_waited_for(open_store, path):
    store = open_store(limit=5)
    await take(store, "a")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        asking = asyncio.create_task(take(store, "b"))
        await asyncio.sleep(0.05)
        other.execute("COMMIT")
        assert (await asking).reservation.granted


async def test_cancelled_while_it_waits_for_a_lock_nothing_is_taken(open_store, path):
    store = open_store(limit=5)
    await take(store, "a")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        asking = asyncio.create_task(take(store, "b"))
        await asyncio.sleep(0.05)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        other.execute("COMMIT")
    assert (await take(store, "c")).reservation.requests == 2


async def test_a_full_disk_is_an_error_and_the_file_is_whole_afterwards(open_store, path):
    store = open_store()
    await take(store, "a")
    await store._worker.run(
        lambda job: store._file.connection(0).execute("PRAGMA max_page_count = 1").fetchall()
    )
    with pytest.raises(StateError, match=r"The disk is full.*Free some space"):
        await store.cache("k", os.urandom(200_000), 60, 10**6)
    assert (await take(store, "a")).reservation.requests == 1


async def test_a_path_that_cannot_be_a_folder_is_an_error_with_a_remedy(open_store, path):
    path.parent.write_text("a file")
    with pytest.raises(StateError, match="AIEX_STATE_DIR"):
        await take(open_store(), "a")


async def test_a_folder_in_the_place_of_the_file_is_told_as_that(open_store, path):
    path.mkdir(parents=True)
    with pytest.raises(StateError, match=r"a folder lies in its place .* Move it away"):
        await take(open_store(), "a")


async def test_rows_that_left_do_not_stay_in_the_file(path, open_store):
    time_ = [1_800_000_000.0]
    store = open_store(clock=lambda: time_[0])
    for _ in range(5):
        for name in range(5):
            await take(store, f"{time_[0]}{name}")
        time_[0] += 60
    await take(store, "last")
    with closing(sqlite3.connect(path)) as look:
        assert look.execute("SELECT count(*) FROM entries").fetchone() == (1,)


@pytest.mark.alone
async def test_no_operation_holds_the_event_loop(open_store, path):
    store = open_store()
    await take(store, "warm")
    gaps, last = [], time.perf_counter()

    async def tick() -> None:
        nonlocal last
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    ticking = asyncio.create_task(tick())
    for name in range(200):
        await take(store, str(name % 10))
    ticking.cancel()
    gaps.sort()
    assert gaps[int(len(gaps) * 0.99)] < 0.005


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/local ext4 rw 0 0
u@h:/x /mnt/my\\040disk fuse.sshfs rw 0 0
//s/share /mnt/share cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "found"),
    [
        ("/var/lib", None),
        ("/home/me/.local/state/aiex-lsp", "nfs4"),
        ("/home/local/me", None),
        ("/homework", None),
        ("/mnt/my disk/state", "fuse.sshfs"),
        ("/mnt/share", "cifs"),
    ],
)
def test_network_folders_are_known_by_the_mount_table(folder, found):
    assert network_type(Path(folder), MOUNTS) == found


async def test_a_network_folder_is_refused_once_and_for_all(open_store, path):
    store = open_store(mounts=f"server:/home {path.parent.parent} nfs rw 0 0\n")
    with pytest.raises(UnsuitableError, match=r"network drive \(nfs\).*AIEX_STATE_DIR"):
        await take(store, "a")
    assert not path.exists()
