"""Which providers a call may ask, in which order, and why the others are left out."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from aiex_lsp.config.settings import ProviderSettings, Settings
from aiex_lsp.errors import ConfigError, NoProviderError, UsageError
from aiex_lsp.llm.strategies import NAMES, STRATEGIES, Measured, StrategyInput
from aiex_lsp.llm.types import CompletionRequest

Probe = Callable[[ProviderSettings], Awaitable[bool]]
"""Whether a local server answers now."""

NEEDS_KEY = frozenset({"anthropic", "openai"})
"""Types whose vendors refuse calls without a key; OpenAI's is also spoken by keyless servers."""

OPENAI_HOST = "api.openai.com"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A provider to ask, and the model where the call or the task named one."""

    provider: ProviderSettings
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The candidates in order; `reason` says how they were chosen, `left_out` why others not."""

    candidates: tuple[Candidate, ...]
    reason: str
    left_out: Mapping[str, str] = field(default_factory=dict)


class ModelCoordinator:
    """Chooses providers for calls. Keeps what it measured, and nothing else."""

    def __init__(
        self,
        probe: Probe,
        price: Callable[[ProviderSettings], float | None],
        random: Random,
    ) -> None:
        self._probe = probe
        self._given = StrategyInput(price=price, random=random)

    def measured(self, provider: str) -> Measured:
        """Return the measurements of a provider, to be updated in place."""
        return self._given.measured.setdefault(provider, Measured())

    async def choose(self, request: CompletionRequest, settings: Settings) -> Choice:
        """Return the candidates for a call, at least one.

        Raises `NoProviderError` that names why each was left out, `UsageError` for an unknown
        provider or strategy.
        """
        task = settings.task(request.task)
        strategy = request.strategy or task.strategy
        named = request.provider or (None if request.strategy else task.provider)
        if named is None and strategy is None:
            named = settings.default_provider
        model = request.model or (task.model if request.provider in (None, task.provider) else None)
        left_out: dict[str, str] = {}
        if named is not None:
            first = self._named(named, settings)
            order = [first, *self._fallbacks(request, settings, first, left_out)]
            return Choice(_with_model(order, model), f"{first.name} is named", left_out)
        strategy = strategy or settings.strategy
        if strategy not in STRATEGIES:
            raise UsageError(
                f"Strategy {strategy!r} is not known", f"Use one of {', '.join(NAMES)}"
            )
        usable = [
            one
            for one in settings.providers.values()
            if one.configured and self._usable(one, request, left_out)
        ]
        if usable:
            order = STRATEGIES[strategy](usable, self._given)
            reason = f"{strategy} among the configured providers"
            return Choice(_with_model(order, model), reason, left_out)
        order, reason = await self._unconfigured(request, settings, left_out)
        if not order:
            raise _nobody(left_out, request)
        return Choice(_with_model(order, model), reason, left_out)

    def _named(self, name: str, settings: Settings) -> ProviderSettings:
        provider = settings.providers.get(name)
        if provider is None:
            near = difflib.get_close_matches(name, settings.providers, 1)
            known = ", ".join(settings.providers)
            hint = f"Did you mean {near[0]}?" if near else f"Known are {known}"
            raise UsageError(f"Provider {name!r} is not configured", hint)
        if not provider.enabled:
            raise ConfigError(
                f"Provider {name} is switched off",
                f"Set enabled = true under [providers.{name}], or name another provider",
            )
        return provider

    def _fallbacks(
        self,
        request: CompletionRequest,
        settings: Settings,
        first: ProviderSettings,
        left_out: dict[str, str],
    ) -> list[ProviderSettings]:
        own = settings.task(request.task).fallback_providers
        names = own if own is not None else settings.fallback_providers
        found: list[ProviderSettings] = []
        for name in names:
            provider = settings.providers.get(name)
            if provider is None or name == first.name:
                continue
            if first.is_local and not provider.is_local and own is None:
                left_out[name] = "remote, and the call is meant for a local provider"
            elif self._usable(provider, request, left_out):
                found.append(provider)
        return found

    def _usable(
        self, one: ProviderSettings, request: CompletionRequest, left_out: dict[str, str]
    ) -> bool:
        if not one.enabled:
            reason = "switched off"
        elif not one.agreed:
            reason = "not agreed to yet"
        elif not has_access(one):
            reason = "no key"
        elif one.type in request.unwanted:
            reason = request.unwanted[one.type]
        else:
            return True
        left_out[one.name] = reason
        return False

    async def _unconfigured(
        self, request: CompletionRequest, settings: Settings, left_out: dict[str, str]
    ) -> tuple[list[ProviderSettings], str]:
        for one in settings.providers.values():
            if one.configured or not one.is_local or one.type == "embedded":
                continue
            if not self._usable(one, request, left_out):
                continue
            if await self._probe(one):
                reason = f"nothing is configured, and {one.name} answers on this machine"
                return [one, *self._embedded(request, settings, left_out)], reason
            left_out[one.name] = f"no model answers at {one.base_url}"
        embedded = self._embedded(request, settings, left_out)
        return embedded, "nothing is configured and no local server answers"

    def _embedded(
        self, request: CompletionRequest, settings: Settings, left_out: dict[str, str]
    ) -> list[ProviderSettings]:
        every = settings.providers.values()
        own = [one for one in every if one.type == "embedded" and not one.configured]
        return [one for one in own if self._usable(one, request, left_out)]


def has_access(provider: ProviderSettings) -> bool:
    """Return whether nothing speaks against asking: a key, headers, or an address without keys."""
    if provider.api_key is not None or provider.headers:
        return True
    keyless_address = provider.type == "openai" and OPENAI_HOST not in provider.base_url
    return keyless_address or provider.type not in NEEDS_KEY


def _with_model(order: list[ProviderSettings], model: str | None) -> tuple[Candidate, ...]:
    first, *rest = order
    return (Candidate(first, model), *(Candidate(one) for one in rest))


def _nobody(left_out: Mapping[str, str], request: CompletionRequest) -> NoProviderError:
    unwanted = [reason for reason in request.unwanted.values() if reason in left_out.values()]
    if unwanted:
        return NoProviderError(
            f"No provider for {request.task}: {unwanted[0]}",
            "Start Ollama or LM Studio, set a provider in config.toml, or name embedded",
            reasons=left_out,
        )
    why = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
    return NoProviderError(
        f"No provider can be asked ({why})",
        "Run `aiex-lsp config show` and set one up",
        reasons=left_out,
    )
