"""The place of a definition's documentation: what is there already, or where it is to be put."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from aiex_lsp.syntax.doc_comments import Comment, comments_in
from aiex_lsp.syntax.doc_forms import (
    DOCSTRING,
    EX_DOC,
    EX_MODULEDOC,
    HASH,
    Family,
    Form,
)
from aiex_lsp.syntax.types import Symbol

_LITERAL = re.compile(
    r"[rRuU]?(?:\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''"
    r"|\"(?!\"\")(?:[^\"\\\r\n]|\\.)*\"|'(?!'')(?:[^'\\\r\n]|\\.)*')",
    re.DOTALL,
)
_STATEMENT_ENDS = re.compile(r"[ \t]*(?:[;#\r\n]|\Z)")
_SPLIT = re.compile(r"([rRuU]?)(\"\"\"|'''|\"|')(.*)\2\Z", re.DOTALL)
_MODULEDOC = re.compile(
    r"@moduledoc\b[ \t]*(?:(?:~[sS])?(?:\"\"\"|''')(?s:.*?)\n[ \t]*(?:\"\"\"|''')"
    r"|(?:~[sS])?\"(?:[^\"\\]|\\.)*\"|false\b)"
)
_HEADER = re.compile(r"(?:[ \t]*(?:(?:use|import|alias|require)\b[^\r\n]*|#[^\r\n]*)?\r?\n)*[ \t]*")
_BLOCK = re.compile(r"(?m)^([ \t]*)\S.*:[ \t]*\r?\n\1([ \t]+)\S")
_PYTHON_BODY = ("def ", "async def ", "class ")


@dataclass(frozen=True, slots=True)
class Placement:
    """The span a comment goes to: of the existing one, else empty.

    `indent` is what each of its further lines begins with; `lead` and `tail` are written around
    it ("\\n" in them is the file's line ending).
    """

    start: int
    end: int
    indent: str = ""
    lead: str = ""
    tail: str = ""

    @property
    def replaces(self) -> bool:
        """Return whether documentation is there already."""
        return self.end > self.start and not self.lead


@dataclass(frozen=True, slots=True)
class Found:
    """Documentation that is there; `form` is None where it is of none."""

    start: int
    end: int
    form: Form | None


def existing(text: str, language: str, symbol: Symbol, family: Family) -> Found | None:
    """Return the comment that stands as a symbol's documentation, of whatever form."""
    if language == "python":
        place = python(text, symbol)
        return Found(place.start, place.end, DOCSTRING) if place.replaces else None
    if language == "elixir" and symbol.kind in ("module", "interface"):
        place = _moduledoc(text, symbol)
        return Found(place.start, place.end, EX_MODULEDOC) if place.replaces else None
    comment = _nearest(_around(text, symbol, family), [*family.docs, *family.plain])
    return Found(comment.start, comment.end, comment.form) if comment else None


def before(text: str, symbol: Symbol, family: Family, forms: list[Form]) -> Placement:
    """Return the place above a definition; only comments of `forms` are its documentation."""
    around = _around(text, symbol, family)
    comment = _nearest(around, forms)
    if comment is not None:
        return Placement(comment.start, comment.end, _indent_at(text, comment.start))
    at = symbol.start
    for one in reversed([one for one in around if one.end <= symbol.start]):
        if one.kind != "directive" or text[one.end : at].strip():
            break
        at = one.start
    return _above(text, at)


def python(text: str, symbol: Symbol) -> Placement:
    """Return the place of a docstring; of a variable it is the line below."""
    indent = _indent_at(text, symbol.start)
    if symbol.body_start is None or not symbol.signature.startswith(_PYTHON_BODY):
        return _below(text, symbol, indent)
    body = symbol.body_start
    literal = _docstring_at(text, body)
    if literal is not None:
        return Placement(body, literal, _indent_at(text, body))
    line = _line_start(text, body)
    if text[line:body].strip():
        colon = len(text[:body].rstrip(" \t"))
        inner = indent + _unit(text)
        return Placement(colon, body, inner, "\n" + inner, "\n" + inner)
    inner = text[line:body]
    while (above := _line_start(text, _line_before(text, line))) > symbol.name_end:
        content = text[above:line].strip()
        if content and not content.startswith("#"):
            break
        line = above
    gap = "\n" if symbol.signature.startswith("class ") and not _blank(text, line) else ""
    return Placement(line, line, inner, inner, "\n" + gap)


def elixir(text: str, symbol: Symbol, family: Family) -> Placement:
    """Return the place of `@moduledoc`, `@doc`, or of a private function's comment."""
    form = elixir_form(text, symbol)
    if form is EX_MODULEDOC:
        return _moduledoc(text, symbol)
    first = _first_clause(text, symbol)
    return before(text, first, family, [form])


def elixir_form(text: str, symbol: Symbol) -> Form:
    """Return how a definition of Elixir is documented; `@doc` of a private one is dropped."""
    if symbol.kind in ("module", "interface"):
        return EX_MODULEDOC
    return HASH if re.match(r"def(?:macro|guard|n)?p\b", symbol.signature) else EX_DOC


def split_literal(literal: str) -> tuple[str, str, str]:
    """Return a string literal's prefix, quotes and body; without quotes ("", "", literal)."""
    found = _SPLIT.match(literal.strip())
    return (found[1], found[2], found[3]) if found else ("", "", literal)


def _around(text: str, symbol: Symbol, family: Family) -> list[Comment]:
    start = symbol.doc_start if symbol.doc_start is not None else symbol.start
    end = symbol.name_start if family.after_attributes else symbol.start
    return comments_in(text, start, end, family)


def _nearest(around: list[Comment], forms: list[Form]) -> Comment | None:
    for comment in reversed(around):
        if comment.kind in ("doc", "plain") and comment.form in forms:
            return comment
    return None


def _above(text: str, at: int) -> Placement:
    line = _line_start(text, at)
    indent = _indent_at(text, at)
    if text[line:at].strip(" \t\ufeff"):
        return Placement(at, at, indent, "\n" + indent, "\n" + indent)
    return Placement(at, at, indent, "", "\n" + indent)


def _below(text: str, symbol: Symbol, indent: str) -> Placement:
    end = _line_end(text, symbol.end)
    after = re.compile(r"(?:\r\n|\r|\n)" + re.escape(indent)).match(text, end)
    literal = _docstring_at(text, after.end()) if after else None
    if after is not None and literal is not None:
        return Placement(after.end(), literal, indent)
    return Placement(end, end, indent, "\n" + indent, "")


def _moduledoc(text: str, symbol: Symbol) -> Placement:
    indent = _indent_at(text, symbol.start) + "  "
    body = symbol.body_start
    if body is None or not text.startswith("do", body):
        return _above(text, symbol.start)
    line = _line_end(text, body)
    header = _HEADER.match(text, line)
    found = _MODULEDOC.match(text, header.end()) if header else None
    if found is not None and found.end() <= symbol.end:
        return Placement(found.start(), found.end(), _indent_at(text, found.start()))
    following = text[line:].lstrip("\r\n") if line < len(text) else ""
    gap = "" if _blank(text, _next(text, line)) or following.lstrip().startswith("end") else "\n"
    return Placement(line, line, indent, "\n" + indent, gap)


def _first_clause(text: str, symbol: Symbol) -> Symbol:
    """Return the first of a function's clauses: Elixir documents a function there only."""
    from aiex_lsp.syntax.symbols import build_outline

    if symbol.doc_start is not None:
        return symbol
    first = symbol
    same = [
        one for one in build_outline(text, "elixir").symbols if one.container == symbol.container
    ]
    for one in reversed([one for one in same if one.end <= symbol.start]):
        if one.qualified_name != symbol.qualified_name or _arity(one) != _arity(symbol):
            break
        first = one
    return first


def _arity(symbol: Symbol) -> int:
    inside = symbol.signature.partition("(")[2]
    depth, count = 0, 1 if inside.strip(") ") else 0
    for char in inside:
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
            if depth < 0:
                break
        count += char == "," and depth == 0
    return count


def _docstring_at(text: str, at: int) -> int | None:
    """Return the end of the string that is a whole statement at `at`."""
    found = _LITERAL.match(text, at)
    if found is None or not _STATEMENT_ENDS.match(text, found.end()):
        return None
    return found.end()


def _unit(text: str) -> str:
    """Return what one step of indentation is in a text."""
    steps = Counter(found[2] for found in _BLOCK.finditer(text))
    return steps.most_common(1)[0][0] if steps else "    "


def _blank(text: str, at: int) -> bool:
    return at < len(text) and not text[at : _line_end(text, at)].strip()


def _line_start(text: str, at: int) -> int:
    at = max(at, 0)
    return max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1


def _line_end(text: str, at: int) -> int:
    found = re.compile(r"[\r\n]").search(text, at)
    return found.start() if found else len(text)


def _line_before(text: str, line_start: int) -> int:
    """Return the end of the line before the one that begins at `line_start`."""
    return line_start - (2 if text[max(line_start - 2, 0) : line_start] == "\r\n" else 1)


def _next(text: str, line_end: int) -> int:
    return line_end + (2 if text.startswith("\r\n", line_end) else 1)


def _indent_at(text: str, at: int) -> str:
    found = re.compile(r"\ufeff?([ \t]*)").match(text, _line_start(text, at))
    return found[1] if found else ""
