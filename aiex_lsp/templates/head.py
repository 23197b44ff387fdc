"""The head of a template: from YAML values to a `Template`, its parent's head included."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from aiex_lsp.templates.loader import TemplateFile
from aiex_lsp.templates.types import (
    INJECT_RULES,
    RESPONSE_TYPES,
    VARIABLE_TYPES,
    Template,
    TemplateProblem,
    Variable,
)
from aiex_lsp.templates.variables import EMPTY, kind_of, listed, mismatch, plain

ID = re.compile(r"[a-z][a-z0-9_-]{0,63}")
NAME = re.compile(r"[a-z][a-zA-Z0-9_]{0,63}")
KIND = re.compile(r"(aiex|quickfix\.aiex|refactor(\.[A-Za-z]+)*\.aiex)(\.[A-Za-z0-9_-]+)+")
"""The code action kinds a template may have: no editor runs these by itself on saving."""

KEYS = (
    "id", "name", "category", "version", "variables", "conditionals", "response_type",
    "title", "kind", "description", "extends", "max_tokens", "temperature",
)  # fmt: skip
VARIABLE_KEYS = ("type", "required", "default", "enum", "description", "inject")
RESERVED = {
    "range", "super", "self", "loop", "true", "false", "none", "and", "or", "not", "in", "is",
    "if", "else", "elif", "for", "block", "endblock", "set", "with", "filter", "caller",
    "varargs", "kwargs",
}  # fmt: skip


def id_of(file: TemplateFile) -> str:
    """Return the id a file claims, "" where it is none."""
    value = file.head.get("id", file.stem)
    return value if isinstance(value, str) and ID.fullmatch(value) else ""


def build(file: TemplateFile, parent: Template | None) -> tuple[Template, list[TemplateProblem]]:
    """Return the template a file makes on its parent, and what is wrong with its head.

    A template whose problems hold an error is not to be used.
    """
    head = _Head(file)
    head.check_keys("", file.head, KEYS)
    template_id = id_of(file)
    if not template_id:
        head.error("id", "the id must be lower-case letters, digits, _ and -, a letter first")
    same = parent is not None and parent.id == template_id
    base = parent or Template(id="", name="")
    title = head.text("title", base.title if same else None, _one_line)
    kind = head.text("kind", base.kind if same else None, _kind)
    if kind and not title:
        head.error("kind", "a kind needs a title: the text of its code action")
    variables = _variables(head, base)
    template = Template(
        id=template_id,
        name=head.text("name", None, _one_line) or template_id.replace("_", " ").capitalize(),
        category=head.text("category", base.category, _category) or "general",
        version=_version(head),
        variables=variables,
        conditionals=_conditionals(head, base, {one.name for one in variables}),
        response_type=head.text("response_type", base.response_type, _response_type) or "general",
        title=title,
        kind=kind,
        description=head.text("description", base.description if same else "") or "",
        extends=head.text("extends", None),
        max_tokens=_max_tokens(head, base),
        temperature=_temperature(head, base),
        source=file.source,
        path=str(file.path),
        body=file.body,
        body_line=file.body_line,
        parent=parent,
        lines=file.lines,
    )
    return template, head.problems


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ": did you mean 'x'?" for a name near a known one, else ""."""
    close = get_close_matches(name, list(known), n=1)
    return f": did you mean {close[0]!r}?" if close else ""


def _short(value: Any) -> str:
    return value[:60] if isinstance(value, str) else kind_of(value)


class _Head:
    def __init__(self, file: TemplateFile) -> None:
        self.file = file
        self.problems: list[TemplateProblem] = []

    def error(self, place: str, message: str) -> None:
        self.problems.append(TemplateProblem(str(self.file.path), self.line(place), message))

    def warning(self, place: str, message: str) -> None:
        problem = TemplateProblem(str(self.file.path), self.line(place), message, "warning")
        self.problems.append(problem)

    def line(self, place: str) -> int:
        """Return the line of a place in the head, or of the nearest one around it."""
        while place not in self.file.lines and "." in place:
            place = place.rpartition(".")[0]
        return self.file.lines.get(place, 1)

    def check_keys(self, prefix: str, given: Iterable[str], known: Sequence[str]) -> None:
        for key in given:
            if key not in known:
                hint = nearest(key, known)
                report = self.error if hint else self.warning
                report(f"{prefix}{key}", f"{key[:60]!r} is not a key of a template{hint}")

    def text(
        self, key: str, default: str | None, check: Callable[[str], str | None] | None = None
    ) -> str | None:
        if key not in self.file.head or self.file.head[key] is None:
            return default
        value = self.file.head[key]
        if not isinstance(value, str):
            self.error(key, f"{key} must be text, it is {kind_of(value)}: put it in quotes")
            return default
        wrong = check(value) if check else None
        if wrong is not None:
            self.error(key, f"{key} {wrong}")
            return default
        return value.strip()


def _one_line(value: str) -> str | None:
    if not value.strip() or len(value) > 100 or "\n" in value.strip():
        return "must be one line of at most 100 characters"
    return None


def _category(value: str) -> str | None:
    return None if ID.fullmatch(value) else "must be one lower-case word"


def _kind(value: str) -> str | None:
    if KIND.fullmatch(value):
        return None
    return f"{value[:60]!r} must begin with aiex., quickfix.aiex. or refactor….aiex."


def _response_type(value: str) -> str | None:
    if value in RESPONSE_TYPES:
        return None
    hint = nearest(value, RESPONSE_TYPES) or f": use {', '.join(RESPONSE_TYPES)}"
    return f"{value[:60]!r} is not known{hint}"


def _version(head: _Head) -> str:
    value = head.file.head.get("version", "1")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        head.error("version", "version must be a text or a number")
        return "1"
    return str(value)[:40]


def _max_tokens(head: _Head, base: Template) -> int | None:
    value = head.file.head.get("max_tokens")
    if value is None:
        return base.max_tokens
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= 1_000_000:
        head.error("max_tokens", "max_tokens must be an integer from 1 to 1000000")
        return base.max_tokens
    return value


def _temperature(head: _Head, base: Template) -> float | None:
    value = head.file.head.get("temperature")
    if value is None:
        return base.temperature
    if mismatch("number", value) or not 0 <= value <= 2:
        head.error("temperature", "temperature must be a number from 0 to 2")
        return base.temperature
    return float(value)


def _variables(head: _Head, base: Template) -> tuple[Variable, ...]:
    given = head.file.head.get("variables")
    if given is None:
        return base.variables
    if not isinstance(given, Mapping):
        head.error("variables", "variables must map names to {type, required, default, …}")
        return base.variables
    merged = {variable.name: variable for variable in base.variables}
    for name, value in given.items():
        place = f"variables.{name}"
        if not NAME.fullmatch(name) or name in RESERVED:
            head.error(place, f"{name[:60]!r} cannot be the name of a variable")
            continue
        spec = {"type": value} if isinstance(value, str) else value or {}
        if not isinstance(spec, Mapping):
            head.error(place, f"variable {name!r} must be a type or {{type, required, …}}")
            continue
        merged[name] = _variable(head, name, spec, merged.get(name))
    return tuple(merged.values())


def _variable(
    head: _Head, name: str, spec: Mapping[str, Any], inherited: Variable | None
) -> Variable:
    place = f"variables.{name}"
    head.check_keys(f"{place}.", spec, VARIABLE_KEYS)
    old = inherited or Variable(name)
    kind = spec.get("type", old.type)
    if kind not in VARIABLE_TYPES:
        known = nearest(_short(kind), VARIABLE_TYPES) or f": use {', '.join(VARIABLE_TYPES)}"
        head.error(f"{place}.type", f"{_short(kind)!r} is not a type{known}")
        kind = old.type
    retyped = kind != old.type
    required = spec.get("required", old.required and "default" not in spec)
    if not isinstance(required, bool):
        head.error(f"{place}.required", "required must be true or false")
        required = False
    enum = _enum(head, place, kind, spec["enum"]) if spec.get("enum") is not None else None
    if "enum" not in spec and not retyped:
        enum = old.enum
    default = spec.get("default", None if retyped or required else old.default)
    if default is not None and required:
        head.error(f"{place}.default", f"{name!r} is required and has a default: choose one")
    if default is None and not required:
        default = EMPTY.get(kind)
    elif default is not None:
        default = _default(head, place, name, kind, default, enum)
    inject = spec.get("inject", old.inject)
    if inject is not None and inject not in INJECT_RULES:
        hint = nearest(_short(inject), INJECT_RULES) or f": use {', '.join(INJECT_RULES)}"
        head.error(f"{place}.inject", f"{_short(inject)!r} is not an injection rule{hint}")
        inject = None
    description = spec.get("description", old.description)
    if not isinstance(description, str):
        head.error(f"{place}.description", "description must be text")
        description = ""
    return Variable(name, kind, required, default, enum, description, inject)


def _enum(head: _Head, place: str, kind: str, values: Any) -> tuple[Any, ...] | None:
    if not isinstance(values, list) or not values:
        head.error(f"{place}.enum", "enum must be a list of values")
        return None
    for value in values:
        if wrong := mismatch(kind, value):
            head.error(f"{place}.enum", f"a value of enum {wrong}: {_short(value)!r}")
            return None
    try:
        return tuple(plain(values))
    except ValueError as error:
        head.error(f"{place}.enum", f"enum {error}")
        return None


def _default(
    head: _Head, place: str, name: str, kind: str, value: Any, enum: tuple[Any, ...] | None
) -> Any:
    wrong = mismatch(kind, value)
    if wrong is None:
        try:
            value = plain(value)
        except ValueError as error:
            wrong = str(error)
    if wrong is not None:
        head.error(f"{place}.default", f"the default of {name!r} {wrong}")
        return EMPTY.get(kind)
    if enum is not None and not listed(enum, value):
        allowed = ", ".join(str(one) for one in enum)
        head.error(f"{place}.default", f"the default of {name!r} is not one of {allowed}")
    return value


def _conditionals(head: _Head, base: Template, variables: set[str]) -> dict[str, str]:
    merged = dict(base.conditionals)
    given = head.file.head.get("conditionals")
    if given is None:
        return merged
    if not isinstance(given, Mapping):
        head.error("conditionals", "conditionals must map names to expressions")
        return merged
    for name, expression in given.items():
        place = f"conditionals.{name}"
        if not NAME.fullmatch(name) or name in RESERVED:
            head.error(place, f"{name[:60]!r} cannot be the name of a conditional")
        elif name in variables:
            head.error(place, f"{name!r} is a variable too: choose another name")
        elif not isinstance(expression, str) or not expression.strip():
            head.error(place, f"conditional {name!r} must be an expression in quotes")
        else:
            merged[name] = expression
    return merged
