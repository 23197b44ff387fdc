"""What a client sees while work runs: work-done progress, streamed deltas, a growing view."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

Send = Callable[[int | str, Any], None]
"""(token, value) -> `$/progress`."""


class Progress:
    """Work-done progress on one token; nothing is sent before it was begun or after it ended."""

    def __init__(self, send: Send, token: int | str, title: str, interval: float) -> None:
        self._send = send
        self._token = token
        self._title = title
        self._interval = interval
        self._begun = False
        self._ended = False
        self._message = ""
        self._sent = ""
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Tell the client that work has begun; reports made before go along.

        Where the work has ended by now that is told too: a client that has taken a token waits.
        """
        if self._begun:
            return
        self._begun = True
        value = {"kind": "begin", "title": self._title, "cancellable": True}
        if self._message:
            value["message"] = self._sent = self._message
        self._send(self._token, value)
        if self._ended:
            self._send(self._token, {"kind": "end"})

    def report(self, message: str) -> None:
        """Tell what is going on; of a burst the last message is sent."""
        self._message = message
        if not self._begun or self._ended or self._timer is not None:
            return
        self._flush()
        self._timer = asyncio.get_running_loop().call_later(self._interval, self._due)

    def end(self, message: str = "") -> None:
        """Tell that work has ended; once."""
        if self._timer is not None:
            self._timer.cancel()
        if self._begun and not self._ended:
            self._send(self._token, {"kind": "end", **({"message": message} if message else {})})
        self._ended = True

    def _due(self) -> None:
        self._timer = None
        if not self._ended:
            self._flush()

    def _flush(self) -> None:
        if self._message != self._sent:
            self._sent = self._message
            self._send(self._token, {"kind": "report", "message": self._message})


class Deltas:
    """Streams an answer's text as `{delta}` and `{restart, provider}`; bursts are joined."""

    def __init__(self, send: Send, token: int | str, interval: float) -> None:
        self._send = send
        self._token = token
        self._interval = interval
        self._sent: list[str] = []
        self._waiting: list[str] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, text: str) -> None:
        """Stream a piece of the answer."""
        if not text:
            return
        self._waiting.append(text)
        if self._timer is None:
            self._flush()
            self._timer = asyncio.get_running_loop().call_later(self._interval, self._due)

    def restart(self, provider: str) -> None:
        """Tell that the answer begins anew."""
        self._waiting.clear()
        if self._sent:
            self._sent.clear()
            self._send(self._token, {"restart": True, "provider": provider})

    def finish(self, text: str | None, provider: str) -> None:
        """Send what waits; after it the deltas join to `text` (None: whatever they were)."""
        self.close()
        if text is None:
            return
        joined = "".join(self._sent)
        if not text.startswith(joined):
            self.restart(provider)
            joined = ""
        self._waiting.append(text[len(joined) :])
        self._flush()

    def close(self) -> None:
        """Send what waits and stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._flush()

    def _due(self) -> None:
        self._timer = None
        if self._waiting:
            self._flush()
            self._timer = asyncio.get_running_loop().call_later(self._interval, self._due)

    def _flush(self) -> None:
        text = "".join(self._waiting)
        self._waiting.clear()
        if text:
            self._sent.append(text)
            self._send(self._token, {"delta": text})


class View:
    """A text shown while it grows, whole at each update: `show(markdown, final)`."""

    def __init__(self, show: Callable[[str, bool], None], interval: float) -> None:
        self._show = show
        self._interval = interval
        self._parts: list[str] = []
        self._shown = False
        self._timer: asyncio.TimerHandle | None = None

    def add(self, text: str) -> None:
        """Show a further piece, soon."""
        self._parts.append(text)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._interval, self._due)

    def restart(self, _provider: str) -> None:
        """Forget the text so far."""
        self._parts.clear()

    def finish(self, markdown: str) -> None:
        """Show the whole text, for good."""
        self._stop()
        self._show(markdown, True)

    def close(self, markdown: str) -> None:
        """Close a view that was begun though the result is another thing than a text."""
        self._stop()
        if self._shown:
            self._show(markdown, True)

    def abandon(self, reason: str) -> None:
        """Close a view that was begun: its text so far and why there is no more."""
        self._stop()
        if self._shown:
            self._show("".join(self._parts) + f"\n\n---\n\n*{reason}*\n", True)
            self._shown = False

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        self._shown = True
        self._show("".join(self._parts), False)


class Watcher:
    """The `Listener` of one piece of work: passes on to whatever watches it."""

    def __init__(
        self,
        progress: Progress | None = None,
        deltas: Deltas | None = None,
        view: View | None = None,
    ) -> None:
        self.progress = progress
        self.deltas = deltas
        self.view = view

    def on_status(self, message: str) -> None:
        """Report progress."""
        if self.progress is not None:
            self.progress.report(message)

    def on_delta(self, text: str) -> None:
        """Stream a piece of the answer."""
        if self.deltas is not None:
            self.deltas.add(text)
        if self.view is not None:
            self.view.add(text)

    def on_restart(self, provider: str) -> None:
        """Begin the answer anew."""
        if self.deltas is not None:
            self.deltas.restart(provider)
        if self.view is not None:
            self.view.restart(provider)
