"""Whether a text is of its language, and where not. CPU-bound: use threads. Never raises."""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import NamedTuple

from aiex_lsp.syntax.languages import canonical, parse
from aiex_lsp.syntax.problems import problem_at, tree_problems
from aiex_lsp.syntax.types import SyntaxProblem, Validation

MAX_CHARS = 2 * 1024 * 1024
"""Longer texts are not checked: `valid` is None."""
MAX_FRAGMENT = 200 * 1024
"""Longer texts are files, so they are not tried as fragments."""


class _Frame(NamedTuple):
    """What a fragment may stand in, and how that is told."""

    told: str
    before: str
    after: str


_BODY = "as statements of a function"
_MEMBERS = "as members of a class"
_JS = (
    _Frame(_MEMBERS, "class X {", "\n}"),
    _Frame(_BODY, "async function* f() {", "\n}"),
    _Frame("as an expression", "(", "\n)"),
    _Frame("as members of an object", "({", "\n})"),
)
_FRAMES: dict[str, tuple[_Frame, ...]] = {
    "javascript": _JS,
    "javascriptreact": _JS,
    "typescript": _JS,
    "typescriptreact": _JS,
    "go": (
        _Frame(_BODY, "package p; func f() {", "\n}"),
        _Frame("as an expression", "package p; var _ = ", "\n"),
    ),
    "rust": (
        _Frame(_BODY, "fn f() {", "\n}"),
        _Frame("as members of a type", "impl X {", "\n}"),
        _Frame("as an attribute's item", "", "\nfn f() {}"),
    ),
    "java": (
        _Frame(_MEMBERS, "class X {", "\n}"),
        _Frame(_BODY, "class X { void f() {", "\n} }"),
        _Frame("as an expression", "class X { Object o = ", "\n; }"),
    ),
    "csharp": (
        _Frame(_MEMBERS, "class X {", "\n}"),
        _Frame(_BODY, "class X { void F() {", "\n} }"),
        _Frame("as an expression", "class X { object o = ", "\n; }"),
    ),
    "c": (
        _Frame(_BODY, "void f(void) {", "\n}"),
        _Frame("as an expression", "int x = ", "\n;"),
    ),
    "cpp": (
        _Frame(_BODY, "void f() {", "\n}"),
        _Frame(_MEMBERS, "class X {", "\n};"),
        _Frame("as an expression", "auto x = ", "\n;"),
    ),
    "php": (_Frame(_MEMBERS, "class X {", "\n}"), _Frame("as an expression", "$x = ", "\n;")),
    "lua": (
        _Frame("as an expression", "return ", "\n"),
        _Frame("as members of a table", "return {", "\n}"),
    ),
}


def validate(code: str, language: str) -> Validation:
    """Return whether `code` is of `language`, as a file or as a fragment of one.

    A fragment is tried as it is, then dedented, then inside what it may have been taken from;
    `Validation.fragment` says as what it was accepted. `valid` is None for languages without a
    grammar and for texts over `MAX_CHARS`.
    """
    name = canonical(language)
    if name is None or len(code) > MAX_CHARS:
        return Validation(None)
    problems = _problems(code, name)
    if not problems:
        return Validation(True, (), "without <?php" if _is_bare_php(code, name) else None)
    if len(code) > MAX_FRAGMENT:
        return Validation(False, problems)
    best = problems
    for told, text, shift in _fragments(code, name):
        inside = _problems(text, name)
        if not inside:
            return Validation(True, (), told)
        moved = _moved(code, inside, shift)
        if moved and moved[0].start > best[0].start:
            best = moved
    return Validation(False, best)


def new_errors(before: str, after: str, language: str) -> tuple[SyntaxProblem, ...]:
    """Return the problems of `after` that `before` did not have already.

    The same message on a line of the same text is the same problem, wherever it has moved.
    """
    found = validate(after, language)
    if not found.problems:
        return ()
    known = Counter(_key(before, one) for one in validate(before, language).problems)
    new: list[SyntaxProblem] = []
    for one in found.problems:
        key = _key(after, one)
        if known[key] > 0:
            known[key] -= 1
        else:
            new.append(one)
    return tuple(new)


def _key(text: str, problem: SyntaxProblem) -> tuple[str, str]:
    begin = max(text.rfind("\n", 0, problem.start), text.rfind("\r", 0, problem.start)) + 1
    lines = text[begin : begin + 1000].splitlines()
    return problem.message, lines[0].strip() if lines else ""


def _problems(code: str, language: str) -> tuple[SyntaxProblem, ...]:
    tree = parse(code, language)
    if tree is None:
        return ()
    found = tree_problems(code, tree, language)
    if language != "python":
        return found
    from aiex_lsp.syntax.python_check import UnableError, python_problem

    try:
        first = python_problem(code)
    except UnableError:
        return found
    if first is None:
        return ()
    return (first, *(one for one in found if one.line != first.line))


def _is_bare_php(code: str, language: str) -> bool:
    return language == "php" and "<?" not in code and bool(code.strip())


def _fragments(code: str, language: str) -> list[tuple[str, str, int]]:
    """Return (how it is told, text, offset of the code inside it) of what to try, in order."""
    tries: list[tuple[str, str, int]] = []
    if language == "python":
        indented = textwrap.indent(textwrap.dedent(code), " ")
        for told, text in (
            ("indented", textwrap.dedent(code)),
            ("indented", _hanging(code)),
            (_MEMBERS, f"class X:\n{indented}"),
        ):
            if text not in (code, *(one[1] for one in tries)):
                tries.append((told, text, -1))
        return tries
    if language == "php" and "<?" in code:
        return tries
    return [
        (frame.told, f"{frame.before}{code}{frame.after}", len(frame.before))
        for frame in _FRAMES.get(language, ())
    ]


def _hanging(code: str) -> str:
    """Return the code dedented by its later lines: a selection often begins behind the indent."""
    first, newline, rest = code.partition("\n")
    return first.lstrip() + newline + textwrap.dedent(rest)


def _moved(code: str, problems: tuple[SyntaxProblem, ...], shift: int) -> tuple[SyntaxProblem, ...]:
    """Return problems of a framed text as problems of the code, none where columns were lost."""
    if shift < 0:
        return ()
    size = len(code)
    return tuple(
        problem_at(
            code, one.message, one.start - shift, max(one.start, min(one.end, shift + size)) - shift
        )
        for one in problems
        if shift <= one.start <= shift + size
    )
