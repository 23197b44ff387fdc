"""Definitions of Python: functions, methods, classes, module constants."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiex_lsp.syntax.rules.base import Definition, Rules, child_of_type, field, parent_of_type
from aiex_lsp.syntax.rules.base import text_of as _text
from aiex_lsp.syntax.types import SymbolKind

if TYPE_CHECKING:
    from tree_sitter import Node

_CONSTANT = re.compile(r"[A-Z][A-Z0-9_]*$|__\w+__$|[A-Z]\w*$")
_TEST_NAME = re.compile(rb"\s*(?:async\s+)?def\s+test")

QUERY = """
[(function_definition) (class_definition)] @d
(module (expression_statement (assignment left: (identifier)) @d))
(class_definition body: (block (expression_statement
  (assignment left: (identifier) right: (lambda)) @d)))
(type_alias_statement) @d
"""


def read(node: Node) -> Definition | None:
    """Return the definition at a node."""
    if node.type == "type_alias_statement":
        name = field(node, "left")
        return Definition("type", name, node, node) if name else None
    if node.type == "assignment":
        return _assigned(node)
    name = field(node, "name")
    if name is None:
        return None
    whole = parent_of_type(node, "decorated_definition") or node
    body = field(node, "body")
    colon = next((child.start_byte for child in node.children if child.type == ":"), None)
    if node.type == "class_definition":
        is_test = _is_test_class(node)
        return Definition("class", name, whole, node, body, is_test=is_test, sign_to=colon)
    block = whole.parent
    owner = parent_of_type(block, "class_definition") if block is not None else None
    title = _text(name)
    is_test = title == "test" or title.startswith("test_" if owner is None else "test")
    kind: SymbolKind = "method" if owner else "function"
    return Definition(kind, name, whole, node, body, is_test=is_test, sign_to=colon)


def _assigned(node: Node) -> Definition | None:
    name, value = field(node, "left"), field(node, "right")
    if name is None:
        return None
    if value is not None and value.type == "lambda":
        owner = parent_of_type(node.parent, "block") if node.parent is not None else None
        return Definition("method" if owner else "function", name, node, node, field(value, "body"))
    if not _CONSTANT.match(_text(name)):
        return None
    return Definition("constant", name, node, node)


def _is_test_class(node: Node) -> bool:
    if "TestCase" in _text(field(node, "superclasses")):
        return True
    if not _text(field(node, "name")).startswith("Test"):
        return False
    body = field(node, "body")
    return body is not None and any(
        _TEST_NAME.match(
            (child_of_type(one, "function_definition") or one).text or b""
            if one.type == "decorated_definition"
            else one.text or b""
        )
        for one in body.named_children
    )


RULES = Rules(QUERY, read)
