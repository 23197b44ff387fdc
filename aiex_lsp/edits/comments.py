"""Answers that are only the documentation: a comment to stand before a symbol, a docstring."""

from __future__ import annotations

import re

from aiex_lsp.edits.scene import Scene
from aiex_lsp.syntax.docstrings import put
from aiex_lsp.syntax.tokens import code_tokens

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
