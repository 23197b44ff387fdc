"""Running one task for a command: consent, progress, cancellation by Ctrl-C."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from aiex_lsp.cli.choice import Trace
from aiex_lsp.cli.common import Common
from aiex_lsp.cli.output import AnswerListener
from aiex_lsp.cli.target import Target
from aiex_lsp.errors import AiexError, NoProviderError

if TYPE_CHECKING:
    from aiex_lsp.app import App
    from aiex_lsp.context.types import DiagnosticInfo
    from aiex_lsp.llm.types import Listener
    from aiex_lsp.tasks.types import TaskRequest

R = TypeVar("R")


def run_task(
    common: Common,
    target: Target,
    task: Callable[[App, TaskRequest, Listener], Awaitable[R]],
    options: Mapping[str, Any],
    *,
    stream: bool = False,
    app: App | None = None,
    diagnostics: tuple[DiagnosticInfo, ...] = (),
) -> tuple[R, AnswerListener]:
    """Return the task's result and what was shown of it; `stream` shows the answer as it comes.

    Ctrl-C cancels the call upstream and then raises `KeyboardInterrupt`.
    """
    from aiex_lsp.context.types import WorkspaceView
    from aiex_lsp.tasks.types import TaskRequest

    parts = app if app is not None else common.app(target.root)
    tell_broken_templates(parts)
    ask_consent(common, parts)
    listener = AnswerListener(stream=stream and not common.as_json)
    request = TaskRequest(
        snapshot=target.snapshot,
        span=target.span,
        settings=parts.settings,
        workspace=WorkspaceView(roots=(target.root,)),
        diagnostics=diagnostics,
        provider=common.provider,
        model=common.model,
        strategy=common.strategy,
        options=options,
    )

    trace = Trace()
    parts.bus.subscribe(trace)

    async def work() -> R:
        own = asyncio.current_task()
        if own is not None:
            listener.on_gone = own.cancel
        try:
            return await task(parts, request, listener)
        except asyncio.CancelledError:
            if listener.gone:
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from None
            raise
        except AiexError as error:
            if common.explain_choice:
                listener.close()
                trace.tell(error.reasons if isinstance(error, NoProviderError) else {})
            raise
        finally:
            await parts.aclose()

    try:
        return asyncio.run(work()), listener
    finally:
        listener.close()


def tell_broken_templates(app: App) -> None:
    """Tell on stderr which templates are not used: where one replaces another, that one answers."""
    broken = dict.fromkeys(one.path for one in app.registry.problems if one.severity == "error")
    for path in broken:
        click.secho(
            f"Template {path} is broken and not used: run `aiex-lsp templates check`.",
            err=True,
            dim=True,
        )


def is_interactive() -> bool:
    """Return whether somebody can be asked: both ends of the question are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_consent(common: Common, app: App) -> None:
    """Ask once whether a key from the environment may be used; scripts are told how to agree."""
    if common.provider is not None:
        return
    question = app.consent_question()
    if question is None:
        return
    if common.as_json or not is_interactive():
        click.secho(
            f"{question.env} is set but not used without your agreement: "
            f"`aiex-lsp config set providers.{question.provider}.enabled true`.",
            err=True,
            dim=True,
        )
        return
    click.echo(
        f"There is a key for {question.provider} ({question.env}). "
        f"With it, code you ask about is sent to {question.host}.",
        err=True,
    )
    choice = click.prompt(
        f"Use {question.provider}? (y)es, (n)ot now, ne(v)er",
        type=click.Choice(["y", "n", "v", "yes", "no", "never"], case_sensitive=False),
        default="n",
        show_choices=False,
        err=True,
    )
    if choice in ("y", "yes"):
        app.agree(question.provider, True)
    elif choice in ("v", "never"):
        app.agree(question.provider, False)
