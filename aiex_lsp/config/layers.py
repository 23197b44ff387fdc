"""Layers of configuration: each cleaned on its own, then laid over one another key by key."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiex_lsp.config.defaults import STRATEGIES, TASKS
from aiex_lsp.config.options import ATOMIC, NOT_ENFORCED
from aiex_lsp.config.positions import Position
from aiex_lsp.config.settings import Problem
from aiex_lsp.config.urls import normalise_base_url
from aiex_lsp.config.validate import Path, known_keys, nearest, show_key, usable

Kind = Literal["default", "site", "user", "workspace", "editor", "environment", "command line"]

NO_ADDRESS = ""
"""The `base_url` of a provider whose written one cannot be used; a file cannot hold it."""


@dataclass
class Layer:
    """One source of configuration; `values` hold only what can be used.

    `file` is its path or its name, as problems show it. `labels` name a source more closely by
    key (one environment variable each).
    """

    kind: Kind
    file: str
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    position: Callable[[Path], Position | None] = lambda _path: None
    labels: Mapping[Path, str] = field(default_factory=dict)

    def report(
        self, path: Path, message: str, severity: Literal["error", "warning"] = "error"
    ) -> None:
        """Add a problem at a key, with its place in the file."""
        line, column = self.position(path) or (None, None)
        self.problems.append(
            Problem(message, self.file, line, column, show_key(path) or None, severity)
        )

    def label(self, path: Path) -> str:
        """Return what to show as the source of a key."""
        return self.labels.get(path, self.file)


def make_layer(
    kind: Kind,
    file: str,
    raw: Mapping[str, Any],
    position: Callable[[Path], Position | None] = lambda _path: None,
    labels: Mapping[Path, str] | None = None,
) -> Layer:
    """Return the layer of what was written, cleaned of all that cannot be used."""
    layer = Layer(kind, file, position=position, labels=labels or {})
    layer.values = usable(raw, layer.report)
    _keep_wrong_addresses(layer, raw)
    _leave_out_unbuilt(layer)
    _check_strategy(layer, ("strategy",), layer.values)
    for name, provider in layer.values.get("providers", {}).items():
        _check_provider(layer, ("providers", name), provider)
    for name, task in layer.values.get("tasks", {}).items():
        _check_strategy(layer, ("tasks", name, "strategy"), task)
        if name not in TASKS and (hint := nearest(name, TASKS)):
            layer.report(("tasks", name), f'Unknown task "{show_key((name,))}"{hint}', "warning")
    return layer


def merge(layers: list[Layer]) -> tuple[dict[str, Any], dict[Path, Layer]]:
    """Return the values, later layers winning key by key, and the layer of each."""
    values: dict[str, Any] = {}
    sources: dict[Path, Layer] = {}
    for layer in layers:
        _lay_over(values, layer.values, (), layer, sources)
    return values, sources


def _lay_over(
    below: dict[str, Any],
    above: Mapping[str, Any],
    path: Path,
    layer: Layer,
    sources: dict[Path, Layer],
) -> None:
    for key, value in above.items():
        here = (*path, key)
        if isinstance(value, dict) and key not in ATOMIC:
            if not isinstance(below.get(key), dict):
                below[key] = {}
                sources.pop(here, None)
            _lay_over(below[key], value, here, layer, sources)
        else:
            for gone in [p for p in sources if p[: len(here)] == here]:
                del sources[gone]
            below[key] = value
            sources[here] = layer


def _leave_out_unbuilt(layer: Layer) -> None:
    for section in NOT_ENFORCED:
        if section not in layer.values:
            continue
        del layer.values[section]
        if section == "access" and layer.kind != "site":
            layer.report((section,), "[access] belongs in the administrator's file; it is ignored")
        else:
            layer.report((section,), f"[{section}] is not enforced by this version", "warning")


def is_strategy(name: str) -> bool:
    """Return whether a strategy may be named so: built in, installed, or `module:Class`."""
    return (
        name in STRATEGIES
        or re.fullmatch(r"[\w.]+:\w+", name) is not None
        or name in _installed_strategies()
    )


def _installed_strategies() -> set[str]:
    from importlib.metadata import entry_points

    return {entry.name for entry in entry_points(group="aiex_lsp.strategies")}


def _check_strategy(layer: Layer, path: Path, table: dict[str, Any]) -> None:
    name = table.get("strategy")
    if name is None or is_strategy(name):
        return
    del table["strategy"]
    known = (*STRATEGIES, *sorted(_installed_strategies()))
    hint = nearest(name, known) or f"; choose one of {', '.join(known)}"
    layer.report(path, f'"{show_key((name,))}" is no strategy{hint}')


def _keep_wrong_addresses(layer: Layer, raw: Mapping[str, Any]) -> None:
    """Note which providers were to have an address that was left out, or has its key misspelt.

    Without it text meant for a gateway would go to the vendor.
    """
    for name, provider in layer.values.get("providers", {}).items():
        known = known_keys(("providers", name))
        here = nearest("base_url", known)
        meant = (
            key == "base_url" or (key not in known and nearest(str(key), known) == here)
            for key, value in raw["providers"][name].items()
            if value is not None
        )
        if "base_url" not in provider and any(meant):
            provider["base_url"] = NO_ADDRESS


def _check_provider(layer: Layer, path: Path, provider: dict[str, Any]) -> None:
    _check_key(layer, (*path, "api_key"), provider)
    if provider.get("base_url", NO_ADDRESS) != NO_ADDRESS:
        wrong = normalise_base_url("openai", provider["base_url"])[1]
        if wrong:
            provider["base_url"] = NO_ADDRESS
            told = f'"{show_key(path)}.base_url" {wrong}; until then this provider is not asked'
            layer.report((*path, "base_url"), told)
    headers = provider.get("headers", {})
    for name in [n for n, v in headers.items() if not _is_header(n, v)]:
        del headers[name]
        layer.report((*path, "headers", name), "This cannot be sent as an HTTP header")


def _check_key(layer: Layer, path: Path, provider: dict[str, Any]) -> None:
    key = provider.get("api_key")
    if key is None:
        return
    if isinstance(key, str):
        advice = 'write { env = "NAME" } to keep it out of the file'
        layer.report(path, f'"{show_key(path)}" is a key in plain text; {advice}', "warning")
        return
    if len(key) == 1 and "env" in key:
        return
    del provider["api_key"]
    if len(key) == 1:
        how = next(iter(key))
        what = f"({how}) is not supported by this version yet"
    else:
        what = "names no single source"
    layer.report(path, f'"{show_key(path)}" {what}; use {{ env = "NAME" }}')


def _is_header(name: str, value: str) -> bool:
    return bool(re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name)) and (
        value.isascii() and value.isprintable()
    )
