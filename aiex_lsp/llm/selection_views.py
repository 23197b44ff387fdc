"""How candidates stand when a call is to be made: asked for, screened, and shown to strategies."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from aiex_lsp.config.settings import ProviderSettings, Settings
from aiex_lsp.llm.measured import Board, Measured
from aiex_lsp.llm.scope import scope_of
from aiex_lsp.llm.selection_rules import Barred, barred, behind, has_model
from aiex_lsp.llm.strategies import ANSWER_SHARE, CandidateView
from aiex_lsp.llm.types import CompletionRequest, Price, RequestFacts, Standing

StandingOf = Callable[[ProviderSettings, str | None, RequestFacts, Settings], Awaitable[Standing]]
"""How a provider stands just now; the model is None where the call names none."""

PriceOf = Callable[[ProviderSettings, str | None], Price | None]
"""US dollars per thousand tokens. Slow the first time: for a thread."""

LEAST_TRUST = 0.1
"""A measurement trusted less leaves nobody out: it is old, and to be made anew."""

MAX_PRICES = 500

FREE = Price(0.0, 0.0)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Screened:
    """A candidate that can be asked. `note` tells why only after the others, empty if not so."""

    provider: ProviderSettings
    model: str | None
    standing: Standing
    measured: Measured
    in_flight: int
    turn: int
    note: str = ""

    @property
    def name(self) -> str:
        """Return the provider's name."""
        return self.provider.name

    @property
    def usual_model(self) -> str | None:
        """Return the model that is asked where the call names none, if it is known."""
        return self.standing.model or self.provider.default_model

    def is_known_to_have(self, model: str) -> bool:
        """Return whether the provider's list of models is known and holds this one."""
        known = self.standing.known_models
        return known is not None and has_model(model, known)


class Screening:
    """Asks how candidates stand, all at once, and leaves out who cannot be asked."""

    def __init__(self, board: Board, standing: StandingOf, random: Random) -> None:
        self._board = board
        self._standing = standing
        self._random = random
        self._told = False

    async def screen(
        self,
        candidates: Sequence[tuple[ProviderSettings, str | None]],
        request: CompletionRequest,
        settings: Settings,
        facts: RequestFacts | None,
    ) -> tuple[list[Screened], dict[str, Barred]]:
        """Return who can be asked, in the order given, and why the others not, by name."""
        told = facts or RequestFacts(request.task)
        standings = await asyncio.gather(
            *(self._stands(one, model, told, settings) for one, model in candidates)
        )
        good: list[Screened] = []
        unless_alone: list[tuple[Screened, Barred]] = []
        bars: dict[str, Barred] = {}
        for (provider, model), standing in zip(candidates, standings, strict=True):
            one = self._screened(provider, model, standing, request, settings)
            known = one.measured.trust >= LEAST_TRUST and request.provider != provider.name
            first_token = one.measured.first_token if known else None
            bar = barred(standing, model, facts, first_token)
            if bar is None:
                good.append(one)
            elif bar.only_if_others:
                unless_alone.append((one, bar))
            else:
                bars[provider.name] = bar
        if not good:
            return [one for one, _ in unless_alone], bars
        return good, bars | {one.name: bar for one, bar in unless_alone}

    def refreshed(self, one: Screened) -> Screened:
        """Return a candidate with what is running now: others may have chosen meanwhile."""
        whole = self._board.view(scope_of(one.provider), None)
        return replace(one, in_flight=whole.in_flight, turn=whole.turn)

    async def _stands(
        self,
        provider: ProviderSettings,
        model: str | None,
        facts: RequestFacts,
        settings: Settings,
    ) -> Standing:
        try:
            return await self._standing(provider, model, facts, settings)
        except Exception as error:  # noqa: BLE001  a choice needs no standing; its text may be private
            if not self._told:
                self._told = True
                why = type(error).__name__
                log.warning("It is not known how providers stand (%s); all are asked", why)
            return Standing()

    def _screened(
        self,
        provider: ProviderSettings,
        model: str | None,
        standing: Standing,
        request: CompletionRequest,
        settings: Settings,
    ) -> Screened:
        scope = scope_of(provider)
        whole = self._board.view(scope, None)
        asked = model or standing.model or provider.default_model
        measured = whole if asked is None else self._board.view(scope, asked)
        # Who names a provider means it, also while it recovers.
        chance = None if request.provider == provider.name else self._random.random()
        note = behind(standing, settings.retry.max_wait, chance) or ""
        return Screened(provider, model, standing, measured, whole.in_flight, whole.turn, note)


class Prices:
    """Prices of models, each looked up once, in a thread."""

    def __init__(self, price: PriceOf) -> None:
        self._price = price
        self._known: dict[tuple[str, str, str | None], Price | None] = {}

    async def load(self, candidates: Sequence[Screened]) -> None:
        """Look up the prices that are not known yet."""
        missing = [
            one for one in candidates if not one.provider.is_local and _key(one) not in self._known
        ]
        if missing:
            if len(self._known) > MAX_PRICES:
                self._known.clear()
            self._known |= await asyncio.to_thread(self._look_up, missing)

    def view(self, one: Screened, facts: RequestFacts) -> CandidateView:
        """Return what a strategy sees of a candidate."""
        price = FREE if one.provider.is_local else self._known.get(_key(one))
        cost = None
        if price is not None:
            output = facts.max_tokens * ANSWER_SHARE
            cost = (facts.input_tokens * price.input_per_1k + output * price.output_per_1k) / 1000
        standing, measured = one.standing, one.measured
        return CandidateView(
            name=one.name,
            type=one.provider.type,
            model=one.model or one.usual_model,
            is_local=one.provider.is_local,
            window=standing.window,
            input_price=price.input_per_1k if price else None,
            output_price=price.output_per_1k if price else None,
            cost=cost,
            first_token=measured.first_token,
            tokens_per_second=measured.tokens_per_second,
            success=measured.success,
            trust=measured.trust,
            in_flight=one.in_flight,
            calls=measured.calls,
            turn=one.turn,
            requests_left=standing.requests_left,
            tokens_left=standing.tokens_left,
            limit_wait=standing.limit_wait,
            circuit=standing.circuit.state,
            ramp=standing.ramp,
            health=standing.health,
        )

    def _look_up(
        self, candidates: Sequence[Screened]
    ) -> dict[tuple[str, str, str | None], Price | None]:
        found: dict[tuple[str, str, str | None], Price | None] = {}
        for one in candidates:
            try:
                found[_key(one)] = self._price(one.provider, one.model or one.usual_model)
            except Exception:
                log.exception("The price of %s cannot be looked up", one.name)
                found[_key(one)] = None
        return found


def _key(one: Screened) -> tuple[str, str, str | None]:
    return one.provider.type, one.provider.base_url, one.model or one.usual_model
