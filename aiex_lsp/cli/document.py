"""`aiex-lsp document`: documentation in the code, as a diff or written."""

from __future__ import annotations

import click

from aiex_lsp.cli.common import Common, common_options
from aiex_lsp.cli.editing import run_edit


@click.command("document")
@click.argument("file", metavar="FILE[:L1[-L2]]")
@click.option("--instruction", metavar="TEXT", help="What you wish beside.")
@click.option("--apply", is_flag=True, help="Write the change in place of printing the diff.")
@common_options
def command(common: Common, file: str, instruction: str | None, apply: bool) -> None:
    """Document a file, the symbol around a line, or some lines."""
    run_edit(common, file, "document", apply=apply, instruction=instruction)
