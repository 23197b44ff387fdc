"""The server object: typed fields, no logic."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pygls.lsp.server import LanguageServer
from pygls.protocol import default_converter

from aiex_lsp import __version__
from aiex_lsp.server.answers import Answers
from aiex_lsp.server.cancellation import RunningWork
from aiex_lsp.server.capabilities import Client
from aiex_lsp.server.documents import Documents
from aiex_lsp.server.drafts import Drafts
from aiex_lsp.server.findings import Findings
from aiex_lsp.server.hovers import Hovers
from aiex_lsp.server.logging import ClientHandler
from aiex_lsp.server.outlines import Outlines
from aiex_lsp.server.protocol import AiexProtocol
from aiex_lsp.server.provider_health import HealthNotifier
from aiex_lsp.server.reloading import Reloading
from aiex_lsp.server.services import InitInfo, Services, ServicesFactory
from aiex_lsp.server.turns import Turns

if TYPE_CHECKING:
    from aiex_lsp.config.settings import Problem
    from aiex_lsp.server.routing import Method
    from aiex_lsp.templates.types import Template


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds.

    `client_answer` is for requests an editor answers by itself, `apply_edit` for edits (eglot
    asks its user), `edit_seen` for the change it tells of afterwards, `confirmed_edit` for edits
    that ask for confirmation, `question` for a question to the user. `start` is what hovers and
    code actions wait for a server that is just starting; then hovers show nothing, and actions
    are those of the default settings. `outline` is what a code action waits for a first parse.
    `apart` is between the answer to a command and what is sent after it: eglot before Emacs 30
    loses what comes along with an answer it waits for. `hover_failure` is how long a failed hover
    is not tried again. `look_interval` is between two looks at the user's files.
    """

    client_answer: float = 10.0
    apply_edit: float = 60.0
    edit_seen: float = 1.0
    confirmed_edit: float = 600.0
    question: float = 300.0
    outline: float = 0.15
    apart: float = 0.03
    progress_interval: float = 0.1
    delta_interval: float = 0.03
    view_interval: float = 0.1
    health_interval: float = 0.25
    shutdown: float = 3.0
    start: float = 1.0
    hover_failure: float = 30.0
    look_interval: float = 2.0


class AiexServer(LanguageServer):
    """One connection to one editor."""

    protocol: AiexProtocol

    def __init__(
        self,
        services_factory: ServicesFactory,
        limits: Limits | None = None,
        prefix: str = "aiex",
    ) -> None:
        super().__init__(
            "aiex-lsp", __version__, protocol_cls=AiexProtocol, converter_factory=default_converter
        )
        self.services_factory = services_factory
        self.limits = limits or Limits()
        self.client = Client()
        self.init_info = InitInfo()
        self.services: asyncio.Task[Services] | None = None
        self.templates: tuple[Template, ...] = ()
        self.methods: dict[str, Method] = {}
        self.documents = Documents()
        self.outlines = Outlines()
        self.findings = Findings()
        self.work = RunningWork(prefix)
        self.hovers = Hovers(self.limits.hover_failure)
        self.answers = Answers()
        self.health = HealthNotifier()
        self.log_handler = ClientHandler()
        self.background: set[asyncio.Task[None]] = set()
        self.paused = False
        self.consent_asked = False
        self.problems: tuple[Problem, ...] = ()
        self.watched: Services | None = None
        self.reloading = Reloading(self.limits.look_interval)
        self.drafts = Drafts()
        self.editor_section: Mapping[str, Any] = {}
        self.configuring = asyncio.Lock()
        self.editing = Turns()
        self.stopped = asyncio.Event()
        self.exit_code: int | None = None
