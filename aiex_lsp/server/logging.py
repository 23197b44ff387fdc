"""Where log records go: stderr, and from warnings on `window/logMessage`.

The records of pygls and lsprotocol stay out: they hold whole messages, options and keys included.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import TextIO

from lsprotocol import types

ROOT = "aiex_lsp"
_QUIET = ("pygls", "lsprotocol", "cattrs")
_BUFFERED = 100
"""Records kept until the client can take them; enough for a start that goes wrong."""

_TYPES = {
    logging.ERROR: types.MessageType.Error,
    logging.WARNING: types.MessageType.Warning,
    logging.INFO: types.MessageType.Info,
}


class ClientHandler(logging.Handler):
    """Sends records to the client; those of before `initialized` when `attach` is called."""

    def __init__(self, level: int = logging.WARNING) -> None:
        super().__init__(level)
        self._send: Callable[[types.LogMessageParams], None] | None = None
        self._waiting: list[types.LogMessageParams] = []

    def attach(self, send: Callable[[types.LogMessageParams], None]) -> None:
        """Send what waited and everything from now on by `send`, which may be called anywhere."""
        self._send = send
        waiting, self._waiting = self._waiting, []
        for params in waiting:
            send(params)

    def emit(self, record: logging.LogRecord) -> None:
        """Send or keep one record; its traceback stays in stderr's log."""
        level = next((lv for lv in _TYPES if record.levelno >= lv), logging.INFO)
        params = types.LogMessageParams(_TYPES[level], f"{record.name}: {record.getMessage()}")
        if self._send is not None:
            self._send(params)
        elif len(self._waiting) < _BUFFERED:
            self._waiting.append(params)


def set_up_logging(level: str = "WARNING", stream: TextIO | None = None) -> None:
    """Send the records of aiex-lsp from `level` on to `stream` (stderr), those of pygls nowhere."""
    logger = logging.getLogger(ROOT)
    if not any(isinstance(h, logging.StreamHandler) for h in logger.handlers):
        handler = logging.StreamHandler(stream or sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger.addHandler(handler)
    known = logging.getLevelNamesMapping()
    logger.setLevel(known.get(level.upper(), logging.WARNING))
    logger.propagate = False
    silence_libraries()


def silence_libraries() -> None:
    """Keep the records of the protocol libraries out of every log."""
    for name in _QUIET:
        library = logging.getLogger(name)
        library.setLevel(logging.CRITICAL + 1)
        library.propagate = False
