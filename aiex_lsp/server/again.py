"""A task whose edit came too late for its text: the user may have it run again, where it is now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from aiex_lsp.errors import StaleEditError
from aiex_lsp.server import convert, show
from aiex_lsp.server.diagnostics import diagnostic_infos
from aiex_lsp.server.messages import CallParams, FixParams
from aiex_lsp.text.snapshot import Snapshot, Span

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer
    from aiex_lsp.server.work import At

RUN_AGAIN = "Run again"


async def offer(
    ls: AiexServer,
    error: StaleEditError,
    params: CallParams,
    at: At,
    run: Callable[[CallParams, Snapshot, Span | None], Awaitable[None]],
) -> None:
    """Tell why an edit was not made; `run` where the user wants the task once more.

    A client that cannot ask is only told.
    """
    if not ls.client.message_actions or ls.documents.get(at.snapshot.uri) is None:
        show.show_failure(ls, error)
        return
    question = types.ShowMessageRequestParams(
        type=types.MessageType.Warning,
        message=error.user_message(),
        actions=[types.MessageActionItem(RUN_AGAIN)],
    )
    try:
        answer: Any = await ls.protocol.ask(
            types.WINDOW_SHOW_MESSAGE_REQUEST, question, ls.limits.question
        )
    except TimeoutError:
        return
    except JsonRpcException:
        show.show_failure(ls, error)
        return
    if not isinstance(answer, Mapping) or answer.get("title") != RUN_AGAIN:
        return
    now = ls.documents.get(at.snapshot.uri)
    if now is None:
        show.show_failure(ls, error)
        return
    span = None if at.span is None else moved(at.span, at.snapshot, now)
    if isinstance(params, FixParams):
        params = _moved_diagnostic(ls, params, at.snapshot, now)
    await run(params, now, span)


def moved(span: Span, then: Snapshot, now: Snapshot) -> Span:
    """Return where a place of a document lies by now, as near as its text tells."""
    from aiex_lsp.text.diff import minimal_replacements

    changes = minimal_replacements(then.text, now.text)
    return Span(
        _moved(span.start, changes), max(_moved(span.start, changes), _moved(span.end, changes))
    )


def _moved(offset: int, changes: list[tuple[int, int, str]]) -> int:
    shift = 0
    for start, end, text in changes:
        if offset < start:
            break
        if offset < end:
            return start + shift + min(offset - start, len(text))
        shift += len(text) - (end - start)
    return offset + shift


def _moved_diagnostic(
    ls: AiexServer, params: FixParams, then: Snapshot, now: Snapshot
) -> FixParams:
    encoding = ls.client.encoding
    known = diagnostic_infos(then, (params.diagnostic,), encoding)
    if not known:
        return params
    place = convert.range_of(now, moved(known[0].span, then, now), encoding)
    ends = {"start": place.start, "end": place.end}
    as_json = {key: {"line": one.line, "character": one.character} for key, one in ends.items()}
    return attrs.evolve(params, diagnostic={**params.diagnostic, "range": as_json})
