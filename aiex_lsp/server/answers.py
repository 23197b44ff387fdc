"""Which place each recent answer was about, so that a follow-up needs to name only the answer."""

from __future__ import annotations

from dataclasses import dataclass

from aiex_lsp.text.snapshot import Snapshot, Span

_KEPT = 30
"""Answers remembered; each holds on to its document's text."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The document and place of an answered question."""

    snapshot: Snapshot
    span: Span | None


class Answers:
    """Recent answers by id."""

    def __init__(self) -> None:
        self._asked: dict[str, Asked] = {}

    def remember(self, answer_id: str, snapshot: Snapshot, span: Span | None) -> None:
        """Keep what an answer was about; the oldest is forgotten."""
        self._asked.pop(answer_id, None)
        self._asked[answer_id] = Asked(snapshot, span)
        while len(self._asked) > _KEPT:
            del self._asked[next(iter(self._asked))]

    def get(self, answer_id: str) -> Asked | None:
        """Return what an answer was about, None if it is not remembered."""
        return self._asked.get(answer_id)
