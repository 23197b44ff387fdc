"""An edit plan as a diff for people, and on disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from aiex_lsp.config.atomic import write_atomically
from aiex_lsp.errors import EditError, StaleEditError

if TYPE_CHECKING:
    from aiex_lsp.edits.types import EditPlan, FileEdit


def diff_of(plan: EditPlan, root: Path) -> str:
    """Return the unified diff of a plan, "" if it changes nothing; paths as `patch -p1` takes them.

    They are relative to the current folder, or to `root` where a file lies outside of it.
    """
    from aiex_lsp.edits.plan import result_of
    from aiex_lsp.text.diff import unified_diff

    return "".join(
        unified_diff(
            file.base_text, result_of(file), shown_path(file.uri, root), created=file.create
        )
        for file in plan.files
    )


def apply_plan(plan: EditPlan, root: Path) -> list[str]:
    """Return the shown paths of the files written, each whole, in the encoding it had.

    Nothing is written if any file changed since the plan was made (`StaleEditError`), lies
    outside the project, or cannot be written (`EditError`).
    """
    from aiex_lsp.edits.plan import result_of

    ready = [(path_of(file.uri), result_of(file), file) for file in plan.files]
    for path, _, file in ready:
        _check(path, file, root)
    written: list[tuple[Path, FileEdit]] = []
    for path, text, file in ready:
        try:
            write_atomically(path, text.encode("utf-8"))
        except OSError as error:
            _take_back(written)
            name = shown_path(file.uri, root)
            why = error.strerror or str(error)
            raise EditError(
                f"{name} cannot be written: {why}; nothing was changed", "Check its permissions"
            ) from error
        written.append((path, file))
    return [shown_path(file.uri, root) for _, _, file in ready]


def _take_back(written: Sequence[tuple[Path, FileEdit]]) -> None:
    """Give files the text they had: an edit of several files is made as a whole or not at all."""
    for path, file in reversed(written):
        with suppress(OSError):
            if file.create:
                path.unlink()
            else:
                write_atomically(path, file.base_text.encode("utf-8"))


def path_of(uri: str) -> Path:
    """Return the path of a file's uri."""
    return Path(url2pathname(urlsplit(uri).path))


def shown_path(uri: str, root: Path) -> str:
    """Return a file's path with forward slashes, relative where it can be."""
    path = path_of(uri)
    for base in (Path.cwd(), root):
        if path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return path.as_posix().lstrip("/")


def ensure_writable(uri: str, root: Path) -> None:
    """Raise `EditError` for a file that must not be written: told before a model is paid."""
    path, name = path_of(uri), shown_path(uri, root)
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
        raise EditError(f"{name} lies outside the project", "Nothing was written")
    # Replacing a file asks nothing of its own permissions; its owner took them away on purpose.
    if path.exists() and (not path.stat().st_mode & 0o222 or not os.access(path, os.W_OK)):
        raise EditError(f"{name} is read-only", "Make it writable")


def _check(path: Path, file: FileEdit, root: Path) -> None:
    name = shown_path(file.uri, root)
    try:
        ensure_writable(file.uri, root)
        if file.create:
            if path.exists():
                raise StaleEditError(f"{name} exists by now", "Run the command again")
            return
        now = path.read_bytes()
    except OSError as error:
        raise StaleEditError(f"{name} cannot be read any more", "Run the command again") from error
    if now != file.base_text.encode("utf-8"):
        raise StaleEditError(f"{name} has changed meanwhile", "Run the command again")
