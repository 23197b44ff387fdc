"""`aiex-lsp models`: what each provider has, and getting the embedded model."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiex_lsp.cli.common import Common, common_options

if TYPE_CHECKING:
    from aiex_lsp.llm.types import ModelInfo


@click.group("models")
def command() -> None:
    """List the models there are; install the embedded one."""


@command.command("list")
@common_options
def list_models(common: Common) -> None:
    """List the models of --provider, or of all providers that may be asked and answer."""
    import asyncio

    from aiex_lsp.cli import jsonable
    from aiex_lsp.cli.output import Progress
    from aiex_lsp.cli.target import project_root

    app = common.app(project_root(Path.cwd()))
    progress = Progress()

    async def work() -> list[ModelInfo]:
        try:
            progress.show("asking the providers for their models")
            return await app.models(common.provider)
        finally:
            await app.aclose()

    try:
        models = asyncio.run(work())
    finally:
        progress.clear()
    if common.as_json:
        click.echo(jsonable.dump([jsonable.model(one) for one in models]))
    elif models:
        _print(models)
    else:
        click.echo(
            "No provider that may be asked has a model: run `aiex-lsp models install`, start a "
            "local server, or configure a provider.",
            err=True,
        )


@command.command("install")
@click.argument("gguf", required=False, type=click.Path(path_type=Path))
@click.option("--quiet", is_flag=True, help="No progress bar, and no word if nothing is to do.")
@common_options
def install(common: Common, gguf: Path | None, quiet: bool) -> None:
    """Get the embedded model, or use a GGUF file of your own."""
    from aiex_lsp.config.paths import config_paths

    paths = config_paths(common.runtime.env, config_file=common.config_file)
    if gguf is not None:
        path, there = _use_own(gguf, paths.user_file), False
    else:
        path, there = _install_default(paths.models_dir, quiet)
    if common.as_json:
        click.echo(json.dumps({"path": str(path), "alreadyThere": there}))
    elif there and not quiet:
        click.echo(f"The model is there already: {path}")
    elif not quiet:
        click.echo(f"The embedded model is {path}")
    _tell_missing_engine()


def _use_own(gguf: Path, user_file: Path) -> Path:
    from aiex_lsp.config.edit import set_value
    from aiex_lsp.llm.models_install import install_gguf

    path = install_gguf(gguf)
    text = json.dumps(str(path), ensure_ascii=False)  # JSON's text is TOML's too
    set_value(user_file, "providers.embedded.model_path", text)
    return path


def _install_default(models_dir: Path, quiet: bool) -> tuple[Path, bool]:
    from aiex_lsp.llm.models_install import install_default

    calls = 0
    with ExitStack() as stack:
        update = None if quiet or not sys.stderr.isatty() else _progress_bar(stack)

        def progress(done: int, total: int | None) -> None:
            nonlocal calls
            calls += 1
            if update is not None:
                update(done, total)

        path = install_default(models_dir, progress)
    return path, calls == 0


def _progress_bar(stack: ExitStack) -> Callable[[int, int | None], None]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    bar = Progress(
        TextColumn("getting the model"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task("model", total=None)
    stack.enter_context(bar)
    return lambda done, total: bar.update(task, completed=done, total=total)


def _tell_missing_engine() -> None:
    from importlib.util import find_spec

    if find_spec("xllamacpp") is None:
        click.echo("The engine that runs it is missing: install aiex-lsp[embedded].", err=True)


def _print(models: list[ModelInfo]) -> None:
    from aiex_lsp.cli.table import print_table

    print_table(
        ("PROVIDER", "MODEL", "CONTEXT", "USD PER 1K IN/OUT", "WHERE"),
        [
            (
                one.provider,
                one.id,
                f"{one.context_window:,}" if one.context_window else "unknown",
                _price(one),
                ("here" if one.local else "remote") + (", loaded" if one.loaded else ""),
            )
            for one in models
        ],
    )


def _price(one: ModelInfo) -> str:
    if one.local:
        return "free"
    if one.price is None:
        return "unknown"
    return f"{one.price.input_per_1k:g} / {one.price.output_per_1k:g}"
