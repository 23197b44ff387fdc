"""What the environment variables set, as a layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiex_lsp.config.defaults import KEY_VARIABLES
from aiex_lsp.config.layers import NO_ADDRESS, Layer, make_layer
from aiex_lsp.config.settings import Problem
from aiex_lsp.config.urls import normalise_base_url, ollama_host_url
from aiex_lsp.config.validate import Path

_URL_VARIABLES = (
    ("anthropic", "ANTHROPIC_BASE_URL"),
    ("openai", "OPENAI_BASE_URL"),
    ("ollama", "OLLAMA_HOST"),
    ("ollama", "OLLAMA_URL"),  # ours, so it wins over OLLAMA_HOST
    ("lm_studio", "LM_STUDIO_URL"),
)

LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
DEFAULT_LOG_LEVEL = "warning"


def environment_layer(env: Mapping[str, str]) -> Layer:
    """Return the layer of the addresses and keys in the environment."""
    providers: dict[str, dict[str, Any]] = {}
    labels: dict[Path, str] = {}
    problems: list[Problem] = []
    refused: list[str] = []
    for name, variable in _URL_VARIABLES:
        value = env.get(variable, "").strip()
        if not value:
            continue
        if variable == "OLLAMA_HOST":
            url, wrong = ollama_host_url(value)
        else:
            url, wrong = normalise_base_url(name, value)
        if wrong:
            problems.append(Problem(f"{variable} {wrong}", "environment", key=variable))
            if name in KEY_VARIABLES:  # what was meant for a gateway must not go to the vendor
                refused.append(name)
            continue
        providers.setdefault(name, {})["base_url"] = url
        labels["providers", name, "base_url"] = f"environment ({variable})"
    for name, variable in KEY_VARIABLES.items():
        if env.get(variable, "").strip():
            providers.setdefault(name, {})["api_key"] = {"env": variable}
            labels["providers", name, "api_key"] = f"environment ({variable})"
    layer = make_layer("environment", "environment", {"providers": providers}, labels=labels)
    for name in refused:
        layer.values["providers"].setdefault(name, {})["base_url"] = NO_ADDRESS
    layer.problems.extend(problems)
    return layer


def log_level(env: Mapping[str, str]) -> tuple[str, Problem | None]:
    """Return the level of `AIEX_LOG_LEVEL` in lower case, and what is wrong with it."""
    given = env.get("AIEX_LOG_LEVEL", "").strip().lower()
    given = "warning" if given == "warn" else given
    if not given or given in LOG_LEVELS:
        return given or DEFAULT_LOG_LEVEL, None
    message = f"AIEX_LOG_LEVEL must be one of {', '.join(LOG_LEVELS)}"
    return DEFAULT_LOG_LEVEL, Problem(message, "environment", key="AIEX_LOG_LEVEL")
