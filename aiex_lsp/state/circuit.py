"""The circuit breaker as pure functions over one immutable record.

closed -> open (too many failures) -> half open (its time has come, one probe under way) -> closed
(the probe was good) or open again (it was not, twice as long). All times are whole microseconds of
the store's clock. `lua/circuit.lua` says the same for Redis; the tests of the stores hold both to
the same answers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from aiex_lsp.state.types import CallOutcome, Circuit, CircuitPolicy, CircuitState
from aiex_lsp.state.units import to_micros, to_seconds

LOG_MOST = 100
"""Of so many calls the failure share is taken at most: it keeps a busy circuit's record small."""

STATES: dict[str, CircuitState] = {"closed": "closed", "open": "open", "half_open": "half_open"}
"""The states by their names in a store."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a store keeps of one circuit.

    `open_for` is how long it stays open this time, before jitter. `probe` holds the half-open
    probe from `probe_at` until `probe_until`. `log` has the time of each call that ended lately
    while closed, and whether it failed, oldest first.
    """

    state: CircuitState = "closed"
    failures: int = 0
    last_failure: int | None = None
    opened_at: int | None = None
    retry_at: int | None = None
    open_for: int = 0
    closed_at: int | None = None
    ramp_until: int | None = None
    probe: str | None = None
    probe_at: int | None = None
    probe_until: int | None = None
    log: tuple[tuple[int, bool], ...] = ()


def current(record: Record, now: int) -> Record:
    """Return the record with nothing in the future: else a clock set back would hold it open."""
    if record.opened_at is not None and record.opened_at > now:
        back = record.opened_at - now
        retry_at = None if record.retry_at is None else record.retry_at - back
        record = replace(record, opened_at=now, retry_at=retry_at)
    if record.probe_at is not None and record.probe_at > now and record.probe_until is not None:
        back = record.probe_at - now
        record = replace(record, probe_at=now, probe_until=record.probe_until - back)
    if record.closed_at is not None and record.closed_at > now and record.ramp_until is not None:
        back = record.closed_at - now
        record = replace(record, closed_at=now, ramp_until=record.ramp_until - back)
    if record.last_failure is not None and record.last_failure > now:
        record = replace(record, last_failure=now)
    if record.log and record.log[-1][0] > now:
        record = replace(record, log=tuple((min(at, now), bad) for at, bad in record.log))
    return record


def admits(record: Record, holder: str, now: int) -> bool:
    """Return whether a call of `holder` may go through; takes nothing."""
    if record.state == "closed":
        return True
    if record.state == "open":
        return record.retry_at is None or record.retry_at <= now
    return record.probe in (None, holder) or record.probe_until is None or record.probe_until <= now


def admitted(record: Record, holder: str, lease: int, now: int) -> Record:
    """Return the record after `holder` went through: it holds the probe unless it is closed."""
    if record.state == "closed":
        return record
    return replace(record, state="half_open", probe=holder, probe_at=now, probe_until=now + lease)


def recorded(
    record: Record,
    outcome: CallOutcome,
    holder: str,
    policy: CircuitPolicy,
    now: int,
    chance: float,
) -> Record:
    """Return the record after a call of `holder` ended; `chance`, 0 to 1, is its jitter.

    While it is not closed only the probe's own result counts: others are of calls that began
    before it opened.
    """
    if record.state == "closed":
        return _counted(record, outcome, policy, now, chance)
    if record.state == "open" or record.probe != holder:
        return record
    if outcome == "nothing":
        return replace(record, probe=None, probe_at=None, probe_until=None)
    if outcome == "success":
        return Record(closed_at=now, ramp_until=now + to_micros(policy.ramp_seconds))
    most = to_micros(policy.max_open_seconds)
    longer = min(2 * record.open_for, most)
    failed = replace(record, failures=record.failures + 1, last_failure=now)
    return _opened(failed, longer, policy, now, chance)


def permitted(record: Record, now: int) -> Record:
    """Return the record with its probe due at once if it is open."""
    if record.state != "open" or record.retry_at is None or record.retry_at <= now:
        return record
    return replace(record, retry_at=now)


def shown(name: str, record: Record, now: int) -> Circuit:
    """Return a record as the others see it. While the probe is out, `retry_at` is its lease's end.

    `closed_at` is left out once the ramp is over.
    """
    ramping = record.ramp_until is not None and record.ramp_until > now
    retry_at = record.probe_until if record.state == "half_open" else record.retry_at
    return Circuit(
        name=name,
        state=record.state,
        failure_count=record.failures,
        last_failure=_seconds(record.last_failure),
        opened_at=_seconds(record.opened_at),
        retry_at=_seconds(retry_at),
        closed_at=_seconds(record.closed_at) if ramping else None,
        probe=record.probe,
    )


def adopted(circuit: Circuit) -> Record:
    """Return a record that goes on from what another store showed.

    A probe that was out there is not known here: the circuit is open, and its probe due.
    """
    if circuit.state == "closed":
        return Record()
    opened_at, retry_at = _micros(circuit.opened_at), _micros(circuit.retry_at)
    open_for = 0 if opened_at is None or retry_at is None else max(0, retry_at - opened_at)
    return Record(
        state="open",
        failures=circuit.failure_count,
        last_failure=_micros(circuit.last_failure),
        opened_at=opened_at,
        retry_at=opened_at if circuit.state == "half_open" else retry_at,
        open_for=open_for,
    )


def to_text(record: Record) -> str:
    """Return a record as JSON, without what is left at its default."""
    fields = {name: getattr(record, name) for name in record.__slots__}
    default = Record()
    return json.dumps(
        {name: value for name, value in fields.items() if value != getattr(default, name)},
        separators=(",", ":"),
    )


def from_text(text: str) -> Record:
    """Return the record of `to_text`. Raises `ValueError` for anything else."""
    fields = json.loads(text)
    if not isinstance(fields, dict) or not set(fields) <= set(Record.__slots__):
        raise ValueError("no circuit")
    fields["log"] = tuple((int(at), bool(bad)) for at, bad in fields.get("log", ()))
    return Record(**fields)


def from_fields(fields: Mapping[str, str]) -> Record:
    """Return the record of Redis' hash: each field as text, the log as `at:0 at:1`."""

    def number(name: str) -> int | None:
        return int(fields[name]) if name in fields else None

    entries = (entry.split(":") for entry in fields.get("log", "").split())
    return Record(
        state=STATES[fields.get("state", "closed")],
        failures=number("failures") or 0,
        last_failure=number("last_failure"),
        opened_at=number("opened_at"),
        retry_at=number("retry_at"),
        open_for=number("open_for") or 0,
        closed_at=number("closed_at"),
        ramp_until=number("ramp_until"),
        probe=fields.get("probe"),
        probe_at=number("probe_at"),
        probe_until=number("probe_until"),
        log=tuple((int(at), bad == "1") for at, bad in entries),
    )


def _counted(
    record: Record, outcome: CallOutcome, policy: CircuitPolicy, now: int, chance: float
) -> Record:
    if outcome == "nothing":
        return record
    since = now - to_micros(policy.share_window)
    failed = outcome == "failure"
    log = (*(entry for entry in record.log if entry[0] > since), (now, failed))[-LOG_MOST:]
    if not failed:
        return replace(record, failures=0, log=log)
    record = replace(record, failures=record.failures + 1, last_failure=now, log=log)
    bad = sum(entry[1] for entry in log)
    by_share = len(log) >= policy.share_least and bad >= policy.failure_share * len(log)
    if record.failures < policy.failure_threshold and not by_share:
        return record
    return _opened(record, to_micros(policy.open_seconds), policy, now, chance)


def _opened(
    record: Record, open_for: int, policy: CircuitPolicy, now: int, chance: float
) -> Record:
    return Record(
        state="open",
        failures=record.failures,
        last_failure=record.last_failure,
        opened_at=now,
        retry_at=now + open_for + math.floor(open_for * policy.jitter * chance),
        open_for=open_for,
    )


def _seconds(micros: int | None) -> float | None:
    return None if micros is None else to_seconds(micros)


def _micros(seconds: float | None) -> int | None:
    return None if seconds is None else to_micros(seconds)
