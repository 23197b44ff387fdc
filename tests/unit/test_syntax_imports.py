"""The import statements of each language, as they are written."""

from __future__ import annotations

import pytest

from aiex_lsp.syntax.imports import imports

CASES = [
    (
        "python",
        "import os\nfrom a import (\n    b,\n)\nif TYPE_CHECKING:\n    from c import d\n"
        "try:\n    import e\nexcept ImportError:\n    e = None\ndef f():\n    import inner\n",
        ["import os", "from a import (\n    b,\n)", "from c import d", "import e"],
    ),
    (
        "javascript",
        "import a from 'a';\nconst { b } = require('b');\nexport * from './c';\n"
        "const x = 1;\nfunction f() { const y = require('y'); }\n",
        ["import a from 'a';", "const { b } = require('b');", "export * from './c';"],
    ),
    (
        "typescriptreact",
        'import type { A } from "a";\nlet x = <p/>;\n',
        ['import type { A } from "a";'],
    ),
    (
        "typescript",
        "import fs = require('fs');\nexport const x = 1;\n",
        ["import fs = require('fs');"],
    ),
    (
        "go",
        'package p\n\nimport "fmt"\n\nimport (\n\t"a"\n\tb "c"\n)\n',
        ['import "fmt"', 'import (\n\t"a"\n\tb "c"\n)'],
    ),
    ("rust", "use a::{b, c};\nextern crate d;\nfn f() {}\n", ["use a::{b, c};", "extern crate d;"]),
    (
        "java",
        "package a;\nimport b.C;\nimport static d.E.*;\nclass X {}\n",
        ["import b.C;", "import static d.E.*;"],
    ),
    (
        "elixir",
        "defmodule A do\n  use B\n  alias C.{D, E}\n  require F\n  def f, do: import G\nend\n",
        ["use B", "alias C.{D, E}", "require F"],
    ),
    (
        "c",
        '#include <a.h>\n#ifdef X\n#include "b.h"\n#endif\nint x;\n',
        ["#include <a.h>", '#include "b.h"'],
    ),
    ("cpp", "#include <a>\nusing namespace std;\n", ["#include <a>", "using namespace std;"]),
    (
        "csharp",
        "using System;\nnamespace A { using B; class C {} }\n",
        ["using System;", "using B;"],
    ),
    (
        "ruby",
        'require "a"\nrequire_relative "b"\nclass C\n  include D\nend\n',
        ['require "a"', 'require_relative "b"'],
    ),
    (
        "php",
        "<?php\nnamespace A;\nuse B\\C;\nrequire_once 'd.php';\n",
        ["use B\\C;", "require_once 'd.php';"],
    ),
    (
        "lua",
        'local a = require("a")\nrequire "b"\nlocal x = 1\n',
        ['local a = require("a")', 'require "b"'],
    ),
    ("shellscript", "source ./a.sh\n. ./b.sh\necho x\n", ["source ./a.sh", ". ./b.sh"]),
]


@pytest.mark.parametrize(("language", "text", "expected"), CASES)
def test_imports(language: str, text: str, expected: list[str]) -> None:
    for prefix in ("", "\ufeff") if language != "shellscript" else ("",):
        for newline in ("\n", "\r\n"):
            changed = prefix + text.replace("\n", newline)
            found = imports(changed, language)
            assert [one.text for one in found] == [one.replace("\n", newline) for one in expected]
            assert all(changed[one.start : one.end] == one.text for one in found)


def test_an_unknown_language_imports_nothing() -> None:
    assert imports("COPY X.", "cobol") == []
