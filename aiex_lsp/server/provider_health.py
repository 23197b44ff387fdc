"""`aiex/providerHealth`: what a status bar shows, sent to clients that opted in."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from aiex_lsp.server.background import spawn

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer
    from aiex_lsp.server.services import Coordination, Services

METHOD = "aiex/providerHealth"

logger = logging.getLogger(__name__)


class HealthNotifier:
    """Tells of every change, at most once in `Limits.health_interval`, and the last one for sure.

    A report is made only where somebody opted in and something may have changed.
    """

    def __init__(self) -> None:
        self._begun: Coordination | None = None
        self._changed = asyncio.Event()

    def begin(self, ls: AiexServer, services: Services) -> None:
        """Start what watches the providers, and tell of them; later calls tell anew."""
        coordination = services.coordination
        if coordination is None:
            return
        self.poke()
        if coordination is self._begun:
            return
        self._begun = coordination
        coordination.start()
        if ls.client.provider_health:
            spawn(ls, self._tell(ls, coordination))

    def poke(self) -> None:
        """Take note that a status may have changed."""
        self._changed.set()

    async def _tell(self, ls: AiexServer, coordination: Coordination) -> None:
        last: Any = None
        end = coordination.watch(self.poke)
        try:
            while coordination is self._begun:
                await self._changed.wait()
                self._changed.clear()
                try:
                    report = await coordination.report()
                except Exception:
                    logger.exception("The state of the providers could not be told")
                else:
                    if report != last:
                        ls.protocol.tell(METHOD, report)
                        last = report
                await asyncio.sleep(ls.limits.health_interval)
        finally:
            end()
