"""Which imports a file lacks, and how to add them with the fewest new lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Extension:
    """Text to insert into an import that is there, at an offset of its own text."""

    offset: int
    text: str


@dataclass(frozen=True, slots=True)
class ImportChanges:
    """Statements to add, and extensions by the index of the existing statement."""

    added: tuple[str, ...] = ()
    extended: dict[int, Extension] = field(default_factory=dict)


_FROM = re.compile(r"^from\s+(\S+)\s+import\s+\(?([^)]*?),?\s*\)?$", re.S)
_NAMED = re.compile(
    r"""^(import\s+(?:type\s+)?)\{([^}]*)\}\s*from\s*(["'])([^"']+)\3\s*;?$""", re.S
)
_REQUIRED = re.compile(
    r"""^(const|let|var)\s+\{([^}]*)\}\s*=\s*(require\((["'])([^"']+)\4\))\s*;?$""", re.S
)
_GO_ONE = re.compile(r"^import\s+((?:[\w.]+\s+)?\"[^\"]+\")$")
_GO_BLOCK = re.compile(r"^import\s*\(([^)]*)\)$", re.S)


def missing_imports(have: Sequence[str], wanted: Sequence[str], language: str) -> ImportChanges:
    """Return what must be added to the imports `have` so that those `wanted` hold too."""
    if language == "go":
        return _go(have, wanted)
    normal = {_normal(text) for text in have}
    added: list[str] = []
    names_have = _names(have, language)
    for text in wanted:
        if _normal(text) in normal:
            continue
        normal.add(_normal(text))
        parsed = _parse(text, language)
        if parsed is None:
            added.append(text.strip())
            continue
        module, names, form = parsed
        lacking = [name for name in names if name not in names_have.get(module, set())]
        if lacking:
            names_have.setdefault(module, set()).update(lacking)
            added.append(form.format(", ".join(lacking)))
    if language == "python":
        added.sort(key=lambda text: not text.startswith("from __future__"))
    return ImportChanges(tuple(added))


def _parse(text: str, language: str) -> tuple[str, list[str], str] | None:
    """Return (module, names, a form to write them in) of an import of names."""
    text = text.strip()
    if language == "python" and (found := _FROM.match(text)):
        names = [name.strip() for name in re.sub(r"#.*", "", found[2]).split(",") if name.strip()]
        return found[1], names, f"from {found[1]} import {{}}"
    if language.startswith(("javascript", "typescript")) and (found := _NAMED.match(text)):
        names = [name.strip() for name in found[2].split(",") if name.strip()]
        quote, end = found[3], ";" if text.endswith(";") else ""
        head = found[1].rstrip()
        form = f"{head} {{{{ {{}} }}}} from {quote}{found[4]}{quote}{end}"
        return f"{head} {found[4]}", names, form
    if language.startswith(("javascript", "typescript")) and (found := _REQUIRED.match(text)):
        names = [name.strip() for name in found[2].split(",") if name.strip()]
        end = ";" if text.endswith(";") else ""
        return f"require {found[5]}", names, f"{found[1]} {{{{ {{}} }}}} = {found[3]}{end}"
    return None


def _names(have: Sequence[str], language: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for text in have:
        parsed = _parse(text, language)
        if parsed is not None:
            found.setdefault(parsed[0], set()).update(parsed[1])
    return found


def _go(have: Sequence[str], wanted: Sequence[str]) -> ImportChanges:
    known = {spec for text in have for spec in _go_specs(text)}
    lacking = [
        spec
        for spec in dict.fromkeys(spec for text in wanted for spec in _go_specs(text))
        if spec not in known
    ]
    if not lacking:
        return ImportChanges()
    for index, text in enumerate(have):
        if _GO_BLOCK.match(text.strip()):
            lines = "".join(f"\t{spec}\n" for spec in lacking)
            return ImportChanges(extended={index: Extension(text.rindex(")"), lines)})
    if len(lacking) == 1:
        return ImportChanges((f"import {lacking[0]}",))
    block = "".join(f"\t{spec}\n" for spec in lacking)
    return ImportChanges((f"import (\n{block})",))


def _go_specs(text: str) -> list[str]:
    text = text.strip()
    if one := _GO_ONE.match(text):
        return [one[1]]
    block = _GO_BLOCK.match(text)
    lines = re.sub(r"//.*", "", block[1]).splitlines() if block else []
    return [line.strip() for line in lines if line.strip()]


def _normal(text: str) -> str:
    return " ".join(text.split()).rstrip(";").replace('"', "'")
