"""Which providers a call may ask, in which order, and why the others are left out."""

from __future__ import annotations

import difflib
import time
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import TYPE_CHECKING

from aiex_lsp.config.settings import ProviderSettings, Settings
from aiex_lsp.errors import ConfigError, UsageError
from aiex_lsp.events.bus import EventBus
from aiex_lsp.events.types import Selected
from aiex_lsp.llm.measured import Board
from aiex_lsp.llm.scope import scope_of
from aiex_lsp.llm.selection_choice import Asked, choice_of, joined_note, log_choice
from aiex_lsp.llm.selection_choice import Candidate as Candidate
from aiex_lsp.llm.selection_choice import Choice as Choice
from aiex_lsp.llm.selection_custom import StrategyLoader
from aiex_lsp.llm.selection_rules import blocked, kept_here
from aiex_lsp.llm.selection_rules import has_access as has_access
from aiex_lsp.llm.selection_views import Prices, Screened, Screening
from aiex_lsp.llm.strategies import STAYS_LOCAL
from aiex_lsp.llm.types import CompletionRequest, RequestFacts, Standing
from aiex_lsp.llm.wire.base_url import shown

if TYPE_CHECKING:
    from aiex_lsp.llm.selection_views import PriceOf, StandingOf

Probe = Callable[[ProviderSettings], Awaitable[bool]]
"""Whether a local server answers now."""


async def _all_well(
    _provider: ProviderSettings, _model: str | None, _facts: RequestFacts, _settings: Settings
) -> Standing:
    return Standing()


class ModelCoordinator:
    """Chooses providers for calls, by what the board measured and how each stands."""

    def __init__(
        self,
        probe: Probe,
        price: PriceOf,
        random: Random,
        *,
        board: Board | None = None,
        standing: StandingOf = _all_well,
        bus: EventBus | None = None,
        now: Callable[[], float] = time.time,
        strategies: StrategyLoader | None = None,
    ) -> None:
        self._probe = probe
        self._board = board or Board(now, random)
        self._bus = bus
        self._now = now
        self._strategies = strategies or StrategyLoader(random)
        self._screening = Screening(self._board, standing, random)
        self._prices = Prices(price)

    async def choose(
        self,
        request: CompletionRequest,
        settings: Settings,
        facts: RequestFacts | None = None,
        *,
        call_id: str = "",
        preview: bool = False,
    ) -> Choice:
        """Return the candidates for a call, at least one.

        `facts` None skips what needs them. `preview`: no call follows, nothing is counted or
        published. Raises `NoProviderError` that names why each was left out, `UsageError` for an
        unknown provider or strategy, `ConfigError` for a named one that is switched off.
        """
        asked = Asked(request, settings, facts)
        if asked.policy == "block" and facts is not None and facts.sensitive:
            raise blocked(facts.sensitive, list(settings.providers))
        task = settings.task(request.task)
        strategy = request.strategy or task.strategy
        named = request.provider or (None if request.strategy else task.provider)
        if named is None and strategy is None:
            named = settings.default_provider
        model = request.model or (task.model if request.provider in (None, task.provider) else None)
        if named is not None:
            choice = await self._named(asked, named, model)
        else:
            choice = await self._by_strategy(asked, strategy or settings.strategy, model)
        log_choice(request, choice)
        if not preview:
            self._board.chosen(scope_of(choice.candidates[0].provider))
            self._publish(request, choice, call_id)
        return choice

    async def _named(self, asked: Asked, name: str, model: str | None) -> Choice:
        first = _configured(name, asked)
        order = [Candidate(first, model)]
        reason = kept_here(first, asked.policy_for(first), asked.facts)
        if reason is not None:
            asked.left_out[name] = reason
            order = []
        order += [Candidate(one) for one in _fallbacks(asked, first)]
        good = await self._screened(asked, order)
        told = f"{name} is named"
        if name in asked.left_out:
            told += f", but left out: {asked.left_out[name]}"
        return choice_of(asked, "named", told, [(one, None, one.note) for one in good])

    async def _by_strategy(self, asked: Asked, strategy: str, model: str | None) -> Choice:
        every = asked.settings.providers.values()
        usable = [one for one in every if one.configured and asked.may_ask(one)]
        if not usable:
            return await self._unconfigured(asked, strategy, model)
        if strategy == "local_affinity" and any(one.is_local for one in usable):
            # Before anybody is left out for the moment: a local outage sends nothing elsewhere.
            asked.left_out |= {one.name: STAYS_LOCAL for one in usable if not one.is_local}
            usable = [one for one in usable if one.is_local]
        good = await self._screened(asked, [Candidate(one, model) for one in usable])
        facts = asked.facts or RequestFacts(asked.request.task)
        # A single one costs no price list, but a strategy of the user's own may still refuse it.
        if len(good) > 1:
            await self._prices.load(good)
            good = [self._screening.refreshed(one) for one in good]
        views = {one.name: (one, self._prices.view(one, facts)) for one in good}
        ranked = await self._strategies.ranked(
            strategy, [view for _, view in views.values()], facts
        )
        asked.left_out |= {
            one.candidate.name: one.note or "left out by the strategy"
            for one in ranked
            if one.left_out
        }
        order = [(views[one.candidate.name][0], one) for one in ranked if not one.left_out]
        order.sort(key=lambda one: bool(one[0].note))
        reason = f"{strategy} among the configured providers"
        return choice_of(
            asked,
            strategy,
            reason,
            [(one, place.score, joined_note(one, place)) for one, place in order],
            model,
        )

    async def _unconfigured(self, asked: Asked, strategy: str, model: str | None) -> Choice:
        order, reason = await self._local_server(asked)
        if asked.left_out and any("which stay" in why for why in asked.left_out.values()):
            reason = reason.replace("nothing is configured", "the text may not leave this machine")
        good = await self._screened(asked, [Candidate(one) for one in order])
        return choice_of(asked, strategy, reason, [(one, None, one.note) for one in good], model)

    async def _local_server(self, asked: Asked) -> tuple[list[ProviderSettings], str]:
        every = [one for one in asked.settings.providers.values() if not one.configured]
        for one in every:
            if not one.is_local or one.type == "embedded" or not asked.may_ask(one):
                continue
            if await self._probe(one):
                reason = f"nothing is configured, and {one.name} answers on this machine"
                return [one, *_embedded(asked, every)], reason
            asked.left_out[one.name] = f"no model answers at {shown(one.base_url)}"
        return _embedded(asked, every), "nothing is configured and no local server answers"

    async def _screened(self, asked: Asked, order: Sequence[Candidate]) -> list[Screened]:
        """Return who can be asked now, those with a note of waiting last. Notes why others not.

        Raises `NoProviderError` where nobody is left.
        """
        good, bars = await self._screening.screen(
            [(one.provider, one.model) for one in order],
            asked.request,
            asked.settings,
            asked.facts,
        )
        asked.bars |= bars
        asked.left_out |= {name: bar.reason for name, bar in bars.items()}
        return sorted(good, key=lambda one: bool(one.note))

    def _publish(self, request: CompletionRequest, choice: Choice, call_id: str) -> None:
        if self._bus is None:
            return
        report = choice.report
        self._bus.publish(
            Selected(
                timestamp=self._now(),
                call_id=call_id,
                task=request.task,
                strategy=choice.strategy,
                candidates=tuple(one.provider for one in report.candidates),
                scores={
                    one.provider: one.score for one in report.candidates if one.score is not None
                },
                left_out=choice.left_out,
            )
        )


def _configured(name: str, asked: Asked) -> ProviderSettings:
    providers = asked.settings.providers
    provider = providers.get(name)
    if provider is None:
        near = difflib.get_close_matches(name, providers, 1)
        hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(providers)}"
        if name == asked.request.provider:
            raise UsageError(f"Provider {name!r} is not configured", hint)
        what = f"The configured provider {name[:60]!r} does not exist"
        raise ConfigError(f"{what}, and nobody else is asked in its place", hint)
    if provider.wrong_address:
        raise ConfigError(
            f"The base_url of {name} cannot be used, and no other address is asked for it",
            f"Correct base_url in [providers.{name}]; `aiex-lsp doctor` says what is wrong",
        )
    if not provider.enabled:
        raise ConfigError(
            f"Provider {name} is switched off",
            f"Set enabled = true under [providers.{name}], or name another provider",
        )
    return provider


def _fallbacks(asked: Asked, first: ProviderSettings) -> list[ProviderSettings]:
    settings = asked.settings
    own = settings.task(asked.request.task).fallback_providers
    found: list[ProviderSettings] = []
    for name in own if own is not None else settings.fallback_providers:
        provider = settings.providers.get(name)
        if provider is None or name == first.name or provider in found:
            continue
        if first.is_local and not provider.is_local and own is None:
            asked.left_out[name] = "remote, and the call is meant for a local provider"
        elif asked.may_ask(provider):
            found.append(provider)
    return found


def _embedded(asked: Asked, every: Sequence[ProviderSettings]) -> list[ProviderSettings]:
    return [one for one in every if one.type == "embedded" and asked.may_ask(one)]
