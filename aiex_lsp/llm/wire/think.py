"""Thinking that a model writes into its answer, told apart from the answer."""

from __future__ import annotations

from aiex_lsp.llm.types import Text, Thinking

_OPEN = ("<think>", "<thinking>")
_CLOSE = {"<think>": "</think>", "<thinking>": "</thinking>"}


class ThinkSplitter:
    """Splits a stream of text into `Thinking` and `Text`, wherever its pieces are cut.

    Only a block at the very start of the answer is thinking: later tags may be the answer's own
    subject. White space before and after the block is dropped. A template that opens the block
    itself, so that the stream shows only the closing tag, needs `inside=True`: without it the
    text has been shown before the tag arrives.
    """

    def __init__(self, *, inside: bool = False) -> None:
        self._close = "</think>" if inside else ""
        self._state = "thinking" if inside else "start"
        self._held = ""

    def feed(self, text: str) -> list[Text | Thinking]:
        """Return the chunks that are certain by now; what may become a tag is held back."""
        self._held += text
        chunks: list[Text | Thinking] = []
        while self._step(chunks):
            pass
        return chunks

    def close(self) -> list[Text | Thinking]:
        """Return what was held back, as the stream ends here."""
        held, self._held = self._held, ""
        if not held:
            return []
        if self._state == "thinking":
            return [Thinking(held)]
        return [] if self._state == "between" else [Text(held)]

    def _step(self, chunks: list[Text | Thinking]) -> bool:
        """Take one decision; return whether another may follow from what is held."""
        if not self._held:
            return False
        if self._state == "start":
            return self._start()
        if self._state == "thinking":
            return self._thinking(chunks)
        if self._state == "between":
            self._held = self._held.lstrip()
            self._state = "text" if self._held else "between"
            return bool(self._held)
        chunks.append(Text(self._held))
        self._held = ""
        return False

    def _start(self) -> bool:
        begun = self._held.lstrip()
        for tag in _OPEN:
            if begun.startswith(tag):
                self._held = begun[len(tag) :]
                self._close, self._state = _CLOSE[tag], "thinking"
                return True
        if any(tag.startswith(begun) for tag in _OPEN):
            return False
        self._state = "text"
        return True

    def _thinking(self, chunks: list[Text | Thinking]) -> bool:
        end = self._held.find(self._close)
        if end >= 0:
            if end:
                chunks.append(Thinking(self._held[:end]))
            self._held, self._state = self._held[end + len(self._close) :], "between"
            return True
        keep = _overlap(self._held, self._close)
        if len(self._held) > keep:
            chunks.append(Thinking(self._held[: len(self._held) - keep]))
            self._held = self._held[len(self._held) - keep :]
        return False


def _overlap(text: str, tag: str) -> int:
    """Return how many last characters of `text` may be the beginning of `tag`."""
    for size in range(min(len(text), len(tag) - 1), 0, -1):
        if tag.startswith(text[-size:]):
            return size
    return 0
