"""Where log records go: stderr, and from warnings on `window/logMessage`.

The records of pygls and lsprotocol stay out: they hold whole messages, options and keys included.
Of an exception its types and frames are logged, not its text: that may hold what was asked about.
"""

from __future__ import annotations

import logging
import sys
import traceback
from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, TextIO

from lsprotocol import types

logger = logging.getLogger(__name__)

ROOT = "aiex_lsp"
_QUIET = ("pygls", "lsprotocol", "cattrs")
_BUFFERED = 100
"""Records kept until the client can take them; enough for a start that goes wrong."""

_TYPES = {
    logging.ERROR: types.MessageType.Error,
    logging.WARNING: types.MessageType.Warning,
    logging.INFO: types.MessageType.Info,
}


_connection: ContextVar[ClientHandler | None] = ContextVar("connection", default=None)
"""Whose work a record is of, where one process serves several editors."""


class ClientHandler(logging.Handler):
    """Sends records to the client; those of before `initialized` when `attach` is called.

    Records of another connection's work are left out: they are nothing to this editor.
    """

    def __init__(self, level: int = logging.WARNING) -> None:
        super().__init__(level)
        self._send: Callable[[types.LogMessageParams], None] | None = None
        self._waiting: list[types.LogMessageParams] = []

    def begin(self) -> None:
        """Take what the current task logs, and all that it starts, for this connection's."""
        _connection.set(self)

    def attach(self, send: Callable[[types.LogMessageParams], None]) -> None:
        """Send what waited and everything from now on by `send`, which may be called anywhere."""
        self._send = send
        waiting, self._waiting = self._waiting, []
        for params in waiting:
            send(params)

    def emit(self, record: logging.LogRecord) -> None:
        """Send or keep one record; its traceback stays in stderr's log."""
        if _connection.get() not in (None, self):
            return
        level = next((lv for lv in _TYPES if record.levelno >= lv), logging.INFO)
        params = types.LogMessageParams(_TYPES[level], f"{record.name}: {record.getMessage()}")
        if self._send is not None:
            self._send(params)
        elif len(self._waiting) < _BUFFERED:
            self._waiting.append(params)


class _Frames(logging.Formatter):
    def formatException(self, ei: Any) -> str:
        """Return the frames and the type of an exception and of those it came from."""
        return "".join(_frames(ei[1])).rstrip()


def _frames(error: BaseException | None) -> Iterator[str]:
    if error is None:
        return
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _frames(before)
        yield "after which:\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{type(error).__module__}.{type(error).__qualname__}\n"
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield "of which:\n"
            yield from _frames(one)


def log_unhandled(_loop: AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """Log what the event loop found that nobody handled, without the arguments it tells."""
    message = str(context.get("message")).partition("(")[0]
    logger.error("%s", message, exc_info=context.get("exception"))


def set_up_logging(level: str = "WARNING", stream: TextIO | None = None) -> None:
    """Send the records of aiex-lsp from `level` on to `stream` (stderr), those of pygls nowhere."""
    ours = logging.getLogger(ROOT)
    if not any(isinstance(h, logging.StreamHandler) for h in ours.handlers):
        handler = logging.StreamHandler(stream or sys.stderr)
        handler.setFormatter(_Frames("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        ours.addHandler(handler)
    known = logging.getLevelNamesMapping()
    ours.setLevel(known.get(level.upper(), logging.WARNING))
    ours.propagate = False
    silence_libraries()


def silence_libraries() -> None:
    """Keep the records of the protocol libraries out of every log."""
    for name in _QUIET:
        library = logging.getLogger(name)
        library.setLevel(logging.CRITICAL + 1)
        library.propagate = False
