"""The editor's diagnostics as plain data: places as offsets, related places with their code."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from aiex_lsp.config.settings import Settings
from aiex_lsp.context.types import DiagnosticInfo
from aiex_lsp.errors import RangeError
from aiex_lsp.server import convert, guard
from aiex_lsp.server.documents import shown
from aiex_lsp.text.snapshot import Encoding, Snapshot, Span

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

OpenDocument = Callable[[str], Snapshot | None]
"""An open document by its uri whose text may be shown to a model, None for all others."""

_SEVERITIES = {1: "error", 2: "warning", 3: "information", 4: "hint"}
_MAX_RELATED = 5
_MAX_CODE = 200


async def reported_in(
    ls: AiexServer,
    snapshot: Snapshot,
    diagnostics: Sequence[Mapping[str, Any]],
    settings: Settings,
) -> tuple[DiagnosticInfo, ...]:
    """Return diagnostics with the code of related places that a model may see."""
    if not diagnostics:
        return ()
    return await asyncio.to_thread(
        diagnostic_infos,
        snapshot,
        diagnostics,
        ls.client.encoding,
        guard.readable(ls, settings),
    )


def diagnostic_infos(
    snapshot: Snapshot,
    diagnostics: Iterable[Mapping[str, Any]],
    encoding: Encoding,
    opened: OpenDocument = lambda _uri: None,
) -> tuple[DiagnosticInfo, ...]:
    """Return an editor's diagnostics; those outside the text are left out.

    `opened` gives the documents whose code is told beside a related place.
    """
    found = []
    for item in diagnostics:
        span = _span(snapshot, item["range"], encoding)
        if span is None:
            continue
        code = item.get("code")
        found.append(
            DiagnosticInfo(
                span=span,
                message=item["message"],
                severity=_SEVERITIES.get(item.get("severity") or 1, "error"),
                source=item.get("source") if isinstance(item.get("source"), str) else None,
                code=None if code is None else str(code),
                related=tuple(_related(item, encoding, opened)),
            )
        )
    return tuple(found)


def _span(snapshot: Snapshot, place: Mapping[str, Any], encoding: Encoding) -> Span | None:
    try:
        start, end = (types.Position(**_numbers(place[key])) for key in ("start", "end"))
        return convert.span_of(snapshot, types.Range(start, end), encoding)
    except (RangeError, KeyError, TypeError, ValueError):
        return None


def _numbers(position: Mapping[str, Any]) -> dict[str, int]:
    return {key: int(position[key]) for key in ("line", "character")}


def _related(item: Mapping[str, Any], encoding: Encoding, opened: OpenDocument) -> Iterator[str]:
    """Yield each related place as `file:line: message: code`, as far as it is well formed."""
    related = item.get("relatedInformation")
    for one in related[:_MAX_RELATED] if isinstance(related, list) else ():
        location = one.get("location") if isinstance(one, Mapping) else None
        if not isinstance(location, Mapping) or not isinstance(location.get("range"), Mapping):
            continue
        uri, message = str(location.get("uri")), str(one.get("message") or "")
        try:
            line = int(location["range"]["start"]["line"])
        except (KeyError, TypeError, ValueError):
            continue
        snapshot = opened(uri)
        span = None if snapshot is None else _span(snapshot, location["range"], encoding)
        code = ""
        if snapshot is not None and span is not None:
            text = snapshot.slice(snapshot.line_span(snapshot.line_at(span.start)))
            code = f": {text.strip()[:_MAX_CODE]}"
        yield f"{shown(uri)}:{line + 1}: {message}{code}"
