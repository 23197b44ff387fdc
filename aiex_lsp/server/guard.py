"""Where aiex is silent: paused, switched off by language or folder, files of secrets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from aiex_lsp.config.settings import Settings
from aiex_lsp.context.ignore import WorkspaceFiles
from aiex_lsp.context.secrets import is_secret, is_secret_document
from aiex_lsp.errors import DisabledError
from aiex_lsp.server.documents import named, path_of, shown
from aiex_lsp.text.snapshot import Snapshot

if TYPE_CHECKING:
    from aiex_lsp.server.server import AiexServer


def why_silent(ls: AiexServer, snapshot: Snapshot, settings: Settings) -> DisabledError | None:
    """Return why nothing is offered for a document, None where aiex is at work."""
    features = settings.features
    if ls.paused or not features.enabled:
        return DisabledError(
            "aiex is paused", "Resume it with aiex/pause" if ls.paused else "Set features.enabled"
        )
    if snapshot.language_id in features.disabled_languages:
        return DisabledError(
            f"aiex is off for {snapshot.language_id}",
            "Take the language out of features.disabled_languages",
        )
    if is_secret_document(named(snapshot.uri)):
        return DisabledError(f"{shown(snapshot.uri)} may hold secrets; it is not sent to a model")
    path = path_of(snapshot.uri)
    if path is None:
        return None
    for folder in features.disabled_folders:
        wanted = Path(folder).expanduser()
        bases = [wanted] if wanted.is_absolute() else [root / wanted for root in ls.documents.roots]
        if any(path.is_relative_to(base) for base in bases):
            return DisabledError(
                f"aiex is off in the folder {folder}",
                "Take the folder out of features.disabled_folders",
            )
    return None


def readable(ls: AiexServer, settings: Settings) -> Callable[[str], Snapshot | None]:
    """Return what gives an open document by uri, None where a model may not see it. For threads."""

    def opened(uri: str) -> Snapshot | None:
        snapshot = ls.documents.get(uri)
        if snapshot is None or why_silent(ls, snapshot, settings) is not None:
            return None
        if is_secret(named(snapshot.uri)):
            return None  # the user may ask about `secrets.py`; nothing else brings it along
        path = path_of(snapshot.uri)
        if path is None:
            return snapshot
        folders = [root for root in ls.documents.roots if path.is_relative_to(root)]
        checks = [WorkspaceFiles(folder) for folder in folders or [path.parent]]
        return None if any(one.refusal(path) for one in checks) else snapshot

    return opened


def ensure_at_work(ls: AiexServer, snapshot: Snapshot, settings: Settings) -> None:
    """Raise `DisabledError` where nothing may be asked about a document."""
    if (error := why_silent(ls, snapshot, settings)) is not None:
        raise error
