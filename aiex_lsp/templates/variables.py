"""A template's variables: their types, and the values a rendering gets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from aiex_lsp.errors import TemplateUseError
from aiex_lsp.templates.types import Template, Variable

MAX_VALUES = 200_000
"""Texts and numbers one variable may hold, to bound the time of copying it."""
_MAX_DEPTH = 20

EMPTY: Mapping[str, Any] = {"string": "", "list": [], "map": {}, "boolean": False}
"""What an optional variable without a default is; numbers are none."""


def bind(
    template: Template,
    variables: Mapping[str, Any],
    extras: Mapping[str, Any] | None = None,
    *,
    strict: bool = False,
) -> dict[str, Any]:
    """Return a value for each declared variable, copied to plain data.

    `variables` win over `extras`. None counts as left out. Raises `TemplateError` for a missing,
    mistyped or not listed value, and with `strict` for a name in `variables` nobody declared.
    """
    declared = {variable.name: variable for variable in template.variables}
    if strict:
        for name in variables:
            if name not in declared:
                raise _error(template, f"has no variable {str(name)[:60]!r}", _known(declared))
    values: dict[str, Any] = {}
    for name, variable in declared.items():
        value = variables.get(name)
        if value is None and extras is not None:
            value = extras.get(name)
        if value is None:
            if variable.required:
                raise _error(template, f"needs the variable {name!r}", f"Give {name}")
            value = variable.default
        else:
            value = _value(template, variable, value)
        values[name] = value
    return values


def from_texts(template: Template, texts: Mapping[str, str]) -> dict[str, Any]:
    """Return values of the declared types from texts such as a command line's `--var k=v`.

    A list or map is JSON; a list may also be words between commas. Raises `TemplateError`.
    """
    declared = {variable.name: variable for variable in template.variables}
    values: dict[str, Any] = {}
    for name, text in texts.items():
        variable = declared.get(name)
        if variable is None:
            raise _error(template, f"has no variable {name[:60]!r}", _known(declared))
        try:
            values[name] = _from_text(variable, text)
        except (ValueError, RecursionError):
            what = f"needs {_article(variable.type)} for {name!r}"
            raise _error(template, what, "Write a list or a map as JSON") from None
    return values


def mismatch(variable_type: str, value: Any) -> str | None:
    """Return why `value` is not of the type, None if it is."""
    if variable_type not in EMPTY and variable_type not in ("integer", "number"):
        return None
    if _fits(variable_type, value):
        return None
    return f"is {kind_of(value)}, not {_article(variable_type)}"


def _fits(variable_type: str, value: Any) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    match variable_type:
        case "string":
            return isinstance(value, str)
        case "integer":
            return whole
        case "number":
            return whole or (isinstance(value, float) and math.isfinite(value))
        case "boolean":
            return isinstance(value, bool)
        case "list":
            return isinstance(value, list | tuple)
        case _:
            return isinstance(value, Mapping)


def listed(enum: tuple[Any, ...], value: Any) -> bool:
    """Return whether `value` is one of `enum`; true is not 1."""
    return any(type(one) is type(value) and one == value for one in enum)


def kind_of(value: Any) -> str:
    """Return a value's type in the words of templates."""
    for name in ("boolean", "integer", "number", "string", "list", "map"):
        if _fits(name, value):
            return _article(name)
    return "nothing" if value is None else f"a {type(value).__name__}"


def plain(value: Any) -> Any:
    """Return the value as plain strings, numbers, lists and dicts.

    Raises `ValueError` for anything else, or too much of it: no object of ours, whose attributes
    could lead elsewhere, ever meets a template.
    """
    return _plain(value, iter(range(MAX_VALUES)), 0)


def _plain(value: Any, left: Iterator[int], depth: int) -> Any:
    if type(value) is str:
        return value
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, str):
        return "".join(value)
    if isinstance(value, int):
        if abs(value) >> 256:
            raise ValueError("holds a number that is too large")
        return int(value)
    if depth >= _MAX_DEPTH:
        raise ValueError("is nested too deeply")
    if isinstance(value, list | tuple):
        return [_plain(one, left, depth + 1) for one in _counted(value, left)]
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("has a key that is no text")
        return {"".join(key): _plain(value[key], left, depth + 1) for key in _counted(value, left)}
    raise ValueError(f"holds a {type(value).__name__}")


def _counted(values: Any, left: Iterator[int]) -> Iterator[Any]:
    for one in values:
        if next(left, None) is None:
            raise ValueError("holds too many values")
        yield one


def _value(template: Template, variable: Variable, value: Any) -> Any:
    wrong = mismatch(variable.type, value)
    if wrong is None:
        try:
            value = plain(value)
        except ValueError as error:
            wrong = str(error)
    if wrong is not None:
        raise _error(template, f"cannot use {variable.name!r}: it {wrong}")
    if variable.enum is not None and not listed(variable.enum, value):
        allowed = ", ".join(str(one) for one in variable.enum)
        raise _error(template, f"cannot use this value of {variable.name!r}", f"Use {allowed}")
    return value


def _from_text(variable: Variable, text: str) -> Any:
    import json

    match variable.type:
        case "integer":
            return int(text)
        case "number":
            return float(text)
        case "boolean":
            lowered = text.strip().lower()
            if lowered in ("true", "yes", "on", "1"):
                return True
            if lowered in ("false", "no", "off", "0"):
                return False
            raise ValueError(text)
        case "list" if not text.lstrip().startswith("["):
            return [one.strip() for one in text.split(",") if one.strip()]
        case "list" | "map":
            value = json.loads(text)
            if mismatch(variable.type, value):
                raise ValueError(text)
            return value
        case _:
            return text


def _error(template: Template, what: str, next_step: str = "") -> TemplateUseError:
    return TemplateUseError(
        f"Template {template.id} {what}", next_step, file=template.path or None, line=None
    )


def _known(declared: Mapping[str, Variable]) -> str:
    return f"It has {', '.join(sorted(declared))}" if declared else "It has no variables"


def _article(name: str) -> str:
    return f"an {name}" if name == "integer" else f"a {name}"
