"""`aiex-lsp usage`: what was asked of each provider, how it went and what it cost."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiex_lsp.cli.common import Common, common_options, log_to_stderr

if TYPE_CHECKING:
    from aiex_lsp.events.analytics import Summary, UsageReport

LONGEST_DAYS = 90
"""How long rows are kept (`state/usage.py`)."""


@click.command("usage")
@click.option(
    "--days",
    type=click.IntRange(1, LONGEST_DAYS),
    default=7,
    show_default=True,
    help="Today and the days before it.",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write one self-contained page with charts.",
)
@common_options
def command(common: Common, days: int, html: Path | None) -> None:
    """Show requests, success rate, latency, tokens, cost and errors of each provider.

    All aiex-lsp servers and commands of this user are counted. --provider and --model narrow it.
    --json prints what the request `aiex/usage` answers; its keys are described in
    aiex_lsp.events.analytics.report_json.
    """
    from aiex_lsp.events.analytics import report_json

    common.check_config_file()
    log_to_stderr(common.runtime.env)
    report = _report(common, time.time(), days)
    if html is not None:
        from aiex_lsp.cli.usage_page import page
        from aiex_lsp.config.atomic import write_atomically

        write_atomically(html, page(report).encode("utf-8", "replace"))
        if not common.as_json:
            click.echo(f"Wrote {html}")
    if common.as_json:
        from aiex_lsp.cli.jsonable import dump

        click.echo(dump(report_json(report)))
    elif html is None:
        _print(report)


def _report(common: Common, now: float, days: int) -> UsageReport:
    from aiex_lsp.config.paths import config_paths
    from aiex_lsp.events.analytics import analyze, start_of
    from aiex_lsp.state.usage import FILE_NAME, UsageStore

    paths = config_paths(common.runtime.env, config_file=common.config_file)
    path = paths.state_dir / FILE_NAME
    rows = []
    if path.exists():
        store = UsageStore(path)
        try:
            rows = store.between(start_of(now, days), now + 1)
        finally:
            store.close()
        if store.problem:
            click.secho(store.problem, err=True, dim=True)
    wanted = [
        row
        for row in rows
        if common.provider in (None, row.provider) and common.model in (None, row.model)
    ]
    return analyze(wanted, now, days)


def _print(report: UsageReport) -> None:
    from aiex_lsp.cli.table import print_table

    if not report.providers:
        span = "today" if len(report.days) == 1 else f"in the last {len(report.days)} days"
        click.echo(f"Nothing was asked {span}.", err=True)
        return
    rows = [_row(name, one) for name, one in report.providers.items()]
    if len(rows) > 1:
        rows.append(_row("all", report.total))
    head = (
        *("PROVIDER", "REQUESTS", "SUCCESS", "MEAN", "P95", "FIRST TOKEN"),
        *("TOKENS IN/OUT", "COST", "ERRORS"),
    )
    print_table(head, rows)
    click.secho(_footnote(report), dim=True)


def _row(name: str, one: Summary) -> tuple[str, ...]:
    from aiex_lsp.cli.usage_text import cost, count, errors, percent, seconds

    return (
        name,
        count(one.requests),
        percent(one),
        seconds(one.response_time.mean),
        seconds(one.response_time.p95),
        seconds(one.first_token.mean),
        f"{count(one.input_tokens)} / {count(one.output_tokens)}",
        cost(one),
        errors(one) or "none",
    )


def _footnote(report: UsageReport) -> str:
    from aiex_lsp.cli.usage_text import asides

    return " · ".join([f"since {report.days[0].isoformat()}", *asides(report.total)])
