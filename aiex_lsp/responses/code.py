"""Code blocks: their language, path, syntax."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aiex_lsp.responses.detect import detect, is_prose
from aiex_lsp.responses.fences import Fence
from aiex_lsp.responses.info import parse_info, path_before, path_in_comment
from aiex_lsp.responses.markdown import Outline
from aiex_lsp.responses.types import CodeBlock

MAX_VALIDATED = 60
"""Blocks of one answer whose syntax is checked; the rest have `valid` None."""
MAX_VALIDATED_CHARS = 60_000
"""Characters of one answer's code that are checked: a parser that recovers from errors may need
a second for more."""

_SCRIPTS = frozenset({"javascript", "javascriptreact", "typescript", "typescriptreact"})


class Validator:
    """Checks code within one answer's bounds and remembers what it checked."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[bool | None, str | None]] = {}
        self._chars = 0
        self._languages: dict[str, str] = {}

    def language_of(self, code: str, language: str | None) -> str:
        """Return the language of an unlabelled block, "text" where nothing tells it."""
        if code not in self._languages:
            found = _language_of(code, language, self) if code.strip() else "text"
            self._languages[code] = found
        return self._languages[code]

    def check(self, code: str, language: str) -> tuple[bool | None, str | None]:
        """Return `valid` and `error` of a block; (None, None) past the bounds."""
        key = (language, code)
        if key not in self._seen:
            self._chars += len(code)
            if len(self._seen) >= MAX_VALIDATED or self._chars > MAX_VALIDATED_CHARS:
                return None, None
            from aiex_lsp.syntax.validate import validate

            result = validate(code, language)
            self._seen[key] = (result.valid, result.error)
        return self._seen[key]


def language_named(name: str) -> str | None:
    """Return the LSP id for a label or a document's language, None for an empty one.

    A name that is not known is its own id, in lower case.
    """
    from aiex_lsp.syntax.languages import PLAIN, canonical, language_of_path

    name = name.strip().lower()
    if not name or name in ("text", PLAIN):
        return name and "text"
    found = canonical(name) or language_of_path(f"x.{name}")
    return name if found == PLAIN else found


def code_blocks(doc: Outline, language: str | None, validator: Validator) -> list[CodeBlock]:
    """Return the answer's blocks in order; indented ones only where they hold code."""
    out: list[CodeBlock] = []
    for fence in doc.fences:
        if fence.indented:
            found = validator.language_of(fence.code, language)
            if found == "text" or is_prose(fence.code):
                continue
            out.append(_block(fence, found, None, validator))
            continue
        info = parse_info(fence.info)
        path = info.path or path_before(doc.lines, fence.start) or path_in_comment(fence.code)
        found = (
            language_named(info.language)
            or _by_path(path)
            or validator.language_of(fence.code, language)
        )
        out.append(_block(fence, found, path, validator))
    return out


def unfenced(doc: Outline, language: str | None, validator: Validator) -> list[CodeBlock]:
    """Return the one block of an answer that is code without a fence, or nothing.

    Paragraphs of prose before and after the code are left out. The code must be valid.
    """
    paragraphs = _paragraphs(doc.lines)
    if not paragraphs or len(paragraphs) > 2000:
        return []
    texts = ["\n".join(doc.lines[a : b + 1]) for a, b in paragraphs]
    codelike = [index for index, text in enumerate(texts) if not is_prose(text)]
    if not codelike:
        return []
    start, end = paragraphs[codelike[0]][0], paragraphs[codelike[-1]][1]
    code = "\n".join(doc.lines[start : end + 1])
    guessed = detect(code)
    for candidate in dict.fromkeys(filter(None, (guessed, language_named(language or "")))):
        if guessed is None and len(codelike) < len(paragraphs):
            continue
        if _evident(code, candidate) and validator.check(code, candidate)[0]:
            return [CodeBlock(candidate, code, valid=True, start_line=start, end_line=end)]
    return []


def primary_language(blocks: Sequence[CodeBlock]) -> str | None:
    """Return the language with the most valid code (then: the most code), None without any."""
    sizes: dict[str, list[int]] = {}
    for block in blocks:
        size = sizes.setdefault(block.language, [0, 0])
        size[0 if block.valid is not False else 1] += len(block.code)
    known = {name: size for name, size in sizes.items() if name != "text"}
    return max(known, key=lambda name: known[name]) if known else None


def _block(fence: Fence, language: str, path: str | None, validator: Validator) -> CodeBlock:
    valid, error = validator.check(fence.code, language)
    return CodeBlock(
        language=language,
        code=fence.code,
        valid=valid,
        error=error,
        info=fence.info,
        path=path,
        truncated=fence.truncated,
        start_line=fence.start,
        end_line=fence.end,
    )


def _by_path(path: str | None) -> str | None:
    from aiex_lsp.syntax.languages import PLAIN, language_of_path

    found = language_of_path(path) if path else PLAIN
    return None if found == PLAIN else found


def _language_of(code: str, language: str | None, validator: Validator) -> str:
    """Return the language of an unlabelled block, "text" where nothing tells it."""
    own = language_named(language or "")
    guessed = detect(code)
    if guessed and guessed != own and validator.check(code, guessed)[0] is not False:
        # C is C++, and JavaScript is TypeScript: the document's own wins where both fit.
        related = own and _evident(code, own) and validator.check(code, own)[0]
        return own if related and own else guessed
    if own and _evident(code, own) and validator.check(code, own)[0]:
        return own
    return guessed or "text"


def _evident(code: str, language: str) -> bool:
    """Return whether code that parses as a language also looks like it.

    Bash, Ruby and others take plain English for commands.
    """
    guessed = detect(code)
    families = (_SCRIPTS, {"c", "cpp"})
    if guessed == language or any({guessed, language} <= family for family in families):
        return True
    return guessed is None and not is_prose(code) and bool(re.search(r"[(){}=;\[\]:<>]", code))


def _paragraphs(lines: Sequence[str]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    start = None
    for index, line in enumerate([*lines, ""]):
        if line.strip() and start is None:
            start = index
        elif not line.strip() and start is not None:
            out.append((start, index - 1))
            start = None
    return out
