"""The program: its subcommands, loaded when they are needed, and how each way to fail looks."""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from typing import Any, NoReturn

import click

from aiex_lsp import __version__
from aiex_lsp.cli.common import Common, Runtime, common_options
from aiex_lsp.errors import AiexError, AnswerError, UsageError

COMMANDS = (
    "serve",
    "explain",
    "analyze",
    "tests",
    "fix",
    "document",
    "refactor",
    "run",
    "prompt",
    "providers",
    "doctor",
    "usage",
    "templates",
    "models",
    "config",
)
INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 and the number of SIGINT, as shells have it."""


class Program(click.Group):
    """A group whose commands are modules of this package."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the subcommands in the order the help shows them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a subcommand, None where there is none of this name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"aiex_lsp.cli.{cmd_name}").command
        return command

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run, then leave with the exit status; a failure is one plain sentence on stderr."""
        kwargs.setdefault("obj", Runtime())
        kwargs["standalone_mode"] = False
        try:
            status = super().main(*args, **kwargs)
        except click.exceptions.Exit as leaving:
            status = leaving.exit_code
        except click.Abort as abort:
            status = INTERRUPTED if isinstance(abort.__cause__, KeyboardInterrupt) else 1
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.ctx.get_help(), err=True)
            _fail("A subcommand is missing; the help above names them.")
            status = 2
        except click.UsageError as error:
            _fail(_usage_sentence(error))
            status = 2
        except click.ClickException as error:
            _fail(error.format_message())
            status = 1
        except AiexError as error:
            status = _report(error)
        except OSError as error:
            status = _report_os_error(error)
        except Exception as error:  # noqa: BLE001 - the last door: users see a sentence
            status = _report_bug(error)
        sys.exit(status if isinstance(status, int) else 0)


def _report(error: AiexError) -> int:
    _raise_for_debugging()
    if isinstance(error, AnswerError) and error.text.strip():
        click.secho(f"The answer was:\n{error.text.strip()}", err=True, dim=True)
    _fail(error.user_message())
    return 2 if isinstance(error, UsageError) else 1


def _report_os_error(error: OSError) -> int:
    if error.errno == errno.EPIPE:
        # Whoever read has enough; nothing may be written when the streams are closed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    _raise_for_debugging()
    name = f"{error.filename}: " if error.filename else ""
    _fail(f"{name}{error.strerror or error}")
    return 1


def _report_bug(error: Exception) -> int:
    _raise_for_debugging()
    _fail(
        f"An internal error ({type(error).__name__}) stopped it. "
        "Run it again with AIEX_DEBUG=1 and report the traceback."
    )
    return 1


def _raise_for_debugging() -> None:
    if os.environ.get("AIEX_DEBUG", "") not in ("", "0"):
        raise  # noqa: PLE0704 - called from an except block only


def _usage_sentence(error: click.UsageError) -> str:
    message = error.format_message().strip().rstrip(".")
    command = error.ctx.command_path if error.ctx else "aiex-lsp"
    end = "" if message.endswith(("?", "!")) else "."
    return f"{message}{end} Try `{command} --help`."


def _fail(sentence: str) -> None:
    click.echo(f"aiex-lsp: {' '.join(sentence.split())}", err=True)


@click.command(
    cls=Program,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Without a command: this help in a terminal, else the language server on stdio.",
)
@click.version_option(__version__, prog_name="aiex-lsp", message="%(prog)s %(version)s")
@click.option("--stdio", is_flag=True, hidden=True, help="Serve on stdio: some clients say so.")
@click.option("--clientProcessId", "client_pid", type=int, hidden=True, help="Sent by clients.")
@common_options
@click.pass_context
def program(ctx: click.Context, common: Common, stdio: bool, client_pid: int | None) -> None:
    """One AI language server for every editor: explain, review, test and change code."""
    del client_pid
    if ctx.invoked_subcommand is not None:
        return
    if sys.stdin.isatty() and not stdio:
        click.echo(ctx.get_help())
        return
    from aiex_lsp.cli.serve import serve

    sys.exit(serve(common, None))
