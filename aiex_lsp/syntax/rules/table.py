"""Which rules a language has."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from aiex_lsp.syntax.rules import (
    c_family,
    compiled,
    dynamic,
    javascript,
    managed,
    python,
    scripting,
)
from aiex_lsp.syntax.rules.base import Rules

if TYPE_CHECKING:
    from tree_sitter import Language, Query

RULES: dict[str, Rules] = {
    "python": python.RULES,
    "javascript": javascript.RULES,
    "javascriptreact": javascript.RULES,
    "typescript": javascript.TYPESCRIPT,
    "typescriptreact": javascript.TYPESCRIPT,
    "go": compiled.GO,
    "rust": compiled.RUST,
    "java": managed.JAVA,
    "csharp": managed.CSHARP,
    "c": c_family.C,
    "cpp": c_family.CPP,
    "ruby": dynamic.RUBY,
    "php": dynamic.PHP,
    "elixir": scripting.ELIXIR,
    "lua": scripting.LUA,
    "shellscript": scripting.BASH,
}


@cache
def compiled_query(language: Language, source: str) -> Query:
    """Return a query of a grammar, compiled once."""
    from tree_sitter import Query

    return Query(language, source)
