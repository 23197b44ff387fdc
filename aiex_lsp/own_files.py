"""The user's own files: configuration and templates as they lie there or stand in the editor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aiex_lsp.config.files import fingerprint, read_toml
from aiex_lsp.config.loader import Loaded
from aiex_lsp.config.paths import ConfigPaths
from aiex_lsp.config.settings import Problem

if TYPE_CHECKING:
    from aiex_lsp.templates.registry import TemplateRegistry
    from aiex_lsp.templates.types import Source, TemplateProblem

Load = Callable[[Path | None, Mapping[Path, bytes]], Loaded]
"""Returns the settings of a folder; files in the mapping hold what it says."""


class OwnFiles:
    """What is wrong with the user's files, of one process and its workspace folders."""

    def __init__(
        self,
        paths: ConfigPaths,
        registry: TemplateRegistry,
        load: Load,
        held: Callable[[], Iterable[Loaded]],
    ) -> None:
        self.paths = paths
        self._registry = registry
        self._load = load
        self._held = held

    def problems(self) -> tuple[Problem, ...]:
        """Return what is wrong with the templates that are there; looks at no file."""
        return tuple(map(_problem, self._registry.problems))

    def changed(self) -> bool:
        """Return whether a configuration file holds another text than its settings. Blocking.

        By content: a file that came and went while the settings were read has no stamp that
        tells of it.
        """
        read = {item for loaded in list(self._held()) for item in loaded.read.items()}
        return any(fingerprint(path) != known for path, known in read)

    def check(self, path: Path, text: str, roots: Sequence[Path]) -> tuple[Problem, ...] | None:
        """Return what would be wrong with one of the files if it held `text`. Blocking.

        None for any other file.
        """
        found = self._registry.check_text(path, text)
        if found is not None:
            return tuple(map(_problem, found))
        folders: list[Path | None] = (
            [None] if path in (self.paths.user_file, self.paths.site_file) else []
        )
        folders += [root for root in roots if path == self.paths.workspace_file(root)]
        if not folders:
            return None
        texts = {path: text.encode("utf-8", "replace")}
        told = [one for folder in folders for one in self._load(folder, texts).problems]
        return tuple(dict.fromkeys(one for one in told if one.file == str(path)))


def template_dirs(paths: ConfigPaths, roots: Sequence[Path]) -> list[tuple[Source, Path]]:
    """Return the folders of templates for these workspace folders, later ones overriding."""
    return [
        ("user", paths.user_templates),
        *(("workspace", paths.workspace_templates(root)) for root in roots),
    ]


def place_of_key(loaded: Loaded, provider: str) -> tuple[str | None, int | None, int | None]:
    """Return file, line and column where a provider's key is set; of no file, its name."""
    path = ("providers", provider, "api_key")
    source = loaded.sources.get(".".join((*path, "env"))) or loaded.sources.get(".".join(path))
    if source is None or not Path(source).is_file():
        return source, None, None
    found = read_toml(Path(source), must_exist=False).position(path)
    return source, *(found or (None, None))


def _problem(one: TemplateProblem) -> Problem:
    return Problem(one.message, one.path, one.line, severity=one.severity)
