"""`aiex-lsp tests`: tests for code, as a diff or written."""

from __future__ import annotations

import click

from aiex_lsp.cli.common import Common, common_options
from aiex_lsp.cli.editing import show


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
    show(common, result, target, apply=apply, unchanged="these tests are there already")
