"""The command line: a thin face over the tasks, one module a subcommand."""

from __future__ import annotations

import io
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit status: 0 done, 1 failed, 2 wrong usage."""
    import sys

    from aiex_lsp.cli.program import program

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character shows "?"
    program.main(args=None if argv is None else list(argv), prog_name="aiex-lsp")
