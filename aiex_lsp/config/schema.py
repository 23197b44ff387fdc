"""The JSON Schema of the configuration file, for editors that check TOML."""

from __future__ import annotations

from typing import Any

from aiex_lsp.config.options import Options


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the file, each key with its description."""
    schema = Options.model_json_schema()
    _without_null(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "aiex-lsp configuration",
    }


def _without_null(node: Any) -> None:
    """Take out `null` and its default: TOML has none, a key is left out instead."""
    if isinstance(node, list):
        for item in node:
            _without_null(item)
    if not isinstance(node, dict):
        return
    if node.get("default", ...) is None:
        del node["default"]
    choices = node.get("anyOf")
    if isinstance(choices, list):
        node["anyOf"] = choices = [choice for choice in choices if choice != {"type": "null"}]
        if len(choices) == 1:
            del node["anyOf"]
            for key, value in choices[0].items():
                node.setdefault(key, value)
    for value in list(node.values()):
        _without_null(value)
