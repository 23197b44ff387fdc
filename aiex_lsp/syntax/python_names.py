"""Which names of a Python module nothing binds. CPU-bound: use threads. Never raises."""

from __future__ import annotations

import builtins
import re
import symtable
import warnings

from aiex_lsp.syntax.python_check import MAX_CHARS, WARNINGS

_GIVEN = frozenset({
    *dir(builtins), "__file__", "__path__", "__builtins__", "__annotations__", "__dict__",
    "__module__", "__qualname__", "__firstlineno__", "__class__", "_", "display", "get_ipython",
    "reveal_type", "reveal_locals", "WindowsError", "ExceptionGroup", "BaseExceptionGroup",
    "PythonFinalizationError", "EncodingWarning", "aiter", "anext",
})  # fmt: skip
"""Names that are there without being bound: of the language (newer versions too) and of shells."""

_UNTOLD = re.compile(
    r"^[ \t]*from[ \t]+[\w.]+[ \t]+import[ \t]*\(?[ \t]*\*|"
    r"\b(?:exec|globals|locals|vars)[ \t]*\(|\b__builtins__\b|\bbuiltins\.\w+[ \t]*=[^=]|"
    r"\bsetattr\(\s*builtins\b",
    re.MULTILINE,
)
"""What may bind any name."""


def unbound_names(text: str) -> frozenset[str] | None:
    """Return the names a module uses that nothing in it binds; None where that cannot be told.

    It cannot for code that does not parse, `import *`, `exec` and the like. A name counts as bound
    wherever the module binds it: neither order nor conditions are looked at.
    """
    if len(text) > MAX_CHARS or _UNTOLD.search(text):
        return None
    try:
        with WARNINGS, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = symtable.symtable(text.removeprefix("\ufeff"), "<text>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError, SystemError):
        return None
    bound = set(_GIVEN)
    used: set[str] = set()
    pending = [module]
    while pending:
        table = pending.pop()
        pending.extend(table.get_children())
        for symbol in table.get_symbols():
            binds = symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
            if (binds or symbol.is_annotated()) and (table is module or symbol.is_global()):
                bound.add(symbol.get_name())
            elif symbol.is_referenced() and symbol.is_global():
                used.add(symbol.get_name())
    return frozenset(used - bound)
