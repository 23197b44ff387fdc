"""The language of templates: what of jinja they may say."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.parser import Parser

from aiex_lsp.templates.filters import FILTERS, METHODS, TESTS
from aiex_lsp.templates.head import nearest
from aiex_lsp.templates.sandbox import MAX_INT_BITS, Sandbox

PARTS = ("system", "user")
"""The blocks that make a prompt."""
MAX_NODES = 5000
MAX_DEPTH = 60
"""Bounds of a template's syntax tree, so that compiling one takes less than a second."""

_UNAVAILABLE = {
    nodes.Extends: "extends goes into the head: `extends: id`",
    nodes.Include: "include is not available: a template may use no file but its own",
    nodes.Import: "import is not available: a template may use no file but its own",
    nodes.FromImport: "import is not available: a template may use no file but its own",
    nodes.Macro: "macros are not available: use a block or `set`",
    nodes.CallBlock: "call blocks are not available",
    nodes.NSRef: "namespaces are not available",
    nodes.ScopedEvalContextModifier: "autoescape is not available",
}
_PLAIN = (
    nodes.Output, nodes.TemplateData, nodes.If, nodes.FilterBlock, nodes.List, nodes.Tuple,
    nodes.Slice, nodes.Concat, nodes.Compare, nodes.Operand, nodes.And, nodes.Or,
    nodes.Not, nodes.Neg, nodes.Pos, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv,
    nodes.Mod, nodes.Pow, nodes.Getitem, nodes.Keyword, nodes.Pair,
)  # fmt: skip
_FUNCTIONS = ("range", "super")
_METHOD_NAMES = frozenset(name for _, name in METHODS)


@dataclass(slots=True)
class Analysis:
    """What a body or expression says: `problems` are (line, message), lines counted in it.

    `tree` is None where it does not parse. `blocks` maps each block's name to its line, `outer`
    are those not inside another; `supers` are the calls of `super`, by block and line.
    """

    tree: nodes.Template | None = None
    problems: list[tuple[int, str]] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    blocks: dict[str, int] = field(default_factory=dict)
    outer: set[str] = field(default_factory=set)
    supers: list[tuple[str, int]] = field(default_factory=list)


def analyze_body(env: Sandbox, body: str, known: Mapping[str, str]) -> Analysis:
    """Return what a template's body says; `known` maps declared names to their types."""
    analysis = Analysis()
    try:
        tree = env.parse(body)
        _Checker(analysis, known).body(tree)
    except TemplateSyntaxError as error:
        analysis.problems.append((error.lineno, _reason(error)))
    except RecursionError:
        analysis.problems.append((1, "is nested too deeply"))
    except (ValueError, OverflowError):
        analysis.problems.append((1, "holds a number that cannot be read"))
    else:
        analysis.tree = tree
    return analysis


def analyze_expression(env: Sandbox, text: str, known: Mapping[str, str]) -> Analysis:
    """Return what a conditional says; its tree sets the name `_`."""
    analysis = Analysis()
    try:
        parser = Parser(env, text, state="variable")
        expression = parser.parse_expression()
        if not parser.stream.eos:
            raise TemplateSyntaxError("more follows the expression", 1)
        _Checker(analysis, known).visit(expression, set())
    except TemplateSyntaxError as error:
        analysis.problems.append((1, _reason(error)))
    except RecursionError:
        analysis.problems.append((1, "is nested too deeply"))
    except (ValueError, OverflowError):
        analysis.problems.append((1, "holds a number that cannot be read"))
    else:
        target = nodes.Name("_", "store", lineno=1)
        analysis.tree = nodes.Template([nodes.Assign(target, expression, lineno=1)], lineno=1)
    return analysis


def _reason(error: TemplateSyntaxError) -> str:
    return f"syntax error: {error.message or 'cannot be parsed'}"


class _Checker:
    """Walks a tree with the names bound where it is; what is not listed is refused."""

    def __init__(self, analysis: Analysis, known: Mapping[str, str]) -> None:
        self._analysis = analysis
        self._known = known
        self._nodes = 0
        self._depth = 0
        self._inside = ""

    def body(self, tree: nodes.Template) -> None:
        """Check a whole body: at its top level stand blocks alone."""
        for node in tree.body:
            if isinstance(node, nodes.Block):
                self._analysis.outer.add(node.name)
            elif isinstance(node, nodes.Output) and all(
                isinstance(one, nodes.TemplateData) and not one.data.strip() for one in node.nodes
            ):
                continue
            elif type(node) not in _UNAVAILABLE:
                self._problem(node, "stands outside the blocks, so it is never shown", _skip(node))
            self.visit(node, set())

    def visit(self, node: nodes.Node, bound: set[str]) -> None:
        """Check a node; `bound` gains the names it sets."""
        self._nodes += 1
        self._depth += 1
        if self._depth > MAX_DEPTH or self._nodes > MAX_NODES:
            what = "is nested too deeply" if self._depth > MAX_DEPTH else "is too long"
            raise TemplateSyntaxError(what, node.lineno)
        kind = type(node)
        method = getattr(self, f"_{kind.__name__.lower()}", None)
        if kind in _UNAVAILABLE:
            self._problem(node, _UNAVAILABLE[kind])
        elif method is not None:
            method(node, bound)
        elif kind in _PLAIN:
            self._children(node, bound)
        else:
            self._problem(node, f"{kind.__name__.lower()} is not available")
        self._depth -= 1

    def _children(self, node: nodes.Node, bound: set[str]) -> None:
        for child in node.iter_child_nodes():
            self.visit(child, bound)

    def _all(self, many: list[Any], bound: set[str]) -> None:
        for node in many:
            self.visit(node, bound)

    def _problem(self, node: nodes.Node, message: str, skip: int = 0) -> None:
        self._analysis.problems.append(((node.lineno or 1) + skip, message))

    def _block(self, node: nodes.Block, bound: set[str]) -> None:
        del bound
        self._analysis.blocks[node.name] = node.lineno
        if node.scoped:
            self._problem(node, "scoped blocks are not available")
        around, self._inside = self._inside, node.name
        self._all(node.body, set())
        self._inside = around

    def _for(self, node: nodes.For, bound: set[str]) -> None:
        self.visit(node.iter, bound)
        kind = self._type_of(node.iter, bound)
        if kind in ("integer", "number", "boolean"):
            self._problem(node, f"loops over {_name(node.iter)!r}, which is of type {kind}")
        if node.recursive:
            self._problem(node, "recursive loops are not available")
        inner = {*bound, "loop"}
        self._target(node.target, inner)
        if node.test is not None:
            self.visit(node.test, inner)
        self._all(node.body, inner)
        self._all(node.else_, set(bound))

    def _with(self, node: nodes.With, bound: set[str]) -> None:
        self._all(node.values, bound)
        inner = set(bound)
        for target in node.targets:
            self._target(target, inner)
        self._all(node.body, inner)

    def _assign(self, node: nodes.Assign, bound: set[str]) -> None:
        self.visit(node.node, bound)
        self._target(node.target, bound)

    def _assignblock(self, node: nodes.AssignBlock, bound: set[str]) -> None:
        self._all(node.body, set(bound))
        if node.filter is not None:
            self.visit(node.filter, bound)
        self._target(node.target, bound)

    def _target(self, node: nodes.Node, bound: set[str]) -> None:
        if isinstance(node, nodes.Tuple):
            for item in node.items:
                self._target(item, bound)
        elif isinstance(node, nodes.Name):
            if node.name.startswith("_") or node.name in _FUNCTIONS or node.name == "self":
                self._problem(node, f"the name {node.name[:60]!r} is taken")
            bound.add(node.name)
        else:
            self._problem(node, _UNAVAILABLE.get(type(node), "cannot be set"))

    def _name(self, node: nodes.Name, bound: set[str]) -> None:
        if node.name in bound:
            return
        self._analysis.used.add(node.name)
        if node.name in _FUNCTIONS:
            self._problem(node, f"{node.name} can only be called: {node.name}()")
        elif node.name not in self._known:
            hint = nearest(node.name, {*self._known, *bound})
            self._problem(node, f"variable {node.name[:60]!r} is not declared{hint}")

    def _const(self, node: nodes.Const, bound: set[str]) -> None:
        del bound
        if isinstance(node.value, int) and node.value.bit_length() > MAX_INT_BITS:
            self._problem(node, "the number is too large")

    def _dict(self, node: nodes.Dict, bound: set[str]) -> None:
        for pair in node.items:
            if not isinstance(pair.key, nodes.Const) or not isinstance(pair.key.value, str | int):
                self._problem(node, "a map's keys must be written out")
        self._all(node.items, bound)

    def _condexpr(self, node: nodes.CondExpr, bound: set[str]) -> None:
        if node.expr2 is None:
            self._problem(node, "`a if b` needs an else")
        self._children(node, bound)

    def _call(self, node: nodes.Call, bound: set[str]) -> None:
        called = node.node
        if node.dyn_args is not None or node.dyn_kwargs is not None or node.kwargs:
            self._problem(node, "calls take plain arguments only")
        if isinstance(called, nodes.Getattr):
            self.visit(called.node, bound)
            if called.attr not in _METHOD_NAMES:
                hint = nearest(called.attr, _METHOD_NAMES)
                self._problem(node, f"method {called.attr[:60]!r} is not available{hint}")
        elif not isinstance(called, nodes.Name) or called.name not in _FUNCTIONS:
            self._problem(node, "only range, super and the listed methods can be called")
        elif called.name == "super":
            self._analysis.supers.append((self._inside, node.lineno))
        self._all(node.args, bound)

    def _getattr(self, node: nodes.Getattr, bound: set[str]) -> None:
        self.visit(node.node, bound)
        if node.attr.startswith("_"):
            self._problem(node, f"attribute {node.attr[:60]!r} is not available")
        kind = self._type_of(node.node, bound)
        if kind is not None and kind != "map":
            self._problem(node, f"{_name(node.node)!r} is of type {kind} and has no fields")

    def _filter(self, node: nodes.Filter, bound: set[str]) -> None:
        if node.name not in FILTERS:
            hint = nearest(node.name, FILTERS)
            self._problem(node, f"filter {node.name[:60]!r} is not available{hint}")
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            self._problem(node, "filters take plain arguments only")
        self._children(node, bound)

    def _test(self, node: nodes.Test, bound: set[str]) -> None:
        if node.name not in TESTS:
            hint = nearest(node.name, TESTS)
            self._problem(node, f"test {node.name[:60]!r} is not available{hint}")
        if node.kwargs or node.dyn_args is not None or node.dyn_kwargs is not None:
            self._problem(node, "tests take plain arguments only")
        self._children(node, bound)

    def _type_of(self, node: nodes.Node, bound: Set[str]) -> str | None:
        if isinstance(node, nodes.Name) and node.name not in bound:
            return self._known.get(node.name)
        return None


def _name(node: nodes.Node) -> str:
    return node.name[:60] if isinstance(node, nodes.Name) else ""


def _skip(node: nodes.Node) -> int:
    """Return the empty lines before an output's text."""
    first = node.nodes[0] if isinstance(node, nodes.Output) else None
    data = first.data if isinstance(first, nodes.TemplateData) else ""
    return data.count("\n", 0, len(data) - len(data.lstrip()))
