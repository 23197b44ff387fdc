"""What a fake provider does with one request: answer well, answer badly, or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reply:
    """A streamed answer in the dialect's own format, with one fault at most.

    `pieces` are the text deltas (by default words of `text`). `finish` is our word for the finish
    reason, None leaves it out. Positions count text deltas: `cut_after` resets the connection,
    `stall_after` keeps silent until the client goes, `garbage_at` and `error_at` put a broken or
    an error event before that delta. `split` cuts the bytes into HTTP chunks of that size.
    `first_token` and `between` are seconds, `headers` go with the answer's head.
    """

    text: str = "Hello from the model."
    pieces: Sequence[str] | None = None
    thinking: Sequence[str] = ()
    finish: str | None = "stop"
    usage: tuple[int, int] | None = None
    first_token: float = 0.0
    between: float = 0.0
    cut_after: int | None = None
    stall_after: int | None = None
    garbage_at: int | None = None
    error_at: int | None = None
    end_marker: bool = True
    comments: bool = False
    hold_open: bool = False
    split: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def deltas(self) -> list[str]:
        """Return the text deltas; they join to the text."""
        if self.pieces is not None:
            return list(self.pieces)
        words = self.text.split(" ")
        return [word if i == 0 else f" {word}" for i, word in enumerate(words)] if self.text else []


@dataclass(frozen=True)
class Whole:
    """A whole HTTP answer, whatever it is. `endless` never stops sending the body."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    endless: bool = False


@dataclass(frozen=True)
class Drop:
    """The connection is closed without an answer; `reset` by RST, else in good order."""

    reset: bool = True
    after_headers: bool = False


@dataclass(frozen=True)
class Silence:
    """Nothing comes until the client goes; `after_headers` the head of a stream does."""

    after_headers: bool = False


@dataclass(frozen=True)
class Garbage:
    """Bytes that are not HTTP."""

    data: bytes = b"220 mail.example.com ESMTP ready\r\n\r\n"


Step = Reply | Whole | Drop | Silence | Garbage


def status(code: int, body: Any = None, **headers: str) -> Whole:
    """Return an answer with a status, a JSON body and headers (`retry_after="3"`)."""
    data = b"" if body is None else json.dumps(body).encode()
    return Whole(code, data, {k.replace("_", "-"): v for k, v in headers.items()})


def html(code: int = 200) -> Whole:
    """Return the web page of a proxy or a wrong address."""
    page = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Proxy</body></html>"
    return Whole(code, page, content_type="text/html; charset=utf-8")


def empty() -> Whole:
    """Return 200 with nothing in it."""
    return Whole()


def invalid_json() -> Whole:
    """Return 200 with JSON cut in the middle."""
    return Whole(body=b'{"id": "x", "choices": [{"mess')
