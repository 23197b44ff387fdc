"""One provider's checks: agreed to, key, address, key accepted, model. Nothing of it costs money.

What is asked is the list of models, which every vendor gives away; nobody is asked that the user
has not agreed to.
"""

from __future__ import annotations

import asyncio
from difflib import get_close_matches
from urllib.parse import urlsplit

from aiex_lsp.config.defaults import DEFAULT_BASE_URLS, KEY_VARIABLES
from aiex_lsp.config.settings import ProviderSettings, Settings
from aiex_lsp.doctor.checks import Check, CheckStatus
from aiex_lsp.errors import AiexError, ConfigError, FailureKind, ProviderError
from aiex_lsp.llm.adapters.base import Adapter
from aiex_lsp.llm.coordinator import has_access
from aiex_lsp.llm.pool import AdapterPool
from aiex_lsp.llm.types import ModelInfo

_LOCAL_SERVERS = ("ollama", "lm_studio")

_ADDRESS_FAULTS = frozenset(
    {FailureKind.CONNECT, FailureKind.CONNECT_TIMEOUT, FailureKind.MALFORMED}
)
_KEY_FAULTS = frozenset({FailureKind.CREDENTIALS, FailureKind.PERMISSION})


async def examine(
    provider: ProviderSettings, settings: Settings, pool: AdapterPool, *, used: bool, limit: float
) -> list[Check]:
    """Return the checks of one provider. Takes `limit` seconds at most, and never raises.

    `used`: calls go there. What is wrong with a provider nobody uses is only remarked on.
    """
    exam = _Examination(provider, settings, used)
    if provider.wrong_address:
        step = f"Correct base_url in [providers.{provider.name}], or take it out."
        exam.add("address", "error", "Its base_url cannot be used, so it is not asked", step)
        return exam.checks
    if not provider.enabled:
        step = f"`aiex-lsp config set providers.{provider.name}.enabled true` switches it on."
        # Whoever pins a provider and switches it off has nobody to ask.
        exam.add("enabled", "error" if used else "skipped", "It is switched off", step)
        return exam.checks
    if not exam.key():
        return exam.checks
    try:
        adapter = pool.get(provider, settings.connect_timeout)
        async with asyncio.timeout(limit):
            await exam.ask(adapter, pool)
    except TimeoutError:
        step = "Check the network, the proxy and its base_url."
        exam.bad(exam.place, f"{exam.address} did not answer within {limit:g} s", step)
    except ConfigError as error:
        exam.bad("adapter", error.what, error.next_step)
    except Exception as error:  # noqa: BLE001 - a broken adapter must not hide the other checks
        exam.bad("adapter", f"Its adapter failed inside ({type(error).__name__})", "Report it.")
    return exam.checks


class _Examination:
    def __init__(self, provider: ProviderSettings, settings: Settings, used: bool) -> None:
        self.provider = provider
        self.settings = settings
        self.used = used
        self.checks: list[Check] = []
        self.local_server = provider.type in _LOCAL_SERVERS and provider.is_local
        self.place = "server" if self.local_server or provider.type == "embedded" else "address"

    @property
    def address(self) -> str:
        """Return scheme, host and port; never a password or a query."""
        parts = urlsplit(self.provider.base_url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    def add(self, id_: str, status: CheckStatus, message: str, remedy: str = "") -> None:
        self.checks.append(Check(id_, status, message, remedy, self.provider.name))

    def bad(self, id_: str, message: str, remedy: str) -> None:
        """Add what makes the provider unusable; a mere remark where nobody uses it."""
        self.add(id_, "error" if self.used else "skipped", message, remedy)

    def key(self) -> bool:
        """Check agreement and key; return whether the provider may be asked."""
        one = self.provider
        if one.agreed or one.api_key is not None:
            self._key()
        if not one.agreed:
            if one.api_key is None and not has_access(one):
                self.add("key", "skipped", *self._no_key())
                return False
            step = f"Agree: `aiex-lsp config set providers.{one.name}.enabled true`."
            # Pinning is agreeing, so this one is pinned by a file that is not the user's.
            self.add("consent", "error" if self.used else "skipped", _NOT_AGREED, step)
            return False
        return has_access(one)

    def _key(self) -> None:
        one = self.provider
        if one.api_key is None:
            if not has_access(one):
                self.bad("key", *self._no_key())
            return
        source = f" (from {one.api_key_source})" if one.api_key_source else ""
        own_host = urlsplit(one.base_url).hostname == "api.anthropic.com"
        if own_host and not one.api_key.reveal().startswith("sk-ant-"):
            step = "Copy the key anew from https://console.anthropic.com/settings/keys."
            self.add("key", "warning", _ANTHROPIC_FORMAT + source, step)
        else:
            self.add("key", "ok", f"There is an API key{source}")

    def _no_key(self) -> tuple[str, str]:
        one = self.provider
        variable = KEY_VARIABLES.get(one.type)
        setting = f'api_key = {{ env = "NAME" }} under [providers.{one.name}]'
        if variable and one.base_url == DEFAULT_BASE_URLS.get(one.type):
            return f"{variable} environment variable not set", (
                f"Set {variable} before the editor starts, or write {setting}."
            )
        return "It has no API key", f"Write {setting}."

    async def ask(self, adapter: Adapter, pool: AdapterPool) -> None:
        """Check what only the provider itself can tell."""
        if self.provider.type == "embedded":
            await self._built_in(adapter)
            return
        try:
            listed = await pool.models(adapter, fresh=True)
        except ProviderError as error:
            await self._failed(error, adapter)
            return
        self._reached()
        if self.provider.api_key is not None:
            self.add("accepted", "ok", "The key was accepted")
        wanted = self._wanted()
        if not wanted:
            try:
                self.add("model", "ok", f"{await pool.default_model(adapter)} is asked by default")
            except AiexError as error:
                self.bad("model", _text(error)[0], _text(error)[1])
        for model in wanted:
            self._model(model, listed)

    async def _built_in(self, adapter: Adapter) -> None:
        health = await adapter.check_health()
        if health.status == "healthy":
            self.add("server", "ok", "The built-in model and its engine are installed")
            return
        what, _, step = (health.error or "It cannot be used").partition(". ")
        self.bad("server", what, step or "Run `aiex-lsp models install`.")

    def _reached(self) -> None:
        if self.local_server:
            self.add("server", "ok", f"Local provider is running and accessible at {self.address}")
        else:
            self.add("address", "ok", f"{self.address} answers")

    async def _failed(self, error: ProviderError, adapter: Adapter) -> None:
        what, step = _text(error)
        if error.status in (404, 405) and self.provider.default_model:
            # A gateway without a list of models; its own probe knows.
            health = await adapter.check_health()
            if health.status == "healthy":
                self._reached()
                why = f"{self.address} lists no models, so {self.provider.default_model} is not"
                self.add("model", "skipped", f"{why} checked")
                return
        if error.kind in _ADDRESS_FAULTS or error.status == 407:  # the proxy's, not the provider's
            down = error.kind is not FailureKind.MALFORMED
            prefix = "Cannot connect to local provider: " if self.local_server and down else ""
            self.bad(self.place, prefix + what, step)
        elif error.kind in _KEY_FAULTS:
            if error.status is not None:
                self._reached()
            self.bad("accepted", what, step)
        elif error.kind is FailureKind.NOT_CONFIGURED:
            self.bad(self.place, what, step)
        elif error.kind is FailureKind.REGION:
            self._reached()
            self.bad("region", what, step)
        else:
            # It is there, and what is wrong may have passed by the next call.
            self._reached()
            self.add("answer", "warning", what, step)

    def _wanted(self) -> tuple[str, ...]:
        """Return the models the configuration names for this provider."""
        names: list[str | None] = [self.provider.default_model]
        for task in self.settings.tasks.values():
            if task.model and (task.provider or self.settings.default_provider) == (
                self.provider.name
            ):
                names.append(task.model)
        return tuple(dict.fromkeys(name for name in names if name))

    def _model(self, model: str, listed: list[ModelInfo]) -> None:
        ids = [one.id for one in listed]
        found = next((one for one in listed if _names(model, one.id)), None)
        if found is not None and found.chat:
            self.add("model", "ok", f"{model} is there")
        elif found is not None:
            self.bad("model", f"{model} is no model that chats", self._choose(model, listed))
        elif not ids:
            self.add("model", "skipped", f"No models are listed, so {model} is not checked")
        elif self.local_server or self.provider.base_url == DEFAULT_BASE_URLS.get(
            self.provider.type
        ):
            self.bad("model", f"There is no model {model}", self._choose(model, listed))
        else:
            # Gateways take more names than they list.
            why = f"{model} is not among the models that are listed"
            self.add("model", "warning", why, self._choose(model, listed))

    def _choose(self, model: str, listed: list[ModelInfo]) -> str:
        chat = [one.id for one in listed if one.chat]
        near = get_close_matches(model, chat, 3, 0.5) or chat[:3]
        pull = f"Run `ollama pull {model}`, or set" if self.provider.type == "ollama" else "Set"
        names = f" ({', '.join(near)})" if near else ""
        return f"{pull} default_model to one that is there{names}."


_NOT_AGREED = "It has a key but was not agreed to, so nothing is sent there and nothing was checked"

_ANTHROPIC_FORMAT = "Invalid Anthropic API key format (should start with 'sk-ant-')"


def _names(wanted: str, listed: str) -> bool:
    """Return whether `wanted` names a listed model: itself, Ollama's `latest`, a dated alias."""
    return listed in (wanted, f"{wanted}:latest") or (
        listed.startswith(f"{wanted}-") and listed[len(wanted) + 1 :].replace("-", "").isdigit()
    )


def _text(error: AiexError) -> tuple[str, str]:
    return error.what.rstrip("."), error.next_step
