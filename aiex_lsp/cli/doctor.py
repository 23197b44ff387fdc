"""`aiex-lsp doctor`: each configuration problem with its fix."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from aiex_lsp.cli.common import Common, common_options, log_to_stderr, tell_problems

_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "error": ("✗", "red")}
_SKIPPED = ("-", "bright_black")


@click.command("doctor")
@common_options
def command(common: Common) -> None:
    """Check keys, addresses, models and the shared state; say how to fix what is wrong.

    Costs nothing. Exit status 1 if a provider in use cannot be used.
    """
    import asyncio

    from aiex_lsp.cli import jsonable
    from aiex_lsp.cli.output import Progress
    from aiex_lsp.cli.target import project_root

    common.check_config_file()
    runtime = common.runtime
    workspace = project_root(Path.cwd())
    app = runtime.make_app(workspace, common.overrides, common.config_file, runtime.env)
    log_to_stderr(runtime.env)
    # The file's problems are checks of ours; an option that is wrong is wrong usage.
    tell_problems([one for one in app.problems if one.file == "command line"])
    progress = Progress()

    async def work() -> dict[str, Any]:
        try:
            progress.show("asking the providers")
            return await app.overview.diagnose()
        finally:
            await app.aclose()

    try:
        found = asyncio.run(work())
    finally:
        progress.clear()
    if common.as_json:
        click.echo(jsonable.dump(found))
    else:
        _print(found)
    sys.exit(0 if found["ok"] else 1)


def _print(found: dict[str, Any]) -> None:
    """Print one line a check under its provider's name, the remedy indented below."""
    from aiex_lsp.cli.output import terminal_safe

    for provider, checks in groupby(found["checks"], key=lambda one: one["provider"]):
        click.secho(provider or "configuration and state", bold=True)
        for one in checks:
            mark, colour = _MARKS.get(one["status"], _SKIPPED)
            click.echo(f"  {click.style(mark, fg=colour)} {terminal_safe(one['message'])}")
            if one["remedy"]:
                click.secho(f"      {terminal_safe(one['remedy'])}", dim=True)
    verdict = "Every provider in use can be asked."
    if not found["ok"]:
        verdict = "A provider in use cannot be asked; the lines with ✗ say what to do."
    click.echo(verdict)
