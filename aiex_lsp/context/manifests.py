"""Dependencies from the texts of project manifests. No parser raises; the rest stays usable."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MAX_DEPENDENCIES = 500
"""Dependencies kept of one manifest: more than any hand-written one has."""
MAX_CHARS = 300_000
"""Longest manifest that is parsed; every pattern below is linear in it."""

_REQUIREMENT = re.compile(
    r"\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?P<version>[^;#\n]*)"
)
_GEM = re.compile(r"""^[ \t]*gem[ (]\s*["']([\w.-]+)["']((?:\s*,\s*["'][^"'\n]*["'])*)""", re.M)
_GO_REQUIRE = re.compile(r"^\s*(?:require\s+)?([\w.~-]+\.[\w.~/-]+)\s+(v[\w.+-]+)\s*(//.*)?$")
_MIX_DEP = re.compile(r"""\{\s*:(\w+)\s*,\s*(?:"([^"\n]*)")?""")
_MIX_DEPS = re.compile(r"\bdefp?[ \t]+deps\b|\bdeps:[ \t]*\[")
_MIX_END = re.compile(r"^[ \t]*end\b", re.M)


@dataclass(frozen=True, slots=True)
class Dependency:
    """One dependency. `version` is as written, "" where none is; `group` is "" or dev, test, …"""

    name: str
    version: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one manifest tells. `runtime` is the version of language it asks for.

    `problem` says why it could not be read; then the rest is empty.
    """

    name: str = ""
    runtime: str = ""
    dependencies: tuple[Dependency, ...] = ()
    problem: str | None = None


def parse_manifest(file_name: str, text: str) -> Manifest:
    """Return what the manifest of this name tells; never raises."""
    parser = next((parse for known, parse in _PARSERS if known.fullmatch(file_name)), None)
    if parser is None:
        return Manifest(problem="not a manifest")
    if len(text) > MAX_CHARS:
        return Manifest(problem="too large")
    try:
        name, runtime, found = parser(text.removeprefix("\ufeff"))
        return Manifest(_clean(name), _clean(runtime), _tidy(found))
    # Whatever a broken manifest does to its parser, the question goes on without it.
    except Exception as error:  # noqa: BLE001
        return Manifest(problem=f"not readable ({type(error).__name__})")


def _toml(text: str) -> dict[str, Any]:
    import tomllib

    # A dotted key costs tomllib the square of its parts; no person writes hundreds.
    if _LONG_KEY.search(text):
        raise ValueError("a key of too many parts")
    return tomllib.loads(text)


_LONG_KEY = re.compile(r"(?:[\w-]{1,64}\s{0,4}\.\s{0,4}){200}")

_Parsed = tuple[Any, Any, Iterator[tuple[Any, Any, str]]]


def _pyproject(text: str) -> _Parsed:
    data = _toml(text)
    project, poetry = _table(data, "project"), _table(data, "tool", "poetry")

    def found() -> Iterator[tuple[Any, Any, str]]:
        yield from _requirements(project.get("dependencies"), "")
        for group, entries in _table(project, "optional-dependencies").items():
            yield from _requirements(entries, group)
        for group, entries in _table(data, "dependency-groups").items():
            yield from _requirements(entries, group)
        for name, value in _table(poetry, "dependencies").items():
            if name != "python":
                yield name, value, ""
        for name, value in _table(poetry, "dev-dependencies").items():
            yield name, value, "dev"
        for group, body in _table(poetry, "group").items():
            for name, value in _table(body, "dependencies").items():
                yield name, value, group

    runtime = project.get("requires-python") or _table(poetry, "dependencies").get("python")
    name = project.get("name") or poetry.get("name")
    return name, f"Python {runtime}" if isinstance(runtime, str) else "", found()


def _requirements_txt(text: str) -> _Parsed:
    lines = re.sub(r"\\\r?\n", " ", text).splitlines()
    wanted = [line.split(" #")[0].split(" --")[0] for line in lines]
    return "", "", _requirements([line for line in wanted if line.strip()[:1] not in "#-"], "")


def _setup_cfg(text: str) -> _Parsed:
    from configparser import RawConfigParser

    parser = RawConfigParser()
    parser.read_string(text)

    def found() -> Iterator[tuple[Any, Any, str]]:
        yield from _requirements(
            parser.get("options", "install_requires", fallback="").splitlines(), ""
        )
        if parser.has_section("options.extras_require"):
            for group, value in parser.items("options.extras_require"):
                yield from _requirements(value.splitlines(), group)

    runtime = parser.get("options", "python_requires", fallback="")
    return parser.get("metadata", "name", fallback=""), runtime and f"Python {runtime}", found()


def _package_json(text: str) -> _Parsed:
    data = json.loads(text)
    groups = {"dependencies": "", "devDependencies": "dev", "peerDependencies": "peer"}

    def found() -> Iterator[tuple[Any, Any, str]]:
        for key, group in (*groups.items(), ("optionalDependencies", "optional")):
            for name, version in _table(data, key).items():
                yield name, version, group

    node = _table(data, "engines").get("node")
    return _get(data, "name"), f"Node {node}" if isinstance(node, str) else "", found()


def _cargo(text: str) -> _Parsed:
    data = _toml(text)
    shared = _table(data, "workspace", "dependencies")

    def found() -> Iterator[tuple[Any, Any, str]]:
        targets = [body for body in _table(data, "target").values() if isinstance(body, dict)]
        for body in (data, *targets):
            for key, group in (("", ""), ("dev-", "dev"), ("build-", "build")):
                for name, value in _table(body, f"{key}dependencies").items():
                    inherited = isinstance(value, dict) and value.get("workspace") is True
                    yield name, shared.get(name, "") if inherited else value, group
        for name, value in shared.items():
            yield name, value, "workspace"

    package = _table(data, "package")
    edition = package.get("rust-version") or package.get("edition")
    return package.get("name"), f"Rust {edition}" if isinstance(edition, str) else "", found()


def _go_mod(text: str) -> _Parsed:
    def found() -> Iterator[tuple[Any, Any, str]]:
        block = ""
        for line in text.splitlines():
            opened = re.match(r"\s*(\w+)\s*\(", line)
            if opened:
                block = opened[1]
            elif line.strip().startswith(")"):
                block = ""
            elif block == "require" or (not block and line.lstrip().startswith("require")):
                match = _GO_REQUIRE.match(line[:500])
                if match and "indirect" not in (match[3] or ""):
                    yield match[1], match[2], ""

    module = re.search(r"^[ \t]*module[ \t]+(\S+)", text, re.M)
    version = re.search(r"^[ \t]*go[ \t]+([\d.]+)", text, re.M)
    return module[1] if module else "", f"Go {version[1]}" if version else "", found()


def _mix(text: str) -> _Parsed:
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))

    def found() -> Iterator[tuple[Any, Any, str]]:
        opened = _MIX_DEPS.search(code)
        closed = _MIX_END.search(code, opened.end()) if opened else None
        body = code[opened.end() : closed.start() if closed else None] if opened else ""
        for line in body.splitlines():
            for dep in _MIX_DEP.finditer(line):
                only = re.search(r"only:\s*\[?\s*:(\w+)", line[dep.end() : dep.end() + 200])
                yield dep[1], dep[2] or "", only[1] if only else ""

    app = re.search(r"\bapp:\s*:(\w+)", code)
    elixir = re.search(r"""\belixir:\s*"([^"\n]*)""", code)
    return app[1] if app else "", f"Elixir {elixir[1]}" if elixir else "", found()


def _pom(text: str) -> _Parsed:
    from xml.etree import ElementTree

    # No manifest needs a document type; without one there is no entity to expand.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("document type")
    root = ElementTree.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text))
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else "?"
    properties = {one.tag: one.text or "" for one in root.iterfind("properties/*")}

    def filled(value: str | None) -> str:
        return re.sub(
            r"\$\{([^}]*)\}", lambda match: properties.get(match[1], match[0]), (value or "")[:200]
        ).strip()

    def found() -> Iterator[tuple[Any, Any, str]]:
        managed = {
            one.findtext("artifactId"): one.findtext("version")
            for one in root.iterfind("dependencyManagement/dependencies/dependency")
        }
        for one in root.iterfind("dependencies/dependency"):
            artifact = one.findtext("artifactId")
            scope = filled(one.findtext("scope"))
            version = filled(one.findtext("version") or managed.get(artifact))
            name = f"{filled(one.findtext('groupId'))}:{filled(artifact)}"
            yield name, version, "" if scope == "compile" else scope

    java = properties.get("maven.compiler.release") or properties.get("java.version")
    return root.findtext("artifactId"), f"Java {java}" if java else "", found()


def _gemfile(text: str) -> _Parsed:
    def found() -> Iterator[tuple[Any, Any, str]]:
        for match in _GEM.finditer(text):
            yield match[1], ", ".join(re.findall(r"""["']([^"']*)["']""", match[2])), ""

    ruby = re.search(r"""^[ \t]*ruby[ \t]+["']([^"'\n]*)["']""", text, re.M)
    return "", f"Ruby {ruby[1]}" if ruby else "", found()


def _requirements(entries: Any, group: str) -> Iterator[tuple[Any, Any, str]]:
    for entry in entries if isinstance(entries, list) else ():
        match = _REQUIREMENT.match(entry) if isinstance(entry, str) else None
        if match:
            yield match["name"], match["version"].strip().strip("()"), group


def _table(data: Any, *keys: str) -> Mapping[str, Any]:
    for key in keys:
        data = _get(data, key)
    return data if isinstance(data, dict) else {}


def _get(data: Any, key: str) -> Any:
    return data.get(key) if isinstance(data, dict) else None


def _tidy(found: Iterator[tuple[Any, Any, str]]) -> tuple[Dependency, ...]:
    kept: dict[tuple[str, str], Dependency] = {}
    for name, value, group in found:
        if isinstance(name, str) and name.strip() and len(kept) < MAX_DEPENDENCIES:
            one = Dependency(_clean(name), _version(value), _clean(group))
            kept.setdefault((one.name, one.group), one)
    return tuple(kept.values())


def _version(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("version") or ("from a path" if "path" in value else "")
    if isinstance(value, list):
        value = value[0] if value else ""
        return _version(value) if isinstance(value, dict) else ""
    text = _clean(value)
    # Addresses may hold a user's token.
    return "from an address" if "://" in text or text.startswith(("@", "git+")) else text


def _clean(value: Any) -> str:
    return " ".join(value.split())[:80] if isinstance(value, str) else ""


_PARSERS: tuple[tuple[re.Pattern[str], Callable[[str], _Parsed]], ...] = (
    (re.compile(r"pyproject\.toml"), _pyproject),
    (re.compile(r"requirements[\w.-]*\.txt"), _requirements_txt),
    (re.compile(r"setup\.cfg"), _setup_cfg),
    (re.compile(r"package\.json"), _package_json),
    (re.compile(r"Cargo\.toml"), _cargo),
    (re.compile(r"go\.mod"), _go_mod),
    (re.compile(r"mix\.exs"), _mix),
    (re.compile(r"pom\.xml"), _pom),
    (re.compile(r"Gemfile"), _gemfile),
)
