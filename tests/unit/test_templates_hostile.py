"""A template from anywhere harms nobody: each of these is an error, soon, in little memory."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.errors import TemplateError
from aiex_lsp.templates.engine import Engine
from aiex_lsp.templates.filters import FILTERS
from aiex_lsp.templates.head import build
from aiex_lsp.templates.loader import parse_text
from aiex_lsp.templates.meter import Limits
from aiex_lsp.templates.registry import TemplateRegistry
from aiex_lsp.templates.types import Template

HEAD = "---\nid: evil\nvariables: {code: string, items: list, data: map}\n---\n"

REFUSED_WHEN_READ = {
    "mro": "{{ ''.__class__.__mro__ }}",
    "mro by item": "{{ ''['__class__'] }}",
    "mro by filter": "{{ ''|attr('__class__') }}",
    "globals of a builtin": "{{ cycler.__init__.__globals__ }}",
    "globals of range": "{{ range.__init__.__globals__ }}",
    "lipsum": "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "self": "{{ self.__init__ }}",
    "self recursion": "{{ self.user() }}",
    "include of a file": "{% include '/etc/passwd' %}",
    "include of itself": "{% include 'evil' %}",
    "import": "{% import 'explain' as x %}{{ x }}",
    "from import": "{% from 'explain' import x %}{{ x }}",
    "extends by path": "{% extends '../../../etc/passwd' %}",
    "macro recursion": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "call block": "{% call range(1) %}{% endcall %}",
    "namespace": "{% set ns = namespace(x=1) %}{% set ns.x = 2 %}",
    "format filter": "{{ '%1000000000d'|format(1) }}",
    "format method": "{{ '{:1000000000}'.format(1) }}",
    "format map": "{{ '{a.__class__}'.format_map(data) }}",
    "center": "{{ 'a'|center(10**10) }}",
    "batch": "{{ items|batch(10**9, 'x')|list }}",
    "slice filter": "{{ items|slice(10**9)|list }}",
    "wordwrap": "{{ code|wordwrap(1, wrapstring='x'*10000) }}",
    "mutation": "{% set _ = items.append(1) %}",
    "dunder set": "{% set __class__ = 1 %}",
    "overriding range": "{% set range = 1 %}{{ range }}",
    "calling text": "{{ code() }}",
    "calling an element": "{{ items[0]() }}",
    "argument unpacking": "{{ range(*items) }}",
    "recursive loop": "{% for a in items recursive %}{{ loop(items) }}{% endfor %}",
    "autoescape folding": "{% autoescape 'a' * 10**10 %}{% endautoescape %}",
    "huge literal": "{{ 0x" + "f" * 5000 + " }}",
    "huge decimal literal": "{{ " + "9" * 20000 + " }}",
    "deep parentheses": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "deep lists": "{{ " + "[" * 200 + "]" * 200 + " }}",
    "long sum": "{{ 1" + "+1" * 20000 + " }}",
    "deep ifs": "{% if 1 %}" * 500 + "{% endif %}" * 500,
    "many nodes": "{{ code }}" * 6000,
    "many filters": "{{ code" + "|upper" * 5000 + " }}",
    "computed keys": "{{ {code: 1} }}",
}

REFUSED_WHEN_RENDERED = {
    "repeated text": "{{ 'a' * 10**10 }}",
    "repeated text, swapped": "{{ 10**10 * 'a' }}",
    "repeated list": "{{ [1] * 10**9 }}",
    "percent format": "{{ '%1000000000d' % 1 }}",
    "percent format of map": "{{ '%(a)1000000000d' % {'a': 1} }}",
    "power": "{{ 9**(9**9) }}",
    "power tower of sets": "{% set a = 2**600 %}{{ a ** a }}",
    "product": "{% set a = 2**600 %}{{ a * a }}",
    "float power": "{{ 10.0 ** 400 }}",
    "zero": "{{ 1 // 0 }}",
    "long range": "{{ range(10**9)|list }}",
    "range in a loop": "{% for i in range(10**9) %}x{% endfor %}",
    "huge range": "{{ range(10**30)|sum }}",
    "nested loops": (
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    ),
    "nested loops with a test": (
        "{% for i in range(99999) %}{% for j in range(99999) if false %}{% endfor %}{% endfor %}"
    ),
    "nested comparisons": (
        "{% set a = range(99999)|list %}{% for i in range(99999) %}"
        "{% if i + 100000 in a %}{% endif %}{% endfor %}"
    ),
    "select over lists": (
        "{% set a = range(99999)|map('string')|list %}{{ a|select('in', range(99999)|list)|list }}"
    ),
    "loop over text in text": (
        "{% set a = 'x' * 1000000 %}{% for c in a %}{% for d in a %}{% endfor %}{% endfor %}"
    ),
    "output of a loop": (
        "{% for i in range(99999) %}{{ code }}" + "x" * 5000 + "{% endfor %}"
    ),
    "collected output": (
        "{% set a %}{% for i in range(99999) %}" + "x" * 5000 + "{% endfor %}{% endset %}{{ a }}"
    ),
    "filtered output": (
        "{% filter upper %}{% for i in range(99999) %}" + "x" * 5000 + "{% endfor %}{% endfilter %}"
    ),
    "doubling": (
        "{% set a = 'xxxxxxxxxxxxxxxx' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}"
    ),
    "doubling by plus": "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a + a %}" * 40 + "{{ a }}",
    "doubling lists": "{% set a = [1] %}" + "{% set a = a + a %}" * 40 + "{{ a }}",
    "list bomb": (
        "{% set a = ['x'] %}" + "{% set a = [a,a,a,a,a,a,a,a,a,a] %}" * 30 + "{{ a }}"
    ),
    "list bomb as text": (
        "{% set a = ['x'] %}" + "{% set a = [a,a,a,a,a,a,a,a,a,a] %}" * 30 + "{{ a|string|length }}"
    ),
    "list bomb compared": (
        "{% set a = ['x'] %}{% set b = ['x'] %}"
        + "{% set a = [a,a,a,a,a,a,a,a] %}{% set b = [b,b,b,b,b,b,b,b] %}" * 30
        + "{{ a == b }}"
    ),
    "tuple bomb hashed": (
        "{% set a = ('x',) %}" + "{% set a = (a,a,a,a,a,a,a,a) %}" * 30 + "{{ [a]|unique|list }}"
    ),
    "tuple bomb as key": (
        "{% set a = ('x',) %}" + "{% set a = (a,a,a,a,a,a,a,a) %}" * 30 + "{{ data[a] }}"
    ),
    "sorting equal giants": (
        "{% set a = 'x' * 4000000 %}{% set b = a ~ '' %}{{ ([a, b] * 1000)|sort|length }}"
    ),
    "replace": "{{ ('a' * 100000)|replace('a', 'b' * 100000) }}",
    "replace nothing": "{{ ('a' * 100000)|replace('', 'b' * 100000) }}",
    "join": "{{ range(99999)|join('x' * 100000) }}",
    "indent": "{{ ('\\n' * 1000000)|indent(10**9) }}",
    "indent by text": "{{ code|indent('x') }}",
    "join of giants": "{{ ([('x' * 1000000)] * 1000)|join }}",
    "number lines": "{{ ('\\n' * 9000000)|number_lines(10**300) }}",
    "split": "{{ ('a,' * 20000000).split(',')|length }}",
    "text to list": "{{ ('\u20ac' * 30000000)|list|length }}",
    "round": "{{ 1.5|round(10**9) }}",
    "json": "{{ ['x' * 10000000] * 100 }}",
    "sum of lists": "{{ [[1], [2]]|sum }}",
    "int of giants": "{{ ('f' * 1000000)|int(0, 16) }}",
    "attribute by filter": "{{ [code]|map(attribute='__class__')|list }}",
    "item of a text": "{{ code['upper'] }}",
    "loop internals": "{% for a in items %}{{ loop._iterable }}{% endfor %}",
}  # fmt: skip


def evil(folder: Path, body: str, head: str = HEAD) -> Engine:
    (folder / "evil.md.j2").write_text(f"{head}{{% block user %}}go {body}{{% endblock %}}\n")
    return Engine(TemplateRegistry([("workspace", folder)]), limits=Limits(seconds=0.5))


def ask(engine: Engine) -> None:
    engine.render("evil", {"code": "print(1)", "items": [1, 2], "data": {"a": 1}})


@pytest.mark.alone
@pytest.mark.parametrize("name", REFUSED_WHEN_READ)
def test_a_hostile_template_is_refused_when_it_is_read(name: str, tmp_path: Path) -> None:
    started = time.monotonic()
    engine = evil(tmp_path, REFUSED_WHEN_READ[name])

    with pytest.raises(TemplateError) as raised:
        ask(engine)

    assert time.monotonic() - started < 4
    assert raised.value.line is not None
    assert len(str(raised.value)) <= 200


@pytest.mark.alone
@pytest.mark.parametrize("name", REFUSED_WHEN_RENDERED)
def test_a_hostile_template_is_stopped_while_it_renders(name: str, tmp_path: Path) -> None:
    engine = evil(tmp_path, REFUSED_WHEN_RENDERED[name])
    started = time.monotonic()

    with pytest.raises(TemplateError) as raised:
        ask(engine)

    assert time.monotonic() - started < 2.5, "0.5 s, one operation, and room for a busy machine"
    assert raised.value.line is not None or "conditional" in str(raised.value)
    assert len(str(raised.value)) <= 200
    assert "xxxx" not in str(raised.value)


@pytest.mark.parametrize("name", ["doubling", "doubling lists", "split", "json", "replace"])
def test_a_hostile_template_takes_little_memory(name: str, tmp_path: Path) -> None:
    engine = evil(tmp_path, REFUSED_WHEN_RENDERED[name])
    tracemalloc.start()
    try:
        with pytest.raises(TemplateError):
            ask(engine)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 256 * 1024 * 1024


@pytest.mark.parametrize(
    "expression",
    [
        "'a' * 10**10 == ''",
        "''.__class__ is defined",
        "range(10**9)|list|length > 0",
        "9**(9**9) > 1",
        "code) }}{{ 1",
        "x is defined",
    ],
)
def test_a_hostile_conditional_is_an_error(expression: str, tmp_path: Path) -> None:
    head = (
        f'---\nid: evil\nvariables: {{code: string}}\nconditionals:\n  bad: "{expression}"\n---\n'
    )
    engine = evil(tmp_path, "{{ code }}{% if bad %}x{% endif %}", head)

    with pytest.raises(TemplateError):
        ask(engine)


@pytest.mark.parametrize(
    "head",
    [
        "a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: [*b,*b,*b]\n",
        "name: &a [*a]\n",
        "name: " + "[" * 3000 + "]" * 3000 + "\n",
        "variables: " + "{a: " * 3000 + "1" + "}" * 3000 + "\n",
        "name: !!python/object/apply:os.system ['id']\n",
        "version: " + "9" * 6000 + "\n",
        "variables: {code: {type: integer, default: 0x" + "f" * 4000 + "}}\n",
        "variables: {code: {enum: [0x" + "f" * 9000 + "], default: 0x" + "f" * 6000 + "}}\n",
        "description: " + "x" * 20000 + "\n",
        "id: ../../../etc/passwd\n",
        "extends: ../../../etc/passwd\n",
        "extends: /etc/passwd\n",
        "variables: {__class__: string}\n",
        "variables: {self: string}\n",
        "? [a, b]\n: 1\nid: [1]\n",
        "- a\n- b\n",
        "a: b: c\n",
        "\x00\x01",
    ],
)
def test_a_hostile_head_is_a_problem_and_loses_no_other_template(head: str, tmp_path: Path) -> None:
    text = f"---\n{head}---\n{{% block user %}}x{{% endblock %}}\n"
    (tmp_path / "evil.md.j2").write_text(text)

    started = time.monotonic()
    registry = TemplateRegistry([("workspace", tmp_path)])

    assert time.monotonic() - started < 3
    assert [one for one in registry.problems if one.severity == "error"]
    assert registry.get("explain").source == "builtin"


def test_files_that_are_no_templates_are_problems(tmp_path: Path) -> None:
    (tmp_path / "binary.md.j2").write_bytes(b"---\nid: x\n---\n\xff\xfe")
    (tmp_path / "large.md.j2").write_bytes(b"---\nid: y\n---\n" + b"x" * 100_000)
    (tmp_path / "folder.md.j2").mkdir()
    (tmp_path / "headless.md.j2").write_text("just text")
    (tmp_path / "open.md.j2").write_text("---\nid: z\n")
    (tmp_path / "empty.md.j2").write_text("")

    registry = TemplateRegistry([("workspace", tmp_path)])

    assert len({one.path for one in registry.problems}) == 6
    assert {one.source for one in registry.all()} == {"builtin"}
    assert next(one for one in registry.problems if "UTF-8" in one.message).line == 4


@pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links and FIFOs")
def test_a_workspace_template_cannot_lead_elsewhere_or_hang(tmp_path: Path) -> None:
    secret = tmp_path / "secret.md.j2"
    secret.write_text("---\nid: secret\n---\n{% block user %}token{% endblock %}\n")
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "link.md.j2").symlink_to(secret)
    (folder / "device.md.j2").symlink_to("/dev/zero")
    (folder / "loop.md.j2").symlink_to(folder / "loop.md.j2")
    os.mkfifo(folder / "pipe.md.j2")

    registry = TemplateRegistry([("workspace", folder)])

    assert {one.source for one in registry.all()} == {"builtin"}
    assert "leads out" in " ".join(one.message for one in registry.problems)


@pytest.mark.parametrize(
    "body",
    [
        "{{ [-1000000000]|map('_put')|list }}{{ 'a' * 10**9 }}",
        "{{ [code]|map('_method', 'format')|list }}",
        "{{ (1, 2) * 10**9 }}",
        "{{ [code]|map('attr', '__class__')|list }}",
        "{{ [code]|select('callable')|list }}",
        "{{ ['\\x01' * 50000000] }}",
        "{{ code|tojson(indent=10**9) }}",
    ],
)
def test_no_operation_is_reached_by_its_name_in_a_text(body: str, tmp_path: Path) -> None:
    with pytest.raises(TemplateError):
        ask(evil(tmp_path, body))


ATOMS = st.sampled_from(
    ["code", "items", "data", "1", "2**60", "'ab'", "[1, 'x']", "{'a': 2}", "range(9)", "none"]
)
WRAPS = st.sampled_from(
    [
        *(f"({{}}|{name})" for name in sorted(FILTERS)),
        *(f"({{}}|{name}({{}}))" for name in sorted(FILTERS)),
        *(f"({{}} is {name})" for name in ("defined", "mapping", "odd", "sequence")),
        *(f"({{}} {sign} {{}})" for sign in ("+", "-", "*", "/", "//", "%", "**", "~", "==", "in")),
        *(f"{{}}.{name}" for name in ("a", "upper()", "items()", "get('a')", "split('a')")),
        "{}[{}]", "{}[1:]", "{}[::-1]", "[{}, {}]", "({}, {})", "({} if {} else {})", "not {}",
    ]
)  # fmt: skip


@st.composite
def expressions(draw: st.DrawFn, depth: int = 4) -> str:
    if depth == 0 or draw(st.booleans()):
        return draw(ATOMS)
    wrap = draw(WRAPS)
    parts = [draw(expressions(depth - 1)) for _ in range(wrap.count("{}"))]
    for part in parts:
        wrap = wrap.replace("{}", part.replace("{}", ""), 1)
    return wrap


@settings(max_examples=150, deadline=None)
@given(expressions())
def test_any_expression_renders_or_is_a_template_error(expression: str) -> None:
    file, _ = parse_text(
        f"{HEAD}{{% block user %}}go {{{{ {expression} }}}}{{% endblock %}}", Path("e"), "user"
    )
    assert file is not None
    template, _ = build(file, None)
    engine = Engine(Single(template), limits=Limits(seconds=2))  # type: ignore[arg-type]
    with contextlib.suppress(TemplateError):
        ask(engine)


class Single:
    """A registry of one template."""

    def __init__(self, template: Template) -> None:
        self.template = template

    def get(self, _id: str) -> Template:
        return self.template
