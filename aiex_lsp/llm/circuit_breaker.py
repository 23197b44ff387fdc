"""The circuit breaker: who may ask a provider now, and what each call says about its health."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiex_lsp.config.settings import CircuitBreakerSettings, ProviderSettings
from aiex_lsp.errors import FailureKind, ProviderError
from aiex_lsp.events.bus import EventBus
from aiex_lsp.events.types import CircuitChanged
from aiex_lsp.llm.failures import DISPOSITIONS
from aiex_lsp.llm.scope import circuit_names
from aiex_lsp.llm.types import CircuitStatus
from aiex_lsp.state.base import Store
from aiex_lsp.state.types import CallOutcome, Circuit, CircuitChange, CircuitPolicy

LEASE_MARGIN = 10.0
"""Seconds a half-open probe may take beyond its call's own limit before it is given away."""

_SEVERITY = ("closed", "half_open", "open")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Permit:
    """A call's right to go out; its outcome is to be recorded once."""

    provider: str
    model: str
    circuits: tuple[str, ...]
    holder: str
    policy: CircuitPolicy
    probe: bool = False


class CircuitBreaker:
    """The breakers of all providers, one of each provider and one of each of its models."""

    def __init__(
        self,
        store: Store,
        bus: EventBus,
        now: Callable[[], float],
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._store = store
        self._bus = bus
        self._now = now
        self._new_id = new_id

    async def admit(
        self,
        provider: ProviderSettings,
        scope: str,
        model: str,
        settings: CircuitBreakerSettings,
        limit: float,
    ) -> Permit:
        """Return the permit for a call that takes at most `limit` seconds.

        Raises `ProviderError` of kind CIRCUIT_OPEN with the seconds until the next probe.
        """
        names = circuit_names(scope, model)
        holder = self._new_id()
        policy = policy_of(settings)
        admission = await self._store.admit(names, holder, limit + LEASE_MARGIN, policy)
        if not admission.admitted:
            raise _refusal(provider.name, model, admission.refused_by, admission.now)
        return Permit(provider.name, model, names, holder, policy, admission.probe)

    async def record(self, permit: Permit, error: FailureKind | None) -> None:
        """Take how a call ended: None is a success, CANCELLED and others count for nothing."""
        own, *models = permit.circuits
        outcomes: dict[str, CallOutcome] = dict.fromkeys(permit.circuits, "nothing")
        if error is None:
            outcomes = dict.fromkeys(permit.circuits, "success")
        elif DISPOSITIONS[error].counts_against == "provider":
            outcomes[own] = "failure"
        elif DISPOSITIONS[error].counts_against == "model":
            outcomes.update(dict.fromkeys(models or (own,), "failure"))
        changes = await self._store.record(outcomes, permit.holder, permit.policy)
        self.publish(permit.provider, changes)

    def publish(self, provider: str, changes: Sequence[CircuitChange]) -> None:
        """Tell of circuits that have another state now."""
        for change in changes:
            if not change.changed:
                continue
            model = change.circuit.name.partition("/")[2]
            log.warning(
                "%s %s: circuit %s -> %s after %d failures",
                provider,
                model,
                change.before,
                change.circuit.state,
                change.circuit.failure_count,
            )
            self._bus.publish(
                CircuitChanged(
                    timestamp=self._now(),
                    provider=provider,
                    model=model,
                    before=change.before,
                    after=change.circuit.state,
                    failure_count=change.circuit.failure_count,
                )
            )


def policy_of(settings: CircuitBreakerSettings) -> CircuitPolicy:
    """Return the policy of these settings; a maximum below the first time is that time.

    The share of failures opens no circuit before twice the threshold of calls: who sets it high
    wants few circuits opened.
    """
    return CircuitPolicy(
        failure_threshold=settings.failure_threshold,
        share_least=max(CircuitPolicy().share_least, 2 * settings.failure_threshold),
        open_seconds=settings.open_seconds,
        max_open_seconds=max(settings.max_open_seconds, settings.open_seconds),
    )


def worst(circuits: Sequence[Circuit]) -> Circuit | None:
    """Return the circuit that holds calls up most: open, else half open, else most failures."""
    return max(
        circuits,
        key=lambda one: (_SEVERITY.index(one.state), one.retry_at or 0.0, one.failure_count),
        default=None,
    )


def status_of(circuits: Sequence[Circuit]) -> CircuitStatus:
    """Return the worst of these circuits as users see it."""
    found = worst(circuits)
    if found is None:
        return CircuitStatus()
    retry_at = found.retry_at if found.state == "open" else None
    return CircuitStatus(found.state, found.failure_count, found.last_failure, retry_at)


def ramp_of(circuits: Sequence[Circuit], policy: CircuitPolicy, now: float) -> float:
    """Return the share of calls circuits should have that closed a short while ago: 0.1 to 1."""
    shares = [
        (now - one.closed_at) / policy.ramp_seconds
        for one in circuits
        if one.closed_at is not None and policy.ramp_seconds > 0
    ]
    return min(1.0, max(0.1, min(shares, default=1.0)))


def _refusal(provider: str, model: str, circuit: Circuit | None, now: float) -> ProviderError:
    wait = max(0.0, (circuit.retry_at or now) - now) if circuit else 0.0
    failures = circuit.failure_count if circuit else 0
    if circuit is not None and circuit.state == "half_open":
        what = f"{provider} ({model}) is being tried again by another call after it failed"
        step = "Try again in a moment, or choose another provider."
    else:
        what = f"{provider} ({model}) is left alone after {failures} failures"
        step = (
            f"Try again in {max(1, round(wait))} s, choose another provider, or reset its circuit."
        )
    return ProviderError(
        FailureKind.CIRCUIT_OPEN, what, step, provider=provider, model=model, retry_after=wait
    )
