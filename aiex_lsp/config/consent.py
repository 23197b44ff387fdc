"""The one question before code goes to a cloud provider that nobody chose."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from aiex_lsp.config.settings import Settings


@dataclass(frozen=True, slots=True)
class ConsentQuestion:
    """A cloud provider that is known only by a key in the environment: may it be used?

    `env` is the variable's name, `host` where code would be sent.
    """

    provider: str
    env: str
    host: str


def consent_question(settings: Settings) -> ConsentQuestion | None:
    """Return the question to ask, None where a provider was chosen or none has a key."""
    providers = list(settings.providers.values())
    if settings.default_provider or any(p.configured and p.agreed and p.enabled for p in providers):
        return None
    for one in providers:
        if one.enabled and not one.agreed and not one.is_local and one.api_key is not None:
            host = urlsplit(one.base_url).hostname or one.base_url
            env = (one.api_key_source or "").removeprefix("environment ").strip() or "the key"
            return ConsentQuestion(one.name, env, host)
    return None
