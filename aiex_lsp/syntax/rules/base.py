"""What a language's rules tell the outline, and what they all need to read nodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiex_lsp.syntax.types import SymbolKind

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(slots=True)
class Definition:
    """One definition as nodes.

    `whole` holds decorators and what exports it, `inner` begins with the signature, `body` may be
    missing. `text` is the name where it is not the node's own text, `receiver` the container
    written in the definition itself (`A` in C++'s `A::b`). `sign_from` is the byte where the
    signature begins if not with `inner`, `sign_to` where it ends if not before the body.
    """

    kind: SymbolKind
    name: Node
    whole: Node
    inner: Node
    body: Node | None = None
    text: str | None = None
    receiver: str = ""
    is_test: bool = False
    sign_from: int | None = None
    sign_to: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """`query` captures candidates as `@d`; `read` makes each a definition or None.

    `comments` and `attributes` are the types of siblings that belong to the definition they
    stand before; `is_doc` tells which attributes are documentation (Elixir's `@doc`).
    """

    query: str
    read: Callable[[Node], Definition | None]
    comments: frozenset[str] = frozenset({"comment"})
    attributes: frozenset[str] = frozenset()
    is_attribute: Callable[[Node], bool] | None = None
    is_doc: Callable[[Node], bool] | None = None


def text_of(node: Node | None) -> str:
    """Return a node's text, "" for none."""
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def field(node: Node | None, *names: str) -> Node | None:
    """Return the node at the end of a path of fields, None where one is missing."""
    for name in names:
        if node is None:
            return None
        node = node.child_by_field_name(name)
    return node


def child_of_type(node: Node | None, *types: str) -> Node | None:
    """Return the first named child of one of the types."""
    if node is None:
        return None
    return next((child for child in node.named_children if child.type in types), None)


def parent_of_type(node: Node, *types: str) -> Node | None:
    """Return the parent if it has one of the types."""
    parent = node.parent
    return parent if parent is not None and parent.type in types else None


def unquoted(node: Node) -> str:
    """Return the text of a string literal on one line, without its quotes."""
    return " ".join(text_of(node).strip("\"'`[]:").split())


def first_after(node: Node, *skipped: str) -> int:
    """Return the byte of the first child that has none of the types: behind the attributes."""
    for child in node.children:
        if child.type not in skipped:
            return child.start_byte
    return node.start_byte
