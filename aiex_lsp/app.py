"""The composition root: the one place where parts are made and joined."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiex_lsp.config.consent import ConsentQuestion, consent_question
from aiex_lsp.config.defaults import STRATEGIES
from aiex_lsp.config.loader import Loaded, load
from aiex_lsp.config.paths import ConfigPaths, config_paths
from aiex_lsp.config.settings import Problem, Settings
from aiex_lsp.errors import UsageError
from aiex_lsp.joined import join
from aiex_lsp.llm.refused_keys import RefusedKeys
from aiex_lsp.own_files import OwnFiles, place_of_key, template_dirs

if TYPE_CHECKING:
    from aiex_lsp.llm.types import ModelInfo
    from aiex_lsp.server.services import InitInfo, Services
    from aiex_lsp.tasks.service import Tasks
    from aiex_lsp.templates.registry import TemplateRegistry
    from aiex_lsp.templates.types import Template

_Layers = tuple[Mapping[str, Any], dict[Path | None, Loaded]]
"""The editor's section, and what was loaded with it by workspace folder."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What the user chose for this session; None leaves the configuration's."""

    provider: str | None = None
    model: str | None = None
    strategy: str | None = None


class App:
    """Everything of one process, joined; faces (server, command line) get their parts from it."""

    def __init__(
        self,
        paths: ConfigPaths,
        env: Mapping[str, str],
        roots: Sequence[Path] = (),
        cli_overrides: Mapping[str, Any] | None = None,
        editor: Mapping[str, Any] | None = None,
    ) -> None:
        from aiex_lsp.templates.registry import TemplateRegistry

        self.paths = paths
        self._env = dict(env)
        self._roots = tuple(roots)
        self._cli = dict(cli_overrides or {})
        self._selection = Selection()
        # One object, replaced as a whole: a thread that loads by the old settings while others
        # configure must not leave its result among the new ones.
        self._layers: _Layers = (dict(editor or {}), {})
        self.registry: TemplateRegistry = TemplateRegistry(template_dirs(paths, self._roots))
        self._told: list[str] = []
        self._listener: Callable[[str], None] | None = None
        self._refused_keys = RefusedKeys(lambda provider: place_of_key(self.loaded, provider))
        self._joined = join(
            lambda: self.settings, paths.state_dir, paths.models_dir, self._env, self._tell
        )
        self.bus = self._joined.bus
        self.bus.subscribe(self._refused_keys)
        self.client = self._joined.client
        self.overview = self._joined.overview
        self.tasks = self._make_tasks()

    @classmethod
    def create(
        cls,
        workspace: Path | None = None,
        cli_overrides: Mapping[str, Any] | None = None,
        config_file: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> App:
        """Return the parts for one run of the command line in `workspace`."""
        paths = config_paths(env or {}, config_file=config_file)
        return cls(paths, env or {}, (workspace,) if workspace else (), cli_overrides)

    @property
    def settings(self) -> Settings:
        """Return the settings of the first workspace folder."""
        return self.settings_for(self._roots[0] if self._roots else None)

    @property
    def loaded(self) -> Loaded:
        """Return the first workspace folder's settings with their sources."""
        return self._load(self._roots[0] if self._roots else None)

    @property
    def sources(self) -> Mapping[str, str]:
        """Return where each setting is from, by dotted key."""
        return self.loaded.sources

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return what is wrong with the configuration."""
        return self.settings.problems

    @property
    def state_dir(self) -> Path:
        """Return the folder for state; it need not exist yet."""
        return self.paths.state_dir

    def settings_for(self, folder: Path | None) -> Settings:
        """Return the settings of a workspace folder, the session's selection applied."""
        settings = self._load(folder).settings
        if refused := self._refused_keys.problems:
            settings = replace(settings, problems=(*settings.problems, *refused))
        chosen = self._selection
        if chosen.strategy is not None and chosen.provider is None:
            settings = replace(settings, default_provider=None)
        if chosen.strategy is not None:
            settings = replace(settings, strategy=chosen.strategy)
        if chosen.provider is not None:
            settings = replace(settings, default_provider=chosen.provider)
        name = settings.default_provider
        if chosen.model is not None and name is not None and name in settings.providers:
            provider = replace(settings.providers[name], default_model=chosen.model)
            settings = replace(settings, providers={**settings.providers, name: provider})
        return settings

    def configure(self, editor: Mapping[str, Any]) -> None:
        """Take the editor's section `aiex`; files are read anew, and until then the old hold."""
        above = dict(editor)
        # Read before they hold: whoever asks meanwhile, on the event loop, reads no file.
        self._layers = (above, {one: self._read(one, {}, above) for one in (None, *self._roots)})
        self._refused_keys.forget()

    def use_roots(self, roots: Sequence[Path]) -> None:
        """Take the workspace folders there are from now on; `configure` reads their files."""
        self._roots = tuple(roots)
        self.registry.use(template_dirs(self.paths, self._roots))

    def reload(self) -> None:
        """Read the configuration anew at the next use."""
        self._layers = (self._layers[0], {})
        self._refused_keys.forget()

    def select(
        self, provider: str | None, model: str | None, strategy: str | None
    ) -> Mapping[str, str | None]:
        """Return the session's new selection. Raises `UsageError` for unknown names."""
        from aiex_lsp.config.layers import is_strategy

        known = self._load(self._roots[0] if self._roots else None).settings.providers
        if provider is not None and provider not in known:
            raise UsageError(
                f"Provider {provider!r} is not configured", f"Known are {', '.join(known)}"
            )
        if strategy is not None and not is_strategy(strategy):
            raise UsageError(
                f"Strategy {strategy[:60]!r} is not known", f"Use one of {', '.join(STRATEGIES)}"
            )
        if model is not None and not (provider or (strategy is None and self._pinned())):
            raise UsageError(f"Model {model[:60]!r} needs its provider", "Name the provider too")
        self._selection = Selection(provider, model, strategy)
        settings = self.settings
        return {
            "provider": settings.default_provider,
            "model": model,
            "strategy": settings.strategy,
        }

    def _pinned(self) -> str | None:
        return self._load(self._roots[0] if self._roots else None).settings.default_provider

    def consent_question(self) -> ConsentQuestion | None:
        """Return the cloud provider the user should be asked about, None if there is none."""
        return consent_question(self.settings)

    def agree(self, provider: str, agreed: bool) -> None:
        """Remember the user's answer in the user's configuration file. Blocking."""
        from aiex_lsp.config.edit import set_value

        key = f"providers.{provider}.enabled"
        set_value(self.paths.user_file, key, "true" if agreed else "false")
        self.reload()
        for folder in (None, *self._roots):
            self.settings_for(folder)

    async def models(self, provider: str | None = None) -> list[ModelInfo]:
        """Return the models of one provider, or of all that may be asked and answer.

        Raises `UsageError` for an unknown provider, `ProviderError` where a named one fails.
        """
        from aiex_lsp.llm.listing import list_models

        return await list_models(self.client, self.settings, provider)

    def templates(self) -> list[Template]:
        """Return the templates as their files are now. Blocking."""
        self.registry.reload_if_changed()
        return self.registry.all()

    def preload(self) -> None:
        """Import and compile what the first question needs: a second that holds nothing up here."""
        http = import_module("aiex_lsp.llm.adapters.http")
        http.preload()
        self._joined.tokens.preload(self.settings)
        import_module("aiex_lsp.responses.parser")
        self.tasks.preload()
        import_module("aiex_lsp.llm.pricing").preload()

    def serve_stdio(self) -> int:
        """Serve one editor on stdin and stdout until it leaves; return the exit status."""
        from aiex_lsp.server.run import serve_stdio

        return serve_stdio(self._services, self.loaded.log_level)

    def serve_tcp(self, host: str, port: int) -> None:
        """Serve editors on a TCP address until interrupted."""
        from aiex_lsp.server.run import serve_tcp

        serve_tcp(self._services, host, port, self.loaded.log_level)

    async def aclose(self) -> None:
        """Close all connections, and write what was recorded."""
        await self._joined.aclose()

    def listen(self, listener: Callable[[str], None]) -> None:
        """Tell `listener` what the user should know of the shared state, from the start on."""
        self._listener = listener
        told, self._told = self._told, []
        for text in told:
            listener(text)

    async def usage(self, days: int) -> Mapping[str, Any]:
        """Return what was used in so many days, as JSON. Raises `StateError`."""
        return await self._joined.recorder.usage(days)

    def _tell(self, text: str) -> None:
        if self._listener is None:
            self._told.append(text)
        else:
            self._listener(text)

    def _load(self, folder: Path | None) -> Loaded:
        editor, loaded = self._layers
        if folder not in loaded:
            loaded[folder] = self._read(folder, {}, editor)
        return loaded[folder]

    def _read(
        self,
        folder: Path | None,
        texts: Mapping[Path, bytes],
        editor: Mapping[str, Any] | None = None,
    ) -> Loaded:
        above = self._layers[0] if editor is None else editor
        return load(
            self.paths, env=self._env, editor=above, cli=self._cli, workspace=folder, texts=texts
        )

    def _services(self, init: InitInfo) -> Services:
        from aiex_lsp.server.services import Services

        app = App(self.paths, self._env, init.roots, self._cli, init.editor_settings)
        threading.Thread(target=app.preload, name="preload", daemon=True).start()
        return Services(
            tasks=app.tasks,
            models=app,
            settings_for=app.settings_for,
            state_dir=app.state_dir,
            configure=app.configure,
            templates=app.templates,
            consent_question=app.consent_question,
            consent=app.agree,
            aclose=app.aclose,
            coordination=app.overview,
            usage=app.usage,
            listen=app.listen,
            files=OwnFiles(app.paths, app.registry, app._read, lambda: (*app._layers[1].values(),)),
            use_roots=app.use_roots,
        )

    def _make_tasks(self) -> Tasks:
        from aiex_lsp.context.injector import ContextInjector
        from aiex_lsp.tasks.ask import Parts
        from aiex_lsp.tasks.memory import Memory
        from aiex_lsp.tasks.service import Tasks
        from aiex_lsp.templates.engine import Engine

        return Tasks(
            Parts(
                client=self.client,
                registry=self.registry,
                engine=Engine(self.registry),
                injector=ContextInjector(),
                memory=Memory(),
            )
        )
