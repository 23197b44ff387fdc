"""What holds where nothing is configured, as a layer below all others."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aiex_lsp.config.settings import Settings

DEFAULT_BASE_URLS = {
    "anthropic": "https://api.anthropic.com/v1",
    "openai": "https://api.openai.com/v1",
    "ollama": "http://localhost:11434",
    "lm_studio": "http://localhost:1234/v1",
    "embedded": "",
}
"""Built-in providers, by type, and their addresses (design document)."""

KEY_VARIABLES = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}
"""The environment variables in which the vendors' own tools look for a key."""

DEFAULT_RATE_LIMITS = {
    "anthropic": {"requests_per_minute": 50, "tokens_per_minute": 100_000},
    "openai": {"requests_per_minute": 60, "tokens_per_minute": 90_000},
}
"""Requests and tokens a minute (design document); the others are unlimited."""

STRATEGIES = ("random", "round_robin", "load_balanced", "local_affinity", "cost_optimized")

TASKS = (
    "explain",
    "hover",
    "analyze",
    "generateTests",
    "fix",
    "document",
    "refactor",
    "run",
    "followUp",
    "generate_tests",
    "follow_up",
    "tests",
)

TASK_ALIASES = {
    "generate_tests": "generateTests",
    "tests": "generateTests",
    "follow_up": "followUp",
}
"""Other spellings of tasks: the command's, and the one that looks like the other keys."""

_SCALARS = (
    "default_provider",
    "fallback_providers",
    "strategy",
    "request_timeout",
    "connect_timeout",
    "first_token_timeout",
    "stall_timeout",
    "max_duration",
)


def default_values() -> dict[str, Any]:
    """Return the defaults in the form of the configuration file."""
    settings = Settings()
    values: dict[str, Any] = {name: _listed(getattr(settings, name)) for name in _SCALARS}
    for section in (
        *("hover", "edits", "cache", "context", "features"),
        *("circuit_breaker", "health", "retry"),
    ):
        table = asdict(getattr(settings, section))
        values[section] = {key: _listed(value) for key, value in table.items()}
    values["privacy"] = {"secrets": settings.secrets}
    values["coordination"] = {"backend": settings.coordination.backend}
    values["providers"] = {
        name: {
            "enabled": True,
            **({"base_url": url} if url else {}),
            **({"rate_limits": dict(limits)} if (limits := DEFAULT_RATE_LIMITS.get(name)) else {}),
        }
        for name, url in DEFAULT_BASE_URLS.items()
    }
    return values


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
