"""The doctor: each configuration problem with its remedy.

`diagnose` looks at every provider at once, each within its time limit, then at the shared state
and at the configuration itself. Nothing it does costs money.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from aiex_lsp.config.settings import Problem, Settings
from aiex_lsp.doctor.checks import Check, CheckStatus, Diagnosis, diagnosis_json, fails
from aiex_lsp.doctor.provider import examine
from aiex_lsp.llm.pool import AdapterPool
from aiex_lsp.llm.summary import chosen, in_use, missing

if TYPE_CHECKING:
    from aiex_lsp.state.shared import SharedState

__all__ = ["LIMIT", "Check", "CheckStatus", "Diagnosis", "diagnose", "diagnosis_json"]

LIMIT = 8.0
"""Seconds for one provider; some editors give up on a command after ten."""


async def diagnose(
    settings: Settings, pool: AdapterPool, store: SharedState | None = None, *, limit: float = LIMIT
) -> Diagnosis:
    """Return everything that was checked. Takes little more than `limit` seconds."""
    meant = chosen(settings)
    used = {one.name for one in in_use(settings)}
    names = list(settings.providers)
    *exams, state = await asyncio.gather(
        *(
            examine(
                settings.providers[name],
                settings,
                pool,
                used=meant and name in used,
                limit=limit,
            )
            for name in names
        ),
        _state(store),
    )
    checks = dict(zip(names, exams, strict=True))
    found = [one for name in names for one in checks[name]]
    ok = not missing(settings) and not any(fails(one) for one in exams)
    if not meant:
        usable = [name for name in names if name in used and _usable(checks[name])]
        found.append(_anybody(usable))
        ok = bool(usable)
    return Diagnosis(ok, (*found, *state, *(_problem(one) for one in settings.problems)))


def _usable(checks: list[Check]) -> bool:
    return bool(checks) and all(one.status in ("ok", "warning") for one in checks)


def _anybody(usable: list[str]) -> Check:
    """Return whether a call finds somebody where nothing is configured."""
    if usable:
        return Check("any", "ok", f"Nothing is configured; {usable[0]} answers")
    return Check(
        "any",
        "error",
        "Nothing is configured, and nobody on this machine can answer",
        "Start Ollama or LM Studio, run `aiex-lsp models install`, or configure a provider.",
    )


async def _state(store: SharedState | None) -> list[Check]:
    if store is None:
        return []
    await store.now()  # opens it, if nobody has yet
    if not await store.recover():
        remedy = _STATE_REMEDIES.get(store.backend, "")
        why = f"Servers do not share their limits and circuits: {store.degraded}"
        return [Check("state", "warning", why, remedy)]
    if store.backend == "memory":
        return [Check("state", "ok", "Limits and circuits are this server's own (memory)")]
    others = len({one.id for one in await store.members()} - {store.member_id})
    company = {0: "no other server is running", 1: "one other server is running"}
    seen = company.get(others, f"{others} other servers are running")
    return [Check("state", "ok", f"The shared state ({store.backend}) works; {seen}")]


_STATE_REMEDIES = {
    "sqlite": "See that the state folder can be written to and its disk has room.",
    "redis": "Start Redis, or correct [coordination] in the configuration.",
    "memory": 'Set backend under [coordination]: "redis" to share them, "memory" to do without.',
}


def _problem(problem: Problem) -> Check:
    place = problem.file or ""
    if problem.line is not None:
        place += f":{problem.line}"
    name = Path(problem.file).name if problem.file else "the configuration"
    status: CheckStatus = "error" if problem.severity == "error" else "warning"
    message = f"{place}: {problem.message}" if place else problem.message
    return Check("config", status, message, f"Correct {problem.key or 'it'} in {name}.")
