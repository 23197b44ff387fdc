"""How each language's projects name, place and run their tests."""

from __future__ import annotations

from aiex_lsp.context.conventions.base import Convention
from aiex_lsp.context.conventions.compiled import (
    GoConvention,
    JavaConvention,
    RustConvention,
)
from aiex_lsp.context.conventions.other import ElixirConvention, RubyEither, SimpleConvention
from aiex_lsp.context.conventions.python import PythonConvention
from aiex_lsp.context.conventions.script import ScriptConvention


def convention_for(language_id: str) -> Convention:
    """Return the conventions of a language; an unknown one gets `test/x_test` with its suffix."""
    known: dict[str, Convention] = {
        "python": PythonConvention(),
        "go": GoConvention(),
        "rust": RustConvention(),
        "java": JavaConvention(),
        "elixir": ElixirConvention(),
        "ruby": RubyEither(),
        "php": SimpleConvention(".php", "{}Test", "tests", "phpunit"),
        "csharp": SimpleConvention(".cs", "{}Tests", "tests", "xunit"),
        "lua": SimpleConvention(".lua", "{}_spec", "spec", "busted"),
        "shellscript": SimpleConvention(".bats", "{}", "test", "bats"),
        "c": SimpleConvention(".c", "test_{}", "tests", "assert"),
        "cpp": SimpleConvention(".cpp", "{}_test", "tests", "googletest"),
    }
    script = {"javascript", "javascriptreact", "typescript", "typescriptreact"}
    if language_id in script:
        return ScriptConvention()
    return known.get(language_id, SimpleConvention("", "test_{}", "tests", ""))
