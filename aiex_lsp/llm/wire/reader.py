"""What every dialect's stream reader offers to the adapter that feeds it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from aiex_lsp.llm.types import Chunk, Finish, FinishReason, ModelCall, Text, Thinking, Usage

CHARACTERS_PER_TOKEN = 4
"""A rough mean over English and code, for servers that count nothing."""


class StreamReader(ABC):
    """Makes chunks of one stream's events.

    `reason` is set once the model said why it stopped: from then on the answer is complete,
    whether or not the end marker (`ended`) follows. `thought` tells whether the model thought.
    """

    def __init__(self, call: ModelCall) -> None:
        self.call = call
        self.model: str | None = None
        self.reason: FinishReason | None = None
        self.ended = False
        self.usage: Usage | None = None
        self.thought = False
        self._characters = 0

    @abstractmethod
    def read(self, data: Mapping[str, Any]) -> Iterable[Chunk]:
        """Yield the chunks of one event. Raises `VendorFailure` for an error event."""

    def finish(self) -> list[Chunk]:
        """Return what was held back, and the `Finish` chunk, of a complete stream."""
        usage = self.usage or Usage(
            input_tokens=self.call.input_tokens or 0,
            output_tokens=-(-self._characters // CHARACTERS_PER_TOKEN),
            estimated=True,
        )
        return [Finish(self.reason or "stop", usage, self.model)]

    def counted(self, chunk: Text | Thinking) -> Text | Thinking:
        """Return the chunk, counted for servers that tell no usage."""
        self._characters += len(chunk.text)
        self.thought = self.thought or isinstance(chunk, Thinking)
        return chunk


class VendorFailure(Exception):
    """An error object inside a stream that began well."""

    def __init__(self, body: Any) -> None:
        super().__init__()
        self.body = body


def whole(value: Any) -> int:
    """Return a token count as vendors send it; 0 for null, absent or odd values."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def text(value: Any) -> str:
    """Return a string as vendors send it; "" for null or odd values."""
    return value if isinstance(value, str) else ""


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object as vendors send it; an empty one for null or odd values."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a list as vendors send it; none for null or odd values."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def deep_merge(base: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `extra` laid over it, objects merged key by key, all else replaced."""
    merged = dict(base)
    for key, value in extra.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = deep_merge(old, value) if both else value  # type: ignore[arg-type]
    return merged
