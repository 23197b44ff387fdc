"""Python's own parser as a second opinion: the grammar lets wrong indentation and more pass."""

from __future__ import annotations

import ast
import re
import sys
import threading
import warnings

from aiex_lsp.syntax.problems import problem_at
from aiex_lsp.syntax.types import SyntaxProblem

MAX_CHARS = 256 * 1024
"""Longer texts are left to the grammar: this parser cannot be interrupted, 60 ms at this size."""
_LINE = re.compile("\r\n|\r|\n")
_NEWER = re.compile(r"\s*(?:type\s+\w+[^=]*=|(?:async\s+)?(?:def|class)\s+\w+\s*\[)")


class UnableError(Exception):
    """Python's parser cannot tell: the text is too long or too deep for it."""


WARNINGS = threading.Lock()
"""`catch_warnings` swaps a list of the whole process: one at a time."""


def python_problem(text: str) -> SyntaxProblem | None:
    """Return the first error Python's parser finds, None for none. Raises `UnableError`."""
    if len(text) > MAX_CHARS:
        raise UnableError
    shift = 1 if text.startswith("\ufeff") else 0
    code = text[shift:]
    if "\0" in code:
        at = code.index("\0") + shift
        return problem_at(text, "null bytes are not allowed in source code", at, at + 1)
    try:
        with WARNINGS, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except SyntaxError as error:
        return _problem(text, code, shift, error)
    # SystemError: until 3.13 a parse in another thread can upset the depth this one counts.
    except (ValueError, RecursionError, MemoryError, OverflowError, SystemError) as error:
        raise UnableError from error
    return None


def _problem(text: str, code: str, shift: int, error: SyntaxError) -> SyntaxProblem | None:
    starts = [0, *(match.end() for match in _LINE.finditer(code))]
    line = min(max((error.lineno or 1) - 1, 0), len(starts) - 1)
    if _is_newer(code, starts[line], error.msg):
        raise UnableError
    start = min(starts[line] + max((error.offset or 1) - 1, 0), len(code))
    end = start
    if error.end_lineno and error.end_offset and 0 < error.end_lineno <= len(starts):
        end = min(starts[error.end_lineno - 1] + max(error.end_offset - 1, 0), len(code))
    return problem_at(text, error.msg, start + shift, max(start, end) + shift)


def _is_newer(code: str, line_start: int, message: str) -> bool:
    """Return whether the line is Python 3.12's, which an older interpreter cannot judge."""
    if sys.version_info >= (3, 12):
        return False
    return message.startswith("f-string") or bool(_NEWER.match(code, line_start))
