"""`aiex-lsp templates`: what is registered, and whether templates are sound."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiex_lsp.cli.common import Common, common_options
from aiex_lsp.errors import AiexError, UsageError

if TYPE_CHECKING:
    from aiex_lsp.templates.types import Template, TemplateProblem


@click.group("templates")
def command() -> None:
    """List, show and check prompt templates."""


@command.command("list")
@common_options
def list_templates(common: Common) -> None:
    """List the templates: built in, your own, the workspace's."""
    from aiex_lsp.cli import jsonable
    from aiex_lsp.cli.table import print_table

    templates = sorted(_app(common).registry.all(), key=lambda one: one.id)
    if common.as_json:
        click.echo(jsonable.dump([_summary(one) for one in templates]))
        return
    print_table(
        ("ID", "RESPONSE", "FROM", "NAME"),
        [(one.id, one.response_type, one.source, one.title or one.name) for one in templates],
    )


@command.command("show")
@click.argument("name")
@common_options
def show(common: Common, name: str) -> None:
    """Show one template: its variables and its text."""
    from aiex_lsp.cli import jsonable

    template = _app(common).registry.get(name)
    if common.as_json:
        click.echo(jsonable.dump({**_summary(template), "body": template.body}))
        return
    click.secho(f"{template.id}: {template.name}", bold=True)
    for label, value in (
        ("file", template.path),
        ("version", template.version),
        ("response type", template.response_type),
        ("extends", template.extends),
        ("title", template.title),
        ("kind", template.kind),
        ("about", template.description),
    ):
        if value:
            click.echo(f"{label}: {value}")
    for variable in template.variables:
        need = "required" if variable.required else f"default {variable.default!r}"
        choices = f", one of {', '.join(map(str, variable.enum))}" if variable.enum else ""
        about = f": {variable.description}" if variable.description else ""
        click.echo(f"variable {variable.name} ({variable.type}, {need}{choices}){about}")
    click.echo(f"\n{template.body.rstrip()}")


@command.command("check")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@common_options
def check(common: Common, path: Path | None) -> None:
    """Check one template, a folder of them, or all that are registered."""
    from aiex_lsp.cli import jsonable

    problems, count = _check_all(common) if path is None else _check_path(common, path)
    if common.as_json:
        click.echo(jsonable.dump([jsonable.plain(one) for one in problems]))
    else:
        for one in problems:
            click.echo(f"{one.path}:{one.line}: {one.severity}: {one.message}")
        if not problems:
            click.echo(f"{count} template{'s' if count != 1 else ''}, no problems.")
    if any(one.severity == "error" for one in problems):
        sys.exit(1)


def _check_all(common: Common) -> tuple[list[TemplateProblem], int]:
    from aiex_lsp.templates.check import check_all

    registry = _app(common).registry
    return check_all(registry), len(registry.all())


def _check_path(common: Common, path: Path) -> tuple[list[TemplateProblem], int]:
    from aiex_lsp.templates.check import check as check_template
    from aiex_lsp.templates.loader import SUFFIX

    if not path.exists():
        raise UsageError(f"{path} does not exist", "Check the path")
    count = len(list(path.glob(f"*{SUFFIX}"))) if path.is_dir() else 1
    if not count:
        raise AiexError(f"{path} holds no template", f"Their names end in {SUFFIX}")
    return check_template(path, _app(common).registry), count


def _app(common: Common) -> Any:
    from aiex_lsp.cli.target import project_root

    return common.app(project_root(Path.cwd()))


def _summary(template: Template) -> dict[str, Any]:
    from aiex_lsp.cli import jsonable

    summary = {
        "id": template.id,
        "title": template.title or template.name,
        "category": template.category,
        "variables": jsonable.plain(template.variables),
        "responseType": template.response_type,
        "source": template.source,
        "path": template.path,
    }
    return {**summary, "kind": template.kind} if template.kind else summary
