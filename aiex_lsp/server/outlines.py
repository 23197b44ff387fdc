"""Outlines of open documents, parsed off the event loop and kept by version."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from aiex_lsp.syntax.types import Symbol
from aiex_lsp.text.snapshot import Snapshot, Span


class Outline(Protocol):
    """The symbols of one text."""

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Return all symbols in the order of the text."""
        ...

    def enclosing(self, start: int, end: int) -> Symbol | None:
        """Return the innermost symbol that holds `start`..`end`."""
        ...


Build = Callable[[str, str], Outline]
"""(text, language id) -> its outline; takes its time, so it runs in a thread."""


def build_outline(text: str, language_id: str) -> Outline:
    """Return a text's outline; the parser is imported with the first call."""
    from aiex_lsp.syntax.symbols import build_outline as build

    return build(text, language_id)


_AT_ONCE = 2
"""Parses under way: an editor that opens a hundred files leaves threads for other work."""


class Outlines:
    """One outline a document; at most one parse a document runs at a time."""

    def __init__(self, build: Build = build_outline) -> None:
        self._build = build
        self._ready: dict[str, tuple[Snapshot, Outline]] = {}
        self._running: dict[str, tuple[Snapshot, asyncio.Task[Outline]]] = {}
        self._forgotten: set[str] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def get(self, snapshot: Snapshot, limit: float | None = None) -> Outline | None:
        """Return the outline, None where it is not there within `limit` seconds.

        The parse goes on when the caller has left.
        """
        if (known := self.ready(snapshot)) is not None:
            return known
        try:
            async with asyncio.timeout(limit):
                while True:
                    running = self._running.get(snapshot.uri)
                    if running is None:
                        running = (snapshot, self._start(snapshot))
                    try:
                        outline = await asyncio.shield(running[1])
                    except Exception:
                        if running[0] is snapshot:
                            raise
                        continue  # another version could not be parsed; this one may be
                    if running[0] is snapshot:
                        return outline
        except TimeoutError:
            return None

    def ready(self, snapshot: Snapshot) -> Outline | None:
        """Return the outline if it is there already."""
        known = self._ready.get(snapshot.uri)
        return known[1] if known is not None and known[0] is snapshot else None

    def forget(self, uri: str) -> None:
        """Drop what is known of a closed document, and what a parse that runs will find."""
        self._ready.pop(uri, None)
        if uri in self._running:
            self._forgotten.add(uri)

    def _start(self, snapshot: Snapshot) -> asyncio.Task[Outline]:
        task = asyncio.create_task(self._parse(snapshot))
        self._running[snapshot.uri] = (snapshot, task)
        return task

    async def _parse(self, snapshot: Snapshot) -> Outline:
        # What is known is put down here, not by a callback: that one comes after the task's end,
        # and whoever asked for another version in between would find it running for ever.
        try:
            async with self._slots:
                outline = await asyncio.to_thread(self._build, snapshot.text, snapshot.language_id)
            if snapshot.uri not in self._forgotten:
                self._ready[snapshot.uri] = (snapshot, outline)
            return outline
        finally:
            self._forgotten.discard(snapshot.uri)
            self._running.pop(snapshot.uri, None)


def symbol_at(outline: Outline, text: str, start: int, end: int) -> Symbol | None:
    """Return the symbol meant by a cursor or selection.

    That is the one whose name it touches, else the only one of that name in the document (a
    use of it), else the innermost around it.
    """
    word = word_at(text, start)
    named = (
        [s for s in outline.symbols if s.name == word] if word and end - start <= len(word) else []
    )
    touched = [s for s in named if s.name_start <= start <= s.name_end]
    if touched:
        return touched[-1]
    around = outline.enclosing(start, end)
    if len(named) == 1 and named[0] is not around:
        return named[0]
    return around


def word_span(text: str, offset: int) -> Span:
    """Return where the identifier at an offset stands; empty where there is none."""
    start = end = offset
    while start > 0 and _in_word(text[start - 1]):
        start -= 1
    while end < len(text) and _in_word(text[end]):
        end += 1
    return Span(start, end)


def word_at(text: str, offset: int) -> str:
    """Return the identifier at an offset, "" where there is none."""
    span = word_span(text, offset)
    return text[span.start : span.end]


def _in_word(char: str) -> bool:
    return char.isalnum() or char == "_"
