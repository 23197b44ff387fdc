"""`aiex-lsp serve`: the language server."""

from __future__ import annotations

import sys

import click

from aiex_lsp.cli.common import Common, common_options
from aiex_lsp.errors import AiexError, UsageError


@click.command("serve")
@click.option("--tcp", metavar="HOST:PORT", help="Serve on a TCP address in place of stdio.")
@click.option("--stdio", is_flag=True, hidden=True)
@click.option("--clientProcessId", "client_pid", type=int, hidden=True)
@common_options
def command(common: Common, tcp: str | None, stdio: bool, client_pid: int | None) -> None:
    """Run the language server on stdio, or on a TCP address."""
    del stdio, client_pid
    sys.exit(serve(common, tcp))


def serve(common: Common, tcp: str | None) -> int:
    """Serve until the editor leaves; return the exit status LSP wants.

    Raises `UsageError` for an address that is none.
    """
    address = parse_address(tcp) if tcp is not None else None
    # Problems of the configuration reach the user by the editor, not by stderr.
    app = common.runtime.make_app(None, common.overrides, common.config_file, common.runtime.env)
    if address is None:
        return app.serve_stdio()
    try:
        app.serve_tcp(*address)
    except OSError as error:
        # asyncio puts the address before the cause, which the sentence names already.
        why = (error.strerror or str(error)).rpartition("): ")[2]
        raise AiexError(f"Cannot serve on {tcp}: {why}", "Choose another address") from error
    return 0


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`; an empty host is this machine only."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise UsageError(f'"{text}" is no address', "Write it as HOST:PORT, like 127.0.0.1:2087")
    return host.strip("[]") or "127.0.0.1", int(port)
