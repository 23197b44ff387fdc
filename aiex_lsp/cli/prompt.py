"""`aiex-lsp prompt`: exactly what would be sent; nothing is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aiex_lsp.cli.common import Common, common_options

if TYPE_CHECKING:
    from aiex_lsp.tasks.types import RenderedPrompt

TASKS = {
    "explain": "explain",
    "analyze": "analyze",
    "tests": "generateTests",
    "generateTests": "generateTests",
    "fix": "fix",
    "document": "document",
    "refactor": "refactor",
    "hover": "hover",
}
"""Tasks by the names users know them by; any other name is a template's."""


@click.command("prompt")
@click.argument("task", metavar="TASK|TEMPLATE")
@click.argument("file", metavar="FILE[:L1[-L2]]")
@click.option("--level", type=click.Choice(["brief", "standard", "detailed"]), help="Of explain.")
@click.option(
    "--type",
    "analysis_type",
    type=click.Choice(["general", "performance", "security", "maintainability"]),
    help="Of analyze.",
)
@click.option("--instruction", metavar="TEXT", help="Of fix, document and refactor.")
@click.option("--diagnostic", metavar="TEXT", help="Of fix.")
@click.option("--var", "variables", multiple=True, metavar="NAME=VALUE", help="Of a template.")
@common_options
def command(
    common: Common,
    task: str,
    file: str,
    level: str | None,
    analysis_type: str | None,
    instruction: str | None,
    diagnostic: str | None,
    variables: tuple[str, ...],
) -> None:
    """Show the messages a task would send, their tokens and price. Sends nothing."""
    from aiex_lsp.cli import jsonable
    from aiex_lsp.cli.asking import run_task
    from aiex_lsp.cli.editing import reported
    from aiex_lsp.cli.target import read_target
    from aiex_lsp.cli.variables import parse_variables

    target = read_target(file)
    app = common.app(target.root)
    diagnostics, options = reported(target, diagnostic)
    options |= {"level": level, "analysis_type": analysis_type, "instruction": instruction}
    if task in TASKS:
        options["task"] = TASKS[task]
    else:
        options["template"] = task
        options["variables"] = parse_variables(variables, app.registry.get(task))
    result, _ = run_task(
        common,
        target,
        lambda app, request, _listener: app.tasks.render_prompt(request),
        {key: value for key, value in options.items() if value is not None},
        app=app,
        diagnostics=diagnostics,
    )
    if common.as_json:
        click.echo(jsonable.dump(jsonable.prompt(result)))
    else:
        show(result)


def show(result: RenderedPrompt) -> None:
    """Print the messages to the byte, then what they would cost and what was left out."""
    from aiex_lsp.cli.output import cost_text

    for message in result.messages:
        click.secho(f"--- {message.role} ---", bold=True)
        click.echo(message.content)
    click.secho("---", bold=True)
    click.echo(f"to: {result.provider} ({result.model})")
    click.echo(f"input tokens: {result.input_tokens}")
    click.echo(f"estimated cost: {cost_text(result.estimated_cost)}")
    for redaction in result.redactions:
        click.echo(f"redacted: {redaction}")
    for part in result.dropped:
        what = "cut" if part.truncated else "left out"
        click.echo(f"{what} to fit: {part.name} ({part.tokens} tokens)")
