"""What every subcommand shares: its options, and the parts it works with."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

from aiex_lsp.errors import UsageError

if TYPE_CHECKING:
    from aiex_lsp.app import App

P = ParamSpec("P")
R = TypeVar("R")
_META = "aiex_lsp.common"


def make_app(
    workspace: Path | None,
    cli_overrides: Mapping[str, Any],
    config_file: Path | None,
    env: Mapping[str, str],
) -> App:
    """Return the joined parts."""
    from aiex_lsp.app import App

    return App.create(workspace, cli_overrides, config_file, env)


@dataclass(frozen=True)
class Runtime:
    """What a run stands on; tests put in their own."""

    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    make_app: Callable[[Path | None, Mapping[str, Any], Path | None, Mapping[str, str]], App] = (
        make_app
    )


@dataclass(frozen=True)
class Common:
    """The options all subcommands take."""

    as_json: bool = False
    provider: str | None = None
    model: str | None = None
    strategy: str | None = None
    explain_choice: bool = False
    config_file: Path | None = None
    runtime: Runtime = field(default_factory=Runtime)

    @property
    def overrides(self) -> dict[str, Any]:
        """Return the options that are settings, in the configuration's form."""
        named = {"default_provider": self.provider, "strategy": self.strategy}
        return {key: value for key, value in named.items() if value is not None}

    def app(self, workspace: Path | None) -> App:
        """Return the parts for a workspace. Raises `UsageError` for options that cannot hold.

        Other problems of the configuration are told on stderr.
        """
        self.check_config_file()
        app = self.runtime.make_app(workspace, self.overrides, self.config_file, self.runtime.env)
        log_to_stderr(self.runtime.env)
        tell_problems(app.problems)
        app.listen(lambda text: click.secho(text, err=True, dim=True))
        return app

    def check_config_file(self) -> None:
        """Raise `UsageError` if the file that was named is not there: nothing else was meant."""
        if self.config_file is not None and not self.config_file.exists():
            raise UsageError(f"--config {self.config_file} does not exist", "Check the path")


def log_to_stderr(env: Mapping[str, str]) -> None:
    """Write the log to stderr if `AIEX_LOG_LEVEL` asks for one; else keep it out of the way.

    A failure is told by its one sentence; without a handler Python would print warnings beside it.
    """
    import logging

    from aiex_lsp.config.environment import log_level

    logger = logging.getLogger("aiex_lsp")
    if logger.handlers:
        return
    if not env.get("AIEX_LOG_LEVEL"):
        logger.addHandler(logging.NullHandler())
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(log_level(env)[0].upper())


def tell_problems(problems: Any) -> None:
    """Tell what is wrong with the configuration on stderr; `UsageError` for wrong options."""
    for problem in problems:
        if problem.file == "command line":
            raise UsageError(problem.message)
    for problem in problems:
        place = ":".join(str(part) for part in (problem.file, problem.line) if part is not None)
        click.secho(f"{place}: {problem.severity}: {problem.message}", err=True, dim=True)


def common_options(function: Callable[Concatenate[Common, P], R]) -> Callable[P, R]:
    """Return the command with the shared options; it gets them as its first argument, `Common`.

    They may also stand before the subcommand.
    """

    @click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
    @click.option("--provider", metavar="NAME", help="Ask this provider.")
    @click.option("--model", metavar="NAME", help="Ask this model.")
    @click.option("--strategy", metavar="NAME", help="How the provider is chosen.")
    @click.option("--explain-choice", is_flag=True, help="Say which providers were tried and why.")
    @click.option(
        "--config",
        "config_file",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Use this configuration file in place of your own.",
    )
    @functools.wraps(function)
    def with_common(*args: Any, **kwargs: Any) -> Any:
        ctx = click.get_current_context()
        names = [one.name for one in fields(Common) if one.name != "runtime"]
        own = {name: value for name in names if (value := kwargs.pop(name))}
        runtime = ctx.obj if isinstance(ctx.obj, Runtime) else Runtime()
        common = replace(ctx.meta.get(_META, Common(runtime=runtime)), **own)
        ctx.meta[_META] = common
        if args and isinstance(args[0], click.Context):
            # The type checker cannot tell what follows the context.
            return function(args[0], common, *args[1:], **kwargs)  # type: ignore[arg-type]
        return function(common, *args, **kwargs)

    return with_common
