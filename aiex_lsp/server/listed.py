"""Places of an action that is run after its document has changed: moved along, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
from lsprotocol import types

from aiex_lsp.errors import RangeError, StaleEditError
from aiex_lsp.server import convert
from aiex_lsp.server.checks import range_
from aiex_lsp.server.documents import shown
from aiex_lsp.server.messages import CallParams, FixParams, PlaceParams
from aiex_lsp.text.diff import changed_span
from aiex_lsp.text.snapshot import Encoding, Snapshot, Span

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

P = TypeVar("P", bound=CallParams)


def as_now(ls: AiexServer, params: P) -> P:
    """Return the params with their places where they lie in the document as it is now.

    Raises `StaleEditError` where the text at a place has changed since the action was listed, or
    where that was too long ago to tell: the wrong code would be asked about.
    """
    if not isinstance(params, PlaceParams) or params.version is None:
        return params
    now = ls.documents.require(params.text_document)
    then = ls.documents.listed(now.uri, params.version)
    if then is now or (then is None and params.version == now.version):
        return params
    if then is None:
        raise _stale(now)
    move = _Move(then, now, ls.client.encoding)
    values: dict[str, Any] = {"version": None, "diagnostics": move.all(params.diagnostics)}
    if params.range is not None:
        values["range"] = move.range(params.range)
    if params.position is not None:
        values["position"] = move.range(types.Range(params.position, params.position)).start
    if isinstance(params, FixParams):
        values["diagnostic"] = move.diagnostic(params.diagnostic)
    return attrs.evolve(params, **values)


class _Move:
    def __init__(self, then: Snapshot, now: Snapshot, encoding: Encoding) -> None:
        self._then, self._now, self._encoding = then, now, encoding
        self._start, self._end, self._length = changed_span(then.text, now.text)

    def range(self, place: types.Range) -> types.Range:
        """Return where a range lies now. Raises `StaleEditError`."""
        try:
            span = convert.span_of(self._then, place, self._encoding)
        except RangeError:
            raise _stale(self._now) from None
        if self._start == self._end and self._length == 0:
            return place
        if span.end > self._start:
            if span.start < self._end:
                raise _stale(self._now)
            by = self._length - (self._end - self._start)
            span = Span(span.start + by, span.end + by)
        return convert.range_of(self._now, span, self._encoding)

    def diagnostic(self, one: Mapping[str, Any]) -> dict[str, Any]:
        """Return a diagnostic with its range as it is now. Raises `StaleEditError`."""
        place = self.range(range_("diagnostic.range", one["range"]))
        ends = {"start": place.start, "end": place.end}
        moved = {key: {"line": at.line, "character": at.character} for key, at in ends.items()}
        return {**one, "range": moved}

    def all(self, reported: tuple[Mapping[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        """Return the diagnostics that are still there."""
        kept = []
        for one in reported:
            try:
                kept.append(self.diagnostic(one))
            except StaleEditError:
                continue
        return tuple(kept)


def _stale(now: Snapshot) -> StaleEditError:
    return StaleEditError(
        f"{shown(now.uri)} was changed there after the action was listed; nothing was asked",
        "Open the list of actions again",
    )
