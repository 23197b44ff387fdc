"""Checks of one parameter each: what is wrong is said by the parameter's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from lsprotocol import types

from aiex_lsp.errors import UsageError

Check = Callable[[str, Any], Any]
"""(name, value) -> the value as wanted; raises `UsageError`."""


def text(name: str, value: Any) -> str:
    """Return a string. Raises `UsageError` naming the parameter, as all checks here do."""
    if not isinstance(value, str):
        raise UsageError(f"`{name}` must be a string")
    return value


def flag(name: str, value: Any) -> bool:
    """Return a boolean."""
    if not isinstance(value, bool):
        raise UsageError(f"`{name}` must be true or false")
    return value


def one_of(*choices: str) -> Check:
    """Return a check for one of a few words."""

    def check(name: str, value: Any) -> str:
        if value not in choices:
            raise UsageError(f"`{name}` must be one of {', '.join(choices)}")
        return str(value)

    return check


def between(least: int, most: int) -> Check:
    """Return a check for a whole number within bounds."""

    def check(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise UsageError(f"`{name}` must be a whole number from {least} to {most}")
        return value

    return check


def mapping(name: str, value: Any) -> dict[str, Any]:
    """Return an object."""
    if not isinstance(value, Mapping):
        raise UsageError(f"`{name}` must be an object")
    return dict(value)


def document_uri(name: str, value: Any) -> str:
    """Return the uri of a `TextDocumentIdentifier`."""
    if not isinstance(value, Mapping):
        raise UsageError(f"`{name}` must be an object with a `uri`")
    return text(f"{name}.uri", value.get("uri"))


def position(name: str, value: Any) -> types.Position:
    """Return a position, not yet held against a document."""
    if not isinstance(value, Mapping):
        raise UsageError(f"`{name}` must be an object with `line` and `character`")
    for key in ("line", "character"):
        number = value.get(key)
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise UsageError(f"`{name}.{key}` must be a whole number from 0")
    return types.Position(value["line"], value["character"])


def range_(name: str, value: Any) -> types.Range:
    """Return a range whose end does not lie before its start."""
    if not isinstance(value, Mapping):
        raise UsageError(f"`{name}` must be an object with `start` and `end`")
    start = position(f"{name}.start", value.get("start"))
    end = position(f"{name}.end", value.get("end"))
    if (end.line, end.character) < (start.line, start.character):
        raise UsageError(f"`{name}` ends before it starts")
    return types.Range(start, end)


def token(name: str, value: Any) -> int | str:
    """Return a progress token or an id."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise UsageError(f"`{name}` must be a string or a whole number")
    return value


def diagnostic(name: str, value: Any) -> dict[str, Any]:
    """Return a diagnostic; it must have a range and a message."""
    item = mapping(name, value)
    range_(f"{name}.range", item.get("range"))
    text(f"{name}.message", item.get("message"))
    return item


def diagnostics(name: str, value: Any) -> tuple[Mapping[str, Any], ...]:
    """Return a list of diagnostics."""
    if not isinstance(value, list | tuple):
        raise UsageError(f"`{name}` must be a list of diagnostics")
    return tuple(diagnostic(f"{name}[{index}]", item) for index, item in enumerate(value))


def optional(check: Check, default: Any = None) -> Any:
    """Return an attrs field that may be left out or null."""
    return attrs.field(default=default, metadata={"check": check})


def required(check: Check) -> Any:
    """Return an attrs field that must be there."""
    return attrs.field(metadata={"check": check, "required": True})
