"""Names an edit takes away from a file, that other files may use. CPU-bound: use threads."""

from __future__ import annotations

import re

from aiex_lsp.edits.new_imports import bound_names
from aiex_lsp.syntax.imports import imports
from aiex_lsp.syntax.mentions import DefinedName
from aiex_lsp.syntax.symbols import build_outline
from aiex_lsp.syntax.types import Symbol


def lost_names(before: str, after: str, language: str) -> tuple[DefinedName, ...]:
    """Return the names `before` defines or imports at its top or in a type, and `after` does not.

    A name that is bound in some other way (an alias, an import in place of a definition) is there.
    """
    old = build_outline(before, language).symbols
    left = {one.name for one in build_outline(after, language).symbols}
    found: dict[tuple[str, str], DefinedName] = {}
    for one in old:
        if one.name in left or one.is_test or _is_local(one, old) or _binds(after, one.name):
            continue
        owner = re.split(r"[.:]+", one.container)[-1] if one.container else ""
        found.setdefault((one.name, owner), DefinedName(one.name, one.kind, owner))
    now = _imported(after, language)
    for name in sorted(_imported(before, language) - now - left):
        if not _binds(after, name):
            found.setdefault((name, ""), DefinedName(name, "import"))
    return tuple(found.values())


def _imported(text: str, language: str) -> set[str]:
    return {name for one in imports(text, language) for name in bound_names(one.text, language)}


def _is_local(one: Symbol, all_: tuple[Symbol, ...]) -> bool:
    return any(
        other.kind in ("function", "method") and other.start < one.start and one.end <= other.end
        for other in all_
    )


def _binds(text: str, name: str) -> bool:
    word = re.escape(name)
    return bool(
        re.search(
            rf"^[ \t]*(?:[\w$.]+[ \t]+)*(?:module\.|exports\.)*{word}[ \t]*(?::[^=\n]*)?=(?![=>])|"
            rf"\bas[ \t]+{word}(?![\w$])|\b(?:alias|alias_method|typedef|type|use)\b[^\n]{{0,200}}"
            rf"(?<![\w$]){word}(?![\w$])",
            text,
            re.MULTILINE,
        )
    )
