"""A document as its editor changes it: each change makes the next snapshot.

pygls splits the whole text anew for each edit; here an edit costs one copy of the text and the
lines it touches.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from aiex_lsp.text.snapshot import Encoding, Snapshot, line_ends


@dataclass(frozen=True, slots=True)
class TextChange:
    """One content change: `text` replaces `start`..`end`, or everything where `start` is None.

    Both are (line, character) in the client's encoding, 0-based; `end` None is `start`.
    """

    start: tuple[int, int] | None
    end: tuple[int, int] | None
    text: str


def apply_changes(
    snapshot: Snapshot,
    changes: Iterable[TextChange],
    version: int | None,
    encoding: Encoding = "utf-16",
) -> Snapshot:
    """Return the snapshot after `changes`, each of which refers to the text the last one left.

    Positions past the end of the text are its end and a reversed range is read the right way
    round, as the editors' own libraries do: raising would leave the two texts apart for good.
    """
    current = replace(snapshot, version=version)
    _keep_lines(current, snapshot.line_starts)
    for change in changes:
        if change.start is None:
            current = replace(current, text=change.text)
            continue
        start = _offset(current, change.start, encoding)
        end = start if change.end is None else _offset(current, change.end, encoding)
        current = replace_span(current, min(start, end), max(start, end), change.text)
    return current


def replace_span(snapshot: Snapshot, start: int, end: int, text: str) -> Snapshot:
    """Return the snapshot with `text` in place of offsets `start`..`end`, its lines known."""
    old, starts = snapshot.text, snapshot.line_starts
    new = "".join((old[:start], text, old[end:]))
    delta = len(text) - (end - start)
    first = snapshot.line_at(start)
    if first and start == starts[first] and old[start - 1] == "\r":
        first -= 1  # a line feed set behind this carriage return would make them one break
    after = snapshot.line_at(end) + 1
    base = starts[first]
    until = starts[after] + delta if after < len(starts) else len(new)
    touched = [base + offset for offset in line_ends(new[base:until])]
    if after < len(starts):
        touched.pop()  # equals the first of the lines kept
    kept = starts[after:]
    if delta:
        kept = tuple([offset + delta for offset in kept])
    result = replace(snapshot, text=new)
    _keep_lines(result, starts[: first + 1] + tuple(touched) + kept)
    return result


def _keep_lines(snapshot: Snapshot, starts: tuple[int, ...]) -> None:
    snapshot.__dict__["line_starts"] = starts  # where `cached_property` would put them


def _offset(snapshot: Snapshot, position: tuple[int, int], encoding: Encoding) -> int:
    line, character = max(position[0], 0), max(position[1], 0)
    if line >= snapshot.line_count:
        return len(snapshot.text)
    return snapshot.offset_at(line, character, encoding)
