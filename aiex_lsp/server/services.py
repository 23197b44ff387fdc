"""What the server is given: everything it needs of the other rooms, joined by `app.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from aiex_lsp.config.consent import ConsentQuestion
from aiex_lsp.config.paths import ConfigPaths
from aiex_lsp.config.settings import Problem, Settings
from aiex_lsp.llm.types import ModelInfo
from aiex_lsp.templates.types import Template

if TYPE_CHECKING:
    from aiex_lsp.tasks.service import Tasks


@dataclass(frozen=True, slots=True)
class InitInfo:
    """What `initialize` told: workspace folders, `initializationOptions.settings`, the editor."""

    roots: tuple[Path, ...] = ()
    editor_settings: Mapping[str, Any] = field(default_factory=dict)
    client_name: str | None = None


class Models(Protocol):
    """The providers' models, and which of them this session uses."""

    async def models(self, provider: str | None) -> Sequence[ModelInfo]:
        """Return the models of one provider, or of all that are usable."""
        ...

    def select(
        self, provider: str | None, model: str | None, strategy: str | None
    ) -> Mapping[str, str | None]:
        """Return the new selection `{provider, model, strategy}`; None: back to configuration."""
        ...


class Coordination(Protocol):
    """All providers at once: their status, the team's, and what changes. JSON as the contract's.

    Methods that name a provider raise `UsageError` for an unknown one.
    """

    async def providers(self) -> list[dict[str, Any]]:
        """Return each `ProviderStatus`; asks no provider."""
        ...

    async def check_health(self, provider: str | None) -> list[dict[str, Any]]:
        """Return the status of one provider, or of all, probed now."""
        ...

    async def reset_circuit(self, provider: str) -> dict[str, Any]:
        """Return a provider's status, its circuits closed."""
        ...

    async def cluster_health(self) -> dict[str, Any]:
        """Return `{backend, members}`."""
        ...

    async def diagnose(self) -> dict[str, Any]:
        """Return what the doctor found: `{ok, checks}`."""
        ...

    async def report(self) -> dict[str, Any]:
        """Return the params of `aiex/providerHealth`."""
        ...

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback`, on the event loop, whenever a status may have changed.

        Returns what ends it.
        """
        ...

    def start(self) -> None:
        """Begin to probe and to take part among the servers; again does nothing.

        `Services.aclose` ends it.
        """
        ...


class OwnFiles(Protocol):
    """The user's own files: configuration and templates, and what is wrong with them."""

    paths: ConfigPaths

    def problems(self) -> Sequence[Problem]:
        """Return what is wrong with the templates that were read last; looks at no file."""
        ...

    def changed(self) -> bool:
        """Return whether a configuration file holds another text than its settings. Blocking."""
        ...

    def check(self, path: Path, text: str, roots: Sequence[Path]) -> Sequence[Problem] | None:
        """Return what would be wrong with a file that held `text`, None for others. Blocking."""
        ...


def _nothing_to_hear(_listener: Callable[[str], None]) -> None:
    return None


def _nothing_to_ask() -> ConsentQuestion | None:
    return None


def _forget(_provider: str, _agreed: bool) -> None:
    return None


async def _nothing_to_close() -> None:
    return None


async def _nothing_recorded(days: int) -> Mapping[str, Any]:
    from time import time

    from aiex_lsp.events.analytics import analyze, report_json

    return report_json(analyze((), time(), days))


@dataclass
class Services:
    """Everything behind the protocol line.

    `settings_for` is cached and does no I/O after its first call for a folder. `configure` takes
    the editor's section `aiex` and may read files: the server calls it, `templates` and
    `consent` in a thread. `state_dir` is where answers shown as documents are written.
    `usage` takes a number of days and returns `events.analytics.report_json`. `listen` takes who
    is told, on the event loop, what the user should know of the shared state. `use_roots` takes
    the workspace folders, before `configure`.
    """

    tasks: Tasks
    models: Models
    settings_for: Callable[[Path | None], Settings]
    state_dir: Path
    configure: Callable[[Mapping[str, Any]], None] = lambda _settings: None
    templates: Callable[[], Sequence[Template]] = tuple
    consent_question: Callable[[], ConsentQuestion | None] = _nothing_to_ask
    consent: Callable[[str, bool], None] = _forget
    aclose: Callable[[], Awaitable[None]] = _nothing_to_close
    coordination: Coordination | None = None
    usage: Callable[[int], Awaitable[Mapping[str, Any]]] = _nothing_recorded
    listen: Callable[[Callable[[str], None]], None] = _nothing_to_hear
    files: OwnFiles | None = None
    use_roots: Callable[[Sequence[Path]], None] = lambda _roots: None


ServicesFactory = Callable[[InitInfo], Services]
"""Makes the services; called once, in a thread, after `initialize` was answered."""
