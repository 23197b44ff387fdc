"""Definitions of Elixir, Lua and Bash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiex_lsp.syntax.rules.base import (
    Definition,
    Rules,
    child_of_type,
    field,
    parent_of_type,
    text_of,
    unquoted,
)
from aiex_lsp.syntax.types import SymbolKind

if TYPE_CHECKING:
    from tree_sitter import Node

_MODULES: dict[str, SymbolKind] = {
    "defmodule": "module",
    "defprotocol": "interface",
    "defimpl": "module",
}
_TESTS = {"test", "describe", "property", "feature"}
_DOCS = {"doc", "typedoc"}
_ATTRIBUTES = {"spec", "impl", "deprecated", "tag", "describetag", "since", "dialyzer"} | _DOCS

ELIXIR_QUERY = """
(call target: (identifier) @t (#any-of? @t "def" "defp" "defmacro" "defmacrop" "defmodule"
  "defprotocol" "defimpl" "defguard" "defguardp" "defdelegate" "defn" "defnp"
  "test" "describe" "property" "feature")) @d
"""
LUA_QUERY = """
(function_declaration) @d
(assignment_statement (expression_list value: (function_definition))) @d
(table_constructor (field name: (_) value: (function_definition)) @d)
(chunk (assignment_statement (expression_list value: (table_constructor))) @d)
(chunk (variable_declaration
  (assignment_statement (expression_list value: (table_constructor))) @d))
(function_call name: (identifier) @m (#any-of? @m "describe" "context" "it" "test" "spec")) @d
"""
BASH_QUERY = "(function_definition) @d"


def read_elixir(node: Node) -> Definition | None:
    """Return the definition of Elixir at a node."""
    word = text_of(field(node, "target"))
    arguments = child_of_type(node, "arguments")
    head = arguments.named_children[0] if arguments and arguments.named_children else None
    if head is None:
        return None
    body = child_of_type(node, "do_block")
    if word in _TESTS:
        if body is None or head.type != "string":
            return None
        kind: SymbolKind = "module" if word == "describe" else "function"
        title, sign_to = unquoted(head), head.end_byte
        return Definition(kind, head, node, node, body, title, is_test=True, sign_to=sign_to)
    if word in _MODULES:
        text = text_of(head)
        is_test = word == "defmodule" and text.endswith("Test")
        return Definition(_MODULES[word], head, node, node, body, text, is_test=is_test)
    if head.type == "binary_operator" and text_of(field(head, "operator")) == "when":
        head = field(head, "left") or head
    name: Node | None = head
    if head.type == "call":
        name = field(head, "target")
    elif head.type in ("binary_operator", "unary_operator"):
        name = field(head, "operator")
    if name is None or name.type == "quoted_content":
        return None
    keywords = child_of_type(arguments, "keywords")
    return Definition("function", name, node, node, body or keywords)


def _elixir_attribute(node: Node) -> str:
    if node.type != "unary_operator":
        return ""
    operand = field(node, "operand")
    return text_of(field(operand, "target")) if operand is not None else ""


def read_lua(node: Node) -> Definition | None:
    """Return the definition of Lua at a node."""
    if node.type == "function_declaration":
        return _lua_named(field(node, "name"), node, node)
    if node.type == "function_call":
        return _lua_test(node)
    if node.type == "field":
        name = field(node, "name")
        value = field(node, "value")
        if name is None:
            return None
        body, sign_to = field(value, "body"), _lua_sign_to(value)
        return Definition("method", name, node, node, body, unquoted(name), sign_to=sign_to)
    names, values = child_of_type(node, "variable_list"), child_of_type(node, "expression_list")
    if names is None or values is None:
        return None
    value = values.named_children[0]
    whole = parent_of_type(node, "variable_declaration") or node
    return _lua_named(names.named_children[0], whole, value)


def _lua_sign_to(function: Node | None) -> int | None:
    parameters = field(function, "parameters")
    return parameters.end_byte if parameters is not None else None


def _lua_named(name: Node | None, whole: Node, value: Node) -> Definition | None:
    if name is None:
        return None
    if value.type == "table_constructor":
        sign_to = value.start_byte
        return Definition("constant", name, whole, whole, value, sign_to=sign_to)
    body, end = field(value, "body"), _lua_sign_to(value)
    if name.type not in ("method_index_expression", "dot_index_expression"):
        return Definition("function", name, whole, whole, body, sign_to=end)
    last = field(name, "method") or field(name, "field")
    if last is None:
        return None
    receiver = text_of(field(name, "table")).replace(":", ".")
    kind: SymbolKind = "method" if name.type == "method_index_expression" else "function"
    return Definition(kind, last, whole, whole, body, receiver=receiver, sign_to=end)


def _lua_test(node: Node) -> Definition | None:
    arguments = field(node, "arguments")
    function = child_of_type(arguments, "function_definition")
    title = child_of_type(arguments, "string")
    if title is None or function is None:
        return None
    suite = text_of(field(node, "name")) in ("describe", "context")
    kind: SymbolKind = "module" if suite else "function"
    return Definition(
        kind,
        title,
        node,
        node,
        field(function, "body"),
        unquoted(title),
        is_test=True,
        sign_to=title.end_byte,
    )


def read_bash(node: Node) -> Definition | None:
    """Return the definition of Bash at a node."""
    name = field(node, "name")
    if name is None:
        return None
    is_test = text_of(name).startswith("test_")
    return Definition("function", name, node, node, field(node, "body"), is_test=is_test)


ELIXIR = Rules(
    ELIXIR_QUERY,
    read_elixir,
    is_attribute=lambda node: _elixir_attribute(node) in _ATTRIBUTES,
    is_doc=lambda node: _elixir_attribute(node) in _DOCS,
)
LUA = Rules(LUA_QUERY, read_lua)
BASH = Rules(BASH_QUERY, read_bash)
