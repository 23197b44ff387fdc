"""The shared state is lost under four busy servers: no request is lost, nobody is over the limit.

Each server says once that it goes on alone and once that it is back, and the limit is used fully
again afterwards.
"""

import os
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.state_fleet import all_granted, finish, fleet, go, until, used, worst_window
from tests.servers.redis import MISSING, redis_program, redis_server

WINDOW, LIMIT, SERVERS, SECONDS = 2.0, 40, 4, 9.5


def servers(place, **more):
    """Return the jobs of four servers that share one place."""
    job = {**place, "window": WINDOW, "limit": LIMIT, "seconds": SECONDS, **more}
    return [dict(job) for _ in range(SERVERS)]


def check(workers, start: float, *, lost: str | None, back_by: float) -> None:
    """Hold a run to what every loss has to keep to; `lost` is what each server says of it."""
    finish(workers)
    times = all_granted(workers)
    assert worst_window(times, WINDOW) <= LIMIT
    assert used(times, WINDOW, LIMIT, back_by, start + SECONDS) > 0.9
    for worker in workers:
        said = worker.said()
        if lost is None:
            assert said == []
        else:
            assert len(said) == 2, said
            assert lost in said[0]
            assert "goes on by itself with 1/4 of the limits" in said[0]
            assert said[1].endswith("works again.")
            assert worker.find("degraded") == [None]
        # A wish is answered soon even while the store is lost.
        assert worker.find("slowest")[0] < 2.0


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "state" / "shared.db"


@pytest.mark.skipif(redis_program() is None, reason=MISSING)
def test_redis_dies_and_starts_empty_in_the_middle(tmp_path):
    with redis_server(tmp_path) as server, fleet(*servers({"url": server.url})) as workers:
        start = go(workers)
        until(start + 2.5)
        server.kill()
        until(start + 4.5)
        server.start()
        check(workers, start, lost="cannot be reached", back_by=start + 7.0)
    alone = [line for worker in workers for line in worker.lines if line.get("alone")]
    assert alone, "requests were granted while Redis was away"


@pytest.mark.skipif(redis_program() is None, reason=MISSING)
def test_redis_hangs_for_two_seconds(tmp_path):
    with redis_server(tmp_path) as server, fleet(*servers({"url": server.url})) as workers:
        start = go(workers)
        until(start + 2.5)
        server.signal(signal.SIGSTOP)
        until(start + 4.5)
        server.signal(signal.SIGCONT)
        check(workers, start, lost="did not answer", back_by=start + 7.0)


@pytest.mark.skipif(redis_program() is None, reason=MISSING)
def test_redis_loses_everything_at_once_without_a_failure(tmp_path):
    with redis_server(tmp_path) as server, fleet(*servers({"url": server.url})) as workers:
        start = go(workers)
        until(start + 2.5)
        server.command("FLUSHALL")
        finish(workers)
    times = all_granted(workers)
    assert worst_window(times, WINDOW) <= LIMIT
    for worker in workers:
        assert len(worker.said()) == 1
        assert "began anew" in worker.said()[0]


@pytest.mark.parametrize("what", ["file", "folder"])
def test_the_file_is_deleted(path, what):
    with fleet(*servers({"path": str(path)})) as workers:
        start = go(workers)
        until(start + 2.5)
        if what == "file":
            path.unlink()
        else:
            shutil.rmtree(path.parent, ignore_errors=True)
        finish(workers)
    times = all_granted(workers)
    assert worst_window(times, WINDOW) <= LIMIT
    assert used(times, WINDOW, LIMIT, start + 5.0, start + SECONDS) > 0.9
    for worker in workers:
        assert [("began anew" in said) for said in worker.said()] == [True], worker.said()


def test_the_file_is_locked_by_another_process(path):
    with fleet(*servers({"path": str(path)})) as workers:
        start = go(workers)
        until(start + 2.5)
        with closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as other:
            other.execute("BEGIN EXCLUSIVE")
            until(start + 4.5)
            other.execute("ROLLBACK")
        check(workers, start, lost="is locked by another program", back_by=start + 7.0)


def test_the_file_is_overwritten_with_garbage(path):
    with fleet(*servers({"path": str(path)})) as workers:
        start = go(workers)
        until(start + 2.5)
        for file in (path, path.with_name(path.name + "-wal")):
            with file.open("r+b") as target:
                target.write(os.urandom(64 * 1024))
        finish(workers)
    times = all_granted(workers)
    assert worst_window(times, WINDOW) <= LIMIT
    assert used(times, WINDOW, LIMIT, start + 7.0, start + SECONDS) > 0.9
    said = [sentence for worker in workers for sentence in worker.said()]
    assert any("damaged" in sentence for sentence in said)
    assert all(len(worker.said()) <= 3 for worker in workers)
    assert all(worker.find("degraded") == [None] for worker in workers)


def test_the_disk_is_full_for_two_seconds(path):
    with fleet(*servers({"path": str(path)}, full=True)) as workers:
        start = go(workers)
        until(start + 2.5)
        for worker in workers:
            worker.process.send_signal(signal.SIGUSR1)
        until(start + 4.5)
        for worker in workers:
            worker.process.send_signal(signal.SIGUSR2)
        finish(workers)
    times = all_granted(workers)
    assert worst_window(times, WINDOW) <= LIMIT
    said = [sentence for worker in workers for sentence in worker.said()]
    assert any("disk" in sentence for sentence in said), said
    assert all(worker.find("degraded") == [None] for worker in workers)


@pytest.fixture
def immutable():
    """Return a function that makes files unwritable even for root; undone at the end."""
    if shutil.which("chattr") is None:
        pytest.skip("chattr is not installed: nothing else stops root from writing")
    made: list[Path] = []

    def change(sign: str, *files: Path) -> None:
        done = subprocess.run(["chattr", f"{sign}i", *map(str, files)], capture_output=True)
        if done.returncode:
            pytest.skip(f"chattr does not work here: {done.stderr.decode().strip()}")
        made[:] = files if sign == "+" else []

    yield change
    if made:
        change("-", *made)


def test_the_file_is_made_read_only(path, immutable):
    with fleet(*servers({"path": str(path)})) as workers:
        start = go(workers)
        until(start + 2.5)
        # Not the file of shared memory: who writes to that gets a bus error, a fault of the trick.
        files = [path, path.with_name(path.name + "-wal")]
        immutable("+", *files)
        until(start + 4.5)
        immutable("-", *files)
        check(workers, start, lost="The shared state", back_by=start + 7.0)
