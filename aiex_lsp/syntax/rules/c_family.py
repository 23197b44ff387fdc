"""Definitions of C and C++: names stand inside declarators."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiex_lsp.syntax.rules.base import (
    Definition,
    Rules,
    child_of_type,
    field,
    parent_of_type,
    text_of,
)
from aiex_lsp.syntax.types import SymbolKind

if TYPE_CHECKING:
    from tree_sitter import Node

_TEST_MACRO = re.compile(r"(?:TEST|TEST_F|TEST_P|TYPED_TEST|TYPED_TEST_P|BOOST_\w*TEST_CASE)$")
_OPEN = (
    "translation_unit",
    "declaration_list",
    "field_declaration_list",
    "template_declaration",
    "linkage_specification",
    "preproc_if",
    "preproc_ifdef",
    "preproc_else",
    "preproc_elif",
)
_DECLARATORS = {
    "pointer_declarator",
    "reference_declarator",
    "parenthesized_declarator",
    "array_declarator",
    "attributed_declarator",
    "function_declarator",
    "init_declarator",
}
_NAMES = {
    "identifier",
    "field_identifier",
    "type_identifier",
    "destructor_name",
    "operator_name",
    "operator_cast",
    "qualified_identifier",
    "template_function",
    "template_method",
    "primitive_type",
}
_KINDS: dict[str, SymbolKind] = {
    "struct_specifier": "struct",
    "union_specifier": "struct",
    "class_specifier": "class",
    "enum_specifier": "enum",
}

C_QUERY = """
[(function_definition) (type_definition) (preproc_function_def) (preproc_def)] @d
(struct_specifier body: (_)) @d
(union_specifier body: (_)) @d
(enum_specifier body: (_)) @d
(declaration declarator: [(function_declarator) (pointer_declarator)]) @d
"""
CPP_QUERY = (
    C_QUERY
    + """
[(namespace_definition) (alias_declaration) (concept_definition)] @d
(class_specifier body: (_)) @d
(declaration declarator: (reference_declarator)) @d
(declaration declarator: (operator_cast)) @d
(declaration declarator: (init_declarator value: (lambda_expression))) @d
(field_declaration declarator: [(function_declarator) (pointer_declarator)
  (reference_declarator)]) @d
"""
)


def read(node: Node) -> Definition | None:
    """Return the definition at a node."""
    if node.type in _KINDS:
        return _type(node, _KINDS[node.type])
    if node.type in ("function_definition", "declaration", "field_declaration"):
        return _function(node)
    if node.type == "type_definition":
        return _typedef(node)
    name = field(node, "name")
    if name is None:
        return None
    if node.type == "preproc_def":
        value = field(node, "value")
        return Definition("constant", name, node, node) if value is not None else None
    if node.type == "preproc_function_def":
        return Definition("function", name, node, node, field(node, "value"))
    kind: SymbolKind = "module" if node.type == "namespace_definition" else "type"
    title = text_of(name).replace("::", ".") if kind == "module" else None
    return Definition(kind, name, _templated(node), node, field(node, "body"), title)


def _type(node: Node, kind: SymbolKind) -> Definition | None:
    if parent_of_type(node, "type_definition"):
        return None
    name = field(node, "name")
    if name is None:
        return None
    receiver = ""
    if name.type == "qualified_identifier":
        name, receiver = _unqualified(name)
    if name.type == "template_type":
        name = field(name, "name") or name
    whole = _templated(node)
    return Definition(kind, name, whole, whole, field(node, "body"), receiver=receiver)


def _typedef(node: Node) -> Definition | None:
    name = _name(field(node, "declarator"))
    if name is None:
        return None
    type_ = field(node, "type")
    body = field(type_, "body")
    kind = _KINDS.get(type_.type, "type") if type_ is not None and body is not None else "type"
    return Definition(kind, name, node, node, body)


def _function(node: Node) -> Definition | None:
    declarator = field(node, "declarator")
    is_definition = node.type == "function_definition"
    body = field(node, "body") or child_of_type(node, "try_statement", "compound_statement")
    if declarator is not None and declarator.type == "init_declarator":
        name = _name(declarator)
        if name is None or not parent_of_type(node, *_OPEN):
            return None
        body = field(declarator, "value", "body")
        return Definition("function", name, node, node, body)
    if not is_definition and not (parent_of_type(node, *_OPEN) and _declares_function(declarator)):
        return None
    name = _name(declarator)
    if name is None:
        return None
    if is_definition and _TEST_MACRO.match(text_of(name)):
        return _test(node, declarator, name, body)
    receiver, title = "", None
    if name.type == "qualified_identifier":
        name, receiver = _unqualified(name)
    if name.type == "operator_cast":
        name = field(name, "type") or name
        title = f"operator {text_of(name)}"
    elif name.type in ("operator_name", "destructor_name"):
        title = "".join(text_of(name).split()) if name.type == "destructor_name" else None
    elif name.type in ("template_function", "template_method"):
        name = field(name, "name") or name
    in_class = parent_of_type(node, "field_declaration_list") or (
        (outer := parent_of_type(node, "template_declaration")) is not None
        and parent_of_type(outer, "field_declaration_list")
    )
    kind: SymbolKind = "method" if in_class or receiver else "function"
    whole = _templated(node)
    initializers = child_of_type(node, "field_initializer_list")
    sign_to = initializers.start_byte if initializers is not None else None
    return Definition(kind, name, whole, whole, body, title, receiver, sign_to=sign_to)


def _test(node: Node, declarator: Node | None, name: Node, body: Node | None) -> Definition:
    parameters = field(declarator, "parameters")
    names = parameters.named_children if parameters is not None else []
    receiver = text_of(names[0]) if len(names) > 1 else ""
    name = names[-1] if names else name
    return Definition("function", name, node, node, body, None, receiver, is_test=True)


def _declares_function(node: Node | None) -> bool:
    while node is not None and node.type in _DECLARATORS:
        if node.type == "function_declarator":
            inner = field(node, "declarator")
            # `int (*f)(int)` declares a variable, `int (*f(int))(int)` a function.
            return (
                inner is None
                or inner.type != "parenthesized_declarator"
                or any(_declares_function(one) for one in _inside(inner))
            )
        node = field(node, "declarator") or next(iter(node.named_children), None)
    return node is not None and node.type == "operator_cast"


def _inside(node: Node) -> list[Node]:
    return [inner for child in node.named_children for inner in (child, *child.named_children)]


def _name(node: Node | None) -> Node | None:
    """Return the node that holds the name: declarators wrap it many times over."""
    while node is not None and node.type not in _NAMES:
        if node.type not in _DECLARATORS:
            return None
        node = field(node, "declarator") or next(
            (one for one in node.named_children if one.type in _NAMES | _DECLARATORS), None
        )
    return node


def _unqualified(name: Node) -> tuple[Node, str]:
    """Return the last part of `a::B<T>::c` and the dotted path before it."""
    path: list[str] = []
    while name.type == "qualified_identifier":
        scope, inner = field(name, "scope"), field(name, "name")
        if scope is not None:
            path.append(text_of(field(scope, "name") or scope))
        if inner is None:
            break
        name = inner
    return name, ".".join(path)


def _templated(node: Node) -> Node:
    while (outer := parent_of_type(node, "template_declaration")) is not None:
        node = outer
    return node


C = Rules(C_QUERY, read)
CPP = Rules(CPP_QUERY, read)
