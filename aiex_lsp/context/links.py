"""Whether a file's mention of a name means what another file defines. CPU-bound: use threads.

A hit must be sure enough to refuse an edit for it: where a language says what is imported from
where, only that counts; where all files share their names, a call or a type's name does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from aiex_lsp.context.module_links import Link, links_to
from aiex_lsp.syntax.mentions import DefinedName, Mention, mentions
from aiex_lsp.syntax.symbols import build_outline

_LINKED = frozenset({
    "python", "javascript", "javascriptreact", "typescript", "typescriptreact",
})  # fmt: skip
"""Languages whose imports tell from where each name comes."""
_CALLED = ("function", "method")
_BY_PATH = frozenset({"lua", "ruby", "shellscript", "rust"})
"""Languages whose functions are only there for a file that names the one they are in."""

MAX_CHARS = 300_000
"""Longer files are not looked at: nobody writes them by hand."""


def uses_in(
    text: str, path: PurePath, language: str, wanted: Sequence[DefinedName], defined: PurePath
) -> Iterator[tuple[DefinedName, int]]:
    """Yield (what is used, where) of a file's text that uses what `defined` no longer has."""
    here = [one for one in wanted if one.name in text]
    if not here or len(text) > MAX_CHARS:
        return
    owners = {one.owner for one in here if one.owner}
    found = list(mentions(text, language, {one.name for one in here} | owners))
    if not any(one.name in {each.name for each in here} for one in found):
        return
    own = {one.name for one in build_outline(text, language).symbols}
    links = list(links_to(text, path, language, defined)) if language in _LINKED else []
    said = {one.name for one in found}
    typed: dict[tuple[str, str], bool] = {}
    for hit in found:
        for one in here:
            if hit.name != one.name or (hit.name in own and not _from(links, hit)):
                continue
            if one.owner:
                named = hit.receiver.replace("_", "").lower() == one.owner.lower()
                told = named or one.owner in said  # by the type, or by a variable of its name
                uses = bool(hit.dot) and told and _is_of(text, hit, one.owner, typed)
            elif language in _LINKED:
                uses = _is_linked(links, hit, one)
            else:
                uses = _is_shared(text, hit, one, language, path, defined)
            if uses:
                yield one, hit.start


def _is_of(text: str, hit: Mention, owner: str, typed: dict[tuple[str, str], bool]) -> bool:
    """Return whether a member is one of `owner`'s: by the word before it, or by its own name."""
    receiver = hit.receiver.lstrip("$")
    if not receiver:
        return _is_unusual(hit.name)
    if owner.lower() in receiver.lower().replace("_", ""):
        return True
    if receiver in ("self", "this", "super", "cls", "Self"):
        return False
    if _is_unusual(hit.name):
        return True
    if (receiver, owner) not in typed:
        typed[receiver, owner] = _is_typed(text, receiver, owner)
    return typed[receiver, owner]


def _is_typed(text: str, receiver: str, owner: str) -> bool:
    """Return whether a variable is declared with a type, or made of it, somewhere in the text."""
    word, kind = re.escape(receiver), re.escape(owner)
    return bool(
        re.search(
            rf"\b{word}\b\s*(?::=|=(?!=)|:)[^\n=]{{0,200}}?(?<![\w.]){kind}\b|"
            rf"\b{kind}(?:<[^\n<>]{{0,200}}>)?[ \t*&]+\$?{word}\b|"
            rf"\b{word}[ \t]+\*?(?:\w+\.)?{kind}\b",
            text,
        )
    )


def _is_unusual(name: str) -> bool:
    return "_" in name.strip("_") or bool(re.search(r"[a-z][A-Z]", name)) or len(name) > 11


def _from(links: Sequence[Link], hit: Mention) -> bool:
    return any(one.start <= hit.start < one.end for one in links)


def _is_linked(links: Sequence[Link], hit: Mention, wanted: DefinedName) -> bool:
    for one in links:
        if one.start <= hit.start < one.end:
            return hit.name in one.names
        if hit.dot and hit.receiver in one.modules:
            return True
    return not hit.dot and wanted.kind != "import" and any(one.all_names for one in links)


def _is_shared(
    text: str, hit: Mention, one: DefinedName, language: str, path: PurePath, defined: PurePath
) -> bool:
    """Return whether a mention means a definition of a language without such imports."""
    if one.kind == "import":
        return False
    called = bool(re.match(r"\s*[(!]", text[hit.start + len(hit.name) :][:20]))
    beside = path.parent == defined.parent
    if language == "go":
        if hit.dot:
            return hit.receiver == defined.parent.name
        return beside and (called or one.kind not in _CALLED)
    if language in _BY_PATH and one.kind in (*_CALLED, "constant"):
        stem = defined.parent.name if defined.stem in ("mod", "lib", "main") else defined.stem
        return bool(re.search(rf"\b{re.escape(stem)}\b", text)) and hit.dot in ("", "::", ".")
    if one.kind in _CALLED:
        return called and not hit.dot
    return not hit.dot or hit.dot == "::" or hit.receiver[:1].isupper()
