"""Until when a provider is not worth asking, as it said itself or as its failure suggests."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable

from aiex_lsp.errors import ProviderError
from aiex_lsp.llm.failures import DISPOSITIONS
from aiex_lsp.llm.types import NotBefore
from aiex_lsp.state.base import Store

SET_BACK = 1.0
"""Seconds; what was noted later than that after now was noted before the clock was set back. How
long it still holds is not known then, and asking the provider costs little."""


class Holds:
    """Not-before times, shared by all servers: a model's, or a whole provider's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: set[str] = set()

    async def note(self, scope: str, model: str | None, error: ProviderError) -> None:
        """Take what a failure says about calls to come."""
        disposition = DISPOSITIONS[error.kind]
        if disposition.retry != "backoff" and disposition.rest <= 0:
            return
        # A wait that was named binds all servers; ours is only a preference.
        hard = error.retry_after is not None and disposition.retry == "backoff"
        wait = error.retry_after if error.retry_after is not None else disposition.rest
        if wait <= 0:
            return
        key = _key(scope, model if disposition.rests == "model" else None)
        now = await self._store.now()
        found = {"until": now + wait, "kind": error.kind.value, "hard": hard, "at": now}
        value = json.dumps(found)
        self._known.add(key)
        await self._store.put(key, value, wait)

    async def get(self, scope: str, model: str | None) -> tuple[NotBefore | None, float]:
        """Return the longest hold of a provider and one of its models, and its seconds from now."""
        keys = {_key(scope, None), _key(scope, model)}
        now = await self._store.now()
        found = []
        for key in keys:
            hold = _read(await self._store.get(key), now)
            if hold is not None:
                self._known.add(key)
                found.append(hold)
        if not found:
            return None, 0.0
        longest = max(found, key=lambda hold: (hold.hard, hold.until))
        left = longest.until - now
        return (longest, left) if left > 0 else (None, 0.0)

    async def forget(self, scope: str, models: Iterable[str]) -> None:
        """Forget the holds of a provider and these models, whoever noted them: the user says so."""
        for key in {_key(scope, None), *(_key(scope, model) for model in models)}:
            self._known.discard(key)
            await self._store.put(key, "", 0.0)

    async def clear(self, scope: str, model: str | None) -> None:
        """Forget the holds of a provider that has just answered."""
        for key in {_key(scope, None), _key(scope, model)} & self._known:
            self._known.discard(key)
            await self._store.put(key, "", 0.0)


def _key(scope: str, model: str | None) -> str:
    return f"{scope}/not-before/{model or ''}"


def _read(value: str | None, now: float) -> NotBefore | None:
    if not value:
        return None
    try:
        found = json.loads(value)
        until, at = float(found["until"]), float(found.get("at", -math.inf))
        if not _real(until) or at > now + SET_BACK:
            return None
        return NotBefore(until, str(found["kind"]), found["hard"] is True)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _real(number: float) -> bool:
    return math.isfinite(number)
