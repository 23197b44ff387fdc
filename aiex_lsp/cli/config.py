"""`aiex-lsp config`: where the configuration is from, what holds, and setting a key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiex_lsp.cli.common import Common, common_options, tell_problems

if TYPE_CHECKING:
    from aiex_lsp.config.paths import ConfigPaths


@click.group("config")
def command() -> None:
    """Show and change the configuration."""


@command.command("path")
@common_options
def path(common: Common) -> None:
    """Print the path of your configuration file; the other files on stderr."""
    paths, workspace = _places(common)
    files = {
        "user": paths.user_file,
        "site": paths.site_file,
        "workspace": paths.workspace_file(workspace),
        "templates": paths.user_templates,
        "state": paths.state_dir,
    }
    if common.as_json:
        found = {name: {"path": str(p), "exists": p.exists()} for name, p in files.items()}
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    click.echo(str(paths.user_file))
    for name, one in files.items():
        state = "" if one.exists() else " (not there)"
        click.secho(f"{name}: {one}{state}", err=True, dim=True)


@command.command("show")
@common_options
def show(common: Common) -> None:
    """Print the effective value of each setting with its source, secrets masked."""
    from aiex_lsp.cli import jsonable
    from aiex_lsp.config.loader import load
    from aiex_lsp.config.show import effective

    common.check_config_file()
    paths, workspace = _places(common)
    loaded = load(paths, env=common.runtime.env, cli=common.overrides, workspace=workspace)
    rows = effective(loaded)
    if common.as_json:
        click.echo(jsonable.dump({"settings": rows, "problems": loaded.problems}))
        return
    tell_problems(loaded.problems)
    texts = [f"{row.key} = {_value(row.value)}" for row in rows]
    width = min(max((len(text) for text in texts), default=0), 60)
    for text, row in zip(texts, rows, strict=True):
        click.echo(f"{text:<{width}}  # {row.source}")


@command.command("schema")
@common_options
def schema(common: Common) -> None:
    """Print the JSON Schema of the configuration file."""
    del common
    from aiex_lsp.config.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@command.command("set")
@click.argument("key")
@click.argument("value")
@common_options
def set_key(common: Common, key: str, value: str) -> None:
    """Set KEY (like hover.mode) to VALUE in your configuration file; comments stay."""
    from aiex_lsp.config.edit import set_value

    paths, _ = _places(common)
    change = set_value(paths.user_file, key, value)
    if common.as_json:
        changed: dict[str, Any] = {"key": change.key, "value": change.value}
        click.echo(json.dumps({**changed, "file": str(paths.user_file)}, ensure_ascii=False))
    else:
        click.echo(f"{change.key} = {_value(change.value)}  # {paths.user_file}")
    for remark in change.remarks:
        click.secho(remark, err=True, dim=True)


def _places(common: Common) -> tuple[ConfigPaths, Path]:
    from aiex_lsp.cli.target import project_root
    from aiex_lsp.config.paths import config_paths

    paths = config_paths(common.runtime.env, config_file=common.config_file)
    return paths, project_root(Path.cwd())


def _value(value: Any) -> str:
    """Return a value as TOML writes it, or a dash for what is not set."""
    if value is None:
        return "-"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)
