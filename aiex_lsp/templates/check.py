"""`templates check`: problems with file and line."""

from __future__ import annotations

from pathlib import Path

from aiex_lsp.templates.loader import SUFFIX
from aiex_lsp.templates.registry import BUILTIN_DIR, TemplateRegistry
from aiex_lsp.templates.types import Source, Template, TemplateProblem


def check(
    target: Template | Path, registry: TemplateRegistry | None = None
) -> list[TemplateProblem]:
    """Return what is wrong with a template, a template file or a folder of them. Reads files.

    What a file extends is looked up in its own folder, then in `registry`'s folders (the built-in
    ones without a registry).
    """
    path = Path(target.path) if isinstance(target, Template) else target
    folder = path if path.is_dir() else path.parent
    if not path.exists():
        return [TemplateProblem(str(path), 1, "does not exist")]
    if path.is_file() and not path.name.endswith(SUFFIX):
        return [TemplateProblem(str(path), 1, f"is not a template: their names end in {SUFFIX}")]
    full = _with_folder(registry, folder)
    wanted = {str(path)} if path.is_file() else None
    return sorted(
        (one for one in full.problems if _wanted(one, wanted, folder)),
        key=lambda one: (one.path, one.line),
    )


def check_all(registry: TemplateRegistry) -> list[TemplateProblem]:
    """Return what is wrong with any template of the registry's folders. Reads files."""
    full = TemplateRegistry(registry.dirs, check_builtin=True)
    return sorted(full.problems, key=lambda one: (one.path, one.line))


def _with_folder(registry: TemplateRegistry | None, folder: Path) -> TemplateRegistry:
    dirs: list[tuple[Source, Path]] = (
        registry.dirs if registry is not None else [("builtin", BUILTIN_DIR)]
    )
    if all(one.resolve() != folder.resolve() for _, one in dirs):
        dirs = [*dirs, ("user", folder)]
    else:
        # Problems name the paths as the caller wrote them.
        dirs = [
            (source, folder if one.resolve() == folder.resolve() else one) for source, one in dirs
        ]
    return TemplateRegistry(dirs, check_builtin=True)


def _wanted(problem: TemplateProblem, paths: set[str] | None, folder: Path) -> bool:
    if paths is not None:
        return problem.path in paths
    return Path(problem.path) == folder or Path(problem.path).parent == folder
