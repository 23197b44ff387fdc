"""Numbers of usage as people read them, in the terminal and on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiex_lsp.events.analytics import Summary

NONE = "–"


def count(number: float) -> str:
    """Return a number in at most five characters or so: 950, 12.3k, 1.2M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if number >= size * (0.9995 if unit != "k" else 1):
            scale = 1e3 if unit == "k" else size
            return f"{number / scale:.1f}".removesuffix(".0") + unit
    return f"{number:,.0f}"


def seconds(value: float | None) -> str:
    """Return a time in milliseconds below a second, else in seconds."""
    if value is None:
        return NONE
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def money(value: float) -> str:
    """Return US dollars, with more places the less it is."""
    if value == 0:
        return "$0"
    if value < 0.0001:
        return "<$0.0001"
    return f"${value:.4f}" if value < 0.1 else f"${value:,.2f}"


def cost(one: Summary) -> str:
    """Return what a group cost; "≥" where some answers have no known price."""
    if not one.unpriced:
        return money(one.cost)
    return "unknown" if one.cost == 0 else f"≥ {money(one.cost)}"


def percent(one: Summary) -> str:
    """Return the success rate; never 100% where something failed."""
    if not one.successes + one.failures:
        return NONE
    share = one.success_rate * 100
    if one.failures:
        share = min(share, 99.9)
    return "100%" if share == 100 else f"{share:.1f}%"


def errors(one: Summary, most: int = 3) -> str:
    """Return the commonest kinds of errors with their counts, "" where there are none."""
    kinds = list(one.error_types.items())
    told = [f"{count(number)} {kind.replace('_', ' ')}" for kind, number in kinds[:most]]
    if len(kinds) > most:
        told.append(f"{count(sum(number for _kind, number in kinds[most:]))} other")
    return ", ".join(told)


def asides(one: Summary) -> list[str]:
    """Return what is counted beside the requests, each as a few words."""
    told = []
    if one.cached:
        told.append(f"{_answers(one.cached)} from the cache")
    if one.cancelled:
        told.append(f"{count(one.cancelled)} cancelled")
    if one.held_back:
        told.append(f"{count(one.held_back)} held back by our own limits")
    if one.unpriced:
        told.append(f"the price of {_answers(one.unpriced)} is unknown")
    return told


def _answers(number: int) -> str:
    return "1 answer" if number == 1 else f"{count(number)} answers"
