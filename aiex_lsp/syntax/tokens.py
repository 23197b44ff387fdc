"""A text's code apart from its comments and documentation. CPU-bound: use threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiex_lsp.syntax.languages import canonical, parse
from aiex_lsp.syntax.offsets import utf8

if TYPE_CHECKING:
    from tree_sitter import Node

_TEXTS = ("string", "heredoc", "char_literal", "regex", "template")
_DOC_ATTRIBUTES = (b"@doc", b"@moduledoc", b"@typedoc", b"@shortdoc")
_INDENTED = {"python": frozenset({"block"})}


def code_tokens(text: str, language: str) -> tuple[str, ...] | None:
    """Return the tokens of a text without comments and documentation, None for other languages.

    Two texts with the same tokens do the same: blanks do not count, but blocks that are marked by
    their indentation do.
    """
    name = canonical(language)
    data = utf8(text)
    tree = parse(text, name) if name else None
    if tree is None or name is None:
        return None
    found: list[str] = []
    blocks = _INDENTED.get(name, frozenset())
    pending: list[Node | str] = [tree.root_node]
    while pending:
        node = pending.pop()
        if isinstance(node, str):
            found.append(node)
            continue
        if _is_documentation(node, name):
            continue
        if not node.children or any(part in node.type for part in _TEXTS):
            token = data[node.start_byte : node.end_byte].decode("utf-8", "replace").strip()
            if token:
                found.append(token)
            continue
        marked = node.type in blocks
        if marked:
            found.append("<block>")
            pending.append("</block>")
        pending.extend(reversed(node.children))
    return tuple(found)


def string_lines(text: str, language: str) -> frozenset[int]:
    """Return the 0-based lines that begin inside a string; LF ends a line."""
    name = canonical(language)
    tree = parse(text, name) if name else None
    if tree is None:
        return frozenset()
    lines: set[int] = set()
    pending = [tree.root_node]
    while pending:
        node = pending.pop()
        first, last = node.start_point[0], node.end_point[0]
        if first == last:
            continue
        if any(part in node.type for part in ("string", "heredoc")):
            lines.update(range(first + 1, last + 1))
        else:
            pending.extend(node.children)
    return frozenset(lines)


def _is_documentation(node: Node, language: str) -> bool:
    if "comment" in node.type:
        return True
    if language == "python":
        return node.type == "expression_statement" and [one.type for one in node.children] == [
            "string"
        ]
    if language == "elixir" and node.type == "unary_operator":
        return (node.text or b"").startswith(_DOC_ATTRIBUTES)
    return False
