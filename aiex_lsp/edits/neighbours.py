"""Selected lines that come back with the lines around them."""

from __future__ import annotations

from collections.abc import Sequence

from aiex_lsp.edits.refusals import ONE_FILE, NotUsableError
from aiex_lsp.edits.scene import Scene
from aiex_lsp.syntax.languages import canonical

MAX_AROUND = 200
"""Lines above and below a selection that an answer may repeat."""
_TELLING = 6
"""Characters of a line that tells where it comes from."""


def repeated_around(scene: Scene, code: Sequence[str]) -> range | None:
    """Return the document's lines an answer gives, where these are more than were selected.

    All lines between must be there in their order: then they were repeated, not written anew.
    Raises `NotUsableError` where it repeats some and no grammar would tell a wrong place.
    """
    lines, within = scene.lines, scene.line_range
    keys = [line.strip() for line in code if line.strip()]
    if not keys:
        return None
    own = {lines[at].strip() for at in within}
    first = _reach(lines, within.start - 1, -1, keys, own)
    last = _reach(lines, within.stop, 1, keys[::-1], own)
    wider = first < within.start or last >= within.stop
    if canonical(scene.language) is None:
        above = lines[max(0, first - 10) : first] if first == within.start else []
        below = lines[last + 1 : last + 11] if last == within.stop - 1 else []
        if _borrowed([*above, *below], keys, own) > (0 if wider else 1):
            raise NotUsableError("The answer changes lines outside of the asked code", ONE_FILE)
    return range(first, last + 1) if wider else None


def _reach(lines: Sequence[str], start: int, step: int, keys: list[str], own: set[str]) -> int:
    """Return the outermost line the answer's outer lines repeat, `start - step` where none."""
    stop = start + step * MAX_AROUND
    passed: list[tuple[int, str]] = []
    for at in range(start, stop, step):
        if not 0 <= at < len(lines):
            break
        if not lines[at].strip():
            continue
        passed.append((at, lines[at].strip()))
        if lines[at].strip() != keys[0]:
            continue
        told = [text for _, text in passed]
        telling = any(len(text) >= _TELLING and text not in own for text in told)
        if told[::-1] == keys[: len(told)] and telling:
            return at
    return start - step


def _borrowed(near: Sequence[str], keys: list[str], own: set[str]) -> int:
    found = {line.strip() for line in near} - own
    return sum(1 for key in keys if key in found and len(key) >= _TELLING)
