"""`--var name=value`: values of a template's variables."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from aiex_lsp.errors import UsageError
from aiex_lsp.templates.variables import listed

if TYPE_CHECKING:
    from aiex_lsp.templates.types import Template, Variable


def parse_variables(given: Iterable[str], template: Template) -> dict[str, Any]:
    """Return the values by name, each of its declared type. Raises `UsageError`."""
    declared = {variable.name: variable for variable in template.variables}
    values: dict[str, Any] = {}
    for item in given:
        name, equals, text = item.partition("=")
        name = name.strip()
        if not equals or not name:
            raise UsageError(f'"{item}" sets no variable', "Write --var name=value")
        if name not in declared:
            close = difflib.get_close_matches(name, declared, n=1)
            step = f'Did you mean "{close[0]}"' if close else f"It has {', '.join(declared)}"
            raise UsageError(f'Template {template.id} has no variable "{name}"', step)
        variable = declared[name]
        values[name] = _value(variable, text)
        if variable.enum is not None and not listed(variable.enum, values[name]):
            allowed = ", ".join(map(str, variable.enum))
            raise UsageError(f'Variable "{name}" cannot be "{text}"', f"Use one of {allowed}")
    return values


def _value(variable: Variable, text: str) -> Any:
    wrong = UsageError(f'Variable "{variable.name}" must be a {variable.type}, not "{text}"')
    match variable.type:
        case "string":
            return text
        case "boolean":
            words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
            if text.strip().lower() not in words:
                raise wrong
            return words[text.strip().lower()]
        case "integer" | "number":
            try:
                return int(text) if variable.type == "integer" else float(text)
            except ValueError:
                raise wrong from None
    wanted = list if variable.type == "list" else dict
    try:
        value = json.loads(text)
    except ValueError:
        value = [part.strip() for part in text.split(",")] if wanted is list else None
    if not isinstance(value, wanted):
        raise wrong
    return value
