"""Setting one key of the user's file; comments, order and layout of the rest stay."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiex_lsp.config.atomic import write_atomically
from aiex_lsp.config.files import read_toml
from aiex_lsp.config.layers import make_layer
from aiex_lsp.config.validate import known_keys, nearest, show_key
from aiex_lsp.errors import ConfigError, UsageError


@dataclass(frozen=True, slots=True)
class Change:
    """What was set, and remarks about it (a section this version does not enforce)."""

    key: str
    value: Any
    remarks: tuple[str, ...] = ()


def set_value(path: Path, dotted_key: str, text: str) -> Change:
    """Return what was set after writing it; the file is made (0600) where it is missing.

    `text` is read as the key's type wants it: true, 5, 0.2, a list as `a, b` or `["a"]`, a table
    as TOML or JSON, else text. Raises `UsageError` for a key or value that cannot be used and
    `ConfigError` for a file that cannot be read or written; nothing is changed then.
    """
    key = split_key(dotted_key)
    value, remarks = _parsed(key, text)
    file = read_toml(path)
    if file.problems:
        problem = file.problems[0]
        place = f"{path}:{problem.line}" if problem.line else str(path)
        raise ConfigError(f"{place}: {problem.message}", "Repair the file first")
    wanted = _with(file.values, key, value)
    try:
        new_text = _edited(path, key, value)
        if tomllib.loads(new_text.removeprefix("\ufeff")) != wanted:
            raise ValueError("another key would change")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{path} cannot be changed without harm to its layout"
        raise ConfigError(message, f"Set {show_key(key)} by hand") from error
    try:
        write_atomically(path, new_text.encode(), mode=0o600)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error
    return Change(".".join(key), value, remarks)


def split_key(dotted: str) -> tuple[str, ...]:
    """Return the parts of a dotted key; parts may be quoted. Raises `UsageError`."""
    parts: list[str] = []
    rest = dotted.strip()
    while True:
        found = re.match(r"""\s*(?:"([^"\\]+)"|'([^']+)'|([A-Za-z0-9_-]+))\s*(\.|$)""", rest)
        if not found:
            raise UsageError(f'"{show_key((dotted,))}" is no key', "Write it as section.key")
        parts.append(found[1] or found[2] or found[3])
        rest = rest[found.end() :]
        if not found[4]:
            return tuple(parts)


def _parsed(key: tuple[str, ...], text: str) -> tuple[Any, tuple[str, ...]]:
    problem = ""
    for candidate in _candidates(text):
        layer = make_layer("user", "", _with({}, key, candidate))
        errors = [p.message for p in layer.problems if p.severity == "error"]
        if key[-1] == "api_key" and isinstance(candidate, str):
            raise UsageError(
                "A key on the command line stays in the shell's history",
                'Export it as a variable and set this to { env = "NAME" }',
            )
        if not errors:
            return candidate, tuple(p.message for p in layer.problems)
        problem = problem or errors[0]
    if problem.startswith("Unknown key"):
        parent = key[:-1]
        known = known_keys(parent)
        hint = nearest(key[-1], known)
        listed = f"Known here: {', '.join(sorted(known))}" if known and not hint else ""
        raise UsageError(problem.removesuffix("; it is ignored"), listed)
    raise UsageError(problem.removesuffix("; it is ignored"))


def _candidates(text: str) -> Iterator[Any]:
    """Yield what the text may mean, the most particular first."""
    with suppress(ValueError, RecursionError):
        table = tomllib.loads(f"x = {text}")
        if len(table) == 1:
            yield table["x"]
    if text.lstrip()[:1] in ("{", "["):
        with suppress(ValueError, RecursionError):
            yield json.loads(text)
    yield text
    yield [part.strip() for part in text.split(",") if part.strip()]


def _with(values: Any, key: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Return a copy of `values` with the key set."""
    table = dict(values) if isinstance(values, dict) else {}
    table[key[0]] = value if len(key) == 1 else _with(table.get(key[0]), key[1:], value)
    return table


def _edited(path: Path, key: tuple[str, ...], value: Any) -> str:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError
    from tomlkit.items import InlineTable

    old = path.read_bytes().decode("utf-8") if path.exists() else ""
    mark = "\ufeff" if old.startswith("\ufeff") else ""
    try:
        document = tomlkit.parse(old.removeprefix("\ufeff"))
        here: Any = document
        for depth, part in enumerate(key[:-1]):
            if part not in here:
                leaf = depth == len(key) - 2
                inline = isinstance(here, InlineTable)
                here[part] = (
                    tomlkit.inline_table() if inline else tomlkit.table(is_super_table=not leaf)
                )
            here = here[part]
        here[key[-1]] = _item(value)
        text = tomlkit.dumps(document)
    except TOMLKitError as error:
        raise ValueError(str(error)) from error
    if "\r\n" in old:
        text = re.sub(r"(?<!\r)\n", "\r\n", text)
    return mark + text


def _item(value: Any) -> Any:
    import tomlkit

    if isinstance(value, dict):
        table = tomlkit.inline_table()
        table.update(value)
        return table
    return value
