"""Settings made of merged values: every value already has its type, names are checked here."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path as FilePath
from typing import Any
from urllib.parse import urlsplit

from aiex_lsp.config.defaults import DEFAULT_BASE_URLS, KEY_VARIABLES, TASK_ALIASES
from aiex_lsp.config.layers import NO_ADDRESS
from aiex_lsp.config.settings import (
    CacheSettings,
    CircuitBreakerSettings,
    ContextSettings,
    CoordinationSettings,
    EditSettings,
    FeatureSettings,
    HealthSettings,
    HoverSettings,
    ProviderSettings,
    RateLimits,
    RetrySettings,
    Secret,
    Settings,
    TaskSettings,
)
from aiex_lsp.config.urls import is_own_address, normalise_base_url
from aiex_lsp.config.validate import Path, Report, nearest, show_key

_WHOLE = frozenset({"max_bytes", "failure_threshold", "tries"})
_OWN_ADDRESS_TYPES = frozenset({"ollama", "lm_studio"})
_SECTIONS: Mapping[str, type[Any]] = {
    "hover": HoverSettings,
    "edits": EditSettings,
    "cache": CacheSettings,
    "context": ContextSettings,
    "features": FeatureSettings,
    "circuit_breaker": CircuitBreakerSettings,
    "health": HealthSettings,
    "retry": RetrySettings,
}


def installed_types() -> Collection[str]:
    """Return the provider types that installed packages bring, beside the built-in ones."""
    from importlib.metadata import entry_points

    return {entry.name for entry in entry_points(group="aiex_lsp.adapters")}


def resolve(
    values: Mapping[str, Any],
    *,
    env: Mapping[str, str],
    named: Collection[str],
    agreed: Collection[str],
    report: Report,
    source_of: Callable[[Path], str],
    more_types: Callable[[], Collection[str]] = installed_types,
) -> Settings:
    """Return the settings of merged values; what cannot hold is reported and left out.

    `named` are the providers any layer names, `agreed` those the user's own layers name.
    """
    providers = dict(_providers(values, env, named, agreed, report, source_of, more_types))

    def known(path: Path, name: str) -> bool:
        if name not in providers:
            hint = nearest(name, providers) or f"; there are {', '.join(sorted(providers))}"
            report(path, f'There is no provider "{show_key((name,))}"{hint}')
        return name in providers

    def pinned(path: Path, name: str | None) -> str | None:
        if name is not None:
            known(path, name)
        return name  # an unknown one too: what is meant for it goes to nobody else

    def known_all(path: Path, names: Any) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name in names if known(path, name)))

    tasks: dict[str, TaskSettings] = {}
    for name, table in (values.get("tasks") or {}).items():
        path = ("tasks", name)
        given = dict(table)
        if "provider" in given:
            given["provider"] = pinned((*path, "provider"), given["provider"])
        if "fallback_providers" in given:
            key = (*path, "fallback_providers")
            given["fallback_providers"] = known_all(key, given["fallback_providers"])
        known_as = TASK_ALIASES.get(name, name)
        tasks[known_as] = replace(tasks.get(known_as, TaskSettings()), **given)
    return Settings(
        default_provider=pinned(("default_provider",), values.get("default_provider")),
        fallback_providers=known_all(("fallback_providers",), values["fallback_providers"]),
        strategy=values["strategy"],
        request_timeout=float(values["request_timeout"]),
        connect_timeout=float(values["connect_timeout"]),
        first_token_timeout=_seconds(values.get("first_token_timeout")),
        stall_timeout=float(values["stall_timeout"]),
        max_duration=float(values["max_duration"]),
        providers=providers,
        tasks=tasks,
        secrets=values["privacy"]["secrets"],
        coordination=_coordination(values["coordination"], report),
        **{name: _section(kind, values[name]) for name, kind in _SECTIONS.items()},
    )


def mentioned_providers(values: Mapping[str, Any]) -> set[str]:
    """Return the providers one layer names: tables, default, fallbacks and those of tasks."""
    names = {*values.get("providers", {}), *values.get("fallback_providers", ())}
    names.add(values.get("default_provider", ""))
    for task in values.get("tasks", {}).values():
        names |= {task.get("provider", ""), *task.get("fallback_providers", ())}
    return names - {""}


def _providers(
    values: Mapping[str, Any],
    env: Mapping[str, str],
    named: Collection[str],
    agreed: Collection[str],
    report: Report,
    source_of: Callable[[Path], str],
    more_types: Callable[[], Collection[str]],
) -> Iterator[tuple[str, ProviderSettings]]:
    for name, table in values["providers"].items():
        path = ("providers", name)
        provider_type = table.get("type") or (name if name in DEFAULT_BASE_URLS else None)
        if provider_type is None:
            known = ", ".join(DEFAULT_BASE_URLS)
            hint = nearest(name, DEFAULT_BASE_URLS) or f"; give it a type: {known}"
            report(path, f'"{show_key(path)}" has no type{hint}')
            continue
        if provider_type not in DEFAULT_BASE_URLS and provider_type not in (types := more_types()):
            hint = nearest(provider_type, {*DEFAULT_BASE_URLS, *types})
            report((*path, "type"), f'Unknown type "{show_key((provider_type,))}"{hint}')
            continue
        yield name, _provider(name, provider_type, table, env, named, agreed, report, source_of)


def _provider(
    name: str,
    provider_type: str,
    table: Mapping[str, Any],
    env: Mapping[str, str],
    named: Collection[str],
    agreed: Collection[str],
    report: Report,
    source_of: Callable[[Path], str],
) -> ProviderSettings:
    path = ("providers", name)
    vendor_url = DEFAULT_BASE_URLS.get(provider_type, "")
    written = table.get("base_url", vendor_url)
    wrong_address = table.get("base_url") == NO_ADDRESS
    base_url = normalise_base_url(provider_type, written)[0]
    key, key_source = _api_key(path, table, provider_type, base_url, env, report, source_of)
    local = table.get("local")
    if local is None:
        own = provider_type in _OWN_ADDRESS_TYPES and is_own_address(base_url)
        local = own or provider_type == "embedded"
    model_path = table.get("model_path")
    return ProviderSettings(
        name=name,
        type=provider_type,
        enabled=table.get("enabled", True) and not wrong_address,
        wrong_address=wrong_address,
        api_key=key,
        api_key_source=key_source,
        base_url=base_url,
        default_model=table.get("default_model"),
        rate_limits=_rate_limits(table.get("rate_limits")),
        is_local=local,
        headers=dict(table.get("headers", {})),
        query=dict(table.get("query", {})),
        extra_body=dict(table.get("extra_body", {})),
        effort=table.get("effort"),
        context_window=table.get("context_window"),
        first_token_timeout=_seconds(table.get("first_token_timeout")),
        model_path=_expanded(model_path) if model_path else None,
        secrets=table.get("secrets"),
        agreed=local or name in agreed,
        configured=name in named,
    )


def _api_key(
    path: Path,
    table: Mapping[str, Any],
    provider_type: str,
    base_url: str,
    env: Mapping[str, str],
    report: Report,
    source_of: Callable[[Path], str],
) -> tuple[Secret | None, str | None]:
    written = table.get("api_key")
    if isinstance(written, str):
        return Secret(written.strip()), source_of((*path, "api_key"))
    variable = written["env"] if written else None
    if variable is None and base_url == DEFAULT_BASE_URLS.get(provider_type):
        # A second account at the vendor's own address; a gateway is never sent the vendor's key.
        standard = KEY_VARIABLES.get(provider_type, "")
        variable = standard if env.get(standard, "").strip() else None
    if variable is None:
        return None, None
    value = env.get(variable, "").strip()
    source = f"environment {show_key((variable,))}"
    source_name = f"environment variable {show_key((variable,))}"
    if not value:
        if table.get("enabled", True):
            report((*path, "api_key"), f"The {source_name} is not set; set it before the start")
        return None, None
    if not re.fullmatch(r"[\x21-\x7e]+", value):
        report((*path, "api_key"), f"The {source_name} holds characters no key has; set it anew")
        return None, None
    return Secret(value), source


def _rate_limits(value: Any) -> RateLimits | None:
    if value is None:
        return None
    if value == "unlimited":
        return RateLimits()
    limits = {key: None if limit == "unlimited" else limit for key, limit in value.items()}
    return RateLimits(**limits)


def _coordination(table: Mapping[str, Any], report: Report) -> CoordinationSettings:
    """Return where shared state lives; a Redis without an address is on this machine."""
    url = table.get("url")
    if url is not None and not _is_redis(url):
        path = ("coordination", "url")
        report(path, '"coordination.url" is no redis://, rediss:// or unix:// address; ignored')
        url = None
    return CoordinationSettings(table["backend"], Secret(url) if url else None)


def _is_redis(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("redis", "rediss", "unix")
    except ValueError:
        return False


def _section(kind: type[Any], table: Mapping[str, Any]) -> Any:
    types = {field.name for field in fields(kind)}
    given = {key: value for key, value in table.items() if key in types}
    return kind(
        **{
            key: tuple(value) if isinstance(value, list) else _as_float(key, value)
            for key, value in given.items()
        }
    )


def _as_float(key: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    return value if key in _WHOLE else float(value)


def _seconds(value: Any) -> float | None:
    return None if value is None else float(value)


def _expanded(path: str) -> str:
    try:
        return str(FilePath(path).expanduser())
    except RuntimeError:
        return path
