"""Answers that are only the documentation: a comment to stand before a symbol, a docstring."""

from __future__ import annotations

import re

from aiex_lsp.edits.indent import indent_of, shifted
from aiex_lsp.edits.plain import line_starts
from aiex_lsp.edits.scene import Scene
from aiex_lsp.syntax.tokens import code_tokens

_DOCSTRING = re.compile(r"[ \t]*[rRuUbB]*(\"\"\"|'''|\").*\1[ \t]*$", re.DOTALL)


def documented(scene: Scene, code: str) -> str | None:
    """Return the range with the documentation the block holds, None where it holds code too."""
    symbol = scene.symbol
    if symbol is None or not code.strip():
        return None
    if scene.language == "python":
        if not _DOCSTRING.fullmatch(code.strip("\n")) or symbol.body_start is None:
            return None
        return _with_docstring(scene, code.strip("\n").split("\n"))
    tokens = code_tokens(code, scene.language)
    if tokens is None or tokens:
        return None
    start = symbol.start if symbol.doc_start is None else min(symbol.doc_start, symbol.start)
    head = scene.text[scene.span.start : start]
    if head.strip():
        return None
    line = scene.text.rfind("\n", 0, symbol.start) + 1
    base = scene.text[line : symbol.start]
    base = base if not base.strip() else ""
    comment = _moved(code.strip("\n").split("\n"), base)
    return "\n".join(comment) + "\n" + base + scene.text[symbol.start : scene.span.end]


def _with_docstring(scene: Scene, lines: list[str]) -> str | None:
    symbol = scene.symbol
    if symbol is None or symbol.body_start is None:
        return None
    at = symbol.body_start
    line = scene.text.rfind("\n", 0, at) + 1
    base = scene.text[line:at]
    if base.strip():
        return None
    end = at
    old = re.compile(r"[rRuU]*(?:\"\"\".*?\"\"\"|'''.*?''')", re.DOTALL).match(scene.text, at)
    if old is not None and old.end() <= scene.span.end:
        end = old.end()
        tail = ""
    else:
        tail = "\n" + base
    text = "\n".join(_moved(lines, base)).lstrip(" \t")
    return scene.text[scene.span.start : at] + text + tail + scene.text[end : scene.span.end]


def _moved(lines: list[str], base: str) -> list[str]:
    first = indent_of(next((line for line in lines if line.strip()), ""))
    return [shifted(line, first, base) for line in lines]


def quiet_lines(code: str, language: str) -> frozenset[int]:
    """Return the 0-based lines of a block that are comment or documentation alone."""
    starts = line_starts(code)
    tokens = code_tokens(code, language)
    lines = code.split("\n")
    if tokens is None or len(starts) > 5000:
        return frozenset()
    quiet: set[int] = set()
    inside = ""
    for at, line in enumerate(lines):
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
