"""Whose limits, circuits and health: the name a provider has in the state that servers share."""

from __future__ import annotations

import hashlib
import socket

from aiex_lsp.config.settings import ProviderSettings


def scope_of(provider: ProviderSettings, host: str | None = None) -> str:
    """Return a provider's scope, `type-digest`: one account at one address.

    Two servers share a limit exactly where they share address, key and headers, whatever they
    call the provider. An address of this machine is another one on each machine, so `host` (left
    out: this machine's name) is part of it then. The digest is 48 bits of SHA-256: it names a
    key and does not show it.
    """
    shape = [
        provider.type,
        provider.base_url,
        provider.api_key.reveal() if provider.api_key else "",
        *(f"{name.lower()}={value}" for name, value in sorted(provider.headers.items())),
        *(f"{name}={value}" for name, value in sorted(provider.query.items())),
        provider.model_path or "",
    ]
    if provider.is_local:
        shape.append(socket.gethostname() if host is None else host)
    digest = hashlib.sha256("\0".join(shape).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{provider.type}-{digest[:12]}"


def circuit_names(scope: str, model: str | None) -> tuple[str, ...]:
    """Return the circuits a call goes through: the provider's as a whole, and its model's."""
    return (f"{scope}/", f"{scope}/{model}") if model else (f"{scope}/",)


def window_name(scope: str) -> str:
    """Return the window of a provider's rate limits."""
    return f"{scope}/limits"


def health_key(scope: str) -> str:
    """Return the key of a provider's last health check, JSON of a `HealthRecord`."""
    return f"{scope}/health"
