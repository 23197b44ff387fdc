"""What a workspace's own file may set: it came with somebody's code, so it chooses and narrows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiex_lsp.config.defaults import STRATEGIES
from aiex_lsp.config.layers import Layer
from aiex_lsp.config.settings import STRICTNESS, Settings
from aiex_lsp.config.validate import Path, show_key

_STRICTNESS: dict[Path, tuple[Any, ...]] = {
    ("privacy", "secrets"): STRICTNESS,
    ("edits", "confirm"): ("never", "multi_file", "always"),
    ("hover", "mode"): ("on", "cached", "off"),
    ("features", "enabled"): (True, False),
    ("context", "project"): (True, False),
}
"""Values from loosest to strictest; a workspace goes to the right only."""

_ADD_ONLY: tuple[Path, ...] = (("features", "disabled_languages"), ("features", "disabled_folders"))

_FREE = frozenset(
    {
        ("hover", "wait"),
        ("cache", "ttl"),
        ("context", "rules_files"),
        ("request_timeout",),
        ("connect_timeout",),
        ("first_token_timeout",),
        ("stall_timeout",),
        ("max_duration",),
    }
)
_FREE_OF_TASK = frozenset({"model", "temperature", "max_tokens", "effort", "template", "cache"})
_FREE_OF_PROVIDER = frozenset({"default_model", "effort"})


def restrict(layer: Layer, below: Mapping[str, Any], trusted: Settings) -> None:
    """Take out of the workspace's layer, with a report each, what it may not set.

    `below` are the values of the layers under it, `trusted` the settings without it.
    """
    _Restriction(layer, below, trusted).apply()


class _Restriction:
    def __init__(self, layer: Layer, below: Mapping[str, Any], trusted: Settings) -> None:
        self.layer = layer
        self.below = below
        self.trusted = trusted

    def apply(self) -> None:
        for key in list(self.layer.values):
            value = self.layer.values[key]
            if key == "providers":
                for name in list(value):
                    self._table(value, ("providers", name))
            elif key == "tasks":
                for name in list(value):
                    self._table(value, ("tasks", name))
            elif isinstance(value, dict):
                self._table(self.layer.values, (key,))
            else:
                self._key(self.layer.values, (key,))

    def _table(self, parent: dict[str, Any], path: Path) -> None:
        table = parent[path[-1]]
        for key in list(table):
            self._key(table, (*path, key))
        if not table:
            del parent[path[-1]]

    def _key(self, table: dict[str, Any], path: Path) -> None:
        key = path[-1]
        if path in _ADD_ONLY:
            table[key] = [*self._get(path, ()), *table[key]]
            return
        wrong = self._refusal(path, table[key])
        if wrong:
            del table[key]
            self.layer.report(path, f'A workspace file may not {wrong}: "{show_key(path)}" ignored')
        elif key == "fallback_providers":
            table[key] = self._agreed_only(path, table[key])

    def _refusal(self, path: Path, value: Any) -> str | None:
        """Return what a workspace file may not do here, None if the value is allowed."""
        section, key = path[0], path[-1]
        if path in _STRICTNESS:
            return self._loosening(_STRICTNESS[path], value, self._get(path, None))
        if key == "strategy":
            return self._strategy(path, value)
        if path == ("default_provider",) or (section == "tasks" and key == "provider"):
            return self._provider(value)
        if path in _FREE or key == "fallback_providers":
            return None
        if section == "tasks" and key in _FREE_OF_TASK:
            return None
        if section in ("tasks", "providers") and key == "secrets":
            general = self._get(("privacy", "secrets"), "redact")
            return self._loosening(
                _STRICTNESS["privacy", "secrets"], value, self._get(path, None) or general
            )
        if section == "providers" and path[1] in self.trusted.providers:
            if key in _FREE_OF_PROVIDER or (key == "enabled" and value is False):
                return None
            known = self.trusted.providers[path[1]]
            if key == "enabled":
                return None if known.enabled and known.agreed else "switch on a provider"
        return "set this; put it into your own configuration"

    def _loosening(self, order: Sequence[Any], value: Any, now: Any) -> str | None:
        if now not in order or order.index(value) >= order.index(now):
            return None
        return "loosen your settings"

    def _strategy(self, path: Path, value: str) -> str | None:
        if value in STRATEGIES or value in (self._get(path, None), self.trusted.strategy):
            return None
        return "name code to run as strategy"

    def _provider(self, name: str) -> str | None:
        provider = self.trusted.providers.get(name)
        if provider is None:
            return "choose a provider that you have not set up"
        if provider.agreed and provider.enabled:
            return None
        return "choose a provider you have not agreed to"

    def _agreed_only(self, path: Path, names: Sequence[str]) -> list[str]:
        allowed = []
        for name in names:
            wrong = self._provider(name)
            if wrong is None:
                allowed.append(name)
            else:
                shown = show_key((name,))
                self.layer.report(path, f'A workspace file may not {wrong}: "{shown}" left out')
        return allowed

    def _get(self, path: Path, default: Any) -> Any:
        here: Any = self.below
        for key in path:
            here = here.get(key) if isinstance(here, Mapping) else None
        return default if here is None else here
