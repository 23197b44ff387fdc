"""Bodies on the line: requests as bytes, and packed answers unpacked a piece at a time."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any

PIECE = 256 * 1024
"""Bytes; the most that is unpacked before whoever reads may say that it is enough."""


class PackedError(ValueError):
    """A body is not packed the way its head says."""


def encoded(body: Any) -> bytes:
    """Return JSON in UTF-8; half a surrogate pair, which editors may send, becomes "?"."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


class Unpacker:
    """Unpacks a body by its `content-encoding`. `packed` is false where it is to be left alone."""

    def __init__(self, encoding: str) -> None:
        # Others were not asked for, and some servers write "utf-8" or "none" there.
        self.packed = encoding.strip().lower() in ("gzip", "x-gzip", "deflate")
        self._unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip or zlib, as it begins

    def __call__(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` unpacks to, at most `PIECE` bytes each. Raises `PackedError`."""
        if not self.packed:
            yield data
            return
        try:
            while data and not self._unpack.eof:
                piece = self._unpack.decompress(data, PIECE)
                data = self._unpack.unconsumed_tail
                if piece:
                    yield piece
        except zlib.error:
            raise PackedError from None
