"""Sums over usage: which rows count as what, percentiles, local days, the JSON form."""

from __future__ import annotations

import json
import statistics
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiex_lsp.events.analytics import analyze, percentile, report_json, spread, start_of, summarize
from aiex_lsp.events.days import last_days, local_date, midnight
from tests.unit.test_events_usage import row

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone=UTC) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


NOON = at("2026-07-15T12:00")


def test_nothing_recorded_is_all_zeros():
    one = summarize([])
    assert one.success_rate == 0
    assert one.average_response_time == 0
    assert (one.requests, one.cost, one.response_time.p95) == (0, 0.0, None)


def test_a_summary_counts_as_the_design_document_does():
    one = summarize(
        [
            row(duration=1.0, first_token=0.2),
            row(duration=3.0, first_token=None, cost=None),
            row(outcome="stall", duration=15.0, input_tokens=0, output_tokens=0, cost=None),
            row(outcome="overloaded", duration=0.1, input_tokens=0, output_tokens=0, cost=None),
            row(outcome="overloaded", duration=0.1, input_tokens=0, output_tokens=0, cost=None),
        ]
    )
    assert (one.requests, one.successes, one.failures) == (5, 2, 3)
    assert one.success_rate == pytest.approx(0.4)
    assert one.average_response_time == 2.0
    assert one.first_token.mean == 0.2
    assert dict(one.error_types) == {"overloaded": 2, "stall": 1}
    assert (one.input_tokens, one.output_tokens) == (200, 40)
    assert (one.cost, one.unpriced) == (0.25, 1)


def test_cancelled_requests_are_no_failures():
    one = summarize([row(), row(outcome="cancelled")])
    assert (one.requests, one.failures, one.cancelled) == (2, 0, 1)
    assert one.success_rate == 1.0
    assert dict(one.error_types) == {}


def test_cached_answers_and_what_was_held_back_are_no_requests():
    one = summarize(
        [
            row(outcome="cached", duration=0.0, cost=0.0),
            row(outcome="own_limit"),
            row(outcome="circuit_open"),
        ]
    )
    assert (one.requests, one.failures, one.cached, one.held_back) == (0, 0, 1, 2)
    assert one.response_time.mean is None
    assert dict(one.error_types) == {}


def test_groups_are_ordered_by_requests():
    rows = [
        row(NOON - 1, provider="ollama", model="qwen", task="hover"),
        row(NOON - 2, provider="openai", model="gpt"),
        row(NOON - 3, provider="openai", model="mini"),
        row(NOON - 4, provider="openai", model="mini"),
    ]
    report = analyze(rows, NOON, 7, UTC)
    assert list(report.providers) == ["openai", "ollama"]
    assert list(report.models) == [("openai", "mini"), ("ollama", "qwen"), ("openai", "gpt")]
    assert {name: one.requests for name, one in report.tasks.items()} == {"explain": 3, "hover": 1}
    assert report.total.requests == 4


def test_days_are_local_and_rows_outside_are_left_out():
    now = at("2026-07-15T00:30", BERLIN)
    rows = [
        row(at("2026-07-15T00:10", BERLIN)),
        row(at("2026-07-14T23:59", BERLIN)),
        row(at("2026-07-13T23:59", BERLIN)),
        row(now + 60),
    ]
    report = analyze(rows, now, 2, BERLIN)
    assert report.days == (date(2026, 7, 14), date(2026, 7, 15))
    assert [one.requests for one in report.by_day.values()] == [1, 1]
    assert start_of(now, 2, BERLIN) == at("2026-07-14T00:00", BERLIN)


def test_a_day_of_daylight_saving_has_its_own_length():
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    assert midnight(date(2026, 3, 30), BERLIN) - midnight(spring, BERLIN) == 23 * 3600
    assert midnight(date(2026, 10, 26), BERLIN) - midnight(autumn, BERLIN) == 25 * 3600
    late = at("2026-10-25T23:30", BERLIN)
    assert local_date(late, BERLIN) == autumn
    assert last_days(late, 1, BERLIN) == [autumn]


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=200))
def test_percentiles_are_those_of_the_standard_library(values):
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    found = spread(values)
    assert found.p50 == pytest.approx(cuts[49])
    assert found.p95 == pytest.approx(cuts[94])
    assert found.p99 == pytest.approx(cuts[98])
    assert found.mean == pytest.approx(statistics.fmean(values))


def test_one_value_is_each_percentile():
    assert percentile([3.0], 0.99) == 3.0


@given(st.lists(st.sampled_from(["ok", "cached", "cancelled", "stall", "own_limit"]), max_size=60))
def test_every_row_is_counted_once(outcomes):
    one = summarize([row(outcome=outcome) for outcome in outcomes])
    assert one.requests == one.successes + one.failures + one.cancelled
    assert one.requests + one.cached + one.held_back == len(outcomes)
    assert 0 <= one.success_rate <= 1


def test_json_names_units_and_every_day():
    rows = [row(NOON - 1, duration=1.23456), row(NOON - 86_400, cost=1.0)]
    found = json.loads(json.dumps(report_json(analyze(rows, NOON, 3, UTC), UTC)))
    assert found["days"] == 3
    assert found["from"] == "2026-07-13T00:00:00+00:00"
    assert found["to"] == "2026-07-15T12:00:00+00:00"
    assert [one["day"] for one in found["byDay"]] == ["2026-07-13", "2026-07-14", "2026-07-15"]
    assert [one["costs"] for one in found["byDay"]] == [
        {},
        {"anthropic": 1.0},
        {"anthropic": 0.25},
    ]
    assert found["total"]["averageResponseTimeMs"] == pytest.approx(1367.3)
    assert found["total"]["firstTokenMs"]["p50"] == 400.0
    assert found["models"][0]["model"] == "claude"
    assert set(found["providers"][0]) == {"provider", *found["total"]}


def test_json_of_nothing_has_null_times():
    found = report_json(analyze([], NOON, 1, UTC), UTC)
    assert found["total"]["responseTimeMs"] == {"p50": None, "p95": None, "p99": None}
    assert found["total"]["successRate"] == 0
    assert found["providers"] == []
