"""What the parsers make of a model's text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ResponseType = Literal[
    "general",
    "code_generation",
    "code_explanation",
    "test_generation",
    "documentation",
    "findings",
]

Severity = Literal["error", "warning", "information", "hint"]


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A fenced (or indented) block.

    `language` is a canonical name ("python"), "text" where unknown. `info` is the whole info
    string, `path` a file name found in it or just before the fence. `valid` is None where the
    language cannot be checked; `error` is `line:column: message`. `truncated`: the fence was
    never closed. `start_line`/`end_line` are 0-based lines of the answer, fences included.
    """

    language: str
    code: str
    valid: bool | None = None
    error: str | None = None
    info: str = ""
    path: str | None = None
    truncated: bool = False
    start_line: int = 0
    end_line: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its own text (`content`, up to the next heading) and its subsections."""

    level: int
    title: str
    content: str
    children: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeReference:
    """A piece of code named in the text: identifier, call, path or `path:line`."""

    text: str
    kind: Literal["identifier", "call", "path", "expression"]
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark of a review. Lines are 1-based, of the text that was shown to the model."""

    message: str
    severity: Severity = "warning"
    category: str = "general"
    start_line: int | None = None
    end_line: int | None = None
    suggestion: str | None = None
    quote: str | None = None
    """The code the remark is about, to place it where line numbers are wrong."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A parsed answer of any type; what a type does not have is empty.

    `markdown` is the answer as given, thinking removed. `explanation` is the prose around the
    code. `language` is the primary block's.
    """

    type: ResponseType
    markdown: str
    summary: str = ""
    explanation: str = ""
    language: str | None = None
    code_blocks: tuple[CodeBlock, ...] = ()
    sections: tuple[Section, ...] = ()
    code_references: tuple[CodeReference, ...] = ()
    concepts: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    truncated: bool = False
