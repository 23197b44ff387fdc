"""Circuits that go on, as they were last seen, when the shared store is away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from aiex_lsp.state.background import Background
from aiex_lsp.state.lifeline import Away, Lifeline
from aiex_lsp.state.memory import MemoryStore
from aiex_lsp.state.types import (
    Admission,
    CallOutcome,
    Circuit,
    CircuitChange,
    CircuitPolicy,
)


class SharedCircuits:
    """The circuits of one server. `local` decides while the shared store is away."""

    def __init__(self, local: MemoryStore, background: Background) -> None:
        self._local = local
        self._background = background
        self._seen: dict[str, Circuit] = {}

    def lose(self) -> None:
        """Go on alone from what was last seen of circuits that are not closed."""
        self._local.adopt([one for one in self._seen.values() if one.state != "closed"])

    def forget(self, names: Iterable[str]) -> None:
        """Drop what was seen: they were reset."""
        for name in names:
            self._seen.pop(name, None)

    async def admit(
        self,
        line: Lifeline | None,
        circuits: Sequence[str],
        holder: str,
        lease: float,
        policy: CircuitPolicy,
    ) -> Admission:
        """Return whether a call may go through all of `circuits`."""
        if line is None:
            return await self._local.admit(circuits, holder, lease, policy)
        try:
            answer = await line.ask(lambda store: store.admit(circuits, holder, lease, policy))
        except Away:
            return await self._local.admit(circuits, holder, lease, policy)
        except asyncio.CancelledError:
            # It may hold the probe; nobody is left to use it.
            nothing: dict[str, CallOutcome] = dict.fromkeys(circuits, "nothing")
            self._background.start(self._record(line, nothing, holder, policy))
            raise
        if answer.refused_by is not None:
            self._seen[answer.refused_by.name] = answer.refused_by
        elif not answer.probe:
            self.forget(circuits)
        return answer

    async def record(
        self,
        line: Lifeline | None,
        outcomes: Mapping[str, CallOutcome],
        holder: str,
        policy: CircuitPolicy,
    ) -> list[CircuitChange]:
        """Take what a call showed of each circuit, even if the caller is cancelled meanwhile."""
        if line is None:
            return await self._local.record(outcomes, holder, policy)
        return await self._background.run(self._record(line, outcomes, holder, policy))

    async def circuits(self, line: Lifeline | None, names: Sequence[str]) -> list[Circuit]:
        """Return circuits as they are."""
        if line is None:
            return await self._local.circuits(names)
        try:
            found = await line.ask(lambda store: store.circuits(names))
        except Away:
            return await self._local.circuits(names)
        self._seen.update((one.name, one) for one in found)
        return found

    async def _record(
        self,
        line: Lifeline,
        outcomes: Mapping[str, CallOutcome],
        holder: str,
        policy: CircuitPolicy,
    ) -> list[CircuitChange]:
        try:
            changes = await line.ask(lambda store: store.record(outcomes, holder, policy))
        except Away:
            return await self._local.record(outcomes, holder, policy)
        self._seen.update((change.circuit.name, change.circuit) for change in changes)
        return changes
