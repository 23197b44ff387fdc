"""What a project is made of: its folders, and what it depends on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from aiex_lsp.context.manifests import Manifest, parse_manifest

Read = Callable[[Path], str | None]
"""The text of a workspace file as it may be sent, None where it may not be read."""

MAX_DEPTH = 3
MAX_ENTRIES = 80
MAX_FILES_SHOWN = 12
"""Bounds of the structure: about 1,000 tokens at most."""

MAX_SHOWN = 120
"""Dependencies named of one manifest; the rest is counted."""

_PYTHON = (
    "pyproject.toml",
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-test.txt",
    "setup.cfg",
)
_FOR_LANGUAGE = {
    "python": _PYTHON,
    "javascript": ("package.json",),
    "javascriptreact": ("package.json",),
    "typescript": ("package.json",),
    "typescriptreact": ("package.json",),
    "tsx": ("package.json",),
    "vue": ("package.json",),
    "svelte": ("package.json",),
    "rust": ("Cargo.toml",),
    "go": ("go.mod",),
    "elixir": ("mix.exs",),
    "java": ("pom.xml",),
    "kotlin": ("pom.xml",),
    "scala": ("pom.xml",),
    "ruby": ("Gemfile",),
}
_ALL = (*_PYTHON, "package.json", "Cargo.toml", "go.mod", "mix.exs", "pom.xml", "Gemfile")


@dataclass(frozen=True, slots=True)
class FoundManifest:
    """A manifest and its path, relative to the workspace folder, with `/`."""

    path: str
    manifest: Manifest


def nearest_manifests(
    root: Path,
    start: Path,
    language: str,
    read: Read,
    parse: Callable[[str, str], Manifest] = parse_manifest,
) -> tuple[FoundManifest, ...]:
    """Return the manifests that hold for a file in folder `start`, up to the folder `root`.

    The nearest folder with one of the language's own manifests wins, else the nearest with any.
    One that names no dependencies (a tool's configuration only) does not end the search.
    """
    folders = _upward(root, start)
    own = _FOR_LANGUAGE.get(language, ())
    for names in (own, _ALL):
        empty: tuple[FoundManifest, ...] = ()
        for folder in folders if names else ():
            found = _manifests_in(root, folder, names, read, parse)
            if any(one.manifest.dependencies for one in found):
                return _inherit_versions(found, root, folders, read, parse)
            empty = empty or found
        if empty:
            return empty
    return ()


def describe_dependencies(found: Iterable[FoundManifest]) -> str:
    """Return the dependencies as lines, one each, under their manifest's path."""
    lines: list[str] = []
    for one in found:
        head = ", ".join(part for part in (one.manifest.name, one.manifest.runtime) if part)
        if not head and not one.manifest.dependencies:
            continue
        lines.append(f"{one.path} ({head}):" if head else f"{one.path}:")
        for dependency in one.manifest.dependencies[:MAX_SHOWN]:
            group = f" ({dependency.group})" if dependency.group else ""
            version = f" {dependency.version}" if dependency.version else ""
            lines.append(f"- {dependency.name}{version}{group}")
        more = len(one.manifest.dependencies) - MAX_SHOWN
        if more > 0:
            lines.append(f"- … {more} more")
    return "\n".join(lines)


@dataclass(slots=True)
class _Folder:
    files: list[str] = field(default_factory=list)
    folders: dict[str, _Folder] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)


def describe_structure(name: str, paths: Sequence[PurePosixPath], *, complete: bool = True) -> str:
    """Return a compact tree of `paths` (relative files), the same for the same paths.

    Folders show how many files of which kind lie in and below them; the top level and folders
    of few files name them. A large tree is shown less deep.
    """
    top = _Folder()
    for path in paths:
        here = top
        kind = _one_line(path.suffix.lstrip(".")) or "other"
        here.kinds[kind] += 1
        for part in path.parts[:-1]:
            here = here.folders.setdefault(_one_line(part), _Folder())
            here.kinds[kind] += 1
        here.files.append(_one_line(path.name))
    lines: list[str] = []
    for depth in range(MAX_DEPTH, 0, -1):
        lines = [f"{name}/"]
        _describe_folder(top, 1, depth, lines)
        if len(lines) <= MAX_ENTRIES:
            break
    if len(lines) > MAX_ENTRIES:
        more = len(lines) - MAX_ENTRIES
        lines = [*lines[:MAX_ENTRIES], f"… {more} more entries"]
    if not complete:
        lines.append("… (more files, not counted)")
    return "\n".join(lines)


def _describe_folder(folder: _Folder, depth: int, deepest: int, lines: list[str]) -> None:
    indent = "  " * depth
    for name, direct in sorted(folder.folders.items()):
        label, below = name, direct
        # A chain of folders with nothing else in them is one entry, as editors show it.
        while not below.files and len(below.folders) == 1:
            only, below = next(iter(below.folders.items()))
            label = f"{label}/{only}"
        lines.append(f"{indent}{label}/ ({_kinds(below.kinds)})")
        if depth < deepest:
            _describe_folder(below, depth + 1, deepest, lines)
    files = sorted(folder.files)
    shown = MAX_FILES_SHOWN if depth > 1 else 2 * MAX_FILES_SHOWN
    if len(files) > shown and depth > 1:
        return
    lines.extend(f"{indent}{name}" for name in files[:shown])
    if len(files) > shown:
        lines.append(f"{indent}… {len(files) - shown} more files")


def _one_line(name: str) -> str:
    return " ".join(name.split())[:100]


def _kinds(kinds: Counter[str]) -> str:
    ordered = sorted(kinds.items(), key=lambda pair: (-pair[1], pair[0]))
    text = ", ".join(f"{count} {kind}" for kind, count in ordered[:3])
    rest = sum(count for _, count in ordered[3:])
    return f"{text}, {rest} other" if rest else text


def _upward(root: Path, start: Path) -> list[Path]:
    if not start.is_relative_to(root):
        return [root]
    folders = [start, *start.parents]
    return folders[: folders.index(root) + 1]


def _manifests_in(
    root: Path,
    folder: Path,
    names: Sequence[str],
    read: Read,
    parse: Callable[[str, str], Manifest],
) -> tuple[FoundManifest, ...]:
    found = []
    for name in names:
        text = read(folder / name)
        if text is not None:
            path = (folder / name).relative_to(root).as_posix()
            found.append(FoundManifest(path, parse(name, text)))
    return tuple(found)


def _inherit_versions(
    found: tuple[FoundManifest, ...],
    root: Path,
    folders: Sequence[Path],
    read: Read,
    parse: Callable[[str, str], Manifest],
) -> tuple[FoundManifest, ...]:
    """Return the manifests with versions a Cargo workspace above sets for its members."""
    from dataclasses import replace

    member = next((one for one in found if PurePosixPath(one.path).name == "Cargo.toml"), None)
    if member is None or all(one.version for one in member.manifest.dependencies):
        return found
    shared: dict[str, str] = {}
    for folder in folders:
        for above in _manifests_in(root, folder, ("Cargo.toml",), read, parse):
            for one in above.manifest.dependencies:
                if one.group == "workspace":
                    shared.setdefault(one.name, one.version)
    filled = tuple(
        replace(one, version=one.version or shared.get(one.name, ""))
        for one in member.manifest.dependencies
    )
    manifest = replace(member.manifest, dependencies=filled)
    return tuple(replace(one, manifest=manifest) if one is member else one for one in found)
