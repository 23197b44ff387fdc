"""Differences of two texts: for people as a unified diff, for editors as small replacements.

Lines end at LF here, as `patch` sees them; a CR stays part of its line. Time is bounded: what is
too different to be matched line by line counts as replaced as a whole.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher

CONTEXT_LINES = 3
"""Unchanged lines around a change, as `diff -u` shows."""
_MATCHED_AT_ONCE = 250_000
"""Product of line counts that `difflib` is asked to match: a quarter of a second at worst."""

_Change = tuple[int, int, int, int]
"""Lines `[0]..[1]` of the old text became lines `[2]..[3]` of the new one."""


def unified_diff(old: str, new: str, path: str, *, created: bool = False) -> str:
    """Return the diff as `patch -p1` takes it, "" where nothing changed.

    `path` is relative with forward slashes; with `created` the old side is /dev/null.
    """
    before, after = _lines(old), _lines(new)
    out: list[str] = []
    for group in _groups(_changes(before, after)):
        out.extend(_hunk(group, before, after))
    if not out:
        return ""
    source = "/dev/null" if created else _name("a", path)
    return f"--- {source}\n+++ {_name('b', path)}\n" + "".join(out)


def minimal_replacements(old: str, new: str) -> list[tuple[int, int, str]]:
    """Return ascending, disjoint (start, end, text) in code points of `old` that make it `new`.

    No offset lies between a CR and its LF: a client could not name it.
    """
    before, after = _lines(old), _lines(new)
    old_at, new_at = _offsets(before), _offsets(after)
    return [
        _trimmed(old, old_at[i], old_at[j], new[new_at[k] : new_at[m]])
        for i, j, k, m in _changes(before, after)
    ]


def line_changes(old: list[str], new: list[str]) -> list[tuple[int, int, int, int]]:
    """Return ascending (i, j, k, m): lines `i..j` of `old` became lines `k..m` of `new`."""
    return _changes(old, new)


def changed_span(old: str, new: str) -> tuple[int, int, int]:
    """Return (start, end, length): `old[start:end]` became `length` characters, around it is alike.

    Far quicker than `minimal_replacements`, which finds several changes.
    """
    start = _common_prefix(old, new)
    tail = _common_prefix(old[start:][::-1], new[start:][::-1])
    return start, len(old) - tail, len(new) - tail - start


def _lines(text: str) -> list[str]:
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _offsets(lines: list[str]) -> list[int]:
    at = [0]
    for line in lines:
        at.append(at[-1] + len(line))
    return at


def _trimmed(old: str, start: int, end: int, text: str) -> tuple[int, int, str]:
    """Return the replacement without the characters both sides begin and end with."""
    gone = old[start:end]
    head = _common_prefix(gone, text)
    tail = _common_prefix(gone[head:][::-1], text[head:][::-1])
    first, last = start + head, end - tail
    text = text[head : len(text) - tail]
    if _in_break(old, first):
        first, text = first - 1, "\r" + text
    if _in_break(old, last):
        last, text = last + 1, text + "\n"
    return first, last, text


def _in_break(text: str, offset: int) -> bool:
    return text[max(offset - 1, 0) : offset + 1] == "\r\n"


def _common_prefix(one: str, other: str) -> int:
    """Return its length; halving, since comparing slices is far faster than characters."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _changes(a: list[str], b: list[str]) -> list[_Change]:
    """Return what changed in order, without neighbours that touch."""
    found: list[_Change] = []
    for i, j, k, m in _differing(a, 0, len(a), b, 0, len(b)):
        if found and found[-1][1] == i and found[-1][3] == k:
            found[-1] = (found[-1][0], j, found[-1][2], m)
        else:
            found.append((i, j, k, m))
    return found


def _differing(
    a: list[str], i: int, j: int, b: list[str], k: int, m: int, anchored: bool = True
) -> Iterator[_Change]:
    while i < j and k < m and a[i] == b[k]:
        i, k = i + 1, k + 1
    while i < j and k < m and a[j - 1] == b[m - 1]:
        j, m = j - 1, m - 1
    if i == j and k == m:
        return
    if i == j or k == m:
        yield i, j, k, m
    elif (j - i) * (m - k) <= _MATCHED_AT_ONCE:
        matcher = SequenceMatcher(None, a[i:j], b[k:m], autojunk=False)
        for tag, i1, i2, k1, k2 in matcher.get_opcodes():
            if tag != "equal":
                yield i + i1, i + i2, k + k1, k + k2
    elif anchored and (anchors := _anchors(a, i, j, b, k, m)):
        for at, there in [*anchors, (j, m)]:
            yield from _differing(a, i, at, b, k, there, anchored=False)
            i, k = at, there
    else:
        yield i, j, k, m


def _anchors(a: list[str], i: int, j: int, b: list[str], k: int, m: int) -> list[tuple[int, int]]:
    """Return the longest ascending run of lines that occur once on either side."""
    once_a = {line for line, count in Counter(a[i:j]).items() if count == 1}
    once_b = {line for line, count in Counter(b[k:m]).items() if count == 1}
    where = {b[at]: at for at in range(k, m) if b[at] in once_b}
    pairs = [(at, where[a[at]]) for at in range(i, j) if a[at] in once_a and a[at] in where]
    ends: list[int] = []
    chain: list[int] = []
    before: list[int] = []
    for index, (_, there) in enumerate(pairs):
        place = bisect_left(ends, there)
        before.append(chain[place - 1] if place else -1)
        if place == len(ends):
            ends.append(there)
            chain.append(index)
        else:
            ends[place], chain[place] = there, index
    run: list[tuple[int, int]] = []
    at = chain[-1] if chain else -1
    while at >= 0:
        run.append(pairs[at])
        at = before[at]
    return run[::-1]


def _groups(changes: list[_Change]) -> Iterator[list[_Change]]:
    """Yield the changes that share a hunk: those whose context would touch."""
    group: list[_Change] = []
    for change in changes:
        if group and change[0] - group[-1][1] > 2 * CONTEXT_LINES:
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _hunk(group: list[_Change], a: list[str], b: list[str]) -> Iterator[str]:
    lead = min(CONTEXT_LINES, group[0][0])
    trail = min(CONTEXT_LINES, len(a) - group[-1][1])
    i, k = group[0][0] - lead, group[0][2] - lead
    j, m = group[-1][1] + trail, group[-1][3] + trail
    yield f"@@ -{_range(i, j)} +{_range(k, m)} @@\n"
    for i1, i2, k1, k2 in group:
        yield from (_line(" ", line) for line in a[i:i1])
        yield from (_line("-", line) for line in a[i1:i2])
        yield from (_line("+", line) for line in b[k1:k2])
        i = i2
    yield from (_line(" ", line) for line in a[i:j])


def _range(first: int, end: int) -> str:
    count = end - first
    if count == 1:
        return str(first + 1)
    return f"{first + 1 if count else first},{count}"


def _line(mark: str, line: str) -> str:
    return mark + (line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")


def _name(side: str, path: str) -> str:
    """Return the header's file name, quoted or closed by a tab where `patch` needs it."""
    name = f"{side}/{path.lstrip('/')}"
    if any(char in '"\\' or ord(char) < 32 for char in name):
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(c if ord(c) >= 32 else f"\\{ord(c):03o}" for c in quoted) + '"'
    return f"{name}\t" if " " in name else name
