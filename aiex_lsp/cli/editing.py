"""What the commands that change code share: the task, then a diff for people or a written file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from aiex_lsp.cli.common import Common

if TYPE_CHECKING:
    from aiex_lsp.cli.target import Target
    from aiex_lsp.context.types import DiagnosticInfo
    from aiex_lsp.tasks.types import EditResult

_PLACE = re.compile(r"(?:[^\n]*?:)?(\d{1,9})(?::\d+)?:\s+(?=\S)")
"""Where compilers say a problem is: `file:line:column: message`."""


def run_edit(
    common: Common,
    file: str,
    task: str,
    *,
    apply: bool,
    instruction: str | None = None,
    diagnostic: str | None = None,
) -> None:
    """Run a task that edits (fix, document, refactor) and print its diff, or write it."""
    from aiex_lsp.cli.apply import ensure_writable
    from aiex_lsp.cli.asking import run_task
    from aiex_lsp.cli.target import read_target

    target = read_target(file)
    if apply:
        ensure_writable(target.snapshot.uri, target.root)
    diagnostics, options = reported(target, diagnostic)
    if instruction:
        options["instruction"] = instruction
    result, _ = run_task(
        common,
        target,
        lambda app, request, listener: getattr(app.tasks, task)(request, listener),
        options,
        diagnostics=diagnostics,
    )
    show(common, result, target, apply=apply, unchanged="the answer is the code as it is")


def reported(
    target: Target, diagnostic: str | None
) -> tuple[tuple[DiagnosticInfo, ...], dict[str, Any]]:
    """Return a diagnostic given as text with its place, else as an option of the task.

    Its place is the line that FILE names, else the one its own text begins with.
    """
    from aiex_lsp.context.types import DiagnosticInfo

    if not diagnostic or not diagnostic.strip():
        return (), {}
    span, snapshot = target.span, target.snapshot
    if span is None and (found := _PLACE.match(diagnostic)):
        line = int(found[1]) - 1
        if 0 <= line < snapshot.line_count:
            return (DiagnosticInfo(snapshot.line_span(line), diagnostic[found.end() :]),), {}
    if span is None or not span.empty:
        return (), {"problem": diagnostic}
    line_span = snapshot.line_span(snapshot.line_at(span.start))
    return (DiagnosticInfo(line_span, diagnostic),), {}


def show(
    common: Common, result: EditResult, target: Target, *, apply: bool, unchanged: str
) -> None:
    """Print the diff of an edit, or write it; `unchanged` says why there is none."""
    from aiex_lsp.cli import jsonable
    from aiex_lsp.cli.apply import apply_plan, diff_of
    from aiex_lsp.cli.output import print_diff, tell_source
    from aiex_lsp.errors import EditError

    diff = diff_of(result.plan, target.root)
    try:
        written = apply_plan(result.plan, target.root) if apply else []
    except EditError:
        # It was paid for, and is not lost.
        click.echo(f"The change was:\n{diff}", err=True)
        raise
    if common.as_json:
        click.echo(
            jsonable.dump(jsonable.edit(result, diff, bool(written), choice=common.explain_choice))
        )
        return
    if not diff:
        click.echo(f"Nothing to change: {unchanged}.", err=True)
    elif apply:
        click.echo("\n".join(f"wrote {name}" for name in written))
    else:
        print_diff(diff)
    tell_source(result.answer, explain_choice=common.explain_choice)
