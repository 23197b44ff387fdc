"""A file as its parts: imports, suites that hold tests, and the tests and helpers inside."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aiex_lsp.syntax.languages import canonical, parse
from aiex_lsp.syntax.offsets import CodePoints

if TYPE_CHECKING:
    from tree_sitter import Node

ItemKind = Literal["header", "import", "suite", "item", "comment"]


@dataclass(frozen=True, slots=True)
class Item:
    """One part of a file or suite; offsets are code points.

    `key` tells parts apart: the name, or a call's name and title (`describe add`), "" where it
    has none. A suite's members lie in `inner_start`..`inner_end`.
    """

    kind: ItemKind
    key: str
    start: int
    end: int
    inner_start: int = 0
    inner_end: int = 0
    children: tuple[Item, ...] = ()


_HEADERS = {
    "package_clause",
    "package_declaration",
    "php_tag",
    "namespace_definition",
    "file_scoped_namespace_declaration",
    "inner_attribute_item",
    "hash_bang_line",
}
_IMPORTS = {
    "import_statement",
    "import_from_statement",
    "future_import_statement",
    "import_declaration",
    "use_declaration",
    "extern_crate_declaration",
    "using_directive",
    "namespace_use_declaration",
    "preproc_include",
}
_SUITES = {
    "class_definition",
    "class_declaration",
    "mod_item",
    "impl_item",
    "namespace_declaration",
    "class",
    "module",
}
_SUITE_CALLS = {"describe", "context", "suite", "defmodule", "feature"}
_IMPORT_CALLS = {
    "elixir": {"alias", "import", "use", "require"},
    "ruby": {"require", "require_relative"},
}
_BODIES = {
    "block",
    "declaration_list",
    "class_body",
    "statement_block",
    "do_block",
    "body_statement",
    "block_body",
}
_REQUIRE = re.compile(r"^\s*(?:const|let|var|local)\b[^=\n]*=\s*require\b", re.S)


def items(text: str, language: str) -> tuple[Item, ...] | None:
    """Return the parts of a file in order, None where its language is not known."""
    name = canonical(language)
    tree = parse(text, name) if name else None
    if tree is None or name is None:
        return None
    return _Reader(text, name).members(tree.root_node)


class _Reader:
    def __init__(self, text: str, language: str) -> None:
        self._text = text
        self._language = language
        self._points = CodePoints(text)

    def members(self, body: Node) -> tuple[Item, ...]:
        found: list[Item] = []
        for index, node in enumerate(body.named_children):
            found.append(self._item(node, first=index == 0))
        return tuple(found)

    def _item(self, node: Node, *, first: bool) -> Item:
        start, end = self._span(node)
        kind = self._kind(node, first=first)
        if kind != "suite":
            return Item(kind, self._key(node), start, end)
        body = self._body(node)
        if body is None:
            return Item("item", self._key(node), start, end)
        inner_start, inner_end = self._inner(body)
        return Item(
            "suite", self._key(node), start, end, inner_start, inner_end, self.members(body)
        )

    def _kind(self, node: Node, *, first: bool) -> ItemKind:
        if "comment" in node.type or node.type == "attribute_item":
            return "comment"
        if node.type in _HEADERS or (first and self._is_docstring(node)):
            return "header"
        if node.type in _IMPORTS:
            return "import"
        if node.type in {"lexical_declaration", "variable_declaration"} and _REQUIRE.match(
            self._of(node)
        ):
            return "import"
        call = self._call_name(node)
        if call in _IMPORT_CALLS.get(self._language, ()):
            return "import"
        if call is not None and call.split(".")[-1] in _SUITE_CALLS:
            return "suite"
        return "suite" if self._definition(node).type in _SUITES else "item"

    def _is_docstring(self, node: Node) -> bool:
        inner = node.named_children[0] if node.named_children else None
        return node.type == "expression_statement" and inner is not None and inner.type == "string"

    def _key(self, node: Node) -> str:
        definition = self._definition(node)
        name = definition.child_by_field_name("name")
        if name is None and definition.type == "impl_item":
            name = definition.child_by_field_name("type")
        if name is not None:
            return self._of(name)
        call = self._call_name(node)
        if call is not None:
            return f"{call} {self._title(node)}".strip()
        if node.type in {"lexical_declaration", "variable_declaration"}:
            declared = [child.child_by_field_name("name") for child in node.named_children]
            return ", ".join(self._of(one) for one in declared if one is not None)
        return ""

    def _definition(self, node: Node) -> Node:
        for field in ("definition", "declaration"):
            inner = node.child_by_field_name(field)
            if inner is not None:
                return inner
        return node

    def _call(self, node: Node) -> Node | None:
        if node.type == "expression_statement" and node.named_children:
            node = node.named_children[0]
        return node if node.type in {"call", "call_expression"} else None

    def _call_name(self, node: Node) -> str | None:
        call = self._call(node)
        if call is None:
            return None
        for field in ("function", "target", "method"):
            target = call.child_by_field_name(field)
            if target is not None:
                return self._of(target)
        return None

    def _title(self, node: Node) -> str:
        call = self._call(node)
        arguments = call.child_by_field_name("arguments") if call else None
        if arguments is None and call is not None:
            arguments = next((c for c in call.named_children if c.type == "arguments"), None)
        if arguments is None or not arguments.named_children:
            return ""
        return self._of(arguments.named_children[0]).strip("\"'`")

    def _body(self, node: Node) -> Node | None:
        definition = self._definition(node)
        body = definition.child_by_field_name("body")
        if body is not None:
            return body
        pending = [self._call(node) or definition]
        while pending:
            current = pending.pop(0)
            for child in current.named_children:
                if child.type in _BODIES:
                    nested = [c for c in child.named_children if c.type == "body_statement"]
                    return nested[0] if nested else child
                if child.type in {"arguments", "arrow_function", "function_expression"}:
                    pending.append(child)
        return None

    def _inner(self, body: Node) -> tuple[int, int]:
        """Return where members may stand: between the braces or words that enclose them."""
        start, end = self._span(body)
        closed = body.children and body.children[-1].type in {"}", "end"}
        opened = body.children and body.children[0].type in {"{", "do"}
        if opened:
            start = self._span(body.children[0])[1]
        if closed:
            end = self._span(body.children[-1])[0]
            line = self._text.rfind("\n", 0, end) + 1
            if not self._text[line:end].strip():
                end = line
        return start, max(start, end)

    def _span(self, node: Node) -> tuple[int, int]:
        return self._points.at(node.start_byte), self._points.at(node.end_byte)

    def _of(self, node: Node) -> str:
        start, end = self._span(node)
        return self._text[start:end]
