"""Text on a terminal or in a pipe: rendered markdown while it streams, progress, the last line."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.status import Status

    from aiex_lsp.llm.types import Answer

REFRESH = 0.08
"""Seconds between two drawings of the unfinished part; more often only flickers."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def terminal_safe(text: str) -> str:
    """Return text without control characters: an answer must not steer the terminal."""
    return _CONTROL.sub("", text.replace("\r\n", "\n"))


class Progress:
    """One line on stderr that tells what is waited for; nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self._status: Status | None = None

    def show(self, message: str) -> None:
        """Replace the line."""
        if not sys.stderr.isatty():
            return
        from rich.markup import escape

        text = escape(terminal_safe(message)) + "…" * (not message.endswith("…"))
        if self._status is None:
            from rich.console import Console

            self._status = Console(stderr=True).status(text)
            self._status.start()
        else:
            self._status.update(text)

    def clear(self) -> None:
        """Take the line away."""
        if self._status is not None:
            self._status.stop()
            self._status = None


class AnswerListener:
    """Shows one answer while it arrives: raw in a pipe, rendered on a terminal.

    With `stream` false nothing of the text is shown, only the progress.
    """

    def __init__(self, *, stream: bool = True) -> None:
        self.progress = Progress()
        self.streamed = ""
        self.gone = False
        """Whether whoever read the answer has closed the pipe."""
        self.on_gone: Callable[[], object] = lambda: None
        """Called once when that is noticed: nobody wants the rest, so nobody should pay for it."""
        self._stream = stream
        self._markdown: MarkdownStream | None = None

    def on_status(self, message: str) -> None:
        """Show what is going on until the answer begins."""
        if not self.streamed:
            self.progress.show(message)

    def on_delta(self, text: str) -> None:
        """Show a piece of the answer."""
        if not self._stream or not text or self.gone:
            return
        if not self.streamed:
            self.progress.clear()
        self.streamed += text
        if sys.stdout.isatty():
            if self._markdown is None:
                self._markdown = MarkdownStream()
            self._markdown.feed(text)
        else:
            self._write(text)

    def on_restart(self, provider: str) -> None:
        """Say that the answer begins anew elsewhere."""
        if self.streamed:
            self._end()
            click.secho(f"The answer begins anew at {provider}.", err=True, dim=True)
        self.streamed = ""
        self.progress.show(f"asking {provider}")

    def close(self) -> None:
        """End the drawing; may be called twice."""
        self.progress.clear()
        self._end()

    def _end(self) -> None:
        if self._markdown is not None:
            self._markdown.close()
            self._markdown = None
        elif self.streamed and not self.streamed.endswith("\n") and not sys.stdout.isatty():
            self._write("\n")
            self.streamed += "\n"

    def _write(self, text: str) -> None:
        try:
            click.echo(text, nl=False)
        except BrokenPipeError:
            self.gone = True
            self.on_gone()


class MarkdownStream:
    """Markdown drawn as it comes: finished blocks stay, the last one is drawn anew."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console

        self._console = console or Console()
        self._live: Live | None = None
        self._tail = ""
        self._drawn = 0.0

    def feed(self, text: str) -> None:
        """Add a piece; draws at most every `REFRESH` seconds."""
        self._tail += terminal_safe(text)
        now = time.monotonic()
        if now - self._drawn >= REFRESH:
            self._draw()
            self._drawn = now

    def close(self) -> None:
        """Draw the rest for good."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        if self._tail.strip():
            print_markdown(self._tail, self._console)
        self._tail = ""

    def _draw(self) -> None:
        from rich.live import Live
        from rich.markdown import Markdown
        from rich.text import Text

        done, self._tail = split_finished(self._tail)
        if done.strip():
            if self._live is not None:
                self._live.stop()
                self._live = None
            print_markdown(done, self._console)
            self._console.print()
        room = max(self._console.height - 4, 4)
        lines = self._tail.splitlines()
        view: Any = Markdown(self._tail)
        if len(lines) > room:  # what is taller than the screen cannot be taken away again
            view = Text("\n".join(lines[-room:]), no_wrap=True, overflow="ellipsis")
        if self._live is None:
            self._live = Live(view, console=self._console, transient=True, auto_refresh=False)
            self._live.start(refresh=True)
        else:
            self._live.update(view, refresh=True)


def split_finished(text: str) -> tuple[str, str]:
    """Return the markdown blocks that can change no more, and the last one that still may.

    Lines end at LF.
    """
    from markdown_it import MarkdownIt

    tokens = MarkdownIt().parse(text)
    starts = [token.map[0] for token in tokens if token.level == 0 and token.map and _opens(token)]
    if len(starts) < 2:
        return "", text
    lines = text.split("\n")
    return "\n".join(lines[: starts[-1]]) + "\n", "\n".join(lines[starts[-1] :])


def _opens(token: Any) -> bool:
    return bool(token.nesting >= 0)


def print_markdown(text: str, console: Console | None = None) -> None:
    """Print markdown: rendered on a terminal, as it is in a pipe."""
    if console is None and not sys.stdout.isatty():
        click.echo(text)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    (console or Console()).print(Markdown(terminal_safe(text)))


def print_diff(diff: str) -> None:
    """Print a unified diff, coloured on a terminal."""
    if not sys.stdout.isatty():
        click.echo(diff, nl=False)
        return
    colours = {"+": "green", "-": "red", "@": "cyan"}
    for line in diff.splitlines():
        click.secho(terminal_safe(line), fg=colours.get(line[:1]), bold=line[:3] in ("+++", "---"))


def tell_source(answer: Answer, *, explain_choice: bool = False) -> None:
    """Tell on stderr where an answer came from: provider, model, tokens, cost, seconds."""
    if explain_choice:
        from aiex_lsp.cli.choice import tell_answer

        tell_answer(answer)
    if answer.finish_reason == "length":
        tokens = answer.usage.output_tokens
        cut = f"The answer was cut at {tokens} tokens; raise max_tokens for more."
        click.secho(cut, err=True, fg="yellow")
    if answer.note:
        click.secho(answer.note, err=True, dim=True)
    usage = answer.usage
    about = "≈" if usage.estimated else ""
    parts = [
        answer.provider,
        answer.model,
        f"{about}{usage.input_tokens} + {about}{usage.output_tokens} tokens",
        cost_text(answer.cost),
        f"{answer.duration_ms / 1000:.1f} s",
    ]
    if answer.cached:
        parts.append("cached")
    click.secho(" · ".join(parts), err=True, dim=True)


def cost_text(cost: float | None) -> str:
    """Return US dollars as people read them; an unknown price says so."""
    if cost is None:
        return "price unknown"
    if cost == 0:
        return "$0"
    return f"${cost:.4f}" if cost < 1 else f"${cost:.2f}"
