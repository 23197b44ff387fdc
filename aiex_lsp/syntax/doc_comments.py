"""The comments that stand before a definition, and the text inside of a comment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from aiex_lsp.syntax.doc_forms import Family, Form, directive

_ELIXIR = re.compile(
    r"@(?:doc|typedoc|moduledoc)\b[ \t]*\(?[ \t]*(?:"
    r"(~[sS])?(?:\"\"\"|''')(?s:.*?)\n[ \t]*(?:\"\"\"|''')"
    r"|(?:~[sS])?\"(?:[^\"\\]|\\.)*\""
    r"|false\b|nil\b)\)?"
)
_RUST = re.compile(r"#\[\s*doc\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|r(#*)\"(.*?)\"\2)\s*\]", re.DOTALL)
"""What rustdoc makes of `///`, written out."""
_KEPT = re.compile(r"\W*(?:TODO|FIXME|XXX|HACK|BUG)\b|\W*[-=*#~_]{6,}")
_OF_MORE = re.compile(
    r"[@\\](?:file|fileoverview|fileOverview|packageDocumentation|module|license|preserve|"
    r"defgroup|addtogroup|copyright)\b|[@\\][{}]|//\s*#(?:end)?region\b"
)
"""What is about a file, a group or a region, even where it touches a definition."""
_LICENSE = re.compile(r"copyright|licen[cs]e|SPDX|all rights reserved", re.IGNORECASE)
_EMPTY = ("/**/", "/***/")
_FILES_OWN = re.compile(
    r"#!|\W*(?:frozen_string_literal:|(?:en)?coding:|typed:|warn_indent:|shareable_|-\*-|vim?:|"
    r"SPDX-|@flow\b|<reference|go:build|\+build)"
)
"""Orders that are about the whole file, not about what happens to follow them."""

Kind = Literal["doc", "plain", "directive", "kept"]


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment; line comments in a row are one. `form` is None for a directive."""

    start: int
    end: int
    kind: Kind
    form: Form | None = None


def comments_in(text: str, start: int, end: int, family: Family) -> list[Comment]:
    """Return the comments that begin a line of `start`..`end`, in the order of the text.

    Orders to tools, remarks such as TODO, rulers and the licence of the file stay apart: they are
    not documentation even where they touch it.
    """
    found: list[Comment] = []
    tools = directive(family)
    at = start
    while at < end:
        at = _blanks(text, at, end)
        if at >= end:
            break
        one = _at(text, at, end, family, tools)
        if one is None:
            at = _next_line(text, at)
            continue
        last = found[-1] if found else None
        if last is not None and _continues(text, last, one):
            found[-1] = Comment(last.start, one.end, last.kind, last.form)
        else:
            found.append(one)
        at = one.end
    pairs = zip(found, [*found[1:], None], strict=False)
    return [_licensed(text, _apart(text, one, following)) for one, following in pairs]


def content_of(comment: str, family: Family) -> str:
    """Return the text of a comment without its marks, as it is where it has none of `family`'s."""
    text = comment.strip()
    if (found := _ELIXIR.fullmatch(text)) is not None:
        inner = re.sub(r"\A@\w+\s*\(?\s*(?:~[sS])?(\"\"\"|'''|\")|(\"\"\"|'''|\")\)?\Z", "", text)
        return "" if found[0].endswith(("false", "nil")) else cleaned(inner)
    if family.convention == "rustdoc":
        text = _RUST.sub(_attribute_as_lines, text)
    forms = sorted((*family.docs, *family.plain), key=lambda form: -len(form.opening))
    for form in forms:
        if not text.startswith(form.opening):
            continue
        if form.by_line:
            if (unmarked := _unmarked(text, forms)) is not None:
                return cleaned("\n" + unmarked)
        elif text.endswith(form.closing.strip()) and form.prefix:
            inner = text[len(form.opening) : -len(form.closing.strip())]
            lines = inner.splitlines() or [""]
            starred = all(not one.strip() or one.lstrip().startswith("*") for one in lines[1:])
            if starred:
                lines[1:] = [re.sub(r"\A[ \t]*\*[ \t]?", "", one) for one in lines[1:]]
            return cleaned("\n".join(lines))
        elif text.endswith(form.closing):
            return cleaned(text[len(form.opening) : -len(form.closing)])
    return cleaned("\n" + comment)


def cleaned(text: str) -> str:
    """Return a text without blank lines around it and without the margin its lines share.

    The first line has none to give: it may stand behind an opening.
    """
    lines = [line.rstrip() for line in text.splitlines()]
    rest = [line for line in lines[1:] if line]
    margin = min((len(line) - len(line.lstrip(" \t")) for line in rest), default=0)
    lines = [lines[0].strip(), *(line[margin:] for line in lines[1:])] if lines else []
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(lines)


def _at(text: str, at: int, end: int, family: Family, tools: re.Pattern[str]) -> Comment | None:
    if text[at] == "@" and (found := _ELIXIR.match(text, at)) is not None:
        return Comment(at, found.end(), "doc", family.docs[0])
    if family.convention == "rustdoc" and (found := _RUST.match(text, at)) is not None:
        return Comment(at, found.end(), "doc", family.docs[0])
    forms: list[tuple[Form, Kind]] = [(form, "doc") for form in family.docs]
    forms += [(form, "plain") for form in family.plain]
    forms.sort(key=lambda pair: -len(pair[0].opening))
    for form, kind in forms:
        if not text.startswith(form.opening, at):
            continue
        if _is_other(text, at, form):
            continue
        stop = _line_end(text, at) if form.by_line else _closed(text, at, form)
        if stop is None:
            return None
        body = text[at:stop]
        if tools.match(body):
            return Comment(at, stop, "kept" if _FILES_OWN.match(body) else "directive")
        if (form.by_line and _KEPT.match(body)) or _OF_MORE.search(body):
            return Comment(at, stop, "kept", form)
        return Comment(at, stop, kind, form)
    return None


def _attribute_as_lines(found: re.Match[str]) -> str:
    raw = found[1] is None
    words: str = found[3] if raw else re.sub(r"\\([\"\\])", r"\1", found[1].replace("\\n", "\n"))
    return "\n".join(
        f"///{line}" if line.startswith(" ") else f"/// {line}" for line in words.split("\n")
    )


def _is_other(text: str, at: int, form: Form) -> bool:
    """Return whether what begins like a form is something else by the letters that follow."""
    rest = text[at : at + len(form.opening) + 2]
    if form.opening == "#":
        return rest.startswith(("#[", "#!["))
    if form.opening in ("///", "/**"):  # //// and /*** are rulers everywhere
        return rest[3:4] == form.opening[-1] or rest.startswith(_EMPTY)
    if form.opening == "---":
        return rest[3:4] == "-"
    if form.opening == "--":
        return rest.startswith("--[[")
    return False


def _closed(text: str, at: int, form: Form) -> int | None:
    found = text.find(form.closing.strip(), at + len(form.opening))
    return None if found < 0 else found + len(form.closing.strip())


def _continues(text: str, last: Comment, one: Comment) -> bool:
    if last.form is None or one.form is None or "kept" in (last.kind, one.kind):
        return False
    if not last.form.by_line or not one.form.by_line:
        # Some write each line as a comment of its own.
        whole = text[last.start : one.end]
        if last.form.opening != "/*" or one.form != last.form or "*/" not in whole.splitlines()[0]:
            return False
    between = text[last.end : one.start]
    lines = between.replace("\r\n", "\n").replace("\r", "\n").count("\n")
    return lines == 1 and one.form.opening in (last.form.opening, last.form.more)


def _apart(text: str, one: Comment, following: Comment | None) -> Comment:
    """Return a comment without the empty line that keeps it apart from an order below it."""
    if following is None or following.kind != "directive" or one.form is None:
        return one
    mark = re.escape(one.form.opening)
    found = re.search(rf"(?:(?:\r\n|\r|\n)[ \t]*{mark}[ \t]*)+\Z", text[one.start : one.end])
    if found is None or not one.form.by_line:
        return one
    return Comment(one.start, one.start + found.start(), one.kind, one.form)


def _licensed(text: str, one: Comment) -> Comment:
    if one.kind not in ("doc", "plain") or text[: one.start].strip(" \t\r\n\ufeff"):
        before = text[: one.start].lstrip("\ufeff")
        if not (before.startswith("#!") and not before.rstrip().count("\n")):
            return one
    if not _LICENSE.search(text, one.start, one.end):
        return one
    return Comment(one.start, one.end, "kept", one.form)


def _unmarked(text: str, forms: list[Form]) -> str | None:
    """Return the lines without their marks, None where a line has none."""
    marks = [form.opening for form in forms if form.by_line]
    lines = []
    for line in text.splitlines():
        stripped = line.strip()
        mark = next((mark for mark in marks if stripped.startswith(mark)), None)
        if mark is None:
            if stripped:
                return None
            lines.append("")
            continue
        rest = stripped[len(mark) :]
        lines.append(rest[1:] if rest.startswith(" ") else rest)
    return "\n".join(lines)


def _blanks(text: str, at: int, end: int) -> int:
    while at < end and (text[at].isspace() or text[at] == "\ufeff"):
        at += 1
    return at


def _line_end(text: str, at: int) -> int:
    ends = [found for mark in ("\n", "\r") if (found := text.find(mark, at)) >= 0]
    return min(ends, default=len(text))


def _next_line(text: str, at: int) -> int:
    return _line_end(text, at) + 1
