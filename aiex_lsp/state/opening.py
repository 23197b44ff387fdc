"""The shared state by the configuration."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from aiex_lsp.config.settings import CoordinationSettings
from aiex_lsp.state.memory import MemoryStore
from aiex_lsp.state.primary import PrimaryStore
from aiex_lsp.state.shared import SharedState
from aiex_lsp.state.types import WINDOW_SECONDS

FILE_NAME = "shared.db"
DEFAULT_URL = "redis://127.0.0.1:6379/0"


def open_state(
    settings: CoordinationSettings,
    state_dir: Path,
    *,
    tell: Callable[[str], None],
    random: Random,
    clock: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
    window: float = WINDOW_SECONDS,
) -> SharedState:
    """Return the shared state; files and connections are opened when first used.

    `tell` gets what the user should know, one plain sentence each time. `clock` is Unix time in
    seconds, `window` the length of the limits' window. The member's name is this machine's, the
    process' number and a random part.
    """
    host = socket.gethostname()
    return SharedState(
        _primary(settings, state_dir, random, clock, window),
        MemoryStore(clock, random, window),
        member_id=f"{host}-{os.getpid()}-{random.getrandbits(32):08x}",
        host=host,
        tell=tell,
        clock=clock,
        monotonic=monotonic,
        window=window,
    )


def _primary(
    settings: CoordinationSettings,
    state_dir: Path,
    random: Random,
    clock: Callable[[], float],
    window: float,
) -> PrimaryStore | None:
    if settings.backend == "sqlite":
        from aiex_lsp.state.sqlite import SqliteStore

        return SqliteStore(state_dir / FILE_NAME, random=random, clock=clock, window=window)
    if settings.backend == "redis":
        from aiex_lsp.state.redis import RedisStore

        url = DEFAULT_URL if settings.url is None else settings.url.reveal()
        return RedisStore(url, random=random, window=window)
    return None
