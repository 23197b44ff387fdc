"""Settings as they hold: frozen, resolved, every default filled in.

`options.py` has the file as written, `loader.py` makes the one from the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ProviderType = str
SecretsPolicy = Literal["redact", "local_only", "block", "allow"]
STRICTNESS: tuple[SecretsPolicy, ...] = ("allow", "redact", "local_only", "block")
"""From the loosest to the strictest."""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Requests and tokens a minute; None is unlimited."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


class Secret:
    """A value that never shows itself: not in `repr`, logs, errors or JSON."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value, for the one place that sends it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('********')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One configured provider.

    `agreed` is true where the user chose it: it stands in the user's own file, in the editor's
    settings, or needs no consent (local). A provider that is only known by a key in the
    environment is not agreed. `is_local`: text sent there stays on this machine.
    `configured` is true where any layer names it (not just built-in defaults).
    """

    name: str
    type: ProviderType
    enabled: bool = True
    api_key: Secret | None = None
    api_key_source: str | None = None
    base_url: str = ""
    wrong_address: bool = False
    """`base_url` was written and cannot be used: it is off, and asked at no other address."""
    default_model: str | None = None
    rate_limits: RateLimits | None = None
    is_local: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    effort: Literal["low", "medium", "high"] | None = None
    context_window: int | None = None
    first_token_timeout: float | None = None
    model_path: str | None = None
    """Embedded only: a GGUF file; None is the installed default model."""
    secrets: SecretsPolicy | None = None
    """What happens to secrets in text for it; None leaves it to the task and the general rule."""
    agreed: bool = False
    configured: bool = False

    @property
    def off(self) -> str | None:
        """Return why it is never asked, None where it may be."""
        if self.wrong_address:
            return "its base_url cannot be used"
        return None if self.enabled else "switched off"


@dataclass(frozen=True, slots=True)
class TaskSettings:
    """What one task sets for its calls; None leaves the general setting."""

    provider: str | None = None
    model: str | None = None
    fallback_providers: tuple[str, ...] | None = None
    strategy: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    effort: Literal["low", "medium", "high"] | None = None
    template: str | None = None
    cache: bool = True
    secrets: SecretsPolicy | None = None


@dataclass(frozen=True, slots=True)
class HoverSettings:
    """`wait` is in seconds."""

    mode: Literal["on", "cached", "off"] = "on"
    wait: float = 0.2


@dataclass(frozen=True, slots=True)
class EditSettings:
    """When a change asks for confirmation where the client can."""

    confirm: Literal["always", "multi_file", "never"] = "multi_file"


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """`ttl` in seconds, 0 is off; `max_bytes` bounds the answers kept in memory."""

    ttl: float = 3600.0
    max_bytes: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CircuitBreakerSettings:
    """When a failing provider is left alone, and for how many seconds; doubles up to the most."""

    failure_threshold: int = 5
    open_seconds: float = 60.0
    max_open_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class HealthSettings:
    """Probes of providers. Times in seconds; `interval` 0 is off."""

    interval: float = 30.0
    timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """How often and when the same provider is asked again. Times in seconds.

    `tries` counts the first. Where another provider can answer: one more try after `quick`, and
    a wait that the provider named is waited if it is at most `max_wait`. Where there is nowhere
    to go: 2ⁿ times `backoff` plus up to `jitter` (design document), or what the provider says.
    """

    tries: int = 3
    quick: float = 0.5
    max_wait: float = 3.0
    backoff: float = 1.0
    jitter: float = 1.0


@dataclass(frozen=True, slots=True)
class CoordinationSettings:
    """Where the state shared by servers lives; `url` (of Redis) may hold a password."""

    backend: Literal["sqlite", "redis", "memory"] = "sqlite"
    url: Secret | None = None


@dataclass(frozen=True, slots=True)
class ContextSettings:
    """What may be told to a model beside the code that was asked about."""

    rules_files: tuple[str, ...] = (
        "AGENTS.md",
        "CLAUDE.md",
        ".cursorrules",
        ".github/copilot-instructions.md",
    )
    project: bool = True
    """Structure, dependencies, test files and rules; False sends only the open document's."""


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """Where aiex is silent: everywhere (`enabled` false), by language id, by folder."""

    enabled: bool = True
    disabled_languages: tuple[str, ...] = ()
    disabled_folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the configuration that could not be used; the rest applies.

    `file` is a path or a layer's name ("editor", "environment"), `line` 1-based where known.
    """

    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    key: str | None = None
    severity: Literal["error", "warning"] = "error"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that holds for one workspace folder. Times in seconds.

    `first_token_timeout` None: 15, for local providers 120. `default_provider`, like a task's
    `provider`, may be none of `providers`: then calls fail and say so, and go to nobody else.
    """

    default_provider: str | None = None
    fallback_providers: tuple[str, ...] = ()
    strategy: str = "load_balanced"
    request_timeout: float = 30.0
    connect_timeout: float = 5.0
    first_token_timeout: float | None = None
    stall_timeout: float = 15.0
    max_duration: float = 300.0
    providers: Mapping[str, ProviderSettings] = field(default_factory=dict)
    tasks: Mapping[str, TaskSettings] = field(default_factory=dict)
    hover: HoverSettings = HoverSettings()
    edits: EditSettings = EditSettings()
    cache: CacheSettings = CacheSettings()
    context: ContextSettings = ContextSettings()
    features: FeatureSettings = FeatureSettings()
    circuit_breaker: CircuitBreakerSettings = CircuitBreakerSettings()
    health: HealthSettings = HealthSettings()
    retry: RetrySettings = RetrySettings()
    coordination: CoordinationSettings = CoordinationSettings()
    secrets: SecretsPolicy = "redact"
    template_dirs: tuple[str, ...] = ()
    """Folders of templates, later ones override: the user's, then the workspace's."""
    problems: tuple[Problem, ...] = ()

    def task(self, name: str) -> TaskSettings:
        """Return the task's settings, empty ones where none are configured."""
        return self.tasks.get(name, TaskSettings())

    def secrets_policy(self, task: str, provider: ProviderSettings) -> SecretsPolicy:
        """Return what happens to secrets in a task's text that goes to a provider.

        Of the task's own policy and the provider's own the stricter; without either the general
        one, which gives local providers the text as it is.
        """
        own = [one for one in (self.task(task).secrets, provider.secrets) if one is not None]
        if not own:
            return "allow" if provider.is_local else self.secrets
        policy = max(own, key=STRICTNESS.index)
        return "allow" if provider.is_local and policy == "local_only" else policy
