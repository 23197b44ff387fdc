"""Where a text's code mentions names, comments and strings apart. CPU-bound: use threads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from aiex_lsp.syntax.languages import parse
from aiex_lsp.syntax.offsets import CodePoints

_SILENT = ("comment", "string", "heredoc", "char_literal", "regex")
_SPOKEN = ("interpolation", "substitution", "embedded")
_BEFORE = re.compile(r"(?:([\w$]+)(?:\([^()\n]*\)|\[[^\[\]\n]*\])?[?!]?\s*)?(\.|->|::|&\.)\s*\Z")
MAX_MENTIONS = 500
"""The first so many are looked at: a node is found in the time its siblings take."""
_REACH = 120
"""Characters looked at before a name."""


@dataclass(frozen=True, slots=True)
class DefinedName:
    """A name a file defines for others: `kind` is its symbol's, or "import" for one passed on.

    `owner` is the last name of what encloses it, "" at top level.
    """

    name: str
    kind: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Mention:
    """A name at `start`; `dot` is what joins it to the word before it ("" for a name alone)."""

    name: str
    start: int
    dot: str = ""
    receiver: str = ""


def mentions(text: str, language: str, names: Iterable[str]) -> Iterator[Mention]:
    """Yield where code mentions any of the names, in order; nothing for unknown languages."""
    wanted = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    every = re.finditer(rf"(?<![\w$])(?:{wanted})(?![\w$])", text) if wanted else iter(())
    found = list(islice(every, MAX_MENTIONS))
    tree = parse(text, language) if found else None
    if tree is None:
        return
    points = CodePoints(text)
    for one in found:
        node = tree.root_node.descendant_for_byte_range(
            points.byte(one.start()), points.byte(one.end())
        )
        while node is not None and not any(part in node.type for part in _SPOKEN):
            if any(part in node.type for part in _SILENT):
                break
            node = node.parent
        else:
            before = _BEFORE.search(text[max(0, one.start() - _REACH) : one.start()])
            receiver, dot = (before[1] or "", before[2]) if before else ("", "")
            yield Mention(one[0], one.start(), dot, receiver)
