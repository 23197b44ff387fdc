"""Where in the document a finding belongs."""

from __future__ import annotations

from aiex_lsp.responses.types import Finding
from aiex_lsp.tasks.types import PlacedFinding
from aiex_lsp.text.snapshot import Snapshot, Span


def place(finding: Finding, snapshot: Snapshot, shown: Span, first_line: int) -> PlacedFinding:
    """Return the finding with its span.

    `shown` is what the model saw, numbered from `first_line` (1-based). A quote that stands there
    just once wins over line numbers, which models miscount; without either, the finding lies on
    the first line shown.
    """
    span = _by_quote(finding, snapshot, shown) or _by_lines(finding, snapshot, shown, first_line)
    if span is None:
        span = _line_content(snapshot, snapshot.line_at(shown.start))
    return PlacedFinding(
        span, finding.severity, finding.category, finding.message, finding.suggestion
    )


def _by_quote(finding: Finding, snapshot: Snapshot, shown: Span) -> Span | None:
    quote = (finding.quote or "").strip()
    if len(quote) < 4:
        return None
    text = snapshot.slice(shown)
    if text.count(quote) != 1:
        return None
    start = shown.start + text.index(quote)
    return Span(start, start + len(quote))


def _by_lines(finding: Finding, snapshot: Snapshot, shown: Span, first_line: int) -> Span | None:
    if finding.start_line is None:
        return None
    shift = snapshot.line_at(shown.start) - first_line + 1
    first = finding.start_line - 1 + shift
    last = (finding.end_line or finding.start_line) - 1 + shift
    top, bottom = snapshot.line_at(shown.start), snapshot.line_at(shown.end)
    if not top <= first <= bottom:
        return None
    last = max(first, min(last, bottom))
    return Span(_line_content(snapshot, first).start, _line_content(snapshot, last).end)


def _line_content(snapshot: Snapshot, line: int) -> Span:
    span = snapshot.line_span(line)
    text = snapshot.slice(span)
    start = span.start + len(text) - len(text.lstrip())
    return Span(min(start, span.end), max(span.start + len(text.rstrip()), min(start, span.end)))
