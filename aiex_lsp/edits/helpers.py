"""New top-level definitions that come with the code of a method: an extracted function's place.

Nothing that is there changes by them, so they may stand outside of the asked range. Only what is
new to the file, called by its bare name and part of a refactoring is taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiex_lsp.edits.elided import is_elision
from aiex_lsp.edits.plain import Change
from aiex_lsp.edits.scene import Scene
from aiex_lsp.syntax.symbols import build_outline
from aiex_lsp.syntax.types import Symbol

_JS_HEAD = re.compile(
    r"(?:export\s+)?(?:async\s+)?(?:function|const|class|type|interface|enum)\b", re.ASCII
)
_HEADS = {
    "python": re.compile(
        r"(?:async\s+)?def\s+\w+\s*\((?!\s*(?:self|cls)\b)|class\b|[A-Z_][A-Z0-9_]*\b"
    ),
    "javascript": _JS_HEAD,
    "javascriptreact": _JS_HEAD,
    "typescript": _JS_HEAD,
    "typescriptreact": _JS_HEAD,
    "rust": re.compile(
        r"(?:const\s+|async\s+|unsafe\s+)*fn\s+\w+[^(]*\((?!\s*(?:&\s*)?(?:'\w+\s+)?(?:mut\s+)?self\b)"
        r"|(?:const|static|struct|enum|type)\b"
    ),
    "go": re.compile(r"func\s+\w|const\b|var\b|type\b"),
}
"""How a definition begins that is none of a type's members."""


MAX_HELPERS = 50
"""Definitions beside the asked one that are looked at."""


@dataclass(frozen=True, slots=True)
class Apart:
    """A block without the definitions that go outside of the range, and those."""

    code: str
    added: tuple[str, ...] = ()


def helpers_apart(scene: Scene, code: str, asked: Symbol) -> Apart:
    """Return a block with its new top-level helpers taken out, those its other code calls."""
    if not _may_add(scene) or not asked.container:
        return Apart(code)
    symbols = [one for one in build_outline(code, scene.language).symbols if not one.container]
    if len(symbols) > MAX_HELPERS:
        return Apart(code)
    taken = [_region(code, one) for one in symbols if _is_helper(scene, code, one, asked)]
    rest, at = "", 0
    for start, end in taken:
        rest += code[at:start].rstrip("\n") + "\n\n" if code[at:start].strip() else ""
        at = end
    rest = (rest + code[at:].lstrip("\n")) if taken else code
    if not rest.strip():
        return Apart(code)
    return Apart(rest, tuple(code[start:end].strip("\n") for start, end in taken))


def only_helpers(scene: Scene, added: str, code: str) -> tuple[str, ...]:
    """Return the definitions lines are made of, none where they hold anything else.

    `code` is all that is new: a helper that nothing of it calls is no part of the change.
    """
    asked = scene.symbol
    if asked is None or not asked.container or not _may_add(scene):
        return ()
    outline = [one for one in build_outline(added, scene.language).symbols if not one.container]
    if len(outline) > MAX_HELPERS:
        return ()
    helpers = [one for one in outline if _is_helper(scene, added, one, asked, code)]
    rest, at = "", 0
    for start, end in (_region(added, one) for one in helpers):
        rest += added[at:start]
        at = end
    if not helpers or (rest + added[at:]).strip():
        return ()
    return tuple(
        added[start:end].strip("\n") for start, end in (_region(added, one) for one in helpers)
    )


def helper_changes(scene: Scene, added: tuple[str, ...]) -> list[Change]:
    """Return the insertion of helpers beside what the range stands in."""
    holder = scene.holder
    if not added or holder is None:
        return []
    gap = "\n\n\n" if scene.language == "python" else "\n\n"
    text = gap.join(added)
    start, end = holder
    if scene.language == "go":
        return [(end, end, gap + text)]
    return [(start, start, text + gap)]


def _may_add(scene: Scene) -> bool:
    return scene.intent in ("refactor", "run") and scene.holder is not None


def _is_helper(
    scene: Scene, code: str, one: Symbol, asked: Symbol, used_in: str | None = None
) -> bool:
    owner = re.split(r"[.:]+", asked.container)[-1]
    if one.container or one.name in (asked.name, owner):
        return False
    start, end = _region(code, one)
    text = code[start:end]
    head = code[one.start : one.end].lstrip()
    if not _HEADS[scene.language].match(head) or any(map(is_elision, text.split("\n"))):
        return False
    name = re.escape(one.name)
    if re.search(rf"(?<![\w$]){name}(?![\w$])", scene.around()):
        return False  # it would be another thing to code that is there
    rest = code[:start] + code[end:] if used_in is None else used_in
    member = re.search(rf"\b(?:self|this|cls|Self|super)(?:\.|::){name}\b", rest)
    alone = re.search(rf"(?<![\w.$:]){name}(?![\w$])", rest)
    return alone is not None and member is None


def _region(code: str, one: Symbol) -> tuple[int, int]:
    start = one.start if one.doc_start is None else min(one.doc_start, one.start)
    return max(0, start), min(one.end, len(code))
