"""Sums over recorded usage, by provider, model, task and day.

After the design document's "Provider Performance Analysis", with what it lacks. A request is one
attempt at a provider: an answer out of the cache is none, and neither is a call that our own
limits or a breaker held back, for nothing was sent. A cancelled request is no failure; success
rates are of those that ended by themselves.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any, TypeVar

from aiex_lsp.errors import FailureKind
from aiex_lsp.events.days import last_days, midnight
from aiex_lsp.state.usage import UsageRow

ANSWERED = "ok"
CACHED = "cached"
CANCELLED = FailureKind.CANCELLED.value
NOT_SENT = frozenset({FailureKind.OWN_LIMIT.value, FailureKind.CIRCUIT_OPEN.value})
"""Failures of attempts that never left this machine."""

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and percentiles in seconds of something measured; None where nothing was."""

    mean: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What a group of rows adds up to.

    `response_time` and `first_token` are of answers that came from a provider, `cost` is USD and
    leaves out `unpriced` answers. `held_back` were not sent for our own limits or an open circuit.
    """

    requests: int = 0
    successes: int = 0
    failures: int = 0
    cancelled: int = 0
    held_back: int = 0
    cached: int = 0
    response_time: Spread = Spread()
    first_token: Spread = Spread()
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0
    error_types: Mapping[str, int] = field(default_factory=dict)

    @property
    def success_rate(self) -> float:
        """Return the share of ended requests that succeeded, 0 where there were none."""
        ended = self.successes + self.failures
        return self.successes / ended if ended else 0.0

    @property
    def average_response_time(self) -> float:
        """Return the mean time of an answer in seconds, 0 where there was none."""
        return self.response_time.mean or 0.0


@dataclass(frozen=True, slots=True)
class UsageReport:
    """Usage of the days from the one that begins at `start` until `end` (Unix times)."""

    days: tuple[date, ...]
    start: float
    end: float
    total: Summary
    providers: Mapping[str, Summary]
    models: Mapping[tuple[str, str], Summary]
    tasks: Mapping[str, Summary]
    by_day: Mapping[date, Summary]
    by_day_and_provider: Mapping[date, Mapping[str, Summary]]


def start_of(now: float, days: int, zone: tzinfo | None = None) -> float:
    """Return the Unix time at which the first of the last `days` local days began."""
    return midnight(last_days(now, days, zone)[0], zone)


def analyze(
    rows: Iterable[UsageRow], now: float, days: int, zone: tzinfo | None = None
) -> UsageReport:
    """Return what rows of the last `days` local days add up to; other rows are left out."""
    dates = last_days(now, days, zone)
    starts = [midnight(day, zone) for day in dates]
    rows = [row for row in rows if starts[0] <= row.at <= now]
    placed = [(dates[bisect_right(starts, row.at) - 1], row) for row in rows]
    daily: dict[date, list[UsageRow]] = {day: [] for day in dates}
    for day, row in placed:
        daily[day].append(row)
    return UsageReport(
        days=tuple(dates),
        start=starts[0],
        end=now,
        total=summarize(rows),
        providers=_by(rows, lambda row: row.provider),
        models=_by(rows, lambda row: (row.provider, row.model)),
        tasks=_by(rows, lambda row: row.task),
        by_day={day: summarize(some) for day, some in daily.items()},
        by_day_and_provider={
            day: _by(some, lambda row: row.provider) for day, some in daily.items()
        },
    )


def summarize(rows: Sequence[UsageRow]) -> Summary:
    """Return what rows add up to."""
    outcomes = Counter(row.outcome for row in rows)
    answered = [row for row in rows if row.outcome == ANSWERED]
    errors = {
        kind: count
        for kind, count in outcomes.most_common()
        if kind not in (ANSWERED, CACHED, CANCELLED) and kind not in NOT_SENT
    }
    failures = sum(errors.values())
    return Summary(
        requests=len(answered) + failures + outcomes[CANCELLED],
        successes=len(answered),
        failures=failures,
        cancelled=outcomes[CANCELLED],
        held_back=sum(outcomes[kind] for kind in NOT_SENT),
        cached=outcomes[CACHED],
        response_time=spread([row.duration for row in answered]),
        first_token=spread([row.first_token for row in answered if row.first_token is not None]),
        # A cached answer's tokens were counted when they were used.
        input_tokens=sum(row.input_tokens for row in rows if row.outcome != CACHED),
        output_tokens=sum(row.output_tokens for row in rows if row.outcome != CACHED),
        cost=sum(row.cost or 0.0 for row in rows),
        unpriced=sum(row.cost is None for row in answered),
        error_types=errors,
    )


def spread(values: Sequence[float]) -> Spread:
    """Return mean and percentiles."""
    if not values:
        return Spread()
    ordered = sorted(values)
    p50, p95, p99 = (percentile(ordered, share) for share in (0.5, 0.95, 0.99))
    return Spread(sum(ordered) / len(ordered), p50, p95, p99)


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the values lie.

    Interpolated between neighbours (Hyndman and Fan's type 7, the default of numpy and R).
    `ordered` ascends and is not empty.
    """
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def report_json(report: UsageReport, zone: tzinfo | None = None) -> dict[str, Any]:
    """Return what `aiex/usage` answers and `aiex-lsp usage --json` prints.

    ``{days, from, to, total, providers[], models[], tasks[], byDay[]}``. `from` and `to` are ISO
    8601 with the local offset; `total` is a summary, and each entry of the lists is one with what
    it is of: `provider`, `provider` and `model`, `task`, or `day` (YYYY-MM-DD, every day of the
    span, oldest first, and `costs` by provider). Entries are ordered by requests.

    A summary is ``{requests, successes, failures, cancelled, heldBack, cached, successRate,
    averageResponseTimeMs, responseTimeMs: {p50, p95, p99}, firstTokenMs: {mean, p50, p95, p99},
    inputTokens, outputTokens, cost, unpricedAnswers, errorTypes: {kind: count}}``: `successRate`
    from 0 to 1, `cost` in USD without the unpriced answers, times null where none was measured
    (the average is 0 then), kinds those of `errors.FailureKind`.
    """
    return {
        "days": len(report.days),
        "from": datetime.fromtimestamp(report.start, zone).astimezone(zone).isoformat(),
        "to": datetime.fromtimestamp(report.end, zone).astimezone(zone).isoformat(),
        "total": _summary_json(report.total),
        "providers": [
            {"provider": name, **_summary_json(one)} for name, one in report.providers.items()
        ],
        "models": [
            {"provider": provider, "model": model, **_summary_json(one)}
            for (provider, model), one in report.models.items()
        ],
        "tasks": [{"task": name, **_summary_json(one)} for name, one in report.tasks.items()],
        "byDay": [
            {
                "day": day.isoformat(),
                **_summary_json(one),
                "costs": {
                    name: round(each.cost, 6)
                    for name, each in report.by_day_and_provider[day].items()
                },
            }
            for day, one in report.by_day.items()
        ],
    }


def _by(rows: Iterable[UsageRow], key: Callable[[UsageRow], Key]) -> dict[Key, Summary]:
    groups: defaultdict[Key, list[UsageRow]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    sums = {name: summarize(some) for name, some in groups.items()}
    return dict(sorted(sums.items(), key=lambda item: (-item[1].requests, str(item[0]))))


def _summary_json(one: Summary) -> dict[str, Any]:
    return {
        "requests": one.requests,
        "successes": one.successes,
        "failures": one.failures,
        "cancelled": one.cancelled,
        "heldBack": one.held_back,
        "cached": one.cached,
        "successRate": round(one.success_rate, 4),
        "averageResponseTimeMs": _ms(one.average_response_time),
        "responseTimeMs": _spread_json(one.response_time),
        "firstTokenMs": {"mean": _ms(one.first_token.mean), **_spread_json(one.first_token)},
        "inputTokens": one.input_tokens,
        "outputTokens": one.output_tokens,
        "cost": round(one.cost, 6),
        "unpricedAnswers": one.unpriced,
        "errorTypes": dict(one.error_types),
    }


def _spread_json(one: Spread) -> dict[str, float | None]:
    return {"p50": _ms(one.p50), "p95": _ms(one.p95), "p99": _ms(one.p99)}


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
