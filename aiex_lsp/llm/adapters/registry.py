"""Adapters by the type a provider's configuration names."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from aiex_lsp.config.settings import ProviderSettings
from aiex_lsp.errors import ConfigError
from aiex_lsp.llm.adapters.base import Adapter, AdapterContext

BUILT_IN = {
    "anthropic": "aiex_lsp.llm.adapters.anthropic:AnthropicAdapter",
    "openai": "aiex_lsp.llm.adapters.openai:OpenAIAdapter",
    "ollama": "aiex_lsp.llm.adapters.ollama:OllamaAdapter",
    "lm_studio": "aiex_lsp.llm.adapters.lm_studio:LMStudioAdapter",
    "embedded": "aiex_lsp.llm.adapters.embedded:EmbeddedAdapter",
}
"""Also entry points; listed so that they work from a source tree and cannot be replaced."""

GROUP = "aiex_lsp.adapters"
"""Entry point group of installed adapters: name = provider type, value = `module:Class`."""


def types() -> list[str]:
    """Return every known provider type, the built-in ones first."""
    return [*BUILT_IN, *sorted(set(_installed()) - set(BUILT_IN))]


def adapter_class(provider_type: str) -> type[Adapter]:
    """Return the adapter class of a provider type.

    Raises `ConfigError` with the nearest names for an unknown type, and where an installed
    adapter cannot be imported.
    """
    if provider_type in BUILT_IN:
        module, _, name = BUILT_IN[provider_type].partition(":")
        return _checked(provider_type, getattr(import_module(module), name))
    found = _installed().get(provider_type)
    if found is None:
        near = get_close_matches(provider_type, types(), n=2, cutoff=0.5) or types()
        raise ConfigError(
            f"No provider type '{provider_type}' is known",
            f"Use {' or '.join(repr(name) for name in near)}.",
        )
    try:
        loaded = found.load()
    except Exception as error:
        raise ConfigError(
            f"The adapter '{provider_type}' ({found.value}) cannot be loaded: "
            f"{type(error).__name__}",
            "Install it anew, or choose another provider type.",
        ) from error
    return _checked(provider_type, loaded)


def make(settings: ProviderSettings, context: AdapterContext) -> Adapter:
    """Return the adapter of a configured provider; connects to nothing yet."""
    return adapter_class(settings.type)(settings, context)


def imports(provider_types: Iterable[str]) -> None:
    """Import the adapters of these types; what is wrong with one is told by `make`. Blocking."""
    for one in provider_types:
        with suppress(ConfigError):
            adapter_class(one)


def _installed() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _checked(provider_type: str, found: object) -> type[Adapter]:
    if isinstance(found, type) and issubclass(found, Adapter):
        return found
    raise ConfigError(
        f"The adapter '{provider_type}' is not a subclass of Adapter",
        "Ask its author, or choose another provider type.",
    )
