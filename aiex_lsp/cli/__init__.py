"""The command line: a thin face over the tasks, one module a subcommand."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit status: 0 done, 1 failed, 2 wrong usage."""
    from aiex_lsp.cli.program import program

    program.main(args=None if argv is None else list(argv), prog_name="aiex-lsp")
