"""The manifest of the VS Code extension: settings as the server has them, commands, keys."""

from __future__ import annotations

import json
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from aiex_lsp import __version__
from aiex_lsp.config.schema import json_schema

EXTENSION = Path(__file__).parents[2] / "editors" / "vscode"
OWN = {"aiex.server.command", "aiex.server.install", "aiex.codeLens"}


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = spec_from_file_location("vscode_settings", EXTENSION / "scripts" / "settings.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def settings_of(manifest: dict[str, Any]) -> dict[str, Any]:
    groups = manifest["contributes"]["configuration"]
    return {key: one for group in groups for key, one in group["properties"].items()}


def server_settings() -> dict[str, str]:
    """Return each setting of the server with its description; `access` is the administrator's."""
    schema = json_schema()
    found = {}
    for name, node in schema["properties"].items():
        whole = schema["$defs"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node
        if "properties" in whole:
            for key, one in whole["properties"].items():
                found[f"aiex.{name}.{key}"] = one["description"]
        elif name != "access":
            found[f"aiex.{name}"] = whole["description"]
    return found


def test_each_setting_of_the_server_is_one_of_the_extension(manifest: dict[str, Any]) -> None:
    assert set(settings_of(manifest)) - OWN == set(server_settings())


def test_settings_are_described_as_the_server_describes_them(manifest: dict[str, Any]) -> None:
    ours = settings_of(manifest)
    for key, description in server_settings().items():
        assert ours[key]["description"].startswith(description), key


def test_the_manifest_is_what_its_generator_writes(
    manifest: dict[str, Any], generator: ModuleType
) -> None:
    assert generator.apply(manifest) == manifest, (
        "settings have changed: run `.venv/bin/python editors/vscode/scripts/settings.py`"
    )


def test_defaults_are_the_servers_but_for_two(manifest: dict[str, Any]) -> None:
    ours = settings_of(manifest)
    assert ours["aiex.hover.mode"]["default"] == "cached", "the mouse hovers in VS Code"
    assert ours["aiex.edits.confirm"]["default"] == "always", "it has a preview"
    assert ours["aiex.strategy"]["default"] == "load_balanced"
    assert ours["aiex.circuit_breaker.failure_threshold"]["default"] == 5


def test_both_sides_of_the_extension_agree_on_those_two(generator: ModuleType) -> None:
    source = (EXTENSION / "src" / "settings.ts").read_text(encoding="utf-8")
    here = re.search(r"HERE: Json = \{(.*?)\}", source)
    assert here is not None
    assert dict(re.findall(r'"([\w.]+)": "(\w+)"', here[1])) == generator.HERE


def test_no_setting_holds_a_key(manifest: dict[str, Any]) -> None:
    assert "api_key" not in json.dumps(manifest["contributes"]["configuration"])


def test_no_workspace_may_say_where_text_goes_or_what_is_run(manifest: dict[str, Any]) -> None:
    for key, one in settings_of(manifest).items():
        section = key.split(".")[1]
        if section == "server":
            assert one["scope"] == "machine", key
        if section in ("providers", "tasks", "coordination", "privacy", "budget"):
            assert one["scope"] == "application", key


def test_without_trust_no_setting_of_the_workspace_counts(manifest: dict[str, Any]) -> None:
    trust = manifest["capabilities"]["untrustedWorkspaces"]
    assert trust["supported"] == "limited"
    assert set(trust["restrictedConfigurations"]) == set(settings_of(manifest))
    assert manifest["capabilities"]["virtualWorkspaces"]["supported"] is False
    assert manifest["extensionKind"] == ["workspace"]


def test_command_ids_are_ours_and_each_has_code(manifest: dict[str, Any]) -> None:
    ids = [one["command"] for one in manifest["contributes"]["commands"]]
    sources = [path.read_text(encoding="utf-8") for path in (EXTENSION / "src").rglob("*.ts")]
    code = "\n".join(sources)
    for command in ids:
        assert command.startswith("aiex."), command
        assert f'"{command}": (' in code, command
    made = set(re.findall(r'^ +"(aiex\.\w+)": \(', code, re.M))
    assert made == set(ids)


def test_what_needs_the_server_appears_only_while_it_runs(manifest: dict[str, Any]) -> None:
    without = {"aiex.answers", "aiex.menu", "aiex.openConfig", "aiex.setKey", "aiex.removeKey"}
    without |= {"aiex.showLog", "aiex.restart"}
    palette = {
        one["command"]: one["when"] for one in manifest["contributes"]["menus"]["commandPalette"]
    }
    for one in manifest["contributes"]["commands"]:
        if one["command"] in without:
            continue
        assert one["enablement"].startswith("aiex.running"), one
        assert "aiex.running" in palette[one["command"]]


def test_keys_are_chords_of_one_free_prefix(manifest: dict[str, Any]) -> None:
    keys = manifest["contributes"]["keybindings"]
    assert all(re.fullmatch(r"alt\+i [a-z]", one["key"]) for one in keys)
    assert all(one["mac"] == f"ctrl+{one['key']}" for one in keys)
    assert len({one["key"] for one in keys}) == len(keys)


def test_the_version_is_the_servers(manifest: dict[str, Any]) -> None:
    assert manifest["version"] == __version__


def test_files_the_manifest_names_are_there(manifest: dict[str, Any]) -> None:
    steps = manifest["contributes"]["walkthroughs"][0]["steps"]
    for name in [manifest["icon"], *(step["media"]["markdown"] for step in steps)]:
        assert (EXTENSION / name).is_file(), name
