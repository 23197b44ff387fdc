"""The table of code actions. A further action of ours is a further row; a template adds its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiex_lsp.syntax.types import Symbol
from aiex_lsp.templates.types import Template
from aiex_lsp.text.snapshot import Span


@dataclass(frozen=True, slots=True)
class Place:
    """Where actions are asked for: the symbol meant, and the selection if there is a real one."""

    symbol: Symbol | None = None
    selection: Span | None = None

    @property
    def name(self) -> str:
        """Return what titles call it."""
        if self.selection is None:
            return f"`{self.symbol.name}`" if self.symbol else ""
        return f"selection in `{self.symbol.name}`" if self.symbol else "selection"

    @property
    def span(self) -> Span | None:
        """Return what the action is about."""
        if self.selection is not None or self.symbol is None:
            return self.selection
        return Span(self.symbol.name_start, self.symbol.name_end)


@dataclass(frozen=True, slots=True)
class Offer:
    """One action: `arguments` go into its command's one argument beside the place."""

    title: str
    kind: str
    command: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the contract's table; `title` holds `{name}`."""

    title: str
    kind: str
    command: str
    offered: Callable[[Place], bool]
    arguments: Mapping[str, Any] = field(default_factory=dict)


def _somewhere(place: Place) -> bool:
    return place.span is not None


def _testable(place: Place) -> bool:
    symbol = place.symbol
    return (
        symbol is not None and symbol.kind in ("function", "method", "class") and not symbol.is_test
    )


def _symbol(place: Place) -> bool:
    return place.symbol is not None and place.selection is None


_ANALYSES = ("general", "performance", "security", "maintainability")

TABLE: tuple[Row, ...] = (
    Row("Explain {name}", "aiex.explain", "aiex/explain", _somewhere),
    *(
        Row(
            f"Analyze {{name}} ({analysis})",
            f"aiex.analyze.{analysis}",
            "aiex/analyze",
            _somewhere,
            {"analysisType": analysis},
        )
        for analysis in _ANALYSES
    ),
    Row("Generate tests for {name}", "aiex.generateTests", "aiex/generateTests", _testable),
    Row("Document {name}", "refactor.rewrite.aiex.document", "aiex/document", _symbol),
    Row("Refactor {name}", "refactor.rewrite.aiex.refactor", "aiex/refactor", _somewhere),
)

FIX = "quickfix.aiex.fix"
"""The kind of the actions that are made of an editor's diagnostics, one each."""

KINDS = (FIX, *(row.kind for row in TABLE))

MAX_FIXES = 20
"""Offered at once; a selection of a whole document may hold hundreds of diagnostics."""

MAX_TITLE = 80


def offers(
    place: Place, templates: Sequence[Template], only: Iterable[str] | None, *, automatic: bool
) -> Iterator[Offer]:
    """Yield the actions for a place; `only` are the kinds wanted, subkinds included.

    Nothing is offered unasked (`automatic`): a lightbulb would light on every line.
    """
    if automatic or not _somewhere(place):
        return
    wanted = None if only is None else tuple(only)
    for row in TABLE:
        if is_wanted(row.kind, wanted) and row.offered(place):
            yield Offer(row.title.format(name=place.name), row.kind, row.command, row.arguments)
    for template in templates:
        if template.title and template.kind and is_wanted(template.kind, wanted):
            title = template.title
            if "{name}" in title:
                title = title.replace("{name}", place.name)
            elif place.name:
                title = f"{title}: {place.name}"
            yield Offer(title, template.kind, "aiex/run", {"template": template.id})


def fix_titles(places: Sequence[tuple[str, int, int]]) -> list[str]:
    """Return the title of each diagnostic's action from (message, line, column), 1-based.

    Where two would read the same, they tell where they are.
    """
    titles = [f"Fix: {_shortened(message)}" for message, _, _ in places]
    return [
        title if titles.count(title) == 1 else f"{title} ({line}:{column})"
        for title, (_, line, column) in zip(titles, places, strict=True)
    ]


def is_wanted(kind: str, only: tuple[str, ...] | None) -> bool:
    """Return whether an action's kind is one of `only` or below one (None: all are)."""
    return only is None or any(
        not wanted or kind == wanted or kind.startswith(f"{wanted}.") for wanted in only
    )


def _shortened(message: str) -> str:
    text = " ".join(message.split()) or "problem"
    return text if len(text) <= MAX_TITLE else text[: MAX_TITLE - 1].rstrip() + "…"
