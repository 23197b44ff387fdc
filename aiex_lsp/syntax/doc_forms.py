"""How each language writes documentation: the forms of its comments, and what is no comment.

A comment's form is told by its opening; which of a file's comments document what follows is told
by `Family`: some languages have a syntax of their own for that, in others any comment does it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from aiex_lsp.syntax.languages import canonical

Where = Literal["inside", "before"]


@dataclass(frozen=True, slots=True)
class Form:
    """How a comment is written: `prefix` begins each line, `closing` is "" for line comments.

    `more` begins further lines that still belong to a line comment (Lua's `--` below `---`).
    """

    opening: str
    prefix: str
    closing: str = ""
    more: str = ""

    @property
    def by_line(self) -> bool:
        """Return whether every line has a mark of its own."""
        return not self.closing


@dataclass(frozen=True, slots=True)
class Family:
    """A language's doc comments; `docs` first is the usual one.

    `plain` are comments that document only where a file has no other (`plain_counts`) or never.
    `directives` are words that make a comment an order to a tool. `after_attributes`: a comment
    may also stand between attributes and what they are about.
    """

    convention: str
    docs: tuple[Form, ...]
    plain: tuple[Form, ...] = ()
    plain_counts: bool = False
    where: Where = "before"
    directives: str = ""
    after_attributes: bool = False
    known: frozenset[str] = field(default_factory=frozenset)


BLOCK = Form("/**", " * ", " */")
BANG_BLOCK = Form("/*!", " * ", " */")
PLAIN_BLOCK = Form("/*", " * ", " */")
TRIPLE = Form("///", "/// ")
BANG = Form("//!", "//! ")
SLASHES = Form("//", "// ")
HASH = Form("#", "# ")
DASHES = Form("--", "-- ")
LUA = Form("---", "--- ", more="--")
LUA_BLOCK = Form("--[[", "", "]]")
RUBY_BLOCK = Form("=begin", "", "=end")
DOCSTRING = Form('"""', "", '"""')
EX_DOC = Form('@doc """', "", '"""')
EX_MODULEDOC = Form('@moduledoc """', "", '"""')

_ANY = r"noinspection\b|NOSONAR|cspell:|spell-checker|codespell:|SPDX-|-\*-|vim?:"
_JS = (
    r"eslint\b|eslint-|@ts-|@flow\b|prettier-ignore|istanbul |c8 ignore|v8 ignore|biome-ignore|"
    r"tslint:|deno-lint|<reference|webpack|@vite-ignore|[#@]__"
)
_GO = r"(?<=//)(?:go:|export |line |extern |nolint|lint:)|\+build|nolint"
_C = r"NOLINT|clang-format|cppcheck-suppress|LCOV_|GCOV|coverity\[|IWYU|ReSharper|lint -"
_PHP = r"phpcs:|@phpcs|@phpstan-ignore|@psalm-suppress|@codeCoverageIgnore"
_RUBY = (
    r"rubocop:|frozen_string_literal:|typed:|(?:en)?coding:|warn_indent:|shareable_|steep:|:nodoc:"
)
_LUA = r"@diagnostic|@cast|luacheck:|selene:|stylua:"

_SCRIPT = (BLOCK,), (PLAIN_BLOCK, SLASHES)
_JSDOC = Family("jsdoc", *_SCRIPT, directives=_JS, known=frozenset({"jsdoc"}))
_TSDOC = Family("tsdoc", *_SCRIPT, directives=_JS, known=frozenset({"tsdoc", "jsdoc"}))
_DOXYGEN = Family(
    "doxygen",
    (BLOCK, TRIPLE, BANG, BANG_BLOCK),
    (PLAIN_BLOCK, SLASHES),
    plain_counts=True,
    directives=_C,
)
_BLOCK_DOCS = (BLOCK, TRIPLE), (PLAIN_BLOCK, SLASHES)

FAMILIES: dict[str, Family] = {
    "python": Family(
        "google",
        (DOCSTRING,),
        (HASH,),
        where="inside",
        directives=r"type:|noqa|pylint:|pyright:|mypy:|fmt:|ruff:|isort:|pragma:",
        known=frozenset({"google", "numpy", "sphinx", "plain"}),
    ),
    "javascript": _JSDOC,
    "javascriptreact": _JSDOC,
    "typescript": _TSDOC,
    "typescriptreact": _TSDOC,
    "go": Family("godoc", (SLASHES, PLAIN_BLOCK), directives=_GO),
    "rust": Family(
        "rustdoc",
        (TRIPLE, BLOCK),
        (SLASHES, PLAIN_BLOCK),
        directives="rustfmt",
        after_attributes=True,
    ),
    "java": Family(
        "javadoc", *_BLOCK_DOCS, directives="CHECKSTYLE|@formatter", after_attributes=True
    ),
    "csharp": Family(
        "xmldoc", (TRIPLE, BLOCK), (SLASHES, PLAIN_BLOCK), directives=_C, after_attributes=True
    ),
    "c": _DOXYGEN,
    "cpp": _DOXYGEN,
    "ruby": Family("yard", (HASH, RUBY_BLOCK), directives=_RUBY, known=frozenset({"yard", "rdoc"})),
    "php": Family(
        "phpdoc",
        (BLOCK,),
        (PLAIN_BLOCK, SLASHES, HASH),
        directives=_PHP,
        after_attributes=True,
    ),
    "elixir": Family("elixir @doc", (EX_DOC,), (HASH,), directives="credo:|sobelow"),
    "lua": Family(
        "emmylua",
        (LUA,),
        (LUA_BLOCK, DASHES),
        plain_counts=True,
        directives=_LUA,
        known=frozenset({"emmylua", "luadoc"}),
    ),
    "shellscript": Family("plain", (HASH,), directives="shellcheck "),
    "kotlin": Family("kdoc", *_BLOCK_DOCS),
    "scala": Family("scaladoc", *_BLOCK_DOCS),
    "groovy": Family("javadoc", *_BLOCK_DOCS),
    "swift": Family("swift markup", (TRIPLE, BLOCK), (SLASHES, PLAIN_BLOCK)),
    "dart": Family("dartdoc", (TRIPLE,), (SLASHES, PLAIN_BLOCK)),
    "zig": Family("plain", (TRIPLE,), (SLASHES,)),
}

_OTHER = Family("plain", (SLASHES, PLAIN_BLOCK, HASH))


def family_of(language: str) -> Family:
    """Return how a language documents; of one that is not known, by the usual comments."""
    return FAMILIES.get(canonical(language) or language, _OTHER)


def directive(family: Family) -> re.Pattern[str]:
    """Return what a comment's text, its mark included, begins with where it is for a tool."""
    words = f"{family.directives}|{_ANY}" if family.directives else _ANY
    return re.compile(rf"(?:#!|(?:/\*[*!]?|//[/!]?|--+|#)\s*(?:{words}))")
