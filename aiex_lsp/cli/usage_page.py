"""The page of `aiex-lsp usage --html`: one file without scripts or anything from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import partial
from html import escape
from typing import TYPE_CHECKING

from aiex_lsp.cli.charts import Format, Series, bars, columns, legend
from aiex_lsp.cli.usage_style import STYLE
from aiex_lsp.cli.usage_text import asides, cost, count, errors, money, percent, seconds

if TYPE_CHECKING:
    from aiex_lsp.events.analytics import Spread, Summary, UsageReport

Draw = Callable[[str, Sequence[str], Sequence[Series], Format], str]

MOST_COLOURS = 8
"""Colours there are; the providers asked least share the last one."""


def page(report: UsageReport) -> str:
    """Return the whole HTML document."""
    body = [_head(report), _tiles(report)]
    if report.providers:
        figures = [
            _requests(report),
            _cost(report),
            _tokens(report),
            _latency(report),
            _tasks(report),
            _errors(report),
        ]
        body += [
            f'<div class="figures">{"".join(figures)}</div>',
            _table("Providers", ("Provider",), [((n,), s) for n, s in report.providers.items()]),
            _table("Models", ("Provider", "Model"), list(report.models.items())),
            _table("Tasks", ("Task",), [((n,), s) for n, s in report.tasks.items()]),
        ]
    else:
        body.append("<p>Nothing was asked in this time.</p>")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>aiex-lsp usage, {_span(report)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{''.join(part + chr(10) for part in body)}</main>\n</body>\n</html>\n"
    )


def _head(report: UsageReport) -> str:
    made = datetime.fromtimestamp(report.end).strftime("%Y-%m-%d %H:%M")
    notes = " · ".join([_span(report), *asides(report.total), f"made {made}"])
    return f"<header><h1>AI usage</h1><p>{escape(notes)}</p></header>"


def _span(report: UsageReport) -> str:
    first, last = report.days[0].isoformat(), report.days[-1].isoformat()
    return first if first == last else f"{first} to {last}"


def _tiles(report: UsageReport) -> str:
    total = report.total
    today = report.by_day[report.days[-1]]
    tokens = f"{count(total.input_tokens)} in, {count(total.output_tokens)} out"
    tiles = (
        ("Requests", count(total.requests), f"{count(today.requests)} today"),
        ("Success rate", percent(total), f"{count(total.failures)} failed"),
        ("Answer time, median", seconds(total.response_time.p50), _within(total.response_time)),
        ("First token, median", seconds(total.first_token.p50), _within(total.first_token)),
        ("Tokens", count(total.input_tokens + total.output_tokens), tokens),
        ("Cost", cost(total), f"{cost(today)} today"),
    )
    return '<dl class="tiles">{}</dl>'.format(
        "".join(
            f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(aside)}</small></dd>"
            "</div>"
            for name, value, aside in tiles
        )
    )


def _within(times: Spread) -> str:
    return f"95% within {seconds(times.p95)}" if times.p95 is not None else "none measured"


def _requests(report: UsageReport) -> str:
    days = list(report.by_day.values())
    series = [
        Series("answered", "good", [one.successes for one in days]),
        Series("failed", "bad", [one.failures for one in days]),
        Series("cancelled", "idle", [one.cancelled for one in days]),
    ]
    return _by_day("Requests a day", report, _present(series), count, whole=True)


def _cost(report: UsageReport) -> str:
    names = [name for name, one in report.providers.items() if one.cost > 0]
    if not names:
        return ""
    series = [
        Series(name, _colour(report, name), [_day_cost(report, day, name) for day in report.days])
        for name in names
    ]
    return _by_day("Cost a day, USD", report, series, money)


def _day_cost(report: UsageReport, day: date, provider: str) -> float:
    by_provider = report.by_day_and_provider[day]
    return by_provider[provider].cost if provider in by_provider else 0.0


def _tokens(report: UsageReport) -> str:
    days = list(report.by_day.values())
    series = [
        Series("in", "s0", [one.input_tokens for one in days]),
        Series("out", "s1", [one.output_tokens for one in days]),
    ]
    return _by_day("Tokens a day", report, series, count, whole=True)


def _latency(report: UsageReport) -> str:
    timed = [(name, one) for name, one in report.providers.items() if one.successes]
    if not timed:
        return ""
    series = [
        Series("first token, median", "s3", [one.first_token.p50 or 0 for _, one in timed]),
        Series("answer, median", "s0", [one.response_time.p50 or 0 for _, one in timed]),
        Series("answer, 95%", "s1", [one.response_time.p95 or 0 for _, one in timed]),
    ]
    return _figure("Time by provider", bars, [name for name, _ in timed], series, seconds)


def _tasks(report: UsageReport) -> str:
    names = [name.replace("_", " ") for name in report.tasks]
    each = list(report.tasks.values())
    series = [
        Series("requests", "s0", [one.requests for one in each]),
        Series("from the cache", "idle", [one.cached for one in each]),
    ]
    return _figure("Asked by task", bars, names, _present(series), count)


def _errors(report: UsageReport) -> str:
    kinds = report.total.error_types
    if not kinds:
        return ""
    series = [Series("errors", "bad", list(kinds.values()))]
    return _figure(
        "Errors by kind", bars, [kind.replace("_", " ") for kind in kinds], series, count
    )


def _by_day(
    title: str,
    report: UsageReport,
    series: Sequence[Series],
    form: Format,
    *,
    whole: bool = False,
) -> str:
    labels = [f"{day:%b} {day.day}" for day in report.days]

    return _figure(title, partial(columns, whole=whole), labels, series, form)


def _figure(
    title: str, draw: Draw, labels: Sequence[str], series: Sequence[Series], form: Format
) -> str:
    """Return a chart with its legend, and its numbers as a table that unfolds."""
    head = "".join(f'<th scope="col">{escape(one.name)}</th>' for one in series)
    rows = "".join(
        f'<tr><th scope="row">{escape(label)}</th>'
        + "".join(f"<td>{escape(form(one.values[place]))}</td>" for one in series)
        + "</tr>"
        for place, label in enumerate(labels)
    )
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>{legend(series)}"
        f"{draw(title, labels, series, form)}<details><summary>Numbers</summary>"
        f'<div class="wide"><table><caption class="hidden">{escape(title)}</caption><thead><tr>'
        f"<td></td>{head}</tr></thead><tbody>{rows}</tbody></table></div></details></figure>"
    )


def _table(
    title: str, names: Sequence[str], groups: Iterable[tuple[tuple[str, ...], Summary]]
) -> str:
    head = (
        *("Requests", "Success", "Mean", "p50", "p95", "p99", "First token"),
        *("Tokens in", "Tokens out", "Cost"),
    )
    cells = "".join(f'<th scope="col" class="text">{escape(name)}</th>' for name in names)
    cells += "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    rows = "".join(_table_row(key, one) for key, one in groups)
    return (
        f"<section><h2>{escape(title)}</h2>"
        f'<div class="wide"><table><caption class="hidden">{escape(title)}</caption>'
        f'<thead><tr>{cells}<th scope="col" class="text">Errors</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _table_row(key: Sequence[str], one: Summary) -> str:
    times = one.response_time
    values = (
        count(one.requests),
        percent(one),
        *(seconds(value) for value in (times.mean, times.p50, times.p95, times.p99)),
        seconds(one.first_token.mean),
        count(one.input_tokens),
        count(one.output_tokens),
        cost(one),
    )
    names = "".join(f'<th scope="row">{escape(name or "unknown")}</th>' for name in key)
    numbers = "".join(f"<td>{escape(value)}</td>" for value in values)
    return f'<tr>{names}{numbers}<td class="text">{escape(errors(one) or "none")}</td></tr>'


def _present(series: Sequence[Series]) -> list[Series]:
    """Return the series that are not all zero, the first in any case."""
    return [one for place, one in enumerate(series) if place == 0 or any(one.values)]


def _colour(report: UsageReport, provider: str) -> str:
    """Return a provider's colour: the same in every chart."""
    place = list(report.providers).index(provider)
    return f"s{min(place, MOST_COLOURS - 1)}"
