"""Standard error behind a thread: an editor that does not read it holds up nothing."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections import deque
from collections.abc import Iterator

_MOST = 1 << 20
"""Characters kept for a reader that is slow; what comes on top is lost, and that is said."""

_LAST = 1.0
"""Seconds what was written last has to leave."""


class Aside(io.TextIOBase):
    """A text stream whose `write` returns at once; a thread writes to the descriptor, in order."""

    def __init__(self, descriptor: int, most: int = _MOST) -> None:
        self._descriptor = descriptor
        self._most = most
        self._waiting: deque[str] = deque()
        self._size = 0
        self._lost = 0
        self._writing = False
        self._turn = threading.Condition()
        threading.Thread(target=self._run, name="aiex-stderr", daemon=True).start()

    def write(self, text: str) -> int:
        """Return the length of a text that is queued, or lost where too much waits."""
        with self._turn:
            if self._size + len(text) > self._most:
                self._lost += len(text)
            elif text:
                self._waiting.append(text)
                self._size += len(text)
                self._turn.notify_all()
        return len(text)

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the descriptor: for child processes."""
        return self._descriptor

    def drain(self, limit: float) -> None:
        """Return when everything was written, or after `limit` seconds."""
        with self._turn:
            self._turn.wait_for(lambda: not self._waiting and not self._writing, limit)

    def _run(self) -> None:
        while True:
            # Not by a stream of Python: the interpreter waits for the lock of one when it ends.
            view = memoryview(self._next().encode("utf-8", "backslashreplace"))
            with contextlib.suppress(OSError):  # nobody reads any more
                while view:
                    view = view[os.write(self._descriptor, view) :]

    def _next(self) -> str:
        with self._turn:
            self._writing = False
            self._turn.notify_all()
            self._turn.wait_for(lambda: self._waiting)
            self._writing = True
            text = "".join(self._waiting)
            self._waiting.clear()
            self._size = 0
            if self._lost:
                text += f"[{self._lost} characters are left out: nobody read them]\n"
                self._lost = 0
            return text


@contextlib.contextmanager
def stderr_aside() -> Iterator[None]:
    """Put what is printed and logged to standard error behind a thread while the block runs."""
    before = sys.stderr
    if before is None:  # the editor closed it: what is written is nobody's
        yield
        return
    aside = sys.stderr = Aside(before.fileno())
    try:
        yield
    finally:
        aside.drain(_LAST)
        sys.stderr = before
