"""What a text imports, statement by statement. CPU-bound for large texts: use threads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiex_lsp.syntax.languages import canonical, parse
from aiex_lsp.syntax.offsets import CodePoints

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True, slots=True)
class ImportStatement:
    """One import as it is written; offsets are code points, the line break apart."""

    text: str
    start: int
    end: int


_STATEMENTS = frozenset(
    {
        "import_statement",
        "import_from_statement",
        "future_import_statement",
        "import_declaration",
        "use_declaration",
        "extern_crate_declaration",
        "using_directive",
        "using_declaration",
        "namespace_use_declaration",
        "preproc_include",
        "import_alias",
    }
)
_CALLS = {
    "elixir": re.compile(r"(?:alias|import|use|require)\b"),
    "ruby": re.compile(r"(?:require|require_relative|load|autoload|using)\b"),
    "shellscript": re.compile(r"(?:source|\.)\s"),
}
_CALL_NODES = frozenset({"call", "command"})
_REQUIRING = re.compile(
    r"(?:(?:const|let|var|local)\b[^=]*=\s*(?:await\s+)?(?:require|import)\b|require\b|import\s*\(|"
    r"(?:require|include)(?:_once)?\b)"
)
_MAYBE = frozenset(
    {
        "lexical_declaration",
        "variable_declaration",
        "expression_statement",
        "function_call",
    }
)
_OPENED = frozenset(
    {
        "if_statement",
        "else_clause",
        "try_statement",
        "except_clause",
        "block",
        "preproc_if",
        "preproc_ifdef",
        "preproc_else",
        "preproc_elif",
        "namespace_declaration",
        "file_scoped_namespace_declaration",
        "namespace_definition",
        "declaration_list",
        "compound_statement",
        "linkage_specification",
        "export_statement",
    }
)
_MAX_DEPTH = 4
"""How deep imports are looked for: `if TYPE_CHECKING`, a namespace in a namespace."""


def imports(text: str, language: str) -> list[ImportStatement]:
    """Return the import statements of a file in order, none where its language is not known.

    Those in functions are left out; those under a condition, in a namespace or, for Elixir, in a
    module's body are not.
    """
    name = canonical(language)
    tree = parse(text, name) if name is not None else None
    if tree is None or name is None:
        return []
    points = CodePoints(text)
    found = []
    for node in _statements(tree.root_node, name, 0):
        start, end = points.at(node.start_byte), points.at(node.end_byte)
        code = text[start:end].rstrip()
        found.append(ImportStatement(code, start, start + len(code)))
    return found


def _statements(node: Node, language: str, depth: int) -> Iterator[Node]:
    for child in node.named_children:
        if _imports(child, language):
            yield child
        elif depth < _MAX_DEPTH and _may_hold(child, language):
            yield from _statements(child, language, depth + 1)


def _imports(node: Node, language: str) -> bool:
    if node.type in _STATEMENTS:
        return True
    if node.type == "export_statement":
        return node.child_by_field_name("source") is not None
    calls = _CALLS.get(language)
    if calls is not None:
        return node.type in _CALL_NODES and bool(calls.match(_head(node)))
    return node.type in _MAYBE and bool(_REQUIRING.match(_head(node)))


def _may_hold(node: Node, language: str) -> bool:
    if node.type == "do_block":
        return language == "elixir"
    if node.type == "call":
        return language == "elixir" and _head(node).startswith("defmodule")
    return node.type in _OPENED


def _head(node: Node) -> str:
    return (node.text or b"")[:400].decode("utf-8", "ignore")
