"""A choice of providers while it is made, and as it is told."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiex_lsp.config.settings import ProviderSettings, Settings
from aiex_lsp.llm.selection_rules import Barred, kept_here, nobody, unusable
from aiex_lsp.llm.selection_views import Screened
from aiex_lsp.llm.strategies import Ranked
from aiex_lsp.llm.types import CandidateReport, ChoiceReport, CompletionRequest, RequestFacts

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A provider to ask, and the model where the call or the task named one."""

    provider: ProviderSettings
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The candidates in order; `reason` says how they were chosen, `left_out` why others not.

    `report` tells the same with scores and notes, `strategy` which one chose ("named": none).
    """

    candidates: tuple[Candidate, ...]
    reason: str
    left_out: Mapping[str, str] = field(default_factory=dict)
    strategy: str = "named"
    report: ChoiceReport = field(default_factory=lambda: ChoiceReport("named", ""))


@dataclass(slots=True)
class Asked:
    """One choice while it is made. `bars` are the left out that depend on the moment."""

    request: CompletionRequest
    settings: Settings
    facts: RequestFacts | None
    left_out: dict[str, str] = field(default_factory=dict)
    bars: dict[str, Barred] = field(default_factory=dict)

    @property
    def policy(self) -> str:
        """Return what may happen to secrets in the text of this call, whoever is asked."""
        return self.settings.task(self.request.task).secrets or self.settings.secrets

    def policy_for(self, one: ProviderSettings) -> str:
        """Return what may happen to secrets at one provider."""
        return self.settings.secrets_policy(self.request.task, one)

    def may_ask(self, one: ProviderSettings) -> bool:
        """Return whether settings, call and secrets allow it; notes why not."""
        reason = unusable(one, self.request) or kept_here(one, self.policy_for(one), self.facts)
        if reason is not None:
            self.left_out[one.name] = reason
        return reason is None


def joined_note(one: Screened, place: Ranked) -> str:
    """Return what the strategy said of a candidate, and why it is asked after the others."""
    return "; ".join(note for note in (place.note, one.note) if note)


def choice_of(
    asked: Asked,
    strategy: str,
    reason: str,
    order: Sequence[tuple[Screened, float | None, str]],
    model: str | None = None,
) -> Choice:
    """Return the choice. Raises `NoProviderError` where nobody is left.

    A model that the call named goes to the first, and to all that are known to have it.
    """
    if not order:
        raise nobody(asked.left_out, asked.bars, asked.request)
    candidates: list[Candidate] = []
    reports: list[CandidateReport] = []
    for index, (one, score, note) in enumerate(order):
        named = one.model
        if model is not None:
            named = model if index == 0 or one.is_known_to_have(model) else None
        candidates.append(Candidate(one.provider, named))
        reports.append(CandidateReport(one.name, named or one.usual_model, score, note))
    left_out = dict(asked.left_out)
    report = ChoiceReport(strategy, reason, tuple(reports), left_out)
    return Choice(tuple(candidates), reason, left_out, strategy, report)


def log_choice(request: CompletionRequest, choice: Choice) -> None:
    """Tell the debug log who was chosen, by which scores, and why others were not."""
    if not log.isEnabledFor(logging.DEBUG):
        return
    names = ", ".join(
        one.provider
        + ("" if one.score is None else f" {one.score:.3g}")
        + (f" ({one.note})" if one.note else "")
        for one in choice.report.candidates
    )
    left = "; ".join(f"{name}: {reason}" for name, reason in choice.left_out.items())
    log.debug("%s: %s -> %s; left out: %s", request.task, choice.reason, names, left or "none")
