"""What `--explain-choice` tells on stderr: who could be asked, who was left out, who was tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from aiex_lsp.cli.output import terminal_safe
from aiex_lsp.events.types import Event, RequestFailed, ResponseReceived, Selected

if TYPE_CHECKING:
    from aiex_lsp.llm.types import Answer, ChoiceReport


class Trace:
    """A listener of the event bus that keeps what a call that fails has no answer to tell in."""

    def __init__(self) -> None:
        self._chosen: list[Selected] = []
        self._tried: list[str] = []

    def __call__(self, event: Event) -> None:
        """Take an event; those that tell nothing of the choice are ignored."""
        if isinstance(event, Selected):
            self._chosen.append(event)
        elif isinstance(event, RequestFailed):
            self._tried.append(_tried(event.provider, event.model, event.error, event.duration))
        elif isinstance(event, ResponseReceived):
            outcome = "cached" if event.cached else "ok"
            self._tried.append(_tried(event.provider, event.model, outcome, event.duration))

    def tell(self, left_out: Mapping[str, str]) -> None:
        """Tell all of a failed call; `left_out` says why where nobody was chosen."""
        for chosen in self._chosen[-1:]:
            _say(f"chosen: {chosen.strategy}")
            for place, name in enumerate(chosen.candidates, 1):
                score = chosen.scores.get(name)
                _say(f"  {place}. {name}" + ("" if score is None else f" · score {score:.3g}"))
            left_out = chosen.left_out
        tell_left_out(left_out)
        for line in self._tried:
            _say(line)


def tell_answer(answer: Answer) -> None:
    """Tell how the provider of an answer was chosen, and each that was tried."""
    if answer.choice is not None:
        tell_choice(answer.choice)
    for one in answer.attempts:
        _say(_tried(one.provider, one.model, one.outcome, one.duration_ms / 1000))


def tell_choice(choice: ChoiceReport) -> None:
    """Tell who could be asked, in order with scores, and why others were left out."""
    _say(f"chosen: {choice.reason}")
    for place, one in enumerate(choice.candidates, 1):
        parts = [f"{place}. {one.provider} ({one.model or 'its default model'})"]
        if one.score is not None:
            parts.append(f"score {one.score:.3g}")
        if one.note:
            parts.append(one.note)
        _say("  " + " · ".join(parts))
    tell_left_out(choice.left_out)


def tell_left_out(left_out: Mapping[str, str]) -> None:
    """Tell which providers were not asked, and why."""
    for name, reason in left_out.items():
        _say(f"  left out {name}: {reason}")


def _tried(provider: str, model: str | None, outcome: str, seconds: float) -> str:
    return f"tried {provider} ({model or 'no model'}): {outcome}, {seconds:.1f} s"


def _say(line: str) -> None:
    click.secho(terminal_safe(line), err=True, dim=True)
