"""Answers kept by everything that shapes them: in memory, and behind it in the shared state."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass

from aiex_lsp.config.settings import CacheSettings, ProviderSettings, SecretsPolicy
from aiex_lsp.llm.types import Completion, ModelCall, Usage
from aiex_lsp.state.base import Store

MAX_SHARED_ANSWER = 1024 * 1024
"""Bytes, compressed; a longer answer is kept in this process only."""


@dataclass(frozen=True, slots=True)
class _Entry:
    completion: Completion
    expires: float
    size: int


class AnswerCache:
    """A bounded store of whole answers: least recently used goes first, old ones expire.

    `monotonic` is the clock in seconds. With a `store` that others share, an answer one server
    had is known to all; without, or where it is this process's own, memory is all there is. What
    a local provider answered stays on this machine: `local` answers never go to a team's store.
    """

    def __init__(self, monotonic: Callable[[], float], store: Store | None = None) -> None:
        self._monotonic = monotonic
        self._store = store
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._bytes = 0

    async def get(self, key: str, settings: CacheSettings, *, local: bool) -> Completion | None:
        """Return the answer kept under `key`, None if there is none or it is too old."""
        if settings.ttl <= 0:
            return None
        entry = self._entries.get(key)
        if entry is not None and self._monotonic() < entry.expires:
            self._entries.move_to_end(key)
            return entry.completion
        self._remove(key)
        store = self._shared(local)
        kept = None if store is None else await store.cached(key)
        return None if kept is None else _unpacked(kept)

    async def put(
        self, key: str, completion: Completion, settings: CacheSettings, *, local: bool
    ) -> None:
        """Keep an answer for `settings.ttl` seconds; 0 keeps nothing."""
        self._remove(key)
        if settings.ttl <= 0:
            return
        size = 4 * (len(completion.text) + len(completion.thinking)) + 512
        if size <= settings.max_bytes:
            self._entries[key] = _Entry(completion, self._monotonic() + settings.ttl, size)
            self._bytes += size
            while self._bytes > settings.max_bytes:
                self._remove(next(iter(self._entries)))
        store = self._shared(local)
        if store is None:
            return
        packed = _packed(completion)
        if len(packed) <= min(MAX_SHARED_ANSWER, settings.max_bytes):
            await store.cache(key, packed, settings.ttl, settings.max_bytes)

    def clear(self) -> None:
        """Forget what this process keeps."""
        self._entries.clear()
        self._bytes = 0

    def _shared(self, local: bool) -> Store | None:
        store = self._store
        if store is None or store.kind == "memory" or (local and store.kind == "redis"):
            return None
        return store

    def _remove(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.size


def cache_key(provider: ProviderSettings, call: ModelCall, secrets: SecretsPolicy) -> str:
    """Return a digest of all that shapes an answer: address, model, messages, options, privacy.

    The key holds neither code nor secrets: it is a SHA-256 of them.
    """
    shape = {
        "type": provider.type,
        "url": provider.base_url,
        "query": dict(provider.query),
        "body": dict(provider.extra_body),
        "headers": dict(provider.headers),
        "key": provider.api_key.reveal() if provider.api_key else "",
        "gguf": provider.model_path or "",
        "secrets": secrets,
        "model": call.model,
        "messages": [(message.role, message.content) for message in call.messages],
        "max_tokens": call.max_tokens,
        "temperature": call.temperature,
        "effort": call.effort,
        "schema": call.schema.name if call.schema else None,
        "schema_body": dict(call.schema.schema) if call.schema else None,
    }
    text = json.dumps(shape, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _packed(completion: Completion) -> bytes:
    shape = {**asdict(completion), "thinking": ""}
    text = json.dumps(shape, ensure_ascii=True, separators=(",", ":"))
    return zlib.compress(text.encode())


def _unpacked(packed: bytes) -> Completion | None:
    """Return the answer, None where another version wrote it or it is damaged."""
    try:
        unzipper = zlib.decompressobj()
        raw = unzipper.decompress(packed, 64 * MAX_SHARED_ANSWER)
        shape = json.loads(raw)
        usage = Usage(**shape.pop("usage"))
        found = Completion(usage=usage, **shape)
    except (zlib.error, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return found if isinstance(found.text, str) and found.text else None
