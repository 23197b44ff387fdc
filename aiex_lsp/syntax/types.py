"""What the syntax room tells: symbols, imports, problems. Offsets are code points of the text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SymbolKind = Literal[
    "function",
    "method",
    "class",
    "struct",
    "enum",
    "interface",
    "trait",
    "module",
    "constant",
    "type",
]


@dataclass(frozen=True, slots=True)
class Symbol:
    """A named definition.

    `start`..`end` hold its whole text with decorators, attributes and `export`; a comment or
    Elixir's `@doc` before it begins at `doc_start`, None without one. `name_start`..`name_end` is
    the name. `container` is
    the dotted path of what encloses it, "" at top level. `signature` is one line without the body.
    `body_start` is where the body begins. `is_test` is true for tests by the language's convention.
    """

    name: str
    kind: SymbolKind
    start: int
    end: int
    name_start: int
    name_end: int
    signature: str
    container: str = ""
    doc_start: int | None = None
    body_start: int | None = None
    is_test: bool = False

    @property
    def qualified_name(self) -> str:
        """Return the dotted name with its container."""
        return f"{self.container}.{self.name}" if self.container else self.name


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """Where a text stops being of its language; offsets and 1-based line and column."""

    message: str
    start: int
    end: int
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Validation:
    """Whether a text is of its language. `valid` is None where the language is not known.

    `fragment` tells as what a text was accepted that is no whole file, None for a file.
    """

    valid: bool | None
    problems: tuple[SyntaxProblem, ...] = ()
    fragment: str | None = None

    @property
    def error(self) -> str | None:
        """Return the first problem as `line:column: message`."""
        if not self.problems:
            return None
        first = self.problems[0]
        return f"{first.line}:{first.column}: {first.message}"
