"""`aiex-lsp run`: any registered template."""

from __future__ import annotations

import click

from aiex_lsp.cli.common import Common, common_options


@click.command("run")
@click.argument("template")
@click.argument("file", metavar="FILE[:L1[-L2]]")
@click.option("--var", "variables", multiple=True, metavar="NAME=VALUE", help="Set a variable.")
@click.option("--apply", is_flag=True, help="Write an edit in place of printing the diff.")
@common_options
def command(
    common: Common, template: str, file: str, variables: tuple[str, ...], apply: bool
) -> None:
    """Run a template on a file, the symbol around a line, or some lines."""
    from aiex_lsp.cli import analyze, editing, jsonable
    from aiex_lsp.cli.asking import run_task
    from aiex_lsp.cli.output import print_markdown, tell_source
    from aiex_lsp.cli.target import read_target
    from aiex_lsp.cli.variables import parse_variables
    from aiex_lsp.tasks.types import AnalyzeResult, EditResult

    target = read_target(file)
    app = common.app(target.root)
    found = app.registry.get(template)
    result, shown = run_task(
        common,
        target,
        lambda app, request, listener: app.tasks.run(request, listener),
        {"template": template, "variables": parse_variables(variables, found)},
        stream=found.response_type not in ("findings", "test_generation", "code_generation"),
        app=app,
    )
    if isinstance(result, AnalyzeResult):
        analyze.show(common, result, target)
    elif isinstance(result, EditResult):
        unchanged = "the answer is what is there already"
        editing.show(common, result, target, apply=apply, unchanged=unchanged)
    elif common.as_json:
        click.echo(jsonable.dump(jsonable.explanation(result, choice=common.explain_choice)))
    else:
        if not shown.streamed.strip():
            print_markdown(result.markdown)
        tell_source(result.answer, explain_choice=common.explain_choice)
    if apply and not isinstance(result, EditResult):
        click.echo(f"Template {found.id} gives no edit, so nothing was written.", err=True)
