"""Names of a Python module that nothing binds."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from aiex_lsp.syntax.python_names import unbound_names


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("def f(a):\n    return a + b\n", {"b"}),
        ("import os.path as p\nfrom x import (y as z)\np, z, os\n", {"os"}),
        ("class A:\n    q = 1\n    def m(self):\n        return q, __class__, self.q\n", {"q"}),
        ("def f():\n    global g\n    g = 1\ndef h():\n    return g\n", set()),
        ("[i for i in a if (w := i)]\nw\n", {"a"}),
        (
            "def f(x):\n    match x:\n        case {'a': v, **rest}:\n            return v, rest\n",
            set(),
        ),
        ("try:\n    pass\nexcept E as error:\n    error\n", {"E"}),
        ("x: int\nprint(x, __name__, __file__, len)\n", set()),
        ("@deco\ndef f(a: T = d) -> 'R': ...\n", {"deco", "T", "d"}),
    ],
)
def test_what_nothing_binds_is_told(code, names):
    assert unbound_names(code) == names


@pytest.mark.parametrize("code", ["from a import *\nb\n", "exec(s)\nb\n", "def f(:\n", "\0"])
def test_where_any_name_may_be_bound_nothing_is_told(code):
    assert unbound_names(code) is None


def test_code_that_works_has_none():
    folder = Path(sysconfig.get_path("stdlib"))
    files = [*sorted((folder / "asyncio").glob("*.py")), *sorted((folder / "json").glob("*.py"))]
    assert len(files) > 20
    strange = {one.name: unbound_names(one.read_text("utf-8")) for one in files}
    assert {name: found for name, found in strange.items() if found} == {}
