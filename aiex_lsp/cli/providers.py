"""`aiex-lsp providers`: how each provider is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from aiex_lsp.cli.common import Common, common_options
from aiex_lsp.errors import UsageError


@click.command("providers")
@click.option("--check", is_flag=True, help="Probe each provider now; costs nothing.")
@common_options
def command(common: Common, check: bool) -> None:
    """Show each provider: health, circuit, limits left, model, latency.

    Without --check it is what running servers have seen.
    """
    import asyncio

    from aiex_lsp.cli import jsonable
    from aiex_lsp.cli.output import Progress
    from aiex_lsp.cli.target import project_root

    app = common.app(project_root(Path.cwd()))
    progress = Progress()

    async def work() -> list[dict[str, Any]]:
        try:
            if check:
                progress.show("asking each provider how it is")
                return await app.overview.check_health(common.provider)
            return await app.overview.providers()
        finally:
            await app.aclose()

    try:
        found = asyncio.run(work())
    finally:
        progress.clear()
    if common.provider is not None:
        found = [one for one in found if one["provider"] == common.provider]
        known = app.settings.providers.get(common.provider)
        if not found and known is not None and known.wrong_address:
            raise UsageError(
                f"The base_url of {common.provider} cannot be used, so it is not asked",
                f"Correct it: `aiex-lsp config set providers.{common.provider}.base_url ADDRESS`",
            )
        if not found:
            raise UsageError(
                f"Provider {common.provider!r} is not switched on",
                f"`aiex-lsp config set providers.{common.provider}.enabled true` does that",
            )
    if common.as_json:
        click.echo(jsonable.dump(found))
    else:
        _print(found)


def _print(found: list[dict[str, Any]]) -> None:
    from aiex_lsp.cli.output import terminal_safe
    from aiex_lsp.cli.table import print_table

    head = ("PROVIDER", "TYPE", "HEALTH", "CIRCUIT", "REQUESTS", "TOKENS", "LATENCY", "MODEL")
    rows = [
        (
            one["provider"],
            one["type"],
            one["status"],
            one["circuit"]["state"].replace("_", " "),
            _left(one["rateLimit"]["requests"]),
            _left(one["rateLimit"]["tokens"]),
            _latency(one["responseTimeMs"]),
            terminal_safe(one["model"] or "-"),
        )
        for one in found
    ]
    print_table(head, rows)
    now = datetime.now(UTC)
    for one in found:
        if one["circuit"]["failureCount"]:
            click.secho(f"{one['provider']}: {circuit_line(one['circuit'], now)}", dim=True)
        if one["error"]:
            click.secho(f"{one['provider']}: {terminal_safe(one['error'])}", dim=True)


def circuit_line(circuit: dict[str, Any], now: datetime) -> str:
    """Return a circuit's state, failures, time since the last and until the next probe."""
    count = circuit["failureCount"]
    parts = [f"circuit {circuit['state'].replace('_', ' ')}, {count} failure{'s' * (count != 1)}"]
    if circuit["lastFailure"]:
        parts.append(f"the last {_seconds(now, circuit['lastFailure'], -1)} s ago")
    if circuit["retryAt"]:
        parts.append(f"next probe in {_seconds(now, circuit['retryAt'], 1)} s")
    return ", ".join(parts)


def _seconds(now: datetime, at: str, direction: int) -> int:
    return max(0, round(direction * (datetime.fromisoformat(at) - now).total_seconds()))


def _left(limit: dict[str, Any]) -> str:
    """Return what is left of this minute's limit."""
    if limit["limit"] is None:
        return "unlimited" if limit["remaining"] is None else f"{limit['remaining']:,} left"
    return f"{limit['remaining']:,} of {limit['limit']:,}"


def _latency(milliseconds: int | None) -> str:
    if milliseconds is None:
        return "-"
    return f"{milliseconds:,} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"
