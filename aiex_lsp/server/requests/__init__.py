"""Requests: one module a method, each with `register(server)`."""

from __future__ import annotations

from types import ModuleType

from aiex_lsp.server.requests import (
    analyze,
    cancel,
    check_health,
    clear_findings,
    cluster_health,
    code_action,
    diagnose_config,
    document,
    explain,
    fix,
    follow_up,
    generate_tests,
    hover,
    models,
    pause,
    providers,
    refactor,
    render_prompt,
    reset_circuit,
    run,
    select_provider,
    templates,
    usage,
)

MODULES: tuple[ModuleType, ...] = (
    analyze,
    cancel,
    check_health,
    clear_findings,
    cluster_health,
    code_action,
    diagnose_config,
    document,
    explain,
    fix,
    follow_up,
    generate_tests,
    hover,
    models,
    pause,
    providers,
    refactor,
    render_prompt,
    reset_circuit,
    run,
    select_provider,
    templates,
    usage,
)
