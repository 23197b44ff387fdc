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
)

KINDS = tuple(row.kind for row in TABLE)


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
        if _wanted(row.kind, wanted) and row.offered(place):
            yield Offer(row.title.format(name=place.name), row.kind, row.command, row.arguments)
    for template in templates:
        if template.title and template.kind and _wanted(template.kind, wanted):
            title = template.title
            if "{name}" in title:
                title = title.replace("{name}", place.name)
            elif place.name:
                title = f"{title}: {place.name}"
            yield Offer(title, template.kind, "aiex/run", {"template": template.id})


def _wanted(kind: str, only: tuple[str, ...] | None) -> bool:
    return only is None or any(
        not wanted or kind == wanted or kind.startswith(f"{wanted}.") for wanted in only
    )
