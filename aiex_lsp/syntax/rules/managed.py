"""Definitions of Java and C#."""

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
)
from aiex_lsp.syntax.types import SymbolKind

if TYPE_CHECKING:
    from tree_sitter import Node

_JAVA_TEST = re.compile(r"@(?:\w+\.)*(?:\w*Test|TestFactory|TestTemplate|Property)\b")
_CSHARP_TEST = re.compile(
    r"\[\s*(?:\w+\.)*(?:Fact|Theory|Test|TestMethod|DataTestMethod|TestCase|TestCaseSource)\b"
)
_CSHARP_FIXTURE = re.compile(r"\[\s*(?:\w+\.)*(?:TestFixture|TestClass)\b")
_CLASS_NAME = re.compile(r"(?:\w*(?:Test|Tests|TestCase|IT)|Test[A-Z]\w*)$")

JAVA_QUERY = """
[(class_declaration) (interface_declaration) (enum_declaration) (record_declaration)
 (annotation_type_declaration) (method_declaration) (constructor_declaration)
 (compact_constructor_declaration)] @d
(field_declaration (modifiers "static" "final")) @d
(constant_declaration) @d
"""
CSHARP_QUERY = """
[(class_declaration) (interface_declaration) (enum_declaration) (record_declaration)
 (struct_declaration) (delegate_declaration) (method_declaration) (constructor_declaration)
 (destructor_declaration) (operator_declaration) (conversion_operator_declaration)
 (indexer_declaration) (local_function_statement) (namespace_declaration)
 (property_declaration)] @d
(field_declaration (modifier "const")) @d
"""
_KINDS: dict[str, SymbolKind] = {
    "class_declaration": "class",
    "record_declaration": "class",
    "struct_declaration": "struct",
    "interface_declaration": "interface",
    "annotation_type_declaration": "interface",
    "enum_declaration": "enum",
    "delegate_declaration": "type",
    "namespace_declaration": "module",
    "local_function_statement": "function",
    "field_declaration": "constant",
    "constant_declaration": "constant",
}


def read_java(node: Node) -> Definition | None:
    """Return the definition of Java at a node."""
    name = field(node, "name") or field(node, "declarator", "name")
    if name is None:
        return None
    kind = _KINDS.get(node.type, "method")
    modifiers = child_of_type(node, "modifiers")
    begin = node.start_byte
    if modifiers is not None:
        begin = first_after(modifiers, "marker_annotation", "annotation")
        if begin == modifiers.start_byte and modifiers.child_count and _only_annotations(modifiers):
            begin = first_after(node, "modifiers")
    body = field(node, "body")
    is_test = False
    if kind == "method":
        is_test = bool(_JAVA_TEST.search(text_of(modifiers)))
        is_test = is_test or (text_of(name).startswith("test") and _in_test_case(node))
    elif kind == "class":
        is_test = _extends_test_case(node) or (
            bool(_CLASS_NAME.match(text_of(name))) and bool(_JAVA_TEST.search(text_of(body)))
        )
    return Definition(kind, name, node, node, body, is_test=is_test, sign_from=begin)


def _only_annotations(modifiers: Node) -> bool:
    return all(one.type in ("marker_annotation", "annotation") for one in modifiers.children)


def _extends_test_case(node: Node) -> bool:
    return "TestCase" in text_of(field(node, "superclass"))


def _in_test_case(node: Node) -> bool:
    body = parent_of_type(node, "class_body")
    owner = body.parent if body is not None else None
    return owner is not None and _extends_test_case(owner)


def read_csharp(node: Node) -> Definition | None:
    """Return the definition of C# at a node."""
    kind = _KINDS.get(node.type, "method")
    name, title = field(node, "name"), None
    if node.type == "field_declaration":
        declarator = child_of_type(
            child_of_type(node, "variable_declaration"), "variable_declarator"
        )
        name = field(declarator, "name") or declarator
    elif node.type == "operator_declaration":
        name = field(node, "operator") or _operator(node)
        title = f"operator {text_of(name)}"
    elif node.type == "conversion_operator_declaration":
        name = field(node, "type")
        title = f"operator {text_of(name)}"
    elif node.type == "indexer_declaration":
        name = next((child for child in node.children if child.type == "this"), None)
        title = "this"
    elif node.type == "destructor_declaration":
        title = f"~{text_of(name)}"
    elif node.type == "namespace_declaration":
        title = "".join(text_of(name).split())
    if name is None:
        return None
    body = field(node, "body") or field(node, "accessors") or field(node, "value")
    attributes = "".join(text_of(one) for one in node.children if one.type == "attribute_list")
    if kind == "class":
        is_test = bool(_CSHARP_FIXTURE.search(attributes)) or (
            bool(_CLASS_NAME.match(text_of(name))) and bool(_CSHARP_TEST.search(text_of(body)))
        )
    else:
        is_test = bool(_CSHARP_TEST.search(attributes))
    begin = first_after(node, "attribute_list", "comment")
    return Definition(kind, name, node, node, body, title, is_test=is_test, sign_from=begin)


def _operator(node: Node) -> Node | None:
    seen = False
    for child in node.children:
        if seen:
            return child
        seen = child.type == "operator"
    return None


JAVA = Rules(JAVA_QUERY, read_java, comments=frozenset({"line_comment", "block_comment"}))
CSHARP = Rules(CSHARP_QUERY, read_csharp)
