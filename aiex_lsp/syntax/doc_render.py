"""A comment as it is written into a file: marks, margin, line endings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiex_lsp.syntax.doc_comments import cleaned, content_of
from aiex_lsp.syntax.doc_forms import Family, family_of
from aiex_lsp.syntax.doc_place import Placement, split_literal

if TYPE_CHECKING:
    from aiex_lsp.syntax.docstrings import DocStyle

_FENCE = re.compile(r"\A\s*(`{3,}|~{3,})[^\n]*\n(.*?)\n?[ \t]*\1\s*\Z", re.DOTALL)
_NESTING = frozenset({"rust", "kotlin", "scala", "swift"})
"""Languages in which a comment inside of a comment must be closed too."""
_XML = re.compile(r"<(?:summary|inheritdoc|remarks|param|returns|value)\b")


def line_ending(text: str) -> str:
    """Return the line ending most lines of a text have."""
    crlf = text.count("\r\n")
    lf, cr = text.count("\n") - crlf, text.count("\r") - crlf
    return max((lf, "\n"), (crlf, "\r\n"), (cr, "\r"), key=lambda pair: pair[0])[1]


def rendered(comment: str, style: DocStyle, place: Placement, ending: str) -> str | None:
    """Return the comment as it goes to its place, None where it has no words."""
    family = family_of(style.language)
    comment = comment.replace("\r\n", "\n").replace("\r", "\n")
    if (fenced := _FENCE.match(comment)) is not None:
        comment = fenced[2]
    if style.language == "python":
        lines = _docstring(comment, style, place.indent)
    else:
        lines = _comment(_content(comment, style, family), style, place.indent)
    if not lines:
        return None
    first, *rest = lines
    whole = "\n".join([first, *((place.indent + line).rstrip() for line in rest)])
    return (place.lead + whole + place.tail).replace("\n", ending)


def _content(comment: str, style: DocStyle, family: Family) -> list[str]:
    text = content_of(comment, family)
    if style.convention == "xmldoc" and text and not _XML.search(text):
        text = f"<summary>\n{text}\n</summary>"
    return text.splitlines()


def _comment(lines: list[str], style: DocStyle, indent: str) -> list[str]:
    if not lines:
        return []
    if not style.closing:
        if style.language in ("c", "cpp"):  # there a backslash takes the next line into the comment
            lines = [line.rstrip("\\ ") for line in lines]
        return [_marked(style.prefix, line) for line in lines]
    if style.opening.startswith("@"):
        return _heredoc(lines, style)
    close = style.closing.strip()
    if close == "*/":
        lines = [line.replace("*/", "*\\/") for line in lines]
        if style.language in _NESTING:
            lines = [line.replace("/*", "/\\*") for line in lines]
    alone = f"{style.opening} {lines[0]} {close}"
    if len(lines) == 1 and close == "*/" and len(indent) + len(alone) <= style.width:
        return [alone]
    return [
        style.opening,
        *((style.prefix + line).rstrip() for line in lines),
        style.closing,
    ]


def _marked(prefix: str, line: str) -> str:
    if prefix == "---" and not line.startswith("@"):
        prefix = "--- "
    return (prefix + line).rstrip()


def _heredoc(lines: list[str], style: DocStyle) -> list[str]:
    opening = style.opening
    if any("#{" in line or "\\" in line for line in lines):
        opening = opening.replace('"""', '~S"""')
    lines = [line.replace('"""', "'''") for line in lines]
    return [opening, *lines, '"""']


def _docstring(comment: str, style: DocStyle, indent: str) -> list[str]:
    prefix, quotes, body = split_literal(comment)
    if not quotes:
        body = (
            content_of(comment, family_of("python")) if comment.lstrip().startswith("#") else body
        )
    lines = cleaned(body).splitlines()
    if not lines:
        return []
    mark = style.quotes
    prefix, mark, lines = _safe(lines, prefix, mark, written=bool(quotes))
    if len(lines) == 1 and not lines[0].endswith((mark[0], "\\")):
        alone = f"{prefix}{mark}{lines[0]}{mark}"
        if len(indent) + len(alone) <= max(style.width, 79):
            return [alone]
    if style.below:
        return [f"{prefix}{mark}", *lines, mark]
    return [f"{prefix}{mark}{lines[0]}", *lines[1:], mark]


def _safe(lines: list[str], prefix: str, mark: str, *, written: bool) -> tuple[str, str, list[str]]:
    """Return prefix, quotes and lines that mean what was meant: quotes and backslashes are safe.

    What was `written` as a literal has its backslashes escaped already.
    """
    body = "\n".join(lines)
    raw = prefix.lower() == "r"
    if "\\" in body and not written:
        raw, prefix = True, "r"
    if mark in body:
        other = "'''" if mark == '"""' else '"""'
        if raw and other not in body:
            mark = other
        else:
            if raw:
                body, prefix = body.replace("\\", "\\\\"), ""
            body = body.replace(mark, f"\\{mark[0]}" * 3)
    if lines[0].startswith(mark[0]) and not body.startswith("\\"):
        body = f" {body}"
    return prefix, mark, body.split("\n")
