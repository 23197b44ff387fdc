"""What is wrong in a template's body and conditionals, with the line in its file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aiex_lsp.templates.types import Template, TemplateProblem

if TYPE_CHECKING:
    from aiex_lsp.templates.language import Analysis
    from aiex_lsp.templates.sandbox import Sandbox


def lint(template: Template, env: Sandbox) -> list[TemplateProblem]:
    """Return the problems of a template's own file: errors make it unusable, warnings do not.

    What its ancestors declare, use and show counts; their own problems are theirs.
    """
    from jinja2.exceptions import TemplateSyntaxError

    from aiex_lsp.templates.engine import ancestry
    from aiex_lsp.templates.instrument import compile_tree
    from aiex_lsp.templates.language import PARTS, analyze_body

    known: dict[str, str] = {one.name: one.type for one in template.variables}
    problems, used = _conditionals(template, env, known)
    known.update(dict.fromkeys(template.conditionals, "boolean"))
    own = analyze_body(env, template.body, known)
    inherited = [analyze_body(env, one.body, known) for one in ancestry(template)[1:]]
    for line, message in sorted(set(own.problems)):
        problems.append(_at(template, template.body_line + line - 1, message))
    if own.tree is None:
        return problems
    above = {name for one in inherited for name in one.blocks}
    problems += _blocks(template, own, above, PARTS)
    for one in (own, *inherited):
        used |= one.used
    problems += _unused(template, used)
    if not own.problems:
        try:
            compile_tree(env, own.tree, template.id, template.path)
        except TemplateSyntaxError as error:
            line = template.body_line + error.lineno - 1
            problems.append(_at(template, line, error.message or "syntax error"))
    return problems


def _conditionals(
    template: Template, env: Sandbox, known: Mapping[str, str]
) -> tuple[list[TemplateProblem], set[str]]:
    from aiex_lsp.templates.language import analyze_expression

    problems: list[TemplateProblem] = []
    used: set[str] = set()
    names = dict(known)
    for name, expression in template.conditionals.items():
        analysis = analyze_expression(env, expression, names)
        used |= analysis.used
        names[name] = "boolean"
        place = f"conditionals.{name}"
        # An inherited conditional is at fault here only if this file took its variables away.
        line = template.lines.get(place, template.lines.get("variables", 1))
        for _, message in analysis.problems:
            problems.append(_at(template, line, f"conditional {name!r}: {message}"))
    return problems, used


def _blocks(
    template: Template, own: Analysis, above: set[str], parts: tuple[str, ...]
) -> list[TemplateProblem]:
    problems = []
    for name in sorted(own.outer - {*parts} - above):
        where = f"system, user or a block of {template.extends!r}" if above else "system or user"
        line = template.body_line + own.blocks[name] - 1
        problems.append(_at(template, line, f"block {name!r} is never shown: it is not {where}"))
    for name, line in own.supers:
        if name not in above:
            what = f"super() has nothing to show: no template above has a block {name!r}"
            problems.append(_at(template, template.body_line + line - 1, what))
    if "user" not in own.blocks and "user" not in above:
        problems.append(_at(template, template.body_line, "has no block user: what is asked"))
    return problems


def _unused(template: Template, used: set[str]) -> list[TemplateProblem]:
    problems = []
    for variable in template.variables:
        line = template.lines.get(f"variables.{variable.name}")
        if line is not None and variable.name not in used:
            message = f"variable {variable.name!r} is declared but not used"
            problems.append(_at(template, line, message, warning=True))
    for name in template.conditionals:
        line = template.lines.get(f"conditionals.{name}")
        if line is not None and name not in used:
            message = f"conditional {name!r} is not used"
            problems.append(_at(template, line, message, warning=True))
    return problems


def _at(template: Template, line: int, message: str, *, warning: bool = False) -> TemplateProblem:
    return TemplateProblem(template.path, line, message, "warning" if warning else "error")
