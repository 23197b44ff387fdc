"""Notifications from the client: one module a method, each with `register(server)`."""

from __future__ import annotations

from types import ModuleType

from aiex_lsp.server.notifications import (
    did_change,
    did_change_configuration,
    did_change_watched_files,
    did_change_workspace_folders,
    did_close,
    did_open,
    did_save,
    initialized,
    notebook_did_change,
    notebook_did_close,
    notebook_did_open,
    progress_cancel,
    set_trace,
)

MODULES: tuple[ModuleType, ...] = (
    did_change,
    did_change_configuration,
    did_change_watched_files,
    did_change_workspace_folders,
    did_close,
    did_open,
    did_save,
    initialized,
    notebook_did_change,
    notebook_did_close,
    notebook_did_open,
    progress_cancel,
    set_trace,
)
