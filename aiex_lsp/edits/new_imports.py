"""Imports that new code needs, placed with those the file has."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aiex_lsp.edits.imports import missing_imports
from aiex_lsp.edits.plain import Change
from aiex_lsp.syntax.imports import ImportStatement, imports
from aiex_lsp.syntax.suites import items

_NAMED = frozenset({
    "python", "javascript", "javascriptreact", "typescript", "typescriptreact", "java", "go",
})  # fmt: skip
"""Languages whose imports bind the names they mention, so that an unused one can be told."""
_WORDS = re.compile(r"[A-Za-z_$][\w$]*")
_KEYWORDS = frozenset({
    "import", "export", "from", "as", "type", "require", "const", "let", "var", "default",
})  # fmt: skip


def import_changes(text: str, language: str, wanted: Sequence[str], code: str) -> list[Change]:
    """Return the insertions that add the wanted imports to a plain text, those `code` uses."""
    used = set(_WORDS.findall(code))
    needed = [one.strip() for one in wanted if one.strip() and _is_used(one, language, used)]
    if not needed:
        return []
    have = _at_top(imports(text, language), text)
    changes = missing_imports([one.text for one in have], needed, language)
    out: list[Change] = []
    for index, extension in changes.extended.items():
        at = have[index].start + extension.offset
        out.append((at, at, extension.text))
    added = list(dict.fromkeys(changes.added))
    futures = [one for one in added if one.startswith("from __future__")]
    added = [one for one in added if one not in futures]
    if futures:
        at, before, after = _head(text, language)
        out.append((at, at, before + "\n".join(futures) + after))
    if added and have:
        last = have[-1]
        lead = text[text.rfind("\n", 0, last.start) + 1 : last.start].strip("\ufeff")
        body = "".join(f"\n{lead}{one}" for one in added)
        end = text.find("\n", last.end)
        end = len(text) if end < 0 else end
        # A comment behind the import stays behind it.
        at = (
            end
            if not text[last.end : end].strip(" \t;")
            or "#" in text[last.end : end]
            or ("//" in text[last.end : end])
            else last.end
        )
        out.append((at, at, body))
    elif added:
        at, before, after = _head(text, language)
        out.append((at, at, before + "\n".join(added) + after))
    return out


def bound_names(statement: str, language: str) -> frozenset[str]:
    """Return the names an import may bind, none where the language does not tell."""
    if language not in _NAMED:
        return frozenset()
    if language == "python":
        tail = re.sub(r"#.*", "", statement).rpartition("import")[2]
        parts = [part.strip(" ()\n\t\\") for part in tail.split(",")]
        named = [re.split(r"\s+as\s+", part)[-1].split(".")[0] for part in parts if part]
        return frozenset(named)
    if language == "java":
        return frozenset({statement.rstrip("; ").rpartition(".")[2]}) - {"*"}
    if language == "go":
        found = re.findall(r"(?:([\w.]+)\s+)?\"([^\"]+)\"", statement)
        return frozenset(
            alias
            if alias and alias not in {"import", "_", "."}
            else path.rstrip("/").split("/")[-1]
            for alias, path in found
        )
    without = re.sub(r"(['\"`]).*?\1", "", statement)
    return frozenset(_WORDS.findall(without)) - _KEYWORDS


def _is_used(statement: str, language: str, used: set[str]) -> bool:
    if language not in _NAMED or "__future__" in statement:
        return True
    names = bound_names(statement, language)
    return not names or "*" in statement or bool(names & used)


def _at_top(found: list[ImportStatement], text: str) -> list[ImportStatement]:
    """Return the statements that no condition holds: those set in least, and `require`s at top."""
    if not found:
        return []
    leads = [one.start - (text.rfind("\n", 0, one.start) + 1) for one in found]
    least = min(leads)
    return [one for one, lead in zip(found, leads, strict=True) if lead == least]


def _head(text: str, language: str) -> tuple[int, str, str]:
    """Return where a file's first import goes, and what stands before and behind it."""
    start = 1 if text.startswith("\ufeff") else 0
    parts = items(text, language) or ()
    headers = [one for one in parts if one.kind == "header"]
    if headers:
        return headers[-1].end, "\n\n", ""
    position = start
    for line in text[start:].split("\n"):
        if not line.startswith(("#!", "# -*-", "# coding", "'use strict'", '"use strict"')):
            break
        position += len(line) + 1
    return min(position, len(text)), "", "\n\n"
