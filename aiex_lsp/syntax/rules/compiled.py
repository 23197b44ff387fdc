"""Definitions of Go and Rust."""

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

_GO_TEST = re.compile(r"(?:Test|Benchmark|Fuzz)(?![a-z])|Example(?![a-z])")
_RUST_TEST = re.compile(r"#\s*\[\s*(?:\w+\s*::\s*)*(?:test|rstest|test_case|bench|quickcheck)\b")
_RUST_CFG_TEST = re.compile(r"#\s*\[\s*cfg\s*\(.*\btest\b")

GO_QUERY = """
[(function_declaration) (method_declaration) (type_spec) (type_alias)] @d
(source_file (var_declaration (var_spec) @d))
(source_file (var_declaration (var_spec_list (var_spec) @d)))
(source_file (const_declaration (const_spec) @d))
"""
RUST_QUERY = """
[(function_item) (function_signature_item) (struct_item) (enum_item) (union_item) (trait_item)
 (impl_item) (mod_item) (macro_definition) (const_item) (static_item) (type_item)
 (associated_type)] @d
"""


def read_go(node: Node) -> Definition | None:
    """Return the definition of Go at a node."""
    name = field(node, "name")
    if name is None:
        return None
    title = text_of(name)
    if node.type == "function_declaration":
        parameters = text_of(field(node, "parameters"))
        is_test = bool(_GO_TEST.match(title)) and (
            "testing." in parameters or title.startswith("Example")
        )
        return Definition("function", name, node, node, field(node, "body"), is_test=is_test)
    if node.type == "method_declaration":
        return Definition("method", name, node, node, field(node, "body"), receiver=_receiver(node))
    whole = node
    group = parent_of_type(node, "type_declaration", "var_declaration", "const_declaration")
    if group is not None and group.named_child_count == 1 and b"(" not in (group.text or b"")[:9]:
        whole = group
    value = field(node, "type") if node.type != "var_spec" else field(node, "value")
    if node.type in ("var_spec", "const_spec"):
        literal = child_of_type(value, "func_literal")
        if literal is not None:
            return Definition("function", name, whole, whole, field(literal, "body"))
        return Definition("constant", name, whole, whole) if title != "_" else None
    kinds: dict[str, SymbolKind] = {"struct_type": "struct", "interface_type": "interface"}
    kind = kinds.get(value.type, "type") if value is not None else "type"
    body = child_of_type(value, "field_declaration_list") if kind == "struct" else None
    if kind == "interface" and value is not None:
        body = next((child for child in value.children if child.type == "{"), None)
    return Definition(kind, name, whole, whole, body)


def _receiver(node: Node) -> str:
    declared = child_of_type(field(node, "receiver"), "parameter_declaration")
    type_ = field(declared, "type")
    while type_ is not None and type_.type != "type_identifier":
        type_ = field(type_, "type") or (type_.named_children[0] if type_.named_children else None)
    return text_of(type_)


def read_rust(node: Node) -> Definition | None:
    """Return the definition of Rust at a node."""
    name = _base_type(field(node, "type")) if node.type == "impl_item" else field(node, "name")
    if name is None:
        return None
    body = field(node, "body")
    kinds: dict[str, SymbolKind] = {
        "struct_item": "struct",
        "union_item": "struct",
        "enum_item": "enum",
        "trait_item": "trait",
        "impl_item": "type",
        "type_item": "type",
        "associated_type": "type",
        "mod_item": "module",
        "const_item": "constant",
        "static_item": "constant",
    }
    kind = kinds.get(node.type, "function")
    if kind == "module":
        if body is None:
            return None
        is_test = text_of(name) in ("test", "tests") or _has_attribute(node, _RUST_CFG_TEST)
        return Definition(kind, name, node, node, body, is_test=is_test)
    if kind == "function":
        if node.type == "macro_definition":
            body = child_of_type(node, "macro_rule")
        block = parent_of_type(node, "declaration_list")
        if block is not None and parent_of_type(block, "impl_item", "trait_item"):
            kind = "method"
        return Definition(kind, name, node, node, body, is_test=_has_attribute(node, _RUST_TEST))
    return Definition(kind, name, node, node, body)


def _base_type(node: Node | None) -> Node | None:
    while node is not None and node.type not in ("type_identifier", "primitive_type"):
        inner = field(node, "name") or field(node, "type")
        node = inner or (node.named_children[0] if node.named_children else None)
    return node


def _has_attribute(node: Node, wanted: re.Pattern[str]) -> bool:
    before = node.prev_sibling
    while before is not None and before.type in ("attribute_item", "line_comment", "block_comment"):
        if before.type == "attribute_item" and wanted.match(text_of(before)):
            return True
        before = before.prev_sibling
    return False


GO = Rules(GO_QUERY, read_go)
RUST = Rules(
    RUST_QUERY,
    read_rust,
    comments=frozenset({"line_comment", "block_comment"}),
    attributes=frozenset({"attribute_item"}),
)
