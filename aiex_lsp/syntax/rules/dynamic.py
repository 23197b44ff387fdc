"""Definitions of Ruby and PHP."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiex_lsp.syntax.rules.base import (
    Definition,
    Rules,
    child_of_type,
    field,
    first_after,
    parent_of_type,
    text_of,
    unquoted,
)
from aiex_lsp.syntax.types import SymbolKind

if TYPE_CHECKING:
    from tree_sitter import Node

_RUBY_SUITES = {"describe", "context", "feature", "shared_examples"}
_RUBY_CASES = {"it", "specify", "test", "scenario", "example"}
_RUBY_TEST_CLASS = re.compile(r"TestCase|Minitest::Test|Test::Unit|IntegrationTest|SystemTest")
_PHP_TEST = re.compile(r"#\[\s*(?:[\w\\]*\\)?Test\b")

RUBY_QUERY = """
[(method) (singleton_method) (class) (module)] @d
(assignment left: [(constant) (scope_resolution)]) @d
(call method: (identifier) @m block: [(do_block) (block)]
  (#any-of? @m "describe" "context" "feature" "shared_examples" "it" "specify" "test"
    "scenario" "example")) @d
"""
PHP_QUERY = """
[(function_definition) (method_declaration) (class_declaration) (interface_declaration)
 (trait_declaration) (enum_declaration) (const_declaration)] @d
(namespace_definition body: (_)) @d
(assignment_expression right: [(anonymous_function) (arrow_function)]) @d
(function_call_expression function: (name) @m
  (#any-of? @m "it" "test" "describe")) @d
"""


def read_ruby(node: Node) -> Definition | None:
    """Return the definition of Ruby at a node."""
    if node.type == "call":
        return _ruby_test(node)
    if node.type == "assignment":
        return _ruby_constant(node)
    name, receiver = field(node, "name"), ""
    if name is None:
        return None
    if name.type == "scope_resolution":
        receiver = text_of(field(name, "scope")).replace("::", ".")
        name = field(name, "name") or name
    body = field(node, "body")
    if node.type in ("class", "module"):
        is_test = bool(_RUBY_TEST_CLASS.search(text_of(field(node, "superclass"))))
        kind: SymbolKind = "class" if node.type == "class" else "module"
        sign_to = None if body is not None else (field(node, "superclass") or name).end_byte
        return Definition(
            kind, name, node, node, body, None, receiver, is_test=is_test, sign_to=sign_to
        )
    title = text_of(name)
    whole = node
    if (arguments := parent_of_type(node, "argument_list")) is not None:
        whole = parent_of_type(arguments, "call") or node  # `private def name`
    owner = whole.parent
    while owner is not None and owner.type in ("body_statement", "singleton_class"):
        owner = owner.parent
    in_class = owner is not None and owner.type in ("class", "module")
    kind = "method" if in_class or node.type == "singleton_method" else "function"
    is_test = title.startswith("test_") and in_class
    sign_to = None if body is not None else (field(node, "parameters") or name).end_byte
    return Definition(kind, name, whole, whole, body, is_test=is_test, sign_to=sign_to)


def _ruby_constant(node: Node) -> Definition | None:
    name, value = field(node, "left"), field(node, "right")
    if name is None:
        return None
    receiver = ""
    if name.type == "scope_resolution":
        receiver = text_of(field(name, "scope")).replace("::", ".")
        name = field(name, "name") or name
    made = text_of(field(value, "receiver")) if value is not None and value.type == "call" else ""
    if made in ("Struct", "Class", "Data"):
        return Definition("class", name, node, node, field(value, "block"), receiver=receiver)
    return Definition("constant", name, node, node, receiver=receiver)


def _ruby_test(node: Node) -> Definition | None:
    method = field(node, "method")
    word = text_of(method)
    receiver = field(node, "receiver")
    if method is None or (receiver is not None and text_of(receiver) != "RSpec"):
        return None
    arguments = field(node, "arguments")
    title = arguments.named_children[0] if arguments and arguments.named_children else None
    if title is None and word not in _RUBY_CASES:
        return None
    kind: SymbolKind = "module" if word in _RUBY_SUITES else "function"
    text = unquoted(title) if title is not None else word
    return Definition(
        kind,
        title or method,
        node,
        node,
        field(node, "block"),
        text,
        is_test=True,
        sign_to=(title or method).end_byte,
    )


def read_php(node: Node) -> Definition | None:
    """Return the definition of PHP at a node."""
    if node.type == "function_call_expression":
        return _php_test(node)
    if node.type == "assignment_expression":
        left, value = field(node, "left"), field(node, "right")
        name = child_of_type(left, "name") if left is not None else None
        if name is None or left is None or left.type != "variable_name":
            return None
        whole = parent_of_type(node, "expression_statement") or node
        return Definition("function", left, whole, whole, field(value, "body"))
    if node.type == "const_declaration":
        name = child_of_type(child_of_type(node, "const_element"), "name")
        return Definition("constant", name, node, node) if name is not None else None
    name = field(node, "name")
    if name is None:
        return None
    kinds: dict[str, SymbolKind] = {
        "function_definition": "function",
        "class_declaration": "class",
        "interface_declaration": "interface",
        "trait_declaration": "trait",
        "enum_declaration": "enum",
        "namespace_definition": "module",
    }
    kind = kinds.get(node.type, "method")
    title = text_of(name).replace("\\", ".") if kind == "module" else None
    return Definition(
        kind,
        name,
        node,
        node,
        field(node, "body"),
        title,
        is_test=_php_is_test(node, kind, text_of(name)),
        sign_from=first_after(node, "attribute_list", "comment"),
    )


def _php_is_test(node: Node, kind: SymbolKind, name: str) -> bool:
    if kind == "class":
        return "TestCase" in text_of(child_of_type(node, "base_clause"))
    if kind != "method":
        return False
    before = node.prev_sibling
    annotated = before is not None and before.type == "comment" and "@test" in text_of(before)
    return (
        name.startswith("test")
        or annotated
        or bool(_PHP_TEST.search(text_of(field(node, "attributes"))))
    )


def _php_test(node: Node) -> Definition | None:
    arguments = field(node, "arguments")
    if arguments is None or len(arguments.named_children) < 2:
        return None
    title, function = (next(iter(one.named_children), None) for one in arguments.named_children[:2])
    if title is None or function is None or "string" not in title.type:
        return None
    if function.type not in ("anonymous_function", "arrow_function"):
        return None
    kind: SymbolKind = "module" if text_of(field(node, "function")) == "describe" else "function"
    whole = parent_of_type(node, "expression_statement") or node
    return Definition(
        kind,
        title,
        whole,
        whole,
        field(function, "body"),
        unquoted(title),
        is_test=True,
        sign_to=title.end_byte,
    )


RUBY = Rules(RUBY_QUERY, read_ruby)
PHP = Rules(PHP_QUERY, read_php)
