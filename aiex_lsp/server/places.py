"""Where a call is about: params -> document and place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiex_lsp.errors import RangeError, UsageError
from aiex_lsp.server import convert
from aiex_lsp.server.checks import range_
from aiex_lsp.server.messages import FixParams, FollowUpParams, PlaceParams
from aiex_lsp.server.work import At

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer


def document_place(ls: AiexServer, params: PlaceParams) -> At:
    """Return the named place of an open document. Raises `UsageError`."""
    snapshot = ls.documents.require(params.text_document)
    span = convert.place_of(snapshot, params.range, params.position, ls.client.encoding)
    return At(snapshot, span)


def reported_place(ls: AiexServer, params: FixParams) -> At:
    """Return the place of the diagnostic in an open document. Raises `UsageError`."""
    snapshot = ls.documents.require(params.text_document)
    place = range_("diagnostic.range", params.diagnostic["range"])
    try:
        return At(snapshot, convert.span_of(snapshot, place, ls.client.encoding))
    except RangeError as error:
        raise RangeError(f"`diagnostic.range`: {error.what}", error.next_step) from None


def answered_place(ls: AiexServer, params: FollowUpParams) -> At:
    """Return the named place, else that of the earlier answer. Raises `UsageError`."""
    if params.text_document is not None:
        snapshot = ls.documents.require(params.text_document)
        span = convert.place_of(snapshot, params.range, params.position, ls.client.encoding)
        return At(snapshot, span)
    asked = ls.answers.get(params.answer_id)
    if asked is None:
        raise UsageError(f"`answerId`: there is no answer {params.answer_id[:40]}", "Ask it anew")
    return At(asked.snapshot, asked.span)
