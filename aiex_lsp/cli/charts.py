"""Charts as inline SVG: stacked columns over days and horizontal bars. No script, no style of
their own: colours are the classes `s0` to `s7`, `good`, `bad` and `idle` of the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 540
HEIGHT = 210
LEFT, RIGHT, TOP, BOTTOM = 54, 4, 10, 24
BAR_LEFT, BAR_RIGHT, BAR, BAR_GAP, GROUP_GAP = 150, 64, 11, 3, 13
LABEL = 44
"""Room for "Nov 24"."""

DAY_LABELS = 7
"""How many days are named below the columns at most; more would run into each other."""

Format = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one colour, as many as there are labels."""

    name: str
    css: str
    values: Sequence[float]


def columns(
    title: str,
    labels: Sequence[str],
    series: Sequence[Series],
    form: Format,
    *,
    whole: bool = False,
) -> str:
    """Return stacked columns, one a label; `title` is read out to who cannot see the picture.

    `whole`: the values are counts, so the axis has whole numbers only.
    """
    highest = max((sum(each) for each in zip(*(s.values for s in series), strict=True)), default=0)
    ticks = _ticks(highest, 1 if whole else 0)
    top = ticks[-1]
    inner = HEIGHT - TOP - BOTTOM
    step = (WIDTH - LEFT - RIGHT) / max(len(labels), 1)
    thick = min(step * 0.72, 56)
    parts = [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="axis" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">'
        f"{escape(form(tick))}</text>"
        for tick in ticks
        for y in [TOP + inner * (1 - tick / top)]
    ]
    every = math.ceil(len(labels) / DAY_LABELS)
    for place, label in enumerate(labels):
        middle = LEFT + step * (place + 0.5)
        below = float(TOP + inner)
        for one in series:
            value = one.values[place]
            if value <= 0:
                continue
            tall = inner * value / top
            below -= tall
            parts.append(
                f'<rect class="{one.css}" x="{middle - thick / 2:.1f}" y="{below:.1f}" '
                f'width="{thick:.1f}" height="{max(tall, 0.8):.1f}">'
                f"<title>{escape(f'{label}: {one.name} {form(value)}')}</title></rect>"
            )
        # From the end, so that today is always named.
        if (len(labels) - 1 - place) % every == 0:
            parts.append(
                f'<text class="axis" x="{min(middle, WIDTH - LABEL / 2):.1f}" y="{HEIGHT - 6}" '
                f'text-anchor="middle">'
                f"{escape(label)}</text>"
            )
    return _svg(title, HEIGHT, parts)


def bars(title: str, labels: Sequence[str], series: Sequence[Series], form: Format) -> str:
    """Return horizontal bars, for each label one of each series, with its value at its end."""
    longest = max((value for one in series for value in one.values), default=0) or 1
    group = len(series) * (BAR + BAR_GAP) + GROUP_GAP
    height = max(len(labels) * group, group)
    wide = WIDTH - BAR_LEFT - BAR_RIGHT
    parts = []
    for place, label in enumerate(labels):
        y = place * group + GROUP_GAP / 2
        middle = y + (group - GROUP_GAP) / 2 + 3
        parts.append(
            f'<text class="name" x="{BAR_LEFT - 10}" y="{middle:.1f}" text-anchor="end">'
            f"{escape(_cut(label))}<title>{escape(label)}</title></text>"
        )
        for one in series:
            value = one.values[place]
            long = max(wide * value / longest, 1)
            parts.append(
                f'<rect class="{one.css}" x="{BAR_LEFT}" y="{y:.1f}" width="{long:.1f}" '
                f'height="{BAR}" rx="2">'
                f"<title>{escape(f'{label}: {one.name} {form(value)}')}</title></rect>"
                f'<text class="value" x="{BAR_LEFT + long + 6:.1f}" y="{y + BAR - 2:.1f}">'
                f"{escape(form(value))}</text>"
            )
            y += BAR + BAR_GAP
    return _svg(title, height, parts)


def legend(series: Sequence[Series]) -> str:
    """Return the names of the colours; nothing where there is only one."""
    if len(series) < 2:
        return ""
    entries = "".join(
        f'<li><svg aria-hidden="true" viewBox="0 0 10 10"><rect class="{one.css}" width="10" '
        f'height="10" rx="2"/></svg>{escape(one.name)}</li>'
        for one in series
    )
    return f'<ul class="legend">{entries}</ul>'


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg class="chart" role="img" aria-label="{escape(title)}" '
        f'viewBox="0 0 {WIDTH} {height:.0f}">{"".join(parts)}</svg>'
    )


def _ticks(highest: float, least_step: float) -> list[float]:
    """Return up to six round numbers from 0 to at least `highest`."""
    if highest <= 0:
        return [0, 1]
    rough = max(highest / 4, least_step)
    size = 10 ** math.floor(math.log10(rough))
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= rough)
    return [step * number for number in range(math.ceil(highest / step - 1e-9) + 1)]


def _cut(text: str, most: int = 18) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
