"""What calls to providers showed: how fast, how reliable, how many are running, here and at peers.

Latency is a peak-sensitive moving average (Finagle's "peak EWMA", the default of Linkerd): a
sample above the average replaces it at once, lower ones pull it down exponentially in time. What
nobody has measured anew is trusted less and less, so that a provider that was slow or failing is
tried again; how that is turned into a choice is `strategies.LoadBalanced`'s.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from aiex_lsp.llm.measured_peers import News, Told, export, heard
from aiex_lsp.state.types import MEMBER_SECONDS

DECAY_SECONDS = 60.0
"""Time constant of the moving average. Finagle's 10 s suit thousands of calls a second; an editor
makes one in several seconds."""

FORGIVE_SECONDS = 30.0
FORGIVE_CALLS = 18.0
"""Time constants in which trust in a measurement fades: both in time and in calls made elsewhere,
whichever is slower. A provider ten times slower is tried again after about 70 calls (1.5%) and two
minutes, one twice as slow after 30 calls and 50 seconds."""

FORGET_SECONDS = 7200.0
"""Time constant where hardly any calls are made: a night makes a fresh start."""

PACE = (0.8, 1.2)
"""Each measurement fades a little faster or slower, so that servers do not try again in step."""

PRUDENCE = 6.0
"""Calls after which a measurement is trusted by half, growing with their square: the first answers
say little of a model unless they are very bad."""

PEERS_CALLS = 2
"""Calls of peers that count as much as own ones: enough to hear bad news of, not enough that all
servers of a team run to the one provider that was fastest at first."""

SUCCESS_WEIGHT = 0.4
"""Weight of the newest call in the success rate."""

FEWEST_TOKENS = 8
"""Answers of fewer tokens tell nothing about throughput."""

SLOW_FAILURE = 1.0
"""Seconds; a failure that took longer is taken as a time to first token where none is known."""

INTENT_SECONDS = 5.0
"""A provider counts as busier so long after it was chosen, until the call begins."""

MAX_ENTRIES = 512
"""Provider and model pairs kept; those measured longest ago go first."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of a provider and model. Times in seconds.

    `success` is a decayed share of calls (1.0 where none failed). `in_flight` counts calls running
    here and at peers. `calls` counts what was measured here, and at most `PEERS_CALLS` of peers.
    `age` is the time since the newest measurement, None without one. `trust` (0 to 1) is how much
    it should still count: little after few calls, less the longer nobody measured anew. `turn`
    grows with each call of this server: the smaller, the longer ago the provider was asked; 0 if
    never.
    """

    first_token: float | None = None
    tokens_per_second: float | None = None
    success: float = 1.0
    in_flight: int = 0
    calls: int = 0
    age: float | None = None
    trust: float = 0.0
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Activity:
    """What this server does at a provider; `last_selected` is a Unix time."""

    in_flight: int = 0
    request_count: int = 0
    last_selected: float | None = None


@dataclass(slots=True)
class _Entry:
    """One provider and model, or (model None) all models of a provider together."""

    in_flight: int = 0
    requests: int = 0
    last_selected: float | None = None
    turn: int = 0
    first_token: float | None = None
    per_token: float | None = None
    success: float = 1.0
    calls: int = 0
    sampled: float | None = None
    sampled_turn: int = 0
    pace: float = 1.0


class Board:
    """Measurements of one process, and what its peers told of theirs."""

    def __init__(self, now: Callable[[], float], random: Random) -> None:
        self._now = now
        self._random = random
        self._turn = 0
        self._entries: dict[tuple[str, str | None], _Entry] = {}
        self._intents: dict[str, deque[tuple[float, int]]] = {}
        self._peers: dict[str, dict[tuple[str, str | None], News]] = {}
        self._heard_at = -math.inf

    def chosen(self, scope: str) -> None:
        """Take a call as about to begin, so that others choosing at once go elsewhere."""
        self._turn += 1
        self._intents.setdefault(scope, deque(maxlen=100)).append((self._now(), self._turn))

    def started(self, scope: str, model: str) -> None:
        """Count a call that begins."""
        self._turn += 1
        if intents := self._intents.get(scope):
            intents.popleft()
        for entry in self._both(scope, model):
            entry.in_flight += 1
            entry.requests += 1
            entry.turn = self._turn
            entry.last_selected = self._now()

    def finished(
        self,
        scope: str,
        model: str,
        *,
        ok: bool | None,
        first_token: float | None = None,
        seconds: float | None = None,
        output_tokens: int = 0,
    ) -> None:
        """Count a call that ended after `seconds`.

        `ok` None: it was cancelled or failed for no fault of the provider's, and says nothing.
        `first_token` is in seconds, None where none came.
        """
        for entry in self._both(scope, model):
            entry.in_flight = max(0, entry.in_flight - 1)
            if ok is not None:
                self._sample(entry, ok, first_token, seconds, output_tokens)

    def forgive(self, scope: str) -> None:
        """Trust what is known of a provider no more: its circuit was reset, or it is well again."""
        for key, entry in self._entries.items():
            if key[0] == scope:
                entry.sampled = None
                entry.success = 1.0

    def view(self, scope: str, model: str | None) -> Measured:
        """Return what is known of a model, of all models of the provider together for None.

        The newest measurement counts, whoever made it.
        """
        now = self._now()
        entry = self._entries.get((scope, model)) or _Entry()
        if entry.sampled is not None:
            entry.sampled = min(entry.sampled, now)  # the clock may have been set back
        in_flight, turn = entry.in_flight, entry.turn
        newest: _Entry | News | None = entry if entry.sampled is not None else None
        peers_calls = 0
        for told in self._peers.values():
            news = told.get((scope, model))
            if news is None:
                continue
            in_flight += news.in_flight if now - self._heard_at <= MEMBER_SECONDS else 0
            if news.sampled is None:
                continue
            peers_calls += news.calls
            if newest is None or (newest.sampled or 0.0) < news.sampled:
                newest = news
        if model is None:
            for at, chosen_turn in self._intents.get(scope, ()):
                if abs(now - at) <= INTENT_SECONDS:
                    in_flight += 1
                    turn = chosen_turn
        if newest is None or newest.sampled is None:
            return Measured(in_flight=in_flight, turn=turn)
        calls = entry.calls + min(peers_calls, PEERS_CALLS)
        return Measured(
            first_token=newest.first_token,
            tokens_per_second=1 / newest.per_token if newest.per_token else None,
            success=newest.success,
            in_flight=in_flight,
            calls=calls,
            age=max(0.0, now - newest.sampled),
            trust=calls**2 / (calls**2 + PRUDENCE**2) * self._kept(newest, now),
            turn=turn,
        )

    def activity(self, scope: str) -> Activity:
        """Return what this server does at a provider, all its models together."""
        entry = self._entries.get((scope, None)) or _Entry()
        return Activity(entry.in_flight, entry.requests, entry.last_selected)

    def export(self) -> dict[str, Any]:
        """Return what peers may know, as JSON; `take_peers` reads it."""
        now = self._now()
        told = [
            Told(
                scope=scope,
                model=model,
                first_token=entry.first_token,
                per_token=entry.per_token,
                success=entry.success,
                calls=entry.calls,
                in_flight=entry.in_flight,
                sampled=entry.sampled,
                age=None if entry.sampled is None else max(0.0, now - entry.sampled),
            )
            for (scope, model), entry in self._entries.items()
        ]
        return export(told)

    def take_peers(self, payloads: Mapping[str, Mapping[str, Any]]) -> None:
        """Take what each other member exported last; who is not among them has gone.

        Nothing is believed of its form: what has another one is left out.
        """
        self._heard_at = self._now()
        self._peers = {
            member: heard(payload, self._heard_at, self._turn, self._peers.get(member, {}))
            for member, payload in payloads.items()
        }

    def _both(self, scope: str, model: str) -> tuple[_Entry, _Entry]:
        return self._entry(scope, model), self._entry(scope, None)

    def _entry(self, scope: str, model: str | None) -> _Entry:
        key = (scope, model)
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= MAX_ENTRIES:
                self._drop_oldest()
            entry = self._entries[key] = _Entry()
        return entry

    def _drop_oldest(self) -> None:
        idle = [key for key, entry in self._entries.items() if not entry.in_flight]
        if idle:
            del self._entries[min(idle, key=lambda key: self._entries[key].last_selected or 0.0)]

    def _sample(
        self,
        entry: _Entry,
        ok: bool,
        first_token: float | None,
        seconds: float | None,
        output_tokens: int,
    ) -> None:
        now = self._now()
        keep = 0.0
        if entry.sampled is not None:
            keep = math.exp(-max(0.0, now - entry.sampled) / DECAY_SECONDS) * self._kept(entry, now)
        if ok:
            entry.success += SUCCESS_WEIGHT * (1 - entry.success)
            if first_token is not None:
                entry.first_token = _peak(entry.first_token, first_token, keep)
                if seconds is not None and output_tokens >= FEWEST_TOKENS:
                    per_token = max(0.0, seconds - first_token) / output_tokens
                    entry.per_token = _peak(entry.per_token, per_token, keep)
        else:
            entry.success -= SUCCESS_WEIGHT * entry.success
            waited = first_token if first_token is not None else seconds or 0.0
            # A quick refusal must not make a provider look fast.
            if waited > (SLOW_FAILURE if entry.first_token is None else entry.first_token):
                entry.first_token = waited
        entry.calls += 1
        entry.sampled = now
        entry.sampled_turn = self._turn
        entry.pace = self._random.uniform(*PACE)

    def _kept(self, one: _Entry | News, now: float) -> float:
        """Return the part of a measurement's trust that has not faded yet."""
        if one.sampled is None:
            return 0.0
        seconds = max(0.0, now - one.sampled)
        calls = self._turn - one.sampled_turn
        faded = min(seconds / FORGIVE_SECONDS, calls / FORGIVE_CALLS)
        return math.exp(-max(faded, seconds / FORGET_SECONDS) * one.pace)


def _peak(average: float | None, sample: float, keep: float) -> float:
    if average is None or sample >= average:
        return sample
    return keep * average + (1 - keep) * sample
