"""Writes the server's settings into package.json: as its JSON Schema tells them.

Run it with the server's Python after its settings have changed: `python scripts/settings.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiex_lsp.config.defaults import default_values
from aiex_lsp.config.schema import json_schema

MANIFEST = Path(__file__).parents[1] / "package.json"

Json = dict[str, Any]

HERE = {"hover.mode": "cached", "edits.confirm": "always"}
"""What holds in VS Code where nothing is set: `HERE` of src/settings.ts."""

NOT_SETTINGS = frozenset({"access"})
"""The administrator's file alone holds these."""

OF_THE_USER = ("providers", "tasks", "coordination", "privacy", "budget")
"""Where text goes, and what of it: no workspace's settings may change that, and in a remote window
the user's own hold (those of scope "machine" do not reach it)."""

_UNSET: Json = {"boolean": False, "string": "", "array": [], "object": {}}
_TITLES = {"": "Choice and limits of time", "circuit_breaker": "Circuit breaker"}


def groups() -> list[Json]:
    """Return the server's settings as groups of `contributes.configuration`."""
    schema = json_schema()
    found: dict[str, Json] = {"": {}}
    for name, raw in schema["properties"].items():
        if name in NOT_SETTINGS:
            continue
        node = _whole(raw, schema["$defs"])
        if "properties" in node:
            found[name] = {f"{name}.{key}": one for key, one in node["properties"].items()}
        elif node["type"] == "object":
            found[name] = {name: node}
        else:
            found[""][name] = node
    return [
        {
            "title": _TITLES.get(section) or section.capitalize(),
            "order": order,
            "properties": {f"aiex.{key}": _setting(key, node) for key, node in settings.items()},
        }
        for order, (section, settings) in enumerate(found.items(), 2)
    ]


def apply(manifest: Json) -> Json:
    """Return the manifest with the server's settings in it; the extension's own come first."""
    own = manifest["contributes"]["configuration"][:1]
    configuration = [*own, *groups()]
    contributes = {**manifest["contributes"], "configuration": configuration}
    trust = {
        **manifest["capabilities"]["untrustedWorkspaces"],
        "restrictedConfigurations": [key for one in configuration for key in one["properties"]],
    }
    capabilities = {**manifest["capabilities"], "untrustedWorkspaces": trust}
    return {**manifest, "contributes": contributes, "capabilities": capabilities}


def read() -> Json:
    """Return package.json."""
    manifest: Json = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return manifest


def _setting(key: str, node: Json) -> Json:
    """Return one setting; its default is what holds where nobody sets it."""
    section = key.split(".")[0]
    setting = {name: value for name, value in node.items() if name not in ("title", "default")}
    default = HERE.get(key, _default(key))
    note = "" if default is not None or key in HERE else " Left out: as the configuration says."
    setting["description"] = node["description"] + note
    setting["default"] = default
    if default is None and node["type"] in ("number", "integer"):
        setting["type"] = [node["type"], "null"]
    elif default is None:
        setting["default"] = _UNSET[node["type"]]
    setting["scope"] = "application" if section in OF_THE_USER else "window"
    return setting


def _default(key: str) -> Any:
    value: Any = default_values()
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, dict):
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _whole(node: Any, definitions: Json) -> Any:
    """Return a schema without references and titles; keys of providers are no setting."""
    if isinstance(node, list):
        return [_whole(one, definitions) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _whole(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions)
    found = {name: _whole(one, definitions) for name, one in node.items()}
    if isinstance(found.get("title"), str):
        del found["title"]
    if isinstance(found.get("properties"), dict):
        found["properties"].pop("api_key", None)
    return found


if __name__ == "__main__":
    text = json.dumps(apply(read()), indent=2, ensure_ascii=False)
    MANIFEST.write_text(text + "\n", encoding="utf-8")
