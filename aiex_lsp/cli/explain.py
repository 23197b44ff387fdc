"""`aiex-lsp explain`: the main job without an editor."""

from __future__ import annotations

import click

from aiex_lsp.cli.common import Common, common_options


@click.command("explain")
@click.argument("file", metavar="FILE[:L1[-L2]]")
@click.option(
    "--level",
    type=click.Choice(["brief", "standard", "detailed"]),
    default="standard",
    show_default=True,
    help="How much to say.",
)
@common_options
def command(common: Common, file: str, level: str) -> None:
    """Explain a file, the symbol around a line, or some lines."""
    from aiex_lsp.cli import jsonable
    from aiex_lsp.cli.asking import run_task
    from aiex_lsp.cli.output import print_markdown, tell_source
    from aiex_lsp.cli.target import read_target

    result, shown = run_task(
        common,
        read_target(file),
        lambda app, request, listener: app.tasks.explain(request, listener),
        {"level": level},
        stream=True,
    )
    if common.as_json:
        click.echo(jsonable.dump(jsonable.explanation(result, choice=common.explain_choice)))
        return
    if not shown.streamed.strip():
        print_markdown(result.markdown)
    tell_source(result.answer, explain_choice=common.explain_choice)
