"""Who watches a call while it runs."""

from __future__ import annotations

from typing import Protocol


class Listener(Protocol):
    """Who watches a call while it runs. Methods return at once and never raise."""

    def on_status(self, message: str) -> None:
        """Tell what is going on ("asking anthropic", "loading the model 40%", a fallback)."""

    def on_delta(self, text: str) -> None:
        """Take a piece of the visible answer."""

    def on_restart(self, provider: str) -> None:
        """Forget the deltas so far: the answer begins anew at `provider`."""


class SilentListener:
    """A listener that ignores everything."""

    def on_status(self, message: str) -> None:
        """Ignore it."""

    def on_delta(self, text: str) -> None:
        """Ignore it."""

    def on_restart(self, provider: str) -> None:
        """Ignore it."""
