"""`aiex-lsp analyze`: a review, one line a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aiex_lsp.cli.common import Common, common_options

if TYPE_CHECKING:
    from aiex_lsp.cli.target import Target
    from aiex_lsp.tasks.types import AnalyzeResult, PlacedFinding

SEVERITIES = ("error", "warning", "information", "hint")
"""From gravest to lightest."""


@click.command("analyze")
@click.argument("file", metavar="FILE[:L1[-L2]]")
@click.option(
    "--type",
    "analysis_type",
    type=click.Choice(["general", "performance", "security", "maintainability"]),
    default="general",
    show_default=True,
    help="What to look at.",
)
@common_options
def command(common: Common, file: str, analysis_type: str) -> None:
    """Review a file, the symbol around a line, or some lines."""
    from aiex_lsp.cli.asking import run_task
    from aiex_lsp.cli.target import read_target

    target = read_target(file)
    result, _ = run_task(
        common,
        target,
        lambda app, request, listener: app.tasks.analyze(request, listener),
        {"analysis_type": analysis_type},
    )
    show(common, result, target)


def show(common: Common, result: AnalyzeResult, target: Target) -> None:
    """Print a review: `file:line:col: severity: message` lines, then a summary."""
    from aiex_lsp.cli import jsonable
    from aiex_lsp.cli.output import print_markdown, tell_source

    if common.as_json:
        click.echo(
            jsonable.dump(jsonable.review(result, target.snapshot, choice=common.explain_choice))
        )
        return
    for finding in result.findings:
        click.echo(finding_line(finding, target))
    if not result.findings and result.markdown.strip():
        print_markdown(result.markdown)
    click.echo(summary(result.findings))
    tell_source(result.answer, explain_choice=common.explain_choice)


def finding_line(finding: PlacedFinding, target: Target) -> str:
    """Return `file:line:col: severity: message`; line and column count from 1, in characters."""
    from aiex_lsp.cli.output import terminal_safe

    line, column = target.snapshot.position_at(finding.span.start, "utf-32")
    text = finding.message if finding.suggestion is None else _with_suggestion(finding)
    text = terminal_safe(" ".join(text.split()))
    return f"{target.name}:{line + 1}:{column + 1}: {finding.severity}: {text}"


def summary(findings: tuple[PlacedFinding, ...]) -> str:
    """Return one line that counts the findings by severity."""
    if not findings:
        return "No findings."
    counts = [(sum(f.severity == name for f in findings), name) for name in SEVERITIES]
    by_severity = ", ".join(f"{count} {name}" for count, name in counts if count)
    return f"{len(findings)} finding{'s' if len(findings) != 1 else ''}: {by_severity}."


def _with_suggestion(finding: PlacedFinding) -> str:
    message = finding.message.rstrip()
    dot = "" if message.endswith((".", "!", "?", ":")) else "."
    return f"{message}{dot} {finding.suggestion}"
