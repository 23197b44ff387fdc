"""Requests: one module a method, each with `register(server)`."""

from __future__ import annotations

from types import ModuleType

from aiex_lsp.server.requests import (
    analyze,
    cancel,
    clear_findings,
    code_action,
    explain,
    follow_up,
    generate_tests,
    hover,
    models,
    pause,
    render_prompt,
    run,
    select_provider,
    templates,
)

MODULES: tuple[ModuleType, ...] = (
    analyze,
    cancel,
    clear_findings,
    code_action,
    explain,
    follow_up,
    generate_tests,
    hover,
    models,
    pause,
    render_prompt,
    run,
    select_provider,
    templates,
)
