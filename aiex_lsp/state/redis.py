"""Shared state of a team: in Redis, each step one script on the server's clock.

All keys begin with `aiex:` and expire. What one script touches carries the same hash tag, the
scope (what stands before a name's first `/`), so that a cluster can hold it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from random import Random

from aiex_lsp.state import circuit as breaker
from aiex_lsp.state.primary import PrimaryStore, Seen
from aiex_lsp.state.redis_client import TIME_LIMIT, Argument, RedisClient
from aiex_lsp.state.redis_scripts import Script
from aiex_lsp.state.redis_words import (
    born_key,
    by_scope,
    circuit_key,
    circuit_of,
    number_or_none,
    or_empty,
    rows_of,
    text_of,
    window_key,
)
from aiex_lsp.state.types import (
    MEMBER_SECONDS,
    WINDOW_SECONDS,
    Admission,
    CallOutcome,
    Ceiling,
    Circuit,
    CircuitChange,
    CircuitPolicy,
    Limited,
    Member,
    Reservation,
    Row,
    WindowLimits,
    WindowUsage,
)
from aiex_lsp.state.units import MICROSECONDS, to_micros, to_seconds

_LIMITS: dict[bytes, Limited] = {b"requests": "requests", b"tokens": "tokens"}
_MEMBERS = ("aiex:{members}:times", "aiex:{members}:payloads")
_CACHE = tuple(f"aiex:{{cache}}:{part}" for part in ("answers", "until", "used", "totals"))


class RedisStore(PrimaryStore):
    """A store at `url`, which may hold a password and is never shown.

    `random` gives the breaker's jitter, `window` is the length of the rate limits' window and
    `limit` the time an operation may take, in seconds. `clock` stands in for the server's in
    tests.
    """

    kind = "redis"

    def __init__(
        self,
        url: str,
        *,
        random: Random,
        window: float = WINDOW_SECONDS,
        limit: float = TIME_LIMIT,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._client = RedisClient(url, limit)
        self._random = random
        self._clock = clock
        self._length = to_micros(window)
        self._scripts: dict[str, Script] = {}

    async def reserve_seen(
        self,
        window: str,
        row: Row,
        limits: WindowLimits,
        share: int = 1,
        *,
        born: str | None = None,
        view: bool = False,
    ) -> Seen:
        """Reserve in one script, nothing in a Redis that lost what `born` stands for."""
        reply = await self._run(
            "reserve",
            (window_key(window), born_key(window)),
            self._length,
            row.id,
            row.tokens,
            share,
            or_empty(limits.requests),
            or_empty(limits.tokens),
            born or "",
            os.urandom(8).hex(),
            int(view),
        )
        identity = text_of(reply[0])
        if reply[1] == b"-1":
            return Seen(None, identity)
        granted, at, requests, tokens, refused, wait, free, by_provider = reply[1:9]
        answer = Reservation(
            granted=granted == b"1",
            id=row.id,
            at=to_seconds(int(at)),
            requests=int(requests),
            tokens=int(tokens),
            refused=_LIMITS.get(refused),
            wait=math.inf if wait == b"inf" else int(wait) / MICROSECONDS,
            free_tokens=number_or_none(free),
            by_provider=by_provider == b"1",
        )
        return Seen(answer, identity, rows_of(reply[9:]) if view else None)

    async def settle(self, window: str, row_id: str, tokens: int) -> None:
        """Set the tokens a granted request used in the end."""
        await self._run("settle", (window_key(window),), self._length, row_id, tokens)

    async def release(self, window: str, row_id: str) -> None:
        """Give a reservation back whole."""
        await self._run("release", (window_key(window),), self._length, row_id)

    async def publish(self, window: str, rows: Sequence[Row]) -> None:
        """Add rows that are not there."""
        flat = [part for row in rows for part in (row.id, to_micros(row.at), row.tokens)]
        await self._run("publish", (window_key(window),), self._length, *flat)

    async def lower(self, window: str, ceiling: Ceiling) -> None:
        """Hold a window to what the provider said is left."""
        told = [
            or_empty(ceiling.requests),
            "" if ceiling.requests_reset is None else to_micros(ceiling.requests_reset),
            or_empty(ceiling.tokens),
            "" if ceiling.tokens_reset is None else to_micros(ceiling.tokens_reset),
        ]
        await self._run("lower", (window_key(window),), self._length, *told)

    async def usage_seen(self, window: str) -> tuple[WindowUsage, str]:
        """Return what a window holds now, and what stands for this Redis' content."""
        reply = await self._run("usage", (window_key(window), born_key(window)), self._length)
        found = WindowUsage(
            requests=int(reply[1]),
            tokens=int(reply[2]),
            rows=rows_of(reply[5:]),
            requests_left=number_or_none(reply[3]),
            tokens_left=number_or_none(reply[4]),
        )
        return found, text_of(reply[0])

    async def admit(
        self, circuits: Sequence[str], holder: str, lease: float, policy: CircuitPolicy
    ) -> Admission:
        """Return whether a call may go through all of `circuits`; a cluster wants one scope."""
        if not circuits:
            return Admission(True, await self.now())
        names = list(dict.fromkeys(circuits))
        keys = [circuit_key(name) for name in names]
        reply = await self._run("admit", keys, holder, to_micros(lease))
        now = int(reply[0])
        if reply[1] == b"1":
            return Admission(True, to_seconds(now), probe=reply[2] == b"1")
        refused_by = circuit_of(names[int(reply[2]) - 1], reply[3], now)
        return Admission(False, to_seconds(now), refused_by=refused_by)

    async def record(
        self, outcomes: Mapping[str, CallOutcome], holder: str, policy: CircuitPolicy
    ) -> list[CircuitChange]:
        """Take what a call showed of each circuit; a cluster wants one scope."""
        chance = self._random.random()
        if not outcomes:
            return []
        reply = await self._run(
            "record",
            [circuit_key(name) for name in outcomes],
            holder,
            repr(chance),
            policy.failure_threshold,
            to_micros(policy.open_seconds),
            to_micros(policy.max_open_seconds),
            repr(policy.failure_share),
            to_micros(policy.share_window),
            policy.share_least,
            to_micros(policy.ramp_seconds),
            repr(policy.jitter),
            *outcomes.values(),
        )
        now = int(reply[0])
        return [
            CircuitChange(
                circuit_of(name, reply[2 * place + 2], now),
                breaker.STATES[text_of(reply[2 * place + 1])],
            )
            for place, name in enumerate(outcomes)
        ]

    async def permit(self, circuits: Sequence[str]) -> None:
        """Let open circuits probe now."""
        for names in by_scope(circuits):
            await self._run("permit", [circuit_key(name) for name in names])

    async def circuits(self, names: Sequence[str]) -> list[Circuit]:
        """Return circuits as they are, one script a scope."""
        found: dict[str, Circuit] = {}
        for group in by_scope(names):
            reply = await self._run("circuits", [circuit_key(name) for name in group])
            for name, fields in zip(group, reply[1:], strict=True):
                found[name] = circuit_of(name, fields, int(reply[0]))
        return [found[name] for name in names]

    async def reset(self, circuits: Sequence[str]) -> None:
        """Close circuits and forget their failures."""
        for names in by_scope(circuits):
            await self._run("forget", [circuit_key(name) for name in names])

    async def get(self, key: str) -> str | None:
        """Return a value, None where there is none or its time has passed."""
        reply = await self._run("get", (f"aiex:value:{key}",))
        return text_of(reply[0]) if reply else None

    async def put(self, key: str, value: str, ttl: float) -> None:
        """Keep a value for `ttl` seconds; 0 or less removes it."""
        await self._run("put", (f"aiex:value:{key}",), value, to_micros(ttl))

    async def cached(self, key: str) -> bytes | None:
        """Return a cached answer, None where there is none or it is too old."""
        reply = await self._run("cached", _CACHE, key)
        return bytes(reply[0]) if reply else None

    async def cache(self, key: str, value: bytes, ttl: float, max_bytes: int) -> None:
        """Keep an answer; those used least recently go."""
        await self._run("cache", _CACHE, key, value, to_micros(ttl), max_bytes)

    async def beat(self, member: Member) -> list[Member]:
        """Tell that this server is there; return all members."""
        return await self._members(member.id, member.host, member.payload)

    async def members(self) -> list[Member]:
        """Return the members of the last `MEMBER_SECONDS`, by id."""
        return await self._members()

    async def leave(self, member_id: str) -> None:
        """Take a member out at once."""
        await self._run("leave", _MEMBERS, member_id)

    async def now(self) -> float:
        """Return the server's clock."""
        return to_seconds(int((await self._run("now", ()))[0]))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _members(self, *member: str) -> list[Member]:
        reply = await self._run("beat", _MEMBERS, to_micros(MEMBER_SECONDS), *member)
        parts = [text_of(part) for part in reply]
        found = [
            Member(parts[place], parts[place + 2], to_seconds(int(parts[place + 1])), payload)
            for place, payload in zip(range(0, len(parts), 4), parts[3::4], strict=True)
        ]
        return sorted(found, key=lambda member: member.id)

    async def _run(self, name: str, keys: Sequence[str], *args: Argument) -> list[bytes]:
        script = self._scripts.setdefault(name, Script(name))
        clock = "" if self._clock is None else str(to_micros(self._clock()))
        reply: list[bytes] = await self._client.run(script, keys, clock, *args)
        return reply
