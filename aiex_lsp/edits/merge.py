"""New tests joined to a test file: imports united, each test in its suite, nothing overwritten."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field

from aiex_lsp.edits.imports import missing_imports
from aiex_lsp.syntax.languages import canonical
from aiex_lsp.syntax.suites import Item, items

ONE_SUITE = frozenset({"java", "elixir", "php", "csharp"})
"""Languages where one file holds one suite: new members go into it whatever their own is called."""

_WRAPPERS = {
    "java": ("class Wrapped {\n", "\n}\n"),
    "csharp": ("class Wrapped {\n", "\n}\n"),
    "php": ("<?php\nclass Wrapped {\n", "\n}\n"),
}


@dataclass(frozen=True, slots=True)
class _Source:
    text: str
    language: str
    line_ending: str = "\n"

    def of(self, item: Item) -> str:
        return self.text[item.start : item.end]


@dataclass(slots=True)
class _Merge:
    old: _Source
    new: _Source
    insertions: list[tuple[int, str]] = field(default_factory=list)


def merge_tests(
    existing: str, code: str, language: str, framework: str = "", *, in_source: bool = False
) -> str:
    """Return `existing` with the tests of `code` added, or `code` where there is nothing yet.

    Imports are joined, a suite of the same name is extended, anything else is appended; a test
    that stands there already to the letter is left out, one of the same name gets a new name.
    `in_source` puts bare tests into the source's own test module. The line ending and BOM of
    `existing` are kept.
    """
    del framework
    ending = _line_ending(existing)
    code = code.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    code = code.strip("\n") + "\n"
    name = canonical(language) or language
    if in_source and name == "rust":
        code = _rust_module(existing, code)
    if not existing.strip("\ufeff \t\r\n"):
        bom = "\ufeff" if existing.startswith("\ufeff") else ""
        return bom + code.replace("\n", ending)
    old_items, new_items = items(existing, name), items(code, name)
    if old_items is None or new_items is None:
        return _appended(existing, code, ending)
    new = _Source(code, name)
    bare = _bare_members(old_items, new_items, code, name)
    merge = _Merge(_Source(existing, name, ending), new)
    if bare is not None:
        merge.new, suite, members = bare
        _into(merge, suite.children, members, suite)
    else:
        _into(merge, old_items, new_items, None)
    return _applied(existing, merge, ending)


def _into(merge: _Merge, old: tuple[Item, ...], new: tuple[Item, ...], suite: Item | None) -> None:
    """Merge members of one level: of the file (`suite` None) or of a suite."""
    _imports(merge, old, new, suite)
    known = {item.key: item for item in old if item.key and item.kind in {"suite", "item"}}
    texts = {_normal(merge.old.of(item)) for item in old}
    suites = [item for item in old if item.kind == "suite"]
    added: list[str] = []
    for index, item in enumerate(new):
        if item.kind in {"header", "import", "comment"} or _is_main(merge.new, item):
            continue
        if _normal(merge.new.of(item)) in texts:
            continue
        twin = known.get(item.key) if item.key else None
        if item.kind == "suite":
            if twin is not None and twin.kind == "suite":
                _into(merge, twin.children, item.children, twin)
                continue
            if suite is None and merge.new.language in ONE_SUITE and len(suites) == 1:
                _into(merge, suites[0].children, item.children, suites[0])
                continue
        chunk = _chunk(merge.new, new, index)
        if twin is not None:
            number = _free_number(merge, item, known, texts)
            if number is None:
                continue
            chunk = _numbered(chunk, item, number)
        added.append(chunk)
    if added:
        _append(merge, old, suite, added)


def _imports(
    merge: _Merge, old: tuple[Item, ...], new: tuple[Item, ...], suite: Item | None
) -> None:
    have = [item for item in old if item.kind == "import"]
    wanted = [merge.new.of(item) for item in new if item.kind == "import"]
    texts = [merge.old.of(item) for item in have]
    changes = missing_imports(texts, wanted, merge.old.language)
    for index, text in changes.extended.items():
        merge.insertions.append((have[index].start + text.offset, text.text))
    if not changes.added:
        return
    indent = _indent_of(merge.old, old, suite)
    lines = [indent + line for line in changes.added]
    if have:
        merge.insertions.append((have[-1].end, "\n" + "\n".join(lines)))
        return
    headers = [item for item in old if item.kind == "header"]
    if headers:
        gap = "\n" if suite else "\n\n"
        merge.insertions.append((headers[-1].end, gap + "\n".join(lines)))
    elif suite is not None:
        merge.insertions.append((suite.inner_start, "\n" + "\n".join(lines)))
    else:
        start = 1 if merge.old.text.startswith("\ufeff") else 0
        first = next((item for item in old if item.kind != "comment"), None)
        if merge.old.text.startswith("#!") and first is not None:
            start = merge.old.text.find("\n") + 1
        merge.insertions.append((start, "\n".join(lines) + "\n\n"))


def _append(merge: _Merge, old: tuple[Item, ...], suite: Item | None, added: list[str]) -> None:
    text = merge.old.text
    indent = _indent_of(merge.old, old, suite)
    gap = _gap(merge.old, suite)
    body = gap.join(textwrap.indent(chunk, indent, _has_text) for chunk in added)
    if suite is None:
        main = next((item for item in old if _is_main(merge.old, item)), None)
        if main is not None:
            merge.insertions.append((main.start, body + gap))
        else:
            merge.insertions.append((len(text.rstrip()), gap + body))
        return
    last = old[-1].end if old else suite.inner_start
    at = max(last, suite.inner_start + len(text[suite.inner_start : suite.inner_end].rstrip()))
    at = min(at, suite.inner_end) if suite.inner_end > suite.inner_start else at
    tail = "" if text[at : at + 1] in {"\n", "\r"} or at == len(text) else "\n"
    merge.insertions.append((at, (gap if old else "\n") + body + tail))


def _free_number(merge: _Merge, item: Item, known: dict[str, Item], texts: set[str]) -> int | None:
    """Return a number under which the name is free, None if it stands there under another."""
    number = 2
    while f"{item.key}_{number}" in known or f"{item.key} ({number})" in known:
        if _normal(_numbered(merge.new.of(item), item, number)) in texts:
            return None
        number += 1
    known[_numbered_key(item, number)] = item
    return number


def _numbered_key(item: Item, number: int) -> str:
    named = re.fullmatch(r"\w+[?!]?", item.key)
    return f"{item.key}_{number}" if named else f"{item.key} ({number})"


def _numbered(text: str, item: Item, number: int) -> str:
    """Return a test's text with a number behind its name, or in its title."""
    if re.fullmatch(r"\w+[?!]?", item.key):
        stem, mark = item.key.rstrip("?!"), item.key[len(item.key.rstrip("?!")) :]
        return re.sub(rf"\b{re.escape(item.key)}(?!\w)", f"{stem}_{number}{mark}", text)
    title = item.key.split(" ", 1)[1] if " " in item.key else item.key
    return text.replace(title, f"{title} ({number})", 1)


def _chunk(source: _Source, siblings: tuple[Item, ...], index: int) -> str:
    """Return a part's text with the comments and attributes above it, its indentation removed."""
    first = index
    while first > 0 and siblings[first - 1].kind == "comment":
        first -= 1
    start = siblings[first].start
    line = source.text.rfind("\n", 0, start) + 1
    if not source.text[line:start].strip():
        start = line
    end = siblings[index].end
    rest = source.text[end : source.text.find("\n", end) if "\n" in source.text[end:] else None]
    if rest.strip() in {";", ","}:
        end += len(rest)
    return textwrap.dedent(source.text[start:end]).strip("\n")


def _bare_members(
    old: tuple[Item, ...], new: tuple[Item, ...], code: str, language: str
) -> tuple[_Source, Item, tuple[Item, ...]] | None:
    """Return (source, the suite, its new members) where the code is members without a suite."""
    suites = [item for item in old if item.kind == "suite"]
    if not suites:
        return None
    if language in _WRAPPERS and not any(item.kind == "suite" for item in new):
        before, after = _WRAPPERS[language]
        wrapped = before + re.sub(r"^\s*<\?php\s*", "", code) + after
        inner = items(wrapped, language)
        found = next((item for item in inner or () if item.kind == "suite"), None)
        if found is not None and found.children:
            return _Source(wrapped, language), suites[-1], found.children
    parts = [item for item in new if item.kind in {"item", "suite"}]
    if language == "python" and parts:
        methods = re.search(r"^(async )?def test\w*\(\s*self\b", code, re.M)
        if methods and all(item.kind == "item" for item in parts):
            return _Source(code, language), suites[-1], new
    if language in {"elixir", "ruby"} and len(suites) == 1 and parts:
        calls = {"test", "it", "describe", "context", "specify", "property"}
        whole = any(item.key == suites[0].key for item in parts) or "RSpec.describe" in code
        if not whole and all(item.key.split(" ")[0] in calls for item in parts):
            return _Source(code, language), suites[0], new
    return None


def _rust_module(existing: str, code: str) -> str:
    """Return tests as a `mod tests`, for a source file that holds its own."""
    parsed = items(code, "rust") or ()
    if any(item.kind == "suite" for item in parsed):
        return code
    found = re.search(r"#\[cfg\(test\)\]\s*(?:pub\s+)?mod\s+(\w+)", existing)
    name = found[1] if found else "tests"
    use = "" if "use super::" in code else "use super::*;\n\n"
    inner = textwrap.indent(use + code.strip("\n"), "    ", _has_text)
    return f"#[cfg(test)]\nmod {name} {{\n{inner}\n}}\n"


def _is_main(source: _Source, item: Item) -> bool:
    """Return whether this runs a Python file's tests: it stays last, and once."""
    return source.language == "python" and bool(re.match(r"if\s+__name__\s*==", source.of(item)))


def _indent_of(source: _Source, members: tuple[Item, ...], suite: Item | None) -> str:
    if suite is None:
        return ""
    for item in members:
        line = source.text.rfind("\n", 0, item.start) + 1
        lead = source.text[line : item.start]
        if not lead.strip():
            return lead
    line = source.text.rfind("\n", 0, suite.start) + 1
    lead = source.text[line : suite.start]
    tabs = "\n\t" in source.text
    wide = "    " if source.language in {"python", "rust", "java", "csharp", "php"} else "  "
    return (lead if not lead.strip() else "") + ("\t" if tabs else wide)


def _gap(source: _Source, suite: Item | None) -> str:
    return "\n\n\n" if source.language == "python" and suite is None else "\n\n"


def _applied(existing: str, merge: _Merge, ending: str) -> str:
    text = existing
    # A stable sort keeps insertions at one place in the order they were made.
    for at, inserted in sorted(merge.insertions, key=lambda pair: pair[0])[::-1]:
        text = text[:at] + inserted.replace("\n", ending) + text[at:]
    return text if text.endswith(("\n", "\r")) else text + ending


def _appended(existing: str, code: str, ending: str) -> str:
    return existing.rstrip() + ending * 2 + code.replace("\n", ending)


def _line_ending(text: str) -> str:
    return "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"


def _normal(text: str) -> str:
    return " ".join(text.split())


def _has_text(line: str) -> bool:
    return bool(line.strip())
