"""Who in a workspace uses what a file no longer defines, by language; and who only seems to."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiex_lsp.context.types import WorkspaceView
from aiex_lsp.context.uses import find_use
from aiex_lsp.edits.lost import lost_names
from aiex_lsp.syntax.languages import language_of_path
from aiex_lsp.text.snapshot import Snapshot

PY = "import json\n\nLIMIT = 3\n\n\ndef total(x):\n    return x\n\n\nclass Cart:\n"
PY += "    def total(self):\n        return 1\n\n    def add_item(self):\n        return 2\n"
TS = "export function total(x: number) { return x; }\nexport const LIMIT = 3;\n"
GO = "package cart\n\nfunc Total(x int) int { return x }\n\ntype Cart struct{}\n\n"
GO += "func (c *Cart) Sum() int { return 1 }\n\nfunc helper() int { return 1 }\n"
RUST = "pub struct Cart;\n\nimpl Cart {\n    pub fn add_item(&self) {}\n}\n\npub fn total() {}\n"
JAVA = "public class Cart {\n    public int total() { return 1; }\n}\n"
C = "int total(int x) { return x; }\n"
RUBY = "class Cart\n  def total\n    1\n  end\nend\n"
PHP = "<?php\nfunction total($x) { return $x; }\n"
ELIXIR = "defmodule Shop.Cart do\n  def total(x) do\n    x\n  end\nend\n"


def found(tmp_path: Path, name: str, text: str, gone: str, files: dict[str, str], **more):
    """Return where the name is used that the file at `name` no longer has."""
    root = tmp_path / "w"
    for one, content in {name: text, **files}.items():
        path = root / one
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    language = language_of_path(name)
    lost = [one for one in lost_names(text, "", language) if f"{one.owner}.{one.name}" == gone]
    assert lost, lost_names(text, "", language)
    opened = {(root / one).as_uri(): content for one, content in more.pop("opened", {}).items()}
    changed = {(root / one).as_uri(): text for one, text in more.pop("changed", {}).items()}

    def document(uri: str) -> Snapshot | None:
        return Snapshot(uri, opened[uri], language, 1) if uri in opened else None

    document_ = Snapshot((root / name).as_uri(), text, language)
    roots = tuple(tmp_path / one for one in more.pop("roots", ["w"]))
    use = find_use(WorkspaceView(roots, document), document_, lost, changed, **more)
    return f"{use.place}:{use.line}" if use else None


USED = {
    "from-import": ("shop/cart.py", PY, ".total", "a.py", "\nfrom shop.cart import total\n", 2),
    "relative": ("shop/cart.py", PY, ".total", "shop/a.py", "from .cart import (x,\n total)", 2),
    "module": ("shop/cart.py", PY, ".total", "a.py", "import shop.cart as c\nc.total(1)\n", 2),
    "package": ("shop/cart.py", PY, ".total", "a.py", "from shop import cart\ncart.total(1)\n", 2),
    "star": ("shop/cart.py", PY, ".LIMIT", "a.py", "from shop.cart import *\nf(LIMIT)\n", 2),
    "passed on": ("shop/__init__.py", "from .cart import total\n", ".total", "a.py",
                  "from shop import total\n", 1),
    "alias": ("shop/cart.py", PY, ".total", "a.py", "from shop.cart import total as t\n", 1),
    "method": ("shop/cart.py", PY, "Cart.total", "a.py",
               "from shop.cart import Cart\n\ndef f(c: Cart):\n    return c.total()\n", 4),
    "method of a new one": ("shop/cart.py", PY, "Cart.total", "a.py",
                            "from shop.cart import Cart\nx = Cart()\nprint(f'{x.total()}')\n", 3),
    "method by its own name": ("shop/cart.py", PY, "Cart.add_item", "a.py",
                               "from shop.cart import Cart\nmake().add_item()\n", 2),
    "method of its namesake": ("shop/cart.py", PY, "Cart.total", "a.py", "self.cart.total()\n", 1),
    "ts named": ("src/cart.ts", TS, ".total", "src/a.ts", "import { total } from './cart';\n", 1),
    "ts index": ("src/cart/index.ts", TS, ".total", "src/a.tsx",
                 "import {\n  total as t,\n} from './cart';\n", 2),
    "ts export": ("src/cart.ts", TS, ".LIMIT", "src/index.ts",
                  "export { LIMIT } from './cart';", 1),
    "ts namespace": ("src/cart.ts", TS, ".total", "b/a.ts",
                     "import * as c from '../src/cart.js';\nc.total(1);\n", 2),
    "js require": ("cart.js", "function total() {}\nmodule.exports = { total };\n", ".total",
                   "a.js", "const { total } = require('./cart');\n", 1),
    "ts alias path": ("src/shop/cart.ts", TS, ".total", "src/a.ts",
                      "import { total } from '@/shop/cart';\n", 1),
    "go same package": ("cart/cart.go", GO, ".helper", "cart/b.go",
                        "package cart\n\nfunc f() int { return helper() }\n", 3),
    "go other package": ("cart/cart.go", GO, ".Total", "b/b.go",
                         'package b\n\nimport "x/cart"\n\nvar a = cart.Total(1)\n', 5),
    "go method": ("cart/cart.go", GO, "Cart.Sum", "b/b.go",
                  "package b\n\nfunc f(c *cart.Cart) int { return c.Sum() }\n", 3),
    "rust": ("src/cart.rs", RUST, ".total", "src/a.rs", "use crate::cart::total;\n", 1),
    "rust method": ("src/cart.rs", RUST, "Cart.add_item", "src/a.rs",
                    "use crate::cart::Cart;\nfn f(c: &Cart) { c.add_item(); }\n", 2),
    "java": ("s/Cart.java", JAVA, "Cart.total", "s/A.java",
             "class A {\n  int f(Cart x) { return x.total(); }\n}\n", 2),
    "c": ("cart.c", C, ".total", "a.c", "int main(void) { return total(2); }\n", 1),
    "ruby": ("cart.rb", RUBY, "Cart.total", "a.rb", "c = Cart.new\nputs c.total\n", 2),
    "php": ("cart.php", PHP, ".total", "a.php", "<?php\necho total(1);\n", 2),
    "elixir": ("lib/cart.ex", ELIXIR, "Cart.total", "lib/a.ex",
               "defmodule A do\n  def f, do: Shop.Cart.total(1)\nend\n", 2),
}  # fmt: skip
UNUSED = {
    "comment": ("shop/cart.py", PY, ".total", "a.py", "from shop import cart\n# cart.total(1)\n"),
    "string": ("shop/cart.py", PY, ".total", "a.py", "from shop import cart\nx = 'cart.total'\n"),
    "other module": ("shop/cart.py", PY, ".total", "a.py", "from order.cart import total\n"),
    "own": ("shop/cart.py", PY, ".total", "a.py", "from shop import cart\n\ndef total(): pass\n"
            "total()\n"),
    "local": ("shop/cart.py", PY, ".total", "a.py", "import shop.cart\ntotal = 1\nprint(total)\n"),
    "keyword": ("shop/cart.py", PY, ".total", "a.py", "from shop.cart import f\nf(total=1)\n"),
    "other object": ("shop/cart.py", PY, "Cart.total", "a.py",
                     "from shop.cart import Cart\nbill = read()\nbill.total()\n"),
    "no such class": ("shop/cart.py", PY, "Cart.add_item", "a.py", "basket.add_item()\n"),
    "import of its own": ("shop/cart.py", PY, ".json", "a.py",
                          "from shop.cart import *\nimport json\njson.dumps(1)\n"),
    "ts default": ("src/cart.ts", TS, ".total", "src/a.ts", "import total from './cart';\n"),
    "ts other file": ("src/cart.ts", TS, ".total", "src/a.ts",
                      "import { total } from './order/cart';\n"),
    "ts property": ("src/cart.ts", TS, ".total", "src/a.ts",
                    "import { LIMIT } from './cart';\nconst o = { total: LIMIT };\no.total;\n"),
    "go other": ("cart/cart.go", GO, ".Total", "b/b.go", "package b\n\nvar a = bill.Total(1)\n"),
    "go unexported elsewhere": ("cart/cart.go", GO, ".helper", "b/b.go",
                                "package b\n\nfunc f() int { return helper() }\n"),
    "c variable": ("cart.c", C, ".total", "a.c", "int f(int total) { return total; }\n"),
    "php method": ("cart.php", PHP, ".total", "a.php", "<?php\necho $bill->total(1);\n"),
    "other language": ("cart.py", PY, ".total", "a.js", "import { total } from './cart';\n"),
}  # fmt: skip


@pytest.mark.parametrize("case", USED)
def test_a_use_is_found_and_told_with_its_place(tmp_path, case):
    name, text, gone, other, content, line = USED[case]
    assert found(tmp_path, name, text, gone, {other: content}) == f"{other}:{line}"


@pytest.mark.parametrize("case", UNUSED)
def test_what_only_looks_like_a_use_is_none(tmp_path, case):
    name, text, gone, other, content = UNUSED[case]
    assert found(tmp_path, name, text, gone, {other: content}) is None


USE = "from shop.cart import total\n"


def test_unsaved_text_counts_and_not_what_is_on_disk(tmp_path):
    case = (tmp_path, "shop/cart.py", PY, ".total")
    assert found(*case, {"a.py": "x = 1\n"}, opened={"a.py": USE}) == "a.py:1"
    assert found(*case, {"a.py": USE}, opened={"a.py": "x = 1\n"}) is None


def test_a_use_the_edit_changes_as_well_is_none(tmp_path):
    case = (tmp_path, "shop/cart.py", PY, ".total", {"a.py": USE})
    assert found(*case, changed={"a.py": "from shop.cart import sum_up\n"}) is None


def test_ignored_files_are_not_looked_at(tmp_path):
    files = {".gitignore": "a.py\n", ".aiexignore": "b.py\n", "a.py": USE, "b.py": USE}
    files |= {"node_modules/c.py": USE, "c.txt": USE}
    assert found(tmp_path, "shop/cart.py", PY, ".total", files) is None


def test_the_nearest_use_is_told(tmp_path):
    files = {"a.py": USE, "shop/z.py": USE, "tests/unit/test_cart.py": USE}
    assert found(tmp_path, "shop/cart.py", PY, ".total", files) == "shop/z.py:1"


def test_all_folders_of_the_workspace_are_looked_at(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "b.py").write_text(USE)
    assert found(tmp_path, "shop/cart.py", PY, ".total", {}, roots=("w", "other")) == "b.py:1"


def test_the_search_ends_in_time(tmp_path):
    ticks = iter(range(1000))
    case = (tmp_path, "shop/cart.py", PY, ".total", {"a.py": USE})
    assert found(*case, clock=lambda: float(next(ticks)), seconds=0.5) is None


@pytest.mark.parametrize(
    ("before", "after", "language", "lost"),
    [
        ("def a(): pass\n", "def b(): pass\n", "python", {"a"}),
        ("def a(): pass\n", "def b(): pass\n\n\na = b\n", "python", set()),
        ("def a(): pass\n", "from x import b as a\n", "python", set()),
        ("def a():\n    def b(): pass\n", "def a(): pass\n", "python", set()),
        ("class A:\n    def m(self): pass\n", "class A:\n    pass\n", "python", {"m"}),
        ("def test_a(): pass\n", "x = 1\n", "python", set()),
        ("import os\n", "import sys\n", "python", {"os"}),
        ("export { a } from './b';\n", "export {};\n", "typescript", {"a"}),
        ("function a() {}\n", "const a = () => 1;\n", "javascript", set()),
        ("function a() {}\n", "if (a === 1) {}\n", "javascript", {"a"}),
    ],
)
def test_a_name_is_lost_where_nothing_binds_it_any_more(before, after, language, lost):
    assert {one.name for one in lost_names(before, after, language)} == lost
