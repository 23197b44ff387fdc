"""Four servers at once on one file and on one Redis: within the limit, and nearly all of it."""

import time

import pytest

from tests.faults.state_fleet import all_granted, finish, fleet, go, until, used, worst_window
from tests.servers.redis import MISSING, redis_program, redis_server

WINDOW, LIMIT, SERVERS = 2.0, 40, 4


@pytest.fixture(params=["sqlite", "redis"])
def place(request, tmp_path):
    """Return where the servers share: a file's path or a Redis' address."""
    if request.param == "sqlite":
        yield {"path": str(tmp_path / "state" / "shared.db")}
        return
    if redis_program() is None:
        pytest.skip(MISSING)
    with redis_server(tmp_path) as server:
        yield {"url": server.url}


def jobs(place, seconds: float, **more):
    job = {**place, "window": WINDOW, "limit": LIMIT, "seconds": seconds, **more}
    return [dict(job) for _ in range(SERVERS)]


def test_never_over_the_limit_and_over_95_percent_of_it(place):
    with fleet(*jobs(place, 6.2)) as workers:
        start = go(workers)
        finish(workers)
    times = all_granted(workers)
    assert worst_window(times, WINDOW) <= LIMIT
    assert used(times, WINDOW, LIMIT, times[0], start + 6.2) > 0.95
    assert sum(sum(worker.find("refused")) for worker in workers) > len(times)
    assert not any(worker.said() for worker in workers)


def test_tokens_are_held_to_as_well(place):
    with fleet(*jobs(place, 4.2, tokens=150)) as workers:
        go(workers)
        finish(workers)
    rows = sorted(
        (line["granted"], line["tokens"])
        for worker in workers
        for line in worker.lines
        if "granted" in line
    )
    assert len(rows) > 10
    for start, _ in rows:
        within = [tokens for at, tokens in rows if start <= at < start + WINDOW - 1e-6]
        assert sum(within) <= 150


def test_what_one_held_that_was_killed_leaves_with_the_window(place):
    with fleet(*jobs(place, 7.0, hold=True)) as workers:
        start = go(workers)
        until(start + 1.0)
        workers[0].process.kill()
        killed_at = time.time()
        finish(workers)
    times = all_granted(workers)
    assert workers[0].granted(), "it held reservations when it was killed"
    assert worst_window(times, WINDOW) <= LIMIT
    others = [time_ for worker in workers[1:] for time_ in worker.granted()]
    after = sorted(time_ for time_ in others if time_ > killed_at + WINDOW)
    assert used(after, WINDOW, LIMIT, after[0], start + 7.0) > 0.95


def test_exactly_one_probe_under_a_hundred_callers_in_four_processes(place):
    job = jobs(place, 4.5, do="probe", open=1.0, lease=2.0, callers=25)[0]
    with fleet({**job, "fail": True}, job, job, job) as workers:
        start = go(workers)
        until(start + 2.0)
        probes = [worker for worker in workers if worker.find("probe")]
        assert len(probes) == 1
        assert sum(len(worker.find("probe")) for worker in workers) == 1
        # The one that holds it dies without a word: after the lease another one has it.
        probes[0].process.kill()
        finish(workers)
    told = sorted(
        (line["at"], line["probe"])
        for worker in workers
        for line in worker.lines
        if "probe" in line
    )
    assert len(told) == 2
    assert all(probe for _, probe in told)
    assert 1.9 <= told[1][0] - told[0][0] < 3.0
