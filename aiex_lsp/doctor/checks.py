"""What the doctor finds: one check after the other, each with its remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

CheckStatus = Literal["ok", "warning", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `id` is a stable word, `remedy` empty where all is well."""

    id: str
    status: CheckStatus
    message: str
    remedy: str = ""
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All checks; `ok` is false where a provider in use cannot be used."""

    ok: bool
    checks: tuple[Check, ...]


def diagnosis_json(found: Diagnosis) -> dict[str, Any]:
    """Return what `aiex-lsp doctor --json` prints and `aiex/diagnoseConfig` answers."""
    return {
        "ok": found.ok,
        "checks": [
            {
                "id": one.id,
                "provider": one.provider,
                "status": one.status,
                "message": one.message,
                "remedy": one.remedy,
            }
            for one in found.checks
        ],
    }


def fails(checks: Sequence[Check]) -> bool:
    """Return whether one of these checks failed."""
    return any(one.status == "error" for one in checks)
