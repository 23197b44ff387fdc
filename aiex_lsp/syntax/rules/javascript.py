"""Definitions of JavaScript, JSX, TypeScript and TSX, tests of jest and its kin among them."""

from __future__ import annotations

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

_FUNCTION = "[(arrow_function) (function_expression) (generator_function)]"
_MODULE = ("program", "export_statement", "ambient_declaration")
_FUNCTIONS = {"arrow_function", "function_expression", "generator_function"}
_SUITES = {"describe", "fdescribe", "xdescribe", "suite", "context"}
_CASES = {"it", "test", "fit", "xit", "xtest", "specify", "bench"}

QUERY = f"""
[(function_declaration) (generator_function_declaration) (class_declaration)
 (method_definition)] @d
(variable_declarator value: {_FUNCTION}) @d
(variable_declarator value: (class)) @d
(program (lexical_declaration (variable_declarator) @d))
(program (variable_declaration (variable_declarator) @d))
(program (export_statement (lexical_declaration (variable_declarator) @d)))
(assignment_expression right: {_FUNCTION}) @d
(assignment_expression right: (class)) @d
(assignment_expression left: (member_expression) right: (object)) @d
(pair value: {_FUNCTION}) @d
(export_statement value: {_FUNCTION} @d)
(export_statement value: (class) @d)
(call_expression arguments: (arguments . [(string) (template_string)]
  [(arrow_function) (function_expression)])) @d
"""
_FIELDS = f"({{}} value: {_FUNCTION}) @d\n"
_TYPES = """
[(abstract_class_declaration) (interface_declaration) (type_alias_declaration) (enum_declaration)
 (internal_module) (module) (function_signature) (abstract_method_signature)] @d
(export_statement (ambient_declaration (lexical_declaration (variable_declarator) @d)))
"""
_KINDS: dict[str, SymbolKind] = {
    "class_declaration": "class",
    "abstract_class_declaration": "class",
    "interface_declaration": "interface",
    "type_alias_declaration": "type",
    "enum_declaration": "enum",
    "internal_module": "module",
    "module": "module",
    "method_definition": "method",
    "abstract_method_signature": "method",
    "field_definition": "method",
    "public_field_definition": "method",
}


def read(node: Node) -> Definition | None:
    """Return the definition at a node."""
    if node.type == "call_expression":
        return _test(node)
    if node.type == "variable_declarator":
        return _variable(node)
    if node.type == "assignment_expression":
        return _assignment(node)
    if node.type == "pair":
        key, value = field(node, "key"), field(node, "value")
        if key is None or value is None:
            return None
        return Definition("method", key, node, node, _body(value), unquoted(key))
    exported = parent_of_type(node, "export_statement")
    if exported is not None and (node.type in _FUNCTIONS or node.type == "class"):
        return _default(node, exported)
    name = field(node, "name") or field(node, "property")
    if name is None:
        return None
    whole = _whole(node)
    begin = first_after(whole, "decorator") if whole.type == "export_statement" else None
    if begin is None or field(node, "decorator") is not None:
        begin = first_after(node, "decorator")
    body = _body(field(node, "value")) if "field_definition" in node.type else field(node, "body")
    return Definition(
        _KINDS.get(node.type, "function"),
        name,
        whole,
        node,
        body,
        unquoted(name),
        sign_from=begin,
    )


def _body(value: Node | None) -> Node | None:
    if value is not None and value.type == "call_expression":
        wrapped = child_of_type(field(value, "arguments"), *_FUNCTIONS)
        return field(wrapped, "body") or field(value, "arguments")
    return field(value, "body") or value


def _variable(node: Node) -> Definition | None:
    name, value = field(node, "name"), field(node, "value")
    if name is None or name.type != "identifier":
        return None
    kind: SymbolKind = "constant"
    if value is not None and value.type in _FUNCTIONS:
        kind = "function"
    elif value is not None and value.type == "class":
        kind = "class"
    elif value is not None and value.type == "call_expression":
        called = text_of(field(value, "function"))
        if called in ("require", "import"):
            return None
        if child_of_type(field(value, "arguments"), *_FUNCTIONS) is not None:
            kind = "function"
    whole = node
    declaration = parent_of_type(node, "lexical_declaration", "variable_declaration")
    if declaration is not None and declaration.named_child_count == 1:
        whole = _whole(declaration)
    if kind == "constant":
        body = value if value is not None and value.type == "object" else None
    else:
        body = _body(value)
    return Definition(kind, name, whole, whole, body)


def _assignment(node: Node) -> Definition | None:
    target, value = field(node, "left"), field(node, "right")
    if target is None or value is None:
        return None
    name, receiver = target, ""
    kind: SymbolKind = "class" if value.type == "class" else "function"
    if target.type == "member_expression":
        owner, property_ = field(target, "object"), field(target, "property")
        if owner is None or property_ is None:
            return None
        name = property_
        receiver = text_of(owner).removesuffix(".prototype")
        if text_of(target) in ("module.exports", "exports"):
            own = field(value, "name")
            name, receiver = own or property_, ""
        elif receiver in ("exports", "module.exports", "this", "self", "window", "globalThis"):
            receiver = ""
        if kind == "function" and (receiver or text_of(owner) == "this"):
            kind = "method"
    elif target.type != "identifier":
        return None
    if value.type == "object":
        if text_of(target) != "module.exports":
            return None
        kind = "constant"
    whole = parent_of_type(node, "expression_statement") or node
    body = value if value.type == "object" else _body(value)
    return Definition(kind, name, whole, whole, body, receiver=" ".join(receiver.split()))


def _default(node: Node, exported: Node) -> Definition:
    name = field(node, "name")
    kind: SymbolKind = "class" if node.type == "class" else "function"
    default = next((child for child in exported.children if child.type == "default"), node)
    if name is not None:
        return Definition(kind, name, exported, exported, field(node, "body"))
    return Definition(kind, default, exported, exported, field(node, "body"), "default")


def _test(node: Node) -> Definition | None:
    arguments = field(node, "arguments")
    called = field(node, "function")
    while called is not None and called.type in ("call_expression", "member_expression"):
        called = field(called, "function") or field(called, "object")
    word = text_of(called)
    if word == "Deno":
        word = "test"
    if arguments is None or not (word in _SUITES or word in _CASES):
        return None
    title = arguments.named_children[0]
    function = child_of_type(arguments, "arrow_function", "function_expression")
    whole = parent_of_type(node, "expression_statement") or node
    return Definition(
        "module" if word in _SUITES else "function",
        title,
        whole,
        whole,
        field(function, "body"),
        unquoted(title),
        is_test=True,
        sign_to=title.end_byte,
    )


def _whole(node: Node) -> Node:
    outer = parent_of_type(node, "export_statement", "ambient_declaration", "expression_statement")
    if outer is None:
        return node
    return parent_of_type(outer, "export_statement", "ambient_declaration") or outer


RULES = Rules(QUERY + _FIELDS.format("field_definition"), read, attributes=frozenset({"decorator"}))
TYPESCRIPT = Rules(
    QUERY + _FIELDS.format("public_field_definition") + _TYPES,
    read,
    attributes=frozenset({"decorator"}),
)
