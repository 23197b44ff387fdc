"""The effective configuration as rows for people, secrets masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiex_lsp.config.loader import Loaded
from aiex_lsp.config.options import ATOMIC
from aiex_lsp.config.urls import without_password

MASK = "********"


@dataclass(frozen=True, slots=True)
class Row:
    """One setting: its dotted key, its value (masked where secret) and where it is from."""

    key: str
    value: Any
    source: str


def effective(loaded: Loaded) -> list[Row]:
    """Return every setting with its source, general ones first, then by section and key."""
    rows = list(_rows(loaded.values, "", loaded.sources))
    return sorted(rows, key=lambda row: ("." in row.key, row.key))


def _rows(table: Mapping[str, Any], prefix: str, sources: Mapping[str, str]) -> list[Row]:
    rows: list[Row] = []
    for key, value in table.items():
        dotted = f"{prefix}{key}"
        if isinstance(value, Mapping) and key not in ATOMIC:
            rows += _rows(value, f"{dotted}.", sources)
        else:
            rows.append(Row(dotted, _masked(dotted, value), sources.get(dotted, "default")))
    return rows


def _masked(dotted: str, value: Any) -> Any:
    parts = dotted.split(".")
    if dotted == "coordination.url":
        return without_password(str(value))
    if parts[0] != "providers" or value is None:
        return value
    if parts[-1] == "api_key":
        return MASK if isinstance(value, str) else value
    if parts[-1] == "base_url":
        return without_password(str(value))
    if any(section in parts[2:-1] for section in ("headers", "query")):
        return MASK
    if "extra_body" in parts[2:] and not isinstance(value, bool | int | float):
        return MASK  # a gateway's own fields: only it knows which are secret
    return value
