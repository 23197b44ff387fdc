"""Keys, arguments and replies of Redis."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from aiex_lsp.errors import StateError
from aiex_lsp.state import circuit as breaker
from aiex_lsp.state.redis_client import Argument
from aiex_lsp.state.types import Circuit, Row
from aiex_lsp.state.units import to_seconds


def scope_of(name: str) -> str:
    """Return what stands before a name's first `/`: the hash tag of its keys."""
    return name.partition("/")[0]


def window_key(name: str) -> str:
    """Return the key of a window."""
    return f"aiex:{{{scope_of(name)}}}:window:{name}"


def born_key(name: str) -> str:
    """Return the key of what stands for the content of a name's scope."""
    return f"aiex:{{{scope_of(name)}}}:born"


def circuit_key(name: str) -> str:
    """Return the key of a circuit."""
    return f"aiex:{{{scope_of(name)}}}:circuit:{name}"


def by_scope(names: Sequence[str]) -> list[list[str]]:
    """Return names in groups that one script may touch, each name once."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(names):
        groups[scope_of(name)].append(name)
    return list(groups.values())


def circuit_of(name: str, flat: Sequence[bytes] | bytes, now: int) -> Circuit:
    """Return a circuit from a reply's fields."""
    texts = [text_of(part) for part in flat if isinstance(part, bytes)]
    fields = dict(zip(texts[::2], texts[1::2], strict=True))
    return breaker.shown(name, breaker.from_fields(fields), now)


def rows_of(flat: Sequence[bytes]) -> tuple[Row, ...]:
    """Return rows from a reply: id, microseconds and tokens of each."""
    return tuple(
        Row(text_of(row_id), to_seconds(int(at)), int(tokens))
        for row_id, at, tokens in zip(flat[::3], flat[1::3], flat[2::3], strict=True)
    )


def text_of(value: bytes) -> str:
    """Return a reply as text. Raises `StateError` for what is none."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise StateError(
            "Redis holds something that aiex-lsp did not write",
            "Use a database of its own in coordination.url",
        ) from None


def or_empty(value: int | None) -> Argument:
    """Return an argument, "" for None."""
    return "" if value is None else value


def number_or_none(value: bytes) -> int | None:
    """Return a number, None for an empty reply."""
    return int(value) if value else None
