"""Where a definition's documentation stands, in what style, and a text with it put there.

CPU-bound where nothing else is said: use threads.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from aiex_lsp.syntax import doc_place
from aiex_lsp.syntax.doc_comments import content_of
from aiex_lsp.syntax.doc_conventions import convention_of, marker_of, words_of
from aiex_lsp.syntax.doc_forms import EX_MODULEDOC, Family, Form, Where, family_of
from aiex_lsp.syntax.doc_place import Placement
from aiex_lsp.syntax.doc_render import line_ending, rendered
from aiex_lsp.syntax.languages import canonical
from aiex_lsp.syntax.symbols import build_outline
from aiex_lsp.syntax.types import Symbol

__all__ = ["DocStyle", "Placement", "described", "place_of", "put", "style_of"]

_SAMPLE = 400
"""Definitions looked at for the style of a file."""
_WORD = re.compile(r"\w{3,}")
_MOST = 0.7
"""The part of a remark's words that a comment must have to say it again."""
_WIDTHS = (79, 88, 100, 120)


@dataclass(frozen=True, slots=True)
class DocStyle:
    """How documentation is written at one place of one file.

    `where` is "inside" (the first thing of the body) or "before" (above the definition with its
    decorators and attributes). A comment is `opening`, lines that begin with `prefix`, `closing`
    ("" for line comments). `quotes` are a docstring's, "" elsewhere. `below`: the text begins on
    the line after the opening. `marker` begins commands such as `@param`. `width` is the line
    width the file keeps. `seen` comments of the file say so; 0: it is the language's convention.
    """

    language: str
    convention: str
    where: Where
    opening: str
    prefix: str
    closing: str = ""
    quotes: str = ""
    below: bool = False
    marker: str = "@"
    width: int = 88
    seen: int = 0


def style_of(
    text: str,
    language: str,
    symbol: Symbol | None = None,
    *,
    usual: Callable[[], str | None] | None = None,
) -> DocStyle:
    """Return the style the file's own comments have, else the language's.

    `symbol` is what is to be documented: an Elixir module and a private function have other
    comments than a public one. `usual` is asked for the project's convention where
    the file tells none.
    """
    name = canonical(language) or language
    family = family_of(name)
    found = [one for one in _existing(text, name, family) if one.form is not None]
    docs = [one for one in found if one.form in family.docs]
    counted = docs or (found if family.plain_counts else [])
    contents = [content_of(text[one.start : one.end], family) for one in counted]
    form = Counter(one.form for one in counted).most_common(1)[0][0] if counted else None
    form = form or family.docs[0]
    if name == "elixir" and symbol is not None:
        form = doc_place.elixir_form(text, symbol)
    style = DocStyle(
        language=name,
        convention=convention_of(contents, family, usual),
        where="inside" if family.where == "inside" or form is EX_MODULEDOC else "before",
        opening=form.opening,
        prefix=form.prefix,
        closing=form.closing,
        marker=marker_of(contents) if family.convention == "doxygen" else "@",
        width=_width(text),
        seen=len(counted),
    )
    if name == "python":
        return _python(style, [text[one.start : one.end] for one in counted])
    if style.closing and form.prefix:
        style = replace(style, prefix=_star(text, counted, form))
    if any(re.match(r"---@", line.strip()) for one in counted for line in _lines(text, one)):
        style = replace(style, prefix="---")
    return style


def place_of(
    text: str, language: str, symbol: Symbol, *, style: DocStyle | None = None
) -> Placement:
    """Return the existing documentation of a symbol, else where it is to be put.

    `style` spares a look at the whole file.
    """
    name = canonical(language) or language
    family = family_of(name)
    if name == "python":
        return doc_place.python(text, symbol)
    if name == "elixir":
        return doc_place.elixir(text, symbol, family)
    forms = list(family.docs)
    if family.plain_counts:
        style = style or style_of(text, language, symbol)
        forms += [form for form in family.plain if form.opening == style.opening]
    return doc_place.before(text, symbol, family, forms)


def put(
    text: str, language: str, symbol: Symbol, comment: str, *, style: DocStyle | None = None
) -> str:
    """Return the text with the comment as the symbol's documentation, instead of any it has.

    `comment` may have its marks (quotes, `/** */`, `///`) or be the words alone; it is written in
    the file's style, indentation and line endings. Without words the text stays as it is. A remark
    above that the comment says again is replaced too, where it is no documentation by its form.
    """
    style = style or style_of(text, language, symbol)
    place = place_of(text, language, symbol, style=style)
    if not place.replaces:
        place = _said_again(text, symbol, comment, style) or place
    written = rendered(comment, style, place, line_ending(text))
    if written is None:
        return text
    return text[: place.start] + written + text[place.end :]


def described(style: DocStyle) -> str:
    """Return the style in words for a prompt."""
    words = words_of(style.convention, style.marker)
    if style.language == "python":
        where = "inside the definition, as the first statement of its body"
        start = " Begin the text on the line after the quotes." if style.below else ""
        kind = "single" if style.quotes == "'''" else "double"
        marks = f"In triple {kind} quotes ({style.quotes})"
        return f"{words}. {marks}, {where}; lines of at most {style.width} characters.{start}"
    if style.where == "inside":
        where = "first inside the body"
    else:
        where = "directly above the definition and its decorators or attributes"
    if style.closing:
        marks = f"Written as {style.opening} … {style.closing.strip()}"
        if style.prefix.strip():
            marks += f", each line beginning with `{style.prefix.strip()}`"
    else:
        marks = f"Each line begins with `{style.prefix.rstrip()}`"
    return f"{words}. {marks}, {where}; lines of at most {style.width} characters."


def _existing(text: str, language: str, family: Family) -> Iterator[doc_place.Found]:
    symbols = build_outline(text, language).symbols[:_SAMPLE]
    seen: set[int] = set()
    for symbol in symbols:
        found = doc_place.existing(text, language, symbol, family)
        if found is not None and found.start not in seen:
            seen.add(found.start)
            yield found


def _python(style: DocStyle, literals: list[str]) -> DocStyle:
    from aiex_lsp.syntax.doc_place import split_literal

    parts = [split_literal(one) for one in literals]
    quotes = Counter(quote for _, quote, _ in parts if len(quote) == 3).most_common(1)
    long = [body for _, _, body in parts if "\n" in body.strip("\r\n \t")]
    below = sum(not body.splitlines()[0].strip() for body in long)
    mark = quotes[0][0] if quotes else '"""'
    return replace(
        style, opening=mark, closing=mark, quotes=mark, prefix="", below=2 * below > len(long)
    )


def _said_again(text: str, symbol: Symbol, comment: str, style: DocStyle) -> Placement | None:
    """Return the place of a plain comment above whose words the new one has: it would be double."""
    family = family_of(style.language)
    if style.where == "inside" or not family.plain:
        return None
    place = doc_place.before(text, symbol, family, list(family.plain))
    old = set(_WORD.findall(content_of(text[place.start : place.end], family).lower()))
    new = set(_WORD.findall(comment.lower()))
    again = bool(old) and len(old & new) >= _MOST * len(old)
    return place if place.replaces and again else None


def _lines(text: str, one: doc_place.Found) -> list[str]:
    return text[one.start : one.end].splitlines()


def _star(text: str, found: list[doc_place.Found], form: Form) -> str:
    """Return what begins the lines of a block comment: some files write no stars."""
    inner = [line.strip() for one in found for line in _lines(text, one)[1:-1] if line.strip()]
    bare = sum(not line.startswith("*") for line in inner)
    return "   " if 2 * bare > len(inner) else form.prefix


def _width(text: str) -> int:
    lengths = sorted(len(line) for line in text.splitlines() if line.strip())
    if not lengths:
        return 88
    longest = lengths[min(len(lengths) - 1, len(lengths) * 98 // 100)]
    return next((width for width in _WIDTHS if longest <= width), 120)
