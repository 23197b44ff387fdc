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
    if first < within.start or last >= within.stop:
        return range(first, last + 1)
    if canonical(scene.language) is None and _borrowed(lines, within, keys, own) > 1:
        raise NotUsableError("The answer changes lines outside of the asked code", ONE_FILE)
    return None


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


def _borrowed(lines: Sequence[str], within: range, keys: list[str], own: set[str]) -> int:
    near = [
        *lines[max(0, within.start - 10) : within.start],
        *lines[within.stop : within.stop + 10],
    ]
    found = {line.strip() for line in near} - own
    return sum(1 for key in keys if key in found and len(key) >= _TELLING)
