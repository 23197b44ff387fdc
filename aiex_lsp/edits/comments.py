"""Answers that are only the documentation: a comment to stand before a symbol, a docstring."""

from __future__ import annotations

import re

from aiex_lsp.edits.scene import Scene
from aiex_lsp.syntax.docstrings import put
from aiex_lsp.syntax.languages import line_comment
from aiex_lsp.syntax.tokens import code_tokens, string_lines
from aiex_lsp.text.diff import line_changes

_DOCSTRING = re.compile(r"[rRuUbB]*(\"\"\"|'''|\").*\1", re.DOTALL)


def documented(scene: Scene, code: str) -> str | None:
    """Return the range with the documentation the block holds, None where it holds code too."""
    symbol = scene.symbol
    comment = code.strip()
    if symbol is None or not comment:
        return None
    if scene.language == "python":
        if not _DOCSTRING.fullmatch(comment):
            return None
    elif code_tokens(code, scene.language) != ():
        return None
    text = put(scene.text, scene.language, symbol, code.strip("\n"))
    before, after = scene.text[: scene.span.start], scene.text[scene.span.end :]
    if not text.startswith(before) or not text.endswith(after):
        return None
    return text[len(before) : len(text) - len(after)]


def quiet_lines(code: str) -> frozenset[int]:
    """Return the 0-based lines of a block that are comment or documentation alone."""
    quiet: set[int] = set()
    inside = ""
    for at, line in enumerate(code.split("\n")):
        bare = line.strip()
        if inside:
            quiet.add(at)
            inside = "" if inside in bare else inside
            continue
        opened = re.match(r"(?:@\w*doc )?[rRuU]*(\"\"\"|'''|/\*)", bare)
        if opened:
            close = "*/" if opened[1] == "/*" else opened[1]
            quiet.add(at)
            inside = "" if close in bare[opened.end() :] else close
        elif re.match(r"(?://|#(?!include|define|\[)|--|@doc )", bare):
            quiet.add(at)
    return frozenset(quiet)


def with_comments(lines: list[str], original: list[str], language: str) -> list[str]:
    """Return the lines with the comments beside changed code that an answer left out.

    A comment line goes where the answer has another comment in its place.
    """
    marks = (line_comment(language), "/*", "//")
    strings: frozenset[int] | None = None
    out: list[str] = []
    at = 0
    for i, j, k, m in line_changes(original, lines):
        out.extend(original[at:i])
        at = j
        new = lines[k:m]
        first, last = i, j
        if not any(line.lstrip().startswith(marks) for line in new):
            while first < last and original[first].lstrip().startswith(marks):
                first += 1
            while last > first and original[last - 1].lstrip().startswith(marks):
                last -= 1
        if (first, last) != (i, j):
            if strings is None:
                strings = string_lines("\n".join(original), language)
            kept = [n for n in (*range(i, first), *range(last, j)) if _is_whole(original[n])]
            if strings.isdisjoint(kept):
                out.extend(original[n] for n in kept if n < first)
                out.extend(new)
                out.extend(original[n] for n in kept if n >= last)
                continue
        out.extend(new)
    out.extend(original[at:])
    return out


def _is_whole(line: str) -> bool:
    """Return whether a comment that begins on a line ends on it, and no code follows."""
    bare = line.strip()
    return bare.endswith("*/") if bare.startswith("/*") else True
