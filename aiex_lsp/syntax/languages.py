"""Languages by name and by file, and their parsers. Grammars are imported with their first use."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from aiex_lsp.syntax.names import LANGUAGES, OTHER_FILES, OTHERS, PHP_WITHOUT_TAG, Language
from aiex_lsp.syntax.offsets import utf8

if TYPE_CHECKING:
    import tree_sitter

PLAIN = "plaintext"
_AT_ONCE = 32 * 1024
"""Bytes parsed without a pause: longer texts are read in pieces, and between two of them the
event loop's thread gets its turn. 4 KiB pieces hold it up 10-20 ms, one piece of 4 MB 400 ms."""
_PIECE = 4096
_SHEBANG = re.compile(r"#!\s*(?:\S*/env\s+(?:-\S+\s+)*)?(?:\S*/)?([A-Za-z-]+)")


def canonical(name_or_alias: str) -> str | None:
    """Return the LSP id of a language aiex parses, None for any other name."""
    return _ids().get(name_or_alias.strip().lower().removeprefix("language-").removeprefix("."))


def supported() -> tuple[str, ...]:
    """Return the LSP ids of all languages with symbols and syntax checks."""
    return tuple(language.id for language in LANGUAGES)


def language_of_path(path: str, first_line: str = "") -> str:
    """Return the LSP id for a file's name, else for its `#!` line, else "plaintext"."""
    name = re.split(r"[/\\]", path)[-1]
    known = _files().get(name)
    if known is None and "." in name.lstrip("."):
        suffix = name.rsplit(".", 1)[-1]
        known = "cpp" if suffix in ("C", "H") else _files().get("." + suffix.lower())
    if known is None and name.lower().startswith("dockerfile"):
        known = "dockerfile"
    if known is None and (found := _SHEBANG.match(first_line)):
        known = next((one.id for one in LANGUAGES if found[1] in one.interpreters), None)
    return known or PLAIN


def line_comment(language: str) -> str:
    """Return what begins a line comment, "#" where the language is not known."""
    known = _known(language)
    return known.comment if known else "#"


def extension(language: str) -> str:
    """Return the usual extension with its dot, "" where the language is not known."""
    known = _known(language)
    return f".{known.extensions[0]}" if known else ""


def parse(text: str, language: str) -> tree_sitter.Tree | None:
    """Return the syntax tree, in bytes of UTF-8, None where the language is not known.

    Any thread may call it. A text of PHP without `<?` is read as if it followed one.
    """
    return parse_bytes(utf8(text), language)


def parse_bytes(data: bytes, language: str) -> tree_sitter.Tree | None:
    """Return the syntax tree of a text's UTF-8, None where the language is not known."""
    from tree_sitter import Parser

    known = _known(language)
    if known is None:
        return None
    # One parser a call costs microseconds; a shared one could not be used from two threads.
    parser = Parser(grammar(*_grammar_of(known, data)))
    if len(data) <= _AT_ONCE:
        return parser.parse(data)
    return parser.parse(
        lambda offset, _point: data[offset : offset + _PIECE],
        progress_callback=lambda _offset, _error: False,
    )


@cache
def grammar(module: str, function: str) -> tree_sitter.Language:
    """Return a tree-sitter language, loaded once."""
    from tree_sitter import Language as Grammar

    return Grammar(getattr(import_module(module), function)())


def grammar_for(language: str, data: bytes) -> tree_sitter.Language:
    """Return the grammar `parse_bytes` reads `data` with. Raises `KeyError` for unknown names."""
    known = _known(language)
    if known is None:
        raise KeyError(language)
    return grammar(*_grammar_of(known, data))


def _grammar_of(language: Language, data: bytes) -> tuple[str, str]:
    if language.id == "php" and b"<?" not in data:
        return PHP_WITHOUT_TAG
    return language.grammar


def _known(language: str) -> Language | None:
    name = canonical(language)
    return next((one for one in LANGUAGES if one.id == name), None)


@cache
def _ids() -> dict[str, str]:
    return {name: one.id for one in LANGUAGES for name in (*one.aliases, one.id)}


@cache
def _files() -> dict[str, str]:
    return {
        **{f".{suffix}": name for suffix, name in OTHERS.items()},
        **OTHER_FILES,
        **{f".{suffix}": one.id for one in LANGUAGES for suffix in one.extensions},
        **{file: one.id for one in LANGUAGES for file in one.files},
    }
