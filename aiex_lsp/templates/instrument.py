"""Puts the sandbox's checks into a template's tree, and compiles it."""

from __future__ import annotations

from types import CodeType
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.visitor import NodeTransformer

from aiex_lsp.templates.language import PARTS
from aiex_lsp.templates.sandbox import Sandbox


def compile_tree(env: Sandbox, tree: nodes.Template, name: str, path: str) -> CodeType:
    """Return the code of a tree that came through its analysis without problems, checks put in.

    The tree is used up. Raises `TemplateSyntaxError`, its line counted in the body.
    """
    instrumented = _Instrument().visit(tree)
    assert isinstance(instrumented, nodes.Template)
    instrumented.set_environment(env)
    try:
        return env.compile(instrumented, name, path or "<template>")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise TemplateSyntaxError("is nested too deeply", 1) from None


class _Instrument(NodeTransformer):
    """Puts the sandbox's operations into a checked tree."""

    def visit_Block(self, node: nodes.Block) -> nodes.Node:
        """Trim the parts' own text at both ends, and count each entry."""
        if node.name in PARTS and node.body:
            _trim(node.body[0], 0)
            _trim(node.body[-1], -1)
        self.generic_visit(node)
        node.body.insert(0, _pay(0, node.lineno))
        return node

    def visit_For(self, node: nodes.For) -> nodes.Node:
        """Count each round and each element tested."""
        self.generic_visit(node)
        node.body.insert(0, _pay(0, node.lineno))
        if node.test is not None:
            node.test = _filter(node.test, "_weighed")
        return node

    def visit_Output(self, node: nodes.Output) -> list[nodes.Node]:
        """Pay for the text that stands in the template."""
        self.generic_visit(node)
        size = sum(len(one.data) for one in node.nodes if isinstance(one, nodes.TemplateData))
        return [_pay(size, node.lineno), node]

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        """Bound what is compared."""
        self.generic_visit(node)
        node.expr = _filter(node.expr, "_weighed")
        for operand in node.ops:
            operand.expr = _filter(operand.expr, "_weighed")
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        """Pay for slices."""
        self.generic_visit(node)
        return _filter(node, "_cut") if isinstance(node.arg, nodes.Slice) else node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        """Pay for what `~` joins."""
        self.generic_visit(node)
        return _filter(node.nodes[0], "_concat", node.nodes[1:])

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        """Send methods through the sandbox's table."""
        self.generic_visit(node)
        if not isinstance(node.node, nodes.Getattr):
            return node
        name = nodes.Const(node.node.attr, lineno=node.lineno)
        return _filter(node.node.node, "_method", [name, *node.args])


def _filter(node: Any, name: str, args: list[nodes.Expr] | None = None) -> nodes.Filter:
    return nodes.Filter(node, name, args or [], [], None, None, lineno=node.lineno)


def _pay(chars: int, line: int) -> nodes.ExprStmt:
    return nodes.ExprStmt(_filter(nodes.Const(chars, lineno=line), "_put"), lineno=line)


def _trim(node: nodes.Node, end: int) -> None:
    if isinstance(node, nodes.Output):
        data = node.nodes[end]
        if isinstance(data, nodes.TemplateData):
            data.data = data.data.lstrip() if end == 0 else data.data.rstrip()
