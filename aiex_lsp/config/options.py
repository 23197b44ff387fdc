"""The configuration as written, by the file or by an editor: every key with its type and limits.

Nothing is filled in here: a key that was not written is None. `settings.py` has what holds.
Docstrings of fields are their descriptions in the JSON Schema.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, JsonValue, Tag

from aiex_lsp.config.settings import SecretsPolicy

Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
SecondsOrOff = Annotated[float, Field(ge=0, le=31_536_000, allow_inf_nan=False)]
Count = Annotated[int, Field(gt=0, le=1_000_000_000)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Dollars = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
EffortOption = Literal["low", "medium", "high"]


class _Table(BaseModel):
    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True
    )


class ApiKeyOptions(_Table):
    """Where a key is found; exactly one of the three."""

    env: Name | None = None
    """Name of the environment variable that holds the key."""
    keyring: Name | None = None
    """Entry of the system keyring (not supported by this version)."""
    encrypted: Name | None = None
    """Encrypted key (not supported by this version)."""


class RateLimitOptions(_Table):
    """Requests and tokens a minute; left out: the provider's usual limit."""

    requests_per_minute: Count | Literal["unlimited"] | None = None
    """Requests a minute, or "unlimited"."""
    tokens_per_minute: Count | Literal["unlimited"] | None = None
    """Tokens a minute, or "unlimited"."""


def _table_or_text(value: object) -> str:
    return "table" if isinstance(value, dict | BaseModel) else "text"


class ProviderOptions(_Table):
    """One provider: a built-in one by its name, or a further one with its `type`."""

    type: Name | None = None
    """The dialect: anthropic, openai, ollama, lm_studio, embedded, or an installed adapter."""
    enabled: bool | None = None
    """False: never asked."""
    api_key: (
        Annotated[
            Annotated[ApiKeyOptions, Tag("table")]
            | Annotated[Annotated[str, Field(min_length=1)], Tag("text")],
            Discriminator(_table_or_text),
        ]
        | None
    ) = None
    """{ env = "NAME" }; a key as plain text works and is reported."""
    base_url: Name | None = None
    """Address of the API, with or without /v1."""
    default_model: Name | None = None
    """Model to ask; left out: picked from the provider's own list."""
    rate_limits: (
        Annotated[
            Annotated[RateLimitOptions, Tag("table")]
            | Annotated[Literal["unlimited"], Tag("text")],
            Discriminator(_table_or_text),
        ]
        | None
    ) = None
    """{ requests_per_minute = 50, tokens_per_minute = 100000 } or "unlimited"."""
    local: bool | None = None
    """True: text sent there stays on this machine. Left out: by type and address."""
    headers: dict[str, str] | None = None
    """Further HTTP headers, for gateways."""
    query: dict[str, str] | None = None
    """Further query parameters, for gateways."""
    extra_body: dict[str, JsonValue] | None = None
    """Further fields of each request's body, for gateways."""
    effort: EffortOption | None = None
    """How hard a reasoning model thinks."""
    context_window: Count | None = None
    """Tokens the model takes, where the provider does not tell or you want fewer."""
    first_token_timeout: Seconds | None = None
    """Seconds until this provider's first token, then the next is asked."""
    model_path: Name | None = None
    """Embedded only: a GGUF file."""
    secrets: SecretsPolicy | None = None
    """What happens to secrets in text for this provider; of this and the task's the stricter."""


class TaskOptions(_Table):
    """Settings of the calls of one task."""

    provider: Name | None = None
    """Provider of this task."""
    model: Name | None = None
    """Model of this task."""
    fallback_providers: list[Name] | None = None
    """Providers to ask next, in order; a local task falls back to a remote one only if named."""
    strategy: Name | None = None
    """How this task's provider is chosen."""
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    """0 is the most predictable."""
    max_tokens: Count | None = None
    """Longest answer, in tokens."""
    effort: EffortOption | None = None
    """How hard a reasoning model thinks."""
    template: Name | None = None
    """Template to use in place of the built-in one."""
    cache: bool | None = None
    """False: each call asks anew."""
    secrets: SecretsPolicy | None = None
    """What happens to secrets in this task's text."""


class HoverOptions(_Table):
    """Explanations in hovers."""

    mode: Literal["on", "cached", "off"] | None = None
    """on, cached (only what is known already; asks no model) or off."""
    wait: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] | None = None
    """Seconds an uncached hover may hold the editor."""


class EditsOptions(_Table):
    """Changes to your files."""

    confirm: Literal["always", "multi_file", "never"] | None = None
    """Which changes ask for confirmation where the editor can."""


class PrivacyOptions(_Table):
    """What leaves this machine."""

    secrets: SecretsPolicy | None = None
    """redact (remote providers get placeholders), local_only, block or allow."""


class CacheOptions(_Table):
    """Answers kept in memory."""

    ttl: SecondsOrOff | None = None
    """Seconds an answer is kept; 0: off."""
    max_bytes: Annotated[int, Field(ge=0, le=4_294_967_296)] | None = None
    """Memory the kept answers may take."""


class ContextOptions(_Table):
    """What a model is told beside the code that was asked about."""

    rules_files: list[Name] | None = None
    """The project's rules files, relative to the workspace."""
    project: bool | None = None
    """False: only the open document is sent, nothing of the project around it."""


class FeaturesOptions(_Table):
    """Where aiex is silent."""

    enabled: bool | None = None
    """False: paused everywhere."""
    disabled_languages: list[Name] | None = None
    """Language ids in which aiex is off."""
    disabled_folders: list[Name] | None = None
    """Folders in which aiex is off."""


class BudgetOptions(_Table):
    """Spending limits (not enforced by this version)."""

    per_request_usd: Dollars | None = None
    """US dollars one request may cost."""
    per_day_usd: Dollars | None = None
    """US dollars a day."""


class CircuitBreakerOptions(_Table):
    """When a failing provider is left alone."""

    failure_threshold: Count | None = None
    """Failures in a row until it is left alone."""
    open_seconds: Seconds | None = None
    """Seconds it is left alone; doubles."""
    max_open_seconds: Seconds | None = None
    """Longest time it is left alone."""


class HealthOptions(_Table):
    """Probes of providers."""

    interval: SecondsOrOff | None = None
    """Seconds between probes; 0: none."""
    timeout: Seconds | None = None
    """Seconds a provider gets to answer a probe."""


class RetryOptions(_Table):
    """When the same provider is asked again after a failure that may pass."""

    tries: Annotated[int, Field(ge=1, le=10)] | None = None
    """How often one provider is asked in a call, the first time included."""
    quick: Seconds | None = None
    """Seconds until the one quick retry where another provider can answer."""
    max_wait: SecondsOrOff | None = None
    """Longest wait asked for by a provider that is waited where another can answer, in seconds."""
    backoff: Seconds | None = None
    """Where nobody else can answer: 2, 4, 8… times this many seconds."""
    jitter: SecondsOrOff | None = None
    """Up to so many seconds more, at random."""


class CoordinationOptions(_Table):
    """State shared by servers: rate limits, circuits, health, answers."""

    backend: Literal["sqlite", "redis", "memory"] | None = None
    """sqlite: your servers on this machine; redis: a team's; memory: this process alone."""
    url: Name | None = None
    """Address of the Redis server, redis://127.0.0.1:6379/0 for example."""


class Options(_Table):
    """Configuration of aiex-lsp: config.toml, .aiex.toml, or the editor's section `aiex`."""

    default_provider: Name | None = None
    """Pins the provider; without it the strategy chooses."""
    fallback_providers: list[Name] | None = None
    """Providers to ask next, in order, if the first fails."""
    strategy: Name | None = None
    """random, round_robin, load_balanced, local_affinity, cost_optimized, or "module:Class"."""
    request_timeout: Seconds | None = None
    """Seconds until the first token, retries and fallbacks included."""
    connect_timeout: Seconds | None = None
    """Seconds to connect."""
    first_token_timeout: Seconds | None = None
    """Seconds until one provider's first token; left out: 15, for local providers 120."""
    stall_timeout: Seconds | None = None
    """Seconds of silence inside a stream."""
    max_duration: Seconds | None = None
    """Seconds of a whole call."""
    providers: dict[Name, ProviderOptions] | None = None
    """Providers by name; built in: anthropic, openai, ollama, lm_studio, embedded."""
    tasks: dict[Name, TaskOptions] | None = None
    """Settings by task: explain, hover, analyze, generateTests, fix, document, refactor, run."""
    hover: HoverOptions | None = None
    edits: EditsOptions | None = None
    privacy: PrivacyOptions | None = None
    budget: BudgetOptions | None = None
    cache: CacheOptions | None = None
    circuit_breaker: CircuitBreakerOptions | None = None
    health: HealthOptions | None = None
    retry: RetryOptions | None = None
    coordination: CoordinationOptions | None = None
    access: dict[str, JsonValue] | None = None
    """Access rules of the administrator's file (not enforced by this version)."""
    context: ContextOptions | None = None
    features: FeaturesOptions | None = None


NOT_ENFORCED = ("budget", "access")
"""Sections of the contract whose parts are not built yet: accepted, and said to have no effect."""

ATOMIC = frozenset({"api_key"})
"""Tables a later layer replaces as a whole: two halves of two key sources make no key."""
