"""What the providers' side of one process is made of, made and joined for `app.py`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from aiex_lsp.config.settings import ProviderSettings, Settings

if TYPE_CHECKING:
    from aiex_lsp.events.bus import EventBus
    from aiex_lsp.events.recorder import UsageRecorder
    from aiex_lsp.events.telemetry import Telemetry
    from aiex_lsp.llm.client import LLMClient
    from aiex_lsp.llm.overview import Overview
    from aiex_lsp.llm.tokens import TokenCounter
    from aiex_lsp.llm.types import Price
    from aiex_lsp.state.shared import SharedState

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Joined:
    """The parts whoever joins them needs later; the others know one another."""

    client: LLMClient
    overview: Overview
    recorder: UsageRecorder
    bus: EventBus
    store: SharedState
    tokens: TokenCounter
    telemetry: Telemetry | None

    async def aclose(self) -> None:
        """Close everything, those that still tell something before those they tell."""
        parts = (
            self.overview,
            self.client,
            self.telemetry,
            self.recorder,
            self.store,
            self.tokens,
        )
        for part in parts:
            try:
                if part is not None:
                    await part.aclose()
            except Exception:
                log.exception("%s was not closed in order", type(part).__name__)


def join(
    settings: Callable[[], Settings],
    state_dir: Path,
    models_dir: Path,
    env: Mapping[str, str],
    tell: Callable[[str], None],
) -> Joined:
    """Return the parts; nothing is opened and nobody asked before the first use.

    `settings` are those that hold now, of the first workspace folder; which store is shared is
    read once. `tell` takes one sentence for the user about shared state that was lost or is back.
    """
    from aiex_lsp.doctor import diagnose, diagnosis_json
    from aiex_lsp.events.bus import EventBus
    from aiex_lsp.events.recorder import UsageRecorder
    from aiex_lsp.events.telemetry import Telemetry
    from aiex_lsp.llm.adapters.base import AdapterContext
    from aiex_lsp.llm.adapters.registry import imports, make
    from aiex_lsp.llm.cache import AnswerCache
    from aiex_lsp.llm.circuit_breaker import CircuitBreaker
    from aiex_lsp.llm.client import LLMClient
    from aiex_lsp.llm.coordinator import ModelCoordinator
    from aiex_lsp.llm.fitting import Fitting
    from aiex_lsp.llm.health import HealthMonitor
    from aiex_lsp.llm.holds import Holds
    from aiex_lsp.llm.measured import Board
    from aiex_lsp.llm.overview import Overview
    from aiex_lsp.llm.peers import Peers
    from aiex_lsp.llm.pool import AdapterPool
    from aiex_lsp.llm.rate_limiter import COUNTED_SECONDS, RateLimiter
    from aiex_lsp.llm.sending import Parts
    from aiex_lsp.llm.standing import Standings
    from aiex_lsp.llm.tokens import TokenCounter
    from aiex_lsp.state.opening import open_state
    from aiex_lsp.state.usage import FILE_NAME, UsageStore

    def context(connect_timeout: float) -> AdapterContext:
        return AdapterContext(
            connect_timeout=connect_timeout,
            price_of=_price_of,
            monotonic=time.monotonic,
            models_dir=models_dir,
        )

    random = Random()
    bus = EventBus()
    pool = AdapterPool(make, context, time.monotonic, imports)
    store = open_state(
        settings().coordination, state_dir, tell=tell, random=random, window=COUNTED_SECONDS
    )
    board = Board(time.time, random)
    peers = Peers(store, board)
    tokens = TokenCounter()
    fitting = Fitting(pool, tokens)
    holds = Holds(store)
    recorder = UsageRecorder(UsageStore(state_dir / FILE_NAME))
    bus.subscribe(recorder)
    monitor = HealthMonitor(pool, store, bus, settings, random=random)

    async def probe(provider: ProviderSettings) -> bool:
        return await pool.answers(provider, settings().connect_timeout)

    async def today_cost() -> float | None:
        return recorder.today_cost()

    async def diagnosis() -> Mapping[str, Any]:
        return diagnosis_json(await diagnose(settings(), pool, store))

    client = LLMClient(
        Parts(
            pool=pool,
            fitting=fitting,
            cache=AnswerCache(time.monotonic, store),
            breaker=CircuitBreaker(store, bus, time.time),
            limiter=RateLimiter(store, bus, time.time),
            holds=holds,
            board=board,
            bus=bus,
            now=time.time,
        ),
        ModelCoordinator(
            probe,
            _price,
            random,
            board=board,
            standing=Standings(store, pool, fitting, holds),
            bus=bus,
        ),
        random,
        _describe_secrets,
        peers.recall,
    )
    overview = Overview(
        pool,
        store,
        board,
        monitor,
        bus,
        settings,
        peers,
        today_cost=today_cost,
        diagnose=diagnosis,
    )
    telemetry = Telemetry.create(env)
    if telemetry is not None:
        bus.subscribe(telemetry)
    return Joined(client, overview, recorder, bus, store, tokens, telemetry)


def _price_of(provider_type: str, model: str, usage: Any) -> float | None:
    from aiex_lsp.llm.pricing import price_of

    return price_of(provider_type, model, usage)


def _price(provider: ProviderSettings, model: str | None) -> Price | None:
    from aiex_lsp.llm.pricing import price

    model = model or provider.default_model
    return price(provider.type, model) if model else None


def _describe_secrets(text: str) -> tuple[str, ...]:
    from aiex_lsp.redaction.detect import describe, find_secrets

    return describe(find_secrets(text))
