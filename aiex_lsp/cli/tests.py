"""`aiex-lsp tests`: tests for code, as a diff or written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aiex_lsp.cli.common import Common, common_options

if TYPE_CHECKING:
    from aiex_lsp.cli.target import Target
    from aiex_lsp.tasks.types import EditResult


@click.command("tests")
@click.argument("file", metavar="FILE[:L1[-L2]]")
@click.option("--framework", metavar="NAME", help="Test framework; left out: the project's.")
@click.option("--apply", is_flag=True, help="Write the tests in place of printing the diff.")
@common_options
def command(common: Common, file: str, framework: str | None, apply: bool) -> None:
    """Write tests for a file, the symbol around a line, or some lines."""
    from aiex_lsp.cli.asking import run_task
    from aiex_lsp.cli.target import read_target

    target = read_target(file)
    result, _ = run_task(
        common,
        target,
        lambda app, request, listener: app.tasks.generate_tests(request, listener),
        {"framework": framework} if framework else {},
    )
    show(common, result, target, apply=apply)


def show(common: Common, result: EditResult, target: Target, *, apply: bool) -> None:
    """Print the diff of an edit, or write it."""
    from aiex_lsp.cli import jsonable
    from aiex_lsp.cli.apply import apply_plan, diff_of
    from aiex_lsp.cli.output import print_diff, tell_source

    diff = diff_of(result.plan, target.root)
    written = apply_plan(result.plan, target.root) if apply else []
    if common.as_json:
        click.echo(
            jsonable.dump(jsonable.edit(result, diff, bool(written), choice=common.explain_choice))
        )
        return
    if not diff:
        click.echo("Nothing to change: these tests are there already.", err=True)
    elif apply:
        click.echo("\n".join(f"wrote {name}" for name in written))
    else:
        print_diff(diff)
    tell_source(result.answer, explain_choice=common.explain_choice)
