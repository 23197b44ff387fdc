"""Where a tree says its text stops being of its language, in words a person can act on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from aiex_lsp.syntax.offsets import CodePoints
from aiex_lsp.syntax.types import SyntaxProblem

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

MAX_PROBLEMS = 20
"""Problems told of one text: one slip often makes a parser stumble many times."""
_QUOTED = 30
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_CLOSED_BY = {
    "ruby": ("end", {"def", "class", "module", "do", "begin", "case", "if", "unless", "while"}),
    "lua": ("end", {"function", "do", "then"}),
    "elixir": ("end", {"do", "fn"}),
}
_KINDS = {"identifier": "a name", "type_identifier": "a type", "string": "a string"}


def tree_problems(text: str, tree: Tree, language: str) -> tuple[SyntaxProblem, ...]:
    """Return the tree's errors in the order of the text, `MAX_PROBLEMS` at most."""
    root = tree.root_node
    if not root.has_error:
        return ()
    points = CodePoints(text)
    found: list[SyntaxProblem] = []
    for message, start, end in _errors(root, language):
        first = points.at(start)
        found.append(problem_at(text, message, first, max(first, points.at(end))))
        if len(found) >= MAX_PROBLEMS:
            break
    return tuple(found)


def problem_at(text: str, message: str, start: int, end: int) -> SyntaxProblem:
    """Return a problem with its 1-based line and column, in code points."""
    before = text[:start].replace("\r\n", "\n").replace("\r", "\n")
    line = before.count("\n") + 1
    return SyntaxProblem(message, start, end, line, len(before) - before.rfind("\n"))


def _errors(root: Node, language: str) -> Iterator[tuple[str, int, int]]:
    """Yield (message, start, end) in bytes; a stack of one's own, for trees can be very deep."""
    pending = [root]
    while pending:
        node = pending.pop()
        if node.is_missing:
            yield f"missing {_kind(node.type)}", node.start_byte, node.end_byte
            continue
        if node.is_error:
            unclosed = _unclosed(node, language)
            if unclosed is not None:
                yield unclosed
                continue
            inner = [child for child in node.children if child.is_error or child.has_error]
            if not inner:
                yield _near(node)
                continue
        pending.extend(
            child
            for child in reversed(node.children)
            if child.has_error or child.is_error or child.is_missing
        )


def _unclosed(node: Node, language: str) -> tuple[str, int, int] | None:
    """Return the innermost bracket, word or tag among a broken node's parts that stays open."""
    end, words = _CLOSED_BY.get(language, ("", set[str]()))
    open_: list[tuple[Node, str]] = []
    for child in node.children:
        kind = child.type
        if kind in _PAIRS:
            open_.append((child, _PAIRS[kind]))
        elif kind == "jsx_opening_element":
            open_.append((child, "jsx_closing_element"))
        elif kind in words and not child.is_named:
            open_.append((child, end))
        elif open_ and kind == open_[-1][1]:
            open_.pop()
    if not open_:
        return None
    opener, closer = open_[-1]
    if closer == "jsx_closing_element":
        message = f"{_quoted(opener)} has no closing tag"
    else:
        message = f"{_quoted(opener)} is never closed: missing {_kind(closer)}"
    return message, opener.start_byte, opener.end_byte


def _near(node: Node) -> tuple[str, int, int]:
    return f"syntax error near {_quoted(node)}", node.start_byte, node.end_byte


def _quoted(node: Node) -> str:
    text = (node.text or b"")[: 4 * _QUOTED + 4].decode("utf-8", "ignore").strip()
    line = " ".join(text.splitlines()[0].split()) if text else ""
    return f'"{line if len(line) <= _QUOTED else line[:_QUOTED] + "…"}"'


def _kind(type_: str) -> str:
    if type_ in _KINDS:
        return _KINDS[type_]
    if type_.isidentifier() and "_" in type_:
        return type_.replace("_", " ")
    return f'"{type_}"'
