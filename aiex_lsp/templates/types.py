"""What a template is, and what rendering one gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

VariableType = Literal["string", "integer", "number", "boolean", "list", "map"]
Source = Literal["builtin", "user", "workspace"]

VARIABLE_TYPES: tuple[str, ...] = get_args(VariableType)
RESPONSE_TYPES = (
    "general",
    "code_generation",
    "code_explanation",
    "test_generation",
    "documentation",
    "findings",
)
"""What `responses` can parse an answer as."""

INJECT_RULES = (
    "code",
    "selection",
    "symbol",
    "signature",
    "language",
    "imports",
    "file_path",
    "surrounding",
    "project_structure",
    "dependencies",
    "test_files",
    "existing_tests",
    "diagnostics",
    "recent_analysis",
    "session",
    "project_rules",
    "question",
    "previous_answer",
)
"""The context rules a variable's `inject` may name."""

TASK_RULES = frozenset({"question", "previous_answer"})
"""Rules that only a task can fill: whoever runs such a template by hand gives their values."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One declared variable. `inject` names the context rule that fills it (see context/rules).

    `default` is never None for a text, list, map or boolean that is not required: it is the
    type's empty value, so that a template renders whatever the context leaves out.
    """

    name: str
    type: VariableType = "string"
    required: bool = False
    default: Any = None
    enum: tuple[Any, ...] | None = None
    description: str = ""
    inject: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """One registered template: its head as it holds after inheritance, and its own file's text.

    `kind` is a code action kind, with `title` the action appears in menus. `conditionals` maps a
    name to a jinja expression over the variables. `max_tokens` and `temperature` are what its
    task should use, None the general default. `parent` is the template it extends; `lines` maps
    a place in the head ("title", "variables.code.default") to its 1-based line in `path`.
    """

    id: str
    name: str
    category: str = "general"
    version: str = "1"
    variables: tuple[Variable, ...] = ()
    conditionals: Mapping[str, str] = field(default_factory=dict)
    response_type: str = "general"
    title: str | None = None
    kind: str | None = None
    description: str = ""
    extends: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    source: Source = "builtin"
    path: str = ""
    body: str = ""
    body_line: int = 1
    parent: Template | None = field(default=None, repr=False)
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A rendered template: the system part ("" if none) and the user part."""

    system: str
    user: str


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """What `templates check` found; `line` is 1-based in `path`."""

    path: str
    line: int
    message: str
    severity: Literal["error", "warning"] = "error"
