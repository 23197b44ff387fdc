"""Columns of text: aligned on a terminal and in a pipe, without frames to cut away."""

from __future__ import annotations

from collections.abc import Sequence

import click


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their head; the last column is not padded."""
    from rich.cells import cell_len, set_cell_size

    rows = [[_plain(cell) for cell in row] for row in rows]
    widths = [max(cell_len(row[i]) for row in (head, *rows)) for i in range(len(head) - 1)]
    for index, row in enumerate((head, *rows)):
        cells = [set_cell_size(cell, width) for cell, width in zip(row, widths, strict=False)]
        click.secho("  ".join([*cells, row[-1]]).rstrip(), bold=index == 0)


def _plain(cell: str) -> str:
    """Return a cell on one line: a server may call its model anything, escape codes included."""
    return "".join(c for c in " ".join(cell.split()) if c.isprintable())
