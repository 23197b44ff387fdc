"""A context bundle fitted to a model's window, by priority."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aiex_lsp.context.types import ContextBundle, ContextItem
from aiex_lsp.errors import AiexError

Measure = Callable[[Mapping[str, str]], int]
"""Tokens of the whole prompt rendered with these values, as the engine counts them."""

CUT_STEPS = 8
"""Tries to find how much of one item fits; each halves what is uncertain."""

GOOD_FILL = 0.97
"""A cut that fills so much of the budget is not improved any further."""


@dataclass(frozen=True, slots=True)
class DroppedItem:
    """An item left out, or with `truncated` cut; `tokens` are those left out, estimated."""

    name: str
    tokens: int
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Compressed:
    """The values that fit: `tokens` is what `measure` says of them."""

    values: Mapping[str, str]
    dropped: tuple[DroppedItem, ...]
    tokens: int


def compress(bundle: ContextBundle, budget: int | None, measure: Measure) -> Compressed:
    """Return the bundle's values within `budget` tokens as `measure` counts (None: all of them).

    Items of the largest priority number go first; the last one that does not fit whole is cut at
    a line where it allows that. Items of priority 0 always stay: raises `AiexError` naming the
    sizes where they alone do not fit.
    """
    items = sorted(bundle.items, key=lambda item: item.priority)
    everything = _values(items)
    total = measure(everything)
    if budget is None or total <= budget:
        return Compressed(everything, (), total)
    firm = sum(1 for item in items if item.priority <= 0)
    base = measure(_values(items[:firm])) if firm < len(items) else total
    if base > budget:
        raise AiexError(
            f"The code and its question need {base:,} tokens, the model takes {budget:,}",
            "Select less, or use a model with a larger window",
        )
    shares = _shares(items[firm:], total - base)
    kept, tokens = _longest_prefix(items, firm, budget, base, measure)
    values = _values(items[:kept])
    cut = _cut_to_fit(items[:kept], items[kept], budget, tokens, shares[kept - firm], measure)
    dropped: list[DroppedItem] = []
    if cut is not None:
        text, tokens = cut
        values = {**values, items[kept].name: text}
        share, whole = shares[kept - firm], len(items[kept].value)
        dropped.append(
            DroppedItem(items[kept].name, max(1, share - share * len(text) // whole), True)
        )
        kept += 1
    dropped.extend(
        DroppedItem(item.name, share)
        for item, share in zip(items[kept:], shares[kept - firm :], strict=True)
    )
    return Compressed(values, tuple(dropped), tokens)


def cut_lines(text: str, limit: int) -> str | None:
    """Return the first whole lines of `text` with a line that says how many are missing.

    At most `limit` characters, the marker included; None where not one line fits. A text of one
    line is cut inside it.
    """
    if len(text) <= limit:
        return text
    lines = text.splitlines()
    if len(lines) < 2:
        room = limit - len(f" … {len(text):,} characters left out …")
        left = f" … {len(text) - room:,} characters left out …"
        return f"{text[:room]}{left}" if room > 0 else None
    room = limit - len(_marker(len(lines))) - 1
    used, kept = 0, 0
    while kept < len(lines) and used + len(lines[kept]) + 1 <= room + 1:
        used += len(lines[kept]) + 1
        kept += 1
    if kept == 0:
        return None
    return "\n".join([*lines[:kept], _marker(len(lines) - kept)])


def _marker(count: int) -> str:
    return f"… {count} lines left out …" if count != 1 else "… 1 line left out …"


def _longest_prefix(
    items: Sequence[ContextItem], firm: int, budget: int, base: int, measure: Measure
) -> tuple[int, int]:
    """Return how many items fit whole, most important first, and their tokens.

    At least the `firm` ones (known to fit with `base` tokens), never all.
    """
    low, tokens, high = firm, base, len(items)
    while high - low > 1:
        middle = (low + high) // 2
        measured = measure(_values(items[:middle]))
        if measured <= budget:
            low, tokens = middle, measured
        else:
            high = middle
    return low, tokens


def _cut_to_fit(
    whole: Sequence[ContextItem],
    item: ContextItem,
    budget: int,
    tokens: int,
    share: int,
    measure: Measure,
) -> tuple[str, int] | None:
    """Return the longest tried cut of `item` that fits beside `whole`, and all tokens then."""
    if item.min_chars is None:
        return None
    values = _values(whole)
    low, high = max(1, item.min_chars), len(item.value) - 1
    best: tuple[str, int] | None = None
    guess = int(len(item.value) * (budget - tokens) / max(1, share) * 0.98)
    for _ in range(CUT_STEPS):
        if low > high:
            break
        limit = min(max(guess, low), high)
        text = cut_lines(item.value, limit)
        measured = budget if text is None else measure({**values, item.name: text})
        if measured > budget:
            high = limit - 1
        else:
            low = limit + 1
            if text is not None:
                best = (text, measured)
                if measured >= GOOD_FILL * budget:
                    break
        guess = (low + high) // 2
    return best


def _values(items: Sequence[ContextItem]) -> dict[str, str]:
    return {item.name: item.value for item in items}


def _shares(items: Sequence[ContextItem], tokens: int) -> list[int]:
    """Return each item's part of `tokens`, by length."""
    length = sum(len(item.value) for item in items) or 1
    return [max(1, tokens * len(item.value) // length) for item in items]
