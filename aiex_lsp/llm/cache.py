"""Answers kept in memory, by everything that shapes them."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from aiex_lsp.config.settings import ProviderSettings, SecretsPolicy
from aiex_lsp.llm.types import Completion, ModelCall


@dataclass(frozen=True, slots=True)
class _Entry:
    completion: Completion
    expires: float
    size: int


class AnswerCache:
    """A bounded store of whole answers: least recently used goes first, old ones expire.

    `max_bytes` bounds the text kept, `monotonic` is the clock in seconds.
    """

    def __init__(self, monotonic: Callable[[], float], max_bytes: int = 16 * 1024 * 1024) -> None:
        self._monotonic = monotonic
        self._max_bytes = max_bytes
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._bytes = 0

    def get(self, key: str) -> Completion | None:
        """Return the answer kept under `key`, None if there is none or it is too old."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._monotonic() >= entry.expires:
            self._remove(key)
            return None
        self._entries.move_to_end(key)
        return entry.completion

    def put(self, key: str, completion: Completion, ttl: float) -> None:
        """Keep an answer for `ttl` seconds; 0 or less keeps nothing."""
        self._remove(key)
        size = 4 * (len(completion.text) + len(completion.thinking)) + 512
        if ttl <= 0 or size > self._max_bytes:
            return
        self._entries[key] = _Entry(completion, self._monotonic() + ttl, size)
        self._bytes += size
        while self._bytes > self._max_bytes:
            self._remove(next(iter(self._entries)))

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._bytes = 0

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
