"""What holds of every edit before it is offered: it parses, nothing others use is lost."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aiex_lsp.edits.new_imports import bound_names
from aiex_lsp.edits.refusals import UNCHANGED, NotUsableError, shortened
from aiex_lsp.edits.scene import Scene
from aiex_lsp.syntax.imports import ImportStatement, imports
from aiex_lsp.syntax.languages import canonical
from aiex_lsp.syntax.python_names import unbound_names
from aiex_lsp.syntax.symbols import build_outline
from aiex_lsp.syntax.tokens import code_tokens
from aiex_lsp.syntax.types import Symbol
from aiex_lsp.syntax.validate import new_errors, validate
from aiex_lsp.text.snapshot import Snapshot

_VISIBLE = ("export", "pub", "public")
_MOST = 0.6
"""The share of a function's lines whose loss without a word is no fix."""
_FEW = 8
_SHORTENS = re.compile(r"\b(?:remov|delet|drop|shorten|inlin|simplif|strip|merg)", re.IGNORECASE)
"""Begins words that ask for less code."""
_HIDDEN = re.compile("[\x00-\x08\x0e-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Characters nobody sees, some of which let code look like other code."""


def check_edit(scene: Scene, new: str, document: str) -> None:
    """Raise `NotUsableError` where the range must not become `new` and the whole `document`."""
    if document == scene.text:
        raise NotUsableError(UNCHANGED)
    check_parses(scene.text, document, scene.language)
    if scene.intent == "document":
        _check_same_code(scene, new, document)
    _check_not_half(scene, new)
    _check_names(scene, document)
    _check_imports(scene, document)
    if scene.intent != "document":
        check_bound(scene.text, document, scene.target.snapshot)


def check_parses(before: str, after: str, language: str) -> None:
    """Raise `NotUsableError` where `after` has an error that `before` has not."""
    hidden = set(_HIDDEN.findall(after)) - set(_HIDDEN.findall(before))
    if hidden:
        code = f"U+{ord(min(hidden)):04X}"
        raise NotUsableError(f"The answer has an invisible character ({code}) in its code")
    found = new_errors(before, after, language)
    if found:
        first = found[0]
        raise NotUsableError(
            f"The answer's code does not parse (line {first.line}: {shortened(first.message, 60)})"
        )
    now = validate(after, language)
    if now.valid and now.fragment is not None:
        was = validate(before, language)
        if was.valid and was.fragment != now.fragment:
            raise NotUsableError(f"The answer's code does not parse here: it reads {now.fragment}")


def check_bound(before: str, after: str, snapshot: Snapshot) -> None:
    """Raise `NotUsableError` where Python code of `after` uses a name that nothing binds any more.

    Files of other languages are passed over, and those that get names from elsewhere: a notebook's
    cells, build scripts.
    """
    uri = snapshot.uri.lower()
    if canonical(snapshot.language_id) != "python" or not uri.endswith((".py", ".pyw")):
        return
    if uri.startswith("vscode-notebook"):
        return
    now = unbound_names(after)
    was = unbound_names(before) if now else None
    if now is None or was is None or not now - was:
        return
    names = [f"`{shortened(name)}`" for name in sorted(now - was)]
    told = " and ".join(names[:2])
    verb = "is" if len(names) == 1 else "are"
    raise NotUsableError(f"The answer's code uses {told}, which {verb} not defined or imported")


def incomplete(scene: Scene, code: str, error: NotUsableError) -> NotUsableError:
    """Return the error, or that the block is not whole where that is why it does not fit."""
    if not error.what.startswith(("The answer changes lines", "The answer has only a part")):
        return error
    found = validate(code, scene.language)
    if found.valid is not False or not found.problems:
        return error
    first = found.problems[0]
    where = f"line {first.line} of the answer's code: {shortened(first.message, 60)}"
    return NotUsableError(f"The answer's code does not parse ({where})")


def _check_same_code(scene: Scene, new: str, document: str) -> None:
    before = code_tokens(scene.text, scene.language)
    after = code_tokens(document, scene.language)
    if before is not None and before != after:
        raise NotUsableError("The answer changes the code, not only its documentation")


def _check_not_half(scene: Scene, new: str) -> None:
    if scene.intent not in ("fix", "refactor") or _SHORTENS.search(scene.target.instruction):
        return
    old = [line.strip() for line in scene.old.split("\n") if line.strip()]
    now = [line.strip() for line in new.split("\n") if line.strip()]
    if len(old) < 4 or len(now) >= len(old):
        return
    same = sum(1 for one, other in zip(old, now, strict=False) if one == other)
    gone = len(old) - len(now)
    ends = now[-1] == old[len(now) - 1] or (
        old[-1].startswith("return ") and not now[-1].startswith(("return", "raise", "}"))
    )
    if same >= len(now) - 1 and ends and gone >= max(2, len(old) // 4):
        raise NotUsableError("The answer ends before the code does: only its first part is there")
    if scene.intent == "fix" and len(old) >= _FEW and len(now) < (1 - _MOST) * len(old):
        raise NotUsableError("The answer drops most of the code without saying so")


def _check_names(scene: Scene, document: str) -> None:
    if not scene.inside:
        return
    shift = len(document) - len(scene.text)
    before = [one for one in scene.inside if not _is_local(one, scene.inside)]
    after = build_outline(document, scene.language).symbols
    left = {(one.container, one.name) for one in after}
    outside = scene.around()
    own = scene.symbol
    for one in before:
        if (one.container, one.name) in left:
            continue
        told = f"`{shortened(one.name)}`"
        is_target = own is not None and one.name_start == own.name_start
        if scene.intent in ("fix", "document"):
            raise NotUsableError(f"The answer loses {told}, which this code defines")
        if _mentions(outside, one.name):
            raise NotUsableError(f"The answer loses {told}, which the rest of the file uses")
        wished = _mentions(scene.target.instruction, one.name)
        if not is_target and not wished and _is_public(one, scene):
            raise NotUsableError(f"The answer loses {told}, which other files may use")
    if own is not None and scene.intent != "refactor":
        now = [one for one in after if (one.container, one.name) == (own.container, own.name)]
        nearest = min(now, key=lambda one: abs(one.start - own.start), default=None)
        if nearest is not None and abs(nearest.start - own.start) <= abs(shift) + len(scene.old):
            _check_visible(own, nearest, scene, document)


def _check_visible(old: Symbol, new: Symbol, scene: Scene, document: str) -> None:
    before = scene.text[old.start : old.name_start].split()
    after = document[new.start : new.name_start].split()
    for word in _VISIBLE:
        if word in before and word not in after:
            raise NotUsableError(f"The answer drops `{word}` from `{shortened(old.name)}`")


def _check_imports(scene: Scene, document: str) -> None:
    """Raise where an import is gone whose name is still used."""
    before = imports(scene.text, scene.language)
    _check_not_hidden(scene, document, before)
    if not any(scene.span.start <= one.start < scene.span.end for one in before):
        return
    now = imports(document, scene.language)
    bound = {name for one in now for name in bound_names(one.text, scene.language)}
    body = _without(document, [(one.start, one.end) for one in now])
    for one in before:
        for name in sorted(bound_names(one.text, scene.language) - bound):
            if _mentions(body, name):
                raise NotUsableError(
                    f"The answer loses the import of `{shortened(name)}`, which is still used"
                )


def _check_not_hidden(scene: Scene, document: str, statements: Sequence[ImportStatement]) -> None:
    """Raise where a new definition takes the name of an import the rest of the file goes by."""
    names = {name for one in statements for name in bound_names(one.text, scene.language)}
    known = {one.name for one in scene.outline.symbols}
    if not names - known:
        return
    for one in build_outline(document, scene.language).symbols:
        if one.name in names and one.name not in known and not one.container:
            spans = [(other.start, other.end) for other in statements]
            if _mentions(
                _without(scene.text, [*spans, (scene.span.start, scene.span.end)]), one.name
            ):
                raise NotUsableError(
                    f"The answer defines `{shortened(one.name)}` anew, which the file imports"
                )


def _is_local(one: Symbol, all_: Sequence[Symbol]) -> bool:
    """Return whether a definition lies inside a function: nobody else can use it."""
    return any(
        other.kind in ("function", "method") and other.start < one.start and one.end <= other.end
        for other in all_
    )


def _is_public(one: Symbol, scene: Scene) -> bool:
    if one.name.startswith(("_", "#")):
        return False
    if scene.language == "go":
        return one.name[:1].isupper()
    before = scene.text[one.start : one.name_start].split()
    if scene.language in ("rust", "javascript", "typescript", "javascriptreact", "typescriptreact"):
        return any(word.startswith(_VISIBLE[:2]) for word in before)
    return not {"private", "static", "defp", "local"} & set(before)


def _mentions(text: str, name: str) -> bool:
    return bool(re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text))


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    parts, at = [], 0
    for start, end in sorted(spans):
        parts.append(text[at : max(at, start)])
        at = max(at, end)
    return "".join([*parts, text[at:]])
