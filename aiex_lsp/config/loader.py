"""The settings that hold, from every layer; nothing that is written anywhere can make this fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aiex_lsp.config.defaults import DEFAULT_BASE_URLS, default_values
from aiex_lsp.config.environment import DEFAULT_LOG_LEVEL, environment_layer, log_level
from aiex_lsp.config.files import TomlFile, parse_toml, read_toml
from aiex_lsp.config.layers import Kind, Layer, make_layer, merge
from aiex_lsp.config.paths import ConfigPaths
from aiex_lsp.config.resolve import mentioned_providers, resolve
from aiex_lsp.config.settings import Problem, Settings
from aiex_lsp.config.trust import restrict

_AGREEING: frozenset[Kind] = frozenset({"site", "user", "editor", "command line"})
"""Layers whose naming a provider is the user's consent to use it."""


@dataclass(frozen=True)
class Loaded:
    """What `load` found. `sources` maps a dotted key to the layer its value is from.

    `values` are the merged values in the file's own form (keys and all: never show them
    unmasked), `problems` those of the settings too. `read` are the files with their fingerprints,
    as they were when they were read, missing ones too.
    """

    settings: Settings
    sources: Mapping[str, str]
    problems: tuple[Problem, ...]
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    log_level: str = DEFAULT_LOG_LEVEL
    read: Mapping[Path, str] = field(default_factory=dict)


def load(
    paths: ConfigPaths,
    *,
    env: Mapping[str, str],
    editor: Mapping[str, Any] | None = None,
    cli: Mapping[str, Any] | None = None,
    workspace: Path | None = None,
    texts: Mapping[Path, bytes] | None = None,
) -> Loaded:
    """Return the settings for one workspace folder, with where each is from and what is wrong.

    Later wins: defaults, site, user, workspace (restricted), editor, environment, command line.
    `defaults` among the editor's are its own: they win over the built-in ones alone. Reads up to
    three small files; those in `texts` hold what it says. Never raises.
    """
    read: dict[Path, str] = {}

    def file_layer(kind: Kind, path: Path, *, must_exist: bool = False) -> Layer:
        if texts and path in texts:
            return _layer_of(kind, parse_toml(path, texts[path]))
        file = read_toml(path, must_exist=must_exist)
        read[path] = file.fingerprint
        return _layer_of(kind, file)

    chosen = dict(_table(editor))
    below = [
        Layer("default", "default", default_values()),
        make_layer("default", "editor's default", _table(chosen.pop("defaults", None))),
        file_layer("site", paths.site_file),
    ]
    if paths.user_file != paths.site_file:
        below.append(file_layer("user", paths.user_file, must_exist=paths.explicit))
    above = [
        make_layer("editor", "editor", chosen),
        environment_layer(env),
        make_layer("command line", "command line", _table(cli)),
    ]
    _keep_keys_with_their_addresses([*below, *above])
    own_file = paths.workspace_file(workspace) if workspace else None
    layers = [*below, *above]
    if own_file and own_file not in (paths.user_file, paths.site_file):
        layer = file_layer("workspace", own_file)
        restrict(layer, merge(below)[0], _settings([*below, *above], env)[0])
        layers = [*below, layer, *above]
    settings, sources, values, problems = _settings(layers, env)
    level, level_problem = log_level(env)
    problems = [p for layer in layers for p in layer.problems] + problems
    problems += [level_problem] if level_problem else []
    settings = replace(
        settings,
        problems=tuple(problems),
        template_dirs=tuple(
            str(folder)
            for folder in (
                paths.user_templates,
                *([paths.workspace_templates(workspace)] if workspace else []),
            )
        ),
    )
    return Loaded(settings, sources, tuple(problems), values, level, read)


def _layer_of(kind: Kind, file: TomlFile) -> Layer:
    layer = make_layer(kind, str(file.path), file.values, file.position)
    layer.problems[:0] = file.problems
    return layer


def _settings(
    layers: list[Layer], env: Mapping[str, str]
) -> tuple[Settings, dict[str, str], dict[str, Any], list[Problem]]:
    values, sources = merge(layers)
    problems: list[Problem] = []

    def report(path: tuple[str, ...], message: str) -> None:
        layer = sources.get(path) or next(
            (source for key, source in sources.items() if key[: len(path)] == path), layers[0]
        )
        line, column = layer.position(path) or (None, None)
        problems.append(Problem(message, layer.file, line, column, ".".join(path)))

    settings = resolve(
        values,
        env=env,
        named={n for layer in layers if layer.kind != "default" for n in _named(layer)},
        agreed={n for layer in layers if layer.kind in _AGREEING for n in _named(layer)},
        report=report,
        source_of=lambda path: sources[path].label(path) if path in sources else "default",
    )
    labels = {".".join(path): layer.label(path) for path, layer in sources.items()}
    return settings, labels, values, problems


def _named(layer: Layer) -> set[str]:
    return mentioned_providers(layer.values)


def _keep_keys_with_their_addresses(layers: list[Layer]) -> None:
    """Drop an environment's key where the user gave the provider another one on purpose.

    A file's `api_key = { env = … }` names its variable itself, and a key written beside a
    `base_url` belongs to that address: the vendor's key must not be sent there.
    """
    environment = next(layer for layer in layers if layer.kind == "environment")
    found = environment.values.get("providers", {})
    for name in DEFAULT_BASE_URLS:
        for layer in layers:
            table = layer.values.get("providers", {}).get(name, {})
            if layer.kind in ("default", "environment") or "api_key" not in table:
                continue
            if isinstance(table["api_key"], dict) or "base_url" in table:
                found.get(name, {}).pop("api_key", None)


def _table(values: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return values if isinstance(values, Mapping) else {}
