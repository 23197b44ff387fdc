"""The one line a status bar shows, and the providers it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from aiex_lsp.config.settings import ProviderSettings, Settings
from aiex_lsp.llm.health_probe import barred
from aiex_lsp.llm.types import LimitStatus, ProviderStatus

Severity = Literal["ok", "warning", "error", "busy"]


@dataclass(frozen=True, slots=True)
class Active:
    """Who answers now, as far as it is known before a call."""

    provider: str | None
    model: str | None
    strategy: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What a status bar shows: a short text, a tooltip of one line a provider."""

    text: str
    tooltip: str
    severity: Severity


def chosen(settings: Settings) -> bool:
    """Return whether the user chose a provider; else calls look for one on this machine."""
    return settings.default_provider is not None or any(
        _meant(one) for one in settings.providers.values()
    )


def missing(settings: Settings) -> set[str]:
    """Return the providers that are pinned, for all calls or a task's, but do not exist."""
    pinned = {settings.default_provider, *(task.provider for task in settings.tasks.values())}
    return {name for name in pinned if name is not None and name not in settings.providers}


def in_use(settings: Settings) -> list[ProviderSettings]:
    """Return the providers calls would go to: pinned ones, fallbacks and tasks', or configured.

    Where none was chosen, those of this machine that are asked then.
    """
    names: list[str | None] = []
    if settings.default_provider is not None:
        names = [settings.default_provider, *settings.fallback_providers]
    for task in settings.tasks.values():
        names += [task.provider, *(task.fallback_providers or ())]
    every = list(settings.providers.values())
    if settings.default_provider is None:
        names = [*(one.name for one in every if _meant(one)), *names]
    if not any(names):
        names = [one.name for one in every if one.enabled and one.is_local]
    found = (settings.providers.get(name) for name in dict.fromkeys(names) if name)
    return [one for one in found if one is not None]


def active_of(settings: Settings, statuses: Sequence[ProviderStatus]) -> Active:
    """Return the pinned provider, else the one chosen last, else the first that can be asked."""
    by_name = {one.provider: one for one in statuses}
    used = [by_name[one.name] for one in in_use(settings) if one.name in by_name]
    if settings.default_provider in missing(settings):
        return Active(settings.default_provider, None, settings.strategy)
    found = by_name.get(settings.default_provider or "")
    if found is None:
        called = [one for one in statuses if one.last_selected is not None]
        found = max(called, key=lambda one: one.last_selected or 0.0, default=None)
    if found is None and chosen(settings):
        well = [one for one in used if not _trouble(one, settings)]
        found = next(iter([*well, *used]), None)
    if found is None:
        return Active(settings.default_provider, None, settings.strategy)
    return Active(found.provider, found.model, settings.strategy)


def summary(
    settings: Settings,
    statuses: Sequence[ProviderStatus],
    active: Active,
    today_cost: float | None,
) -> Summary:
    """Return the summary: busy while this server works, error where nobody can be asked."""
    used = {one.name for one in in_use(settings)}
    troubles = {
        one.provider: why
        for one in statuses
        if one.provider in used and (why := _trouble(one, settings))
    }
    lost = missing(settings)
    troubles |= dict.fromkeys(lost, "does not exist")
    severity: Severity = "ok"
    if any(one.in_flight for one in statuses):
        severity = "busy"
    elif active.provider in lost or (used and all(name in troubles for name in used)):
        severity = "error"
    elif troubles:
        severity = "warning"
    return Summary(
        _text(active, troubles, today_cost),
        "\n".join(_line(one, settings) for one in statuses if _shown(one, used)),
        severity,
    )


def dollars(cost: float) -> str:
    """Return US dollars as people read them."""
    if cost == 0:
        return "$0"
    return f"${cost:.2f}" if cost >= 0.01 else f"${cost:.4f}"


def _text(active: Active, troubles: Mapping[str, str], today_cost: float | None) -> str:
    if active.provider is None:
        return "aiex"
    why = troubles.get(active.provider)
    if why is not None:
        return f"{active.provider} ⚠ {why}"
    parts = [active.provider, active.model, dollars(today_cost) if today_cost else None]
    return " · ".join(part for part in parts if part)


def _meant(provider: ProviderSettings) -> bool:
    # A key in the environment alone is no choice.
    return provider.configured and provider.enabled and provider.agreed


def _trouble(status: ProviderStatus, settings: Settings) -> str | None:
    """Return in a few words why a provider is not to be counted on, None where it is."""
    provider = settings.providers.get(status.provider)
    if provider is not None and (why := barred(provider)) is not None:
        return why
    if status.circuit.state == "open":
        return "circuit open"
    if status.status == "unhealthy":
        return "not reachable"
    if status.status == "error":
        return "cannot be used"
    for name, limit in (("requests", status.requests), ("tokens", status.tokens)):
        if limit.remaining == 0:
            return f"no {name} left this minute"
    return "circuit half open" if status.circuit.state == "half_open" else None


def _shown(status: ProviderStatus, used: set[str]) -> bool:
    return status.provider in used or status.request_count > 0


def _line(status: ProviderStatus, settings: Settings) -> str:
    parts: list[str] = [status.status]
    if status.response_time_ms is not None:
        parts.append(f"{status.response_time_ms:,.0f} ms")
    if status.circuit.state != "closed":
        parts.append(f"circuit {status.circuit.state.replace('_', ' ')}")
    left = [
        text
        for name, limit in (("requests", status.requests), ("tokens", status.tokens))
        if (text := _left(name, limit))
    ]
    if left:
        parts.append(" and ".join(left) + " left this minute")
    why = status.error or _trouble(status, settings)
    # The rest of the line says this already.
    if why in ("circuit open", "circuit half open", None):
        why = ""
    return f"{status.provider}: {', '.join(parts)}{' (' + why + ')' if why else ''}"


def _left(name: str, limit: LimitStatus) -> str:
    if limit.remaining is None:
        return ""
    most = f" of {limit.limit:,}" if limit.limit is not None else ""
    return f"{limit.remaining:,}{most} {name}"
