"""Work that nobody waits for: kept from being collected, its failures logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from aiex_lsp.errors import AiexError

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer

logger = logging.getLogger(__name__)


def spawn(ls: AiexServer, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Return the task that runs `work`; it ends with the connection at the latest."""
    task = asyncio.create_task(_logged(work))
    ls.background.add(task)
    task.add_done_callback(ls.background.discard)
    # A task that is cancelled before its first step never awaits what it was given.
    task.add_done_callback(lambda _: work.close())
    return task


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except AiexError as error:
        logger.warning("%s", error)
    except Exception:
        logger.exception("Work in the background failed")
