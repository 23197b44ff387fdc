"""Findings that the editor shows: kept while their code stands, moved with it, else dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from aiex_lsp.server.documents import Splice
from aiex_lsp.tasks.types import PlacedFinding
from aiex_lsp.text.snapshot import Snapshot, Span


@dataclass(frozen=True, slots=True)
class Review:
    """The findings of one analysis of one place."""

    place: Span
    findings: tuple[PlacedFinding, ...]


class Findings:
    """The reviews of each open document; `changed` is called with a uri to publish."""

    def __init__(self) -> None:
        self.changed: Callable[[str], None] = lambda _uri: None
        self._reviews: dict[str, list[Review]] = {}

    def of(self, uri: str) -> tuple[PlacedFinding, ...]:
        """Return the findings of a document in the order of its text."""
        found = [f for review in self._reviews.get(uri, ()) for f in review.findings]
        return tuple(sorted(found, key=lambda f: f.span))

    def put(self, uri: str, place: Span, findings: Iterable[PlacedFinding]) -> None:
        """Replace what was found at `place` before; findings elsewhere stay."""
        kept = []
        for review in self._reviews.get(uri, ()):
            outside = tuple(f for f in review.findings if not _same_place(place, f.span))
            if outside and review.place != place:
                kept.append(replace(review, findings=outside))
        self._reviews[uri] = [*kept, Review(place, tuple(findings))]
        self.changed(uri)

    def has(self, uri: str) -> bool:
        """Return whether a document has findings."""
        return any(review.findings for review in self._reviews.get(uri, ()))

    def edit(self, uri: str, changes: Sequence[Splice]) -> None:
        """Move findings along with the changes of a document, drop those whose code changed."""
        reviews = self._reviews.get(uri)
        if not reviews:
            return
        for change in changes:
            reviews = [_edited(review, change) for review in reviews]
        moved = reviews != self._reviews[uri]
        self._reviews[uri] = reviews
        if moved:
            self.changed(uri)

    def clear(self, uri: str | None = None) -> None:
        """Forget the findings of one document, or of all."""
        for one in [uri] if uri is not None else list(self._reviews):
            if self._reviews.pop(one, None) is not None:
                self.changed(one)


def placed_now(
    findings: Iterable[PlacedFinding], place: Span, then: Snapshot, now: Snapshot | None
) -> tuple[Span, tuple[PlacedFinding, ...]]:
    """Return findings and their place as they stand in the document by now.

    Made for the document of `then`; what has changed since is left out. A closed document
    (`now` None) is as it was.
    """
    if now is None or now.text == then.text:
        return place, tuple(findings)
    from aiex_lsp.text.diff import minimal_replacements

    shift = 0
    moved = Review(place, tuple(findings))
    for start, end, text in minimal_replacements(then.text, now.text):
        moved = _edited(moved, Splice(Span(start + shift, end + shift), len(text)))
        shift += len(text) - (end - start)
    return moved.place, moved.findings


def _edited(review: Review, change: Splice) -> Review:
    findings = (_moved(f.span, change) for f in review.findings)
    return Review(
        _grown(review.place, change),
        tuple(
            replace(f, span=span)
            for f, span in zip(review.findings, findings, strict=True)
            if span is not None
        ),
    )


def _moved(span: Span, change: Splice) -> Span | None:
    shift = change.length - (change.span.end - change.span.start)
    if change.span.end <= span.start:
        return Span(span.start + shift, span.end + shift)
    return span if change.span.start >= span.end else None


def _grown(place: Span, change: Splice) -> Span:
    shift = change.length - (change.span.end - change.span.start)
    if change.span.start >= place.end:
        return place
    if change.span.end <= place.start:
        return Span(place.start + shift, place.end + shift)
    start = min(place.start, change.span.start)
    return Span(start, max(start, place.end + shift, change.span.start + change.length))


def _same_place(place: Span, finding: Span) -> bool:
    return place.contains(finding)
