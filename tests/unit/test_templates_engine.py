"""What a template and its variables give, and what is refused."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.errors import TemplateError
from aiex_lsp.templates.engine import Engine
from aiex_lsp.templates.head import build
from aiex_lsp.templates.loader import parse_text
from aiex_lsp.templates.meter import Limits
from aiex_lsp.templates.types import Template


class Single:
    """A registry of one template."""

    def __init__(self, template: Template) -> None:
        self.template = template

    def get(self, _id: str) -> Template:
        return self.template

    def all(self) -> list[Template]:
        return [self.template]


def engine(text: str, **options: Any) -> Engine:
    file, problems = parse_text(text, Path("t.md.j2"), "user")
    assert file is not None, problems
    template, problems = build(file, None)
    assert not problems
    return Engine(Single(template), **options)  # type: ignore[arg-type]


def user(head: str, body: str, variables: dict[str, Any] | None = None, **options: Any) -> str:
    text = f"---\n{head}\n---\n{{% block user %}}{body}{{% endblock %}}\n"
    return engine(text).render("t", variables or {}, **options).user


TYPES = """variables:
  text: string
  count: integer
  ratio: number
  flag: boolean
  many: list
  fields: map"""


def test_system_and_user_parts_are_apart() -> None:
    rendered = engine(
        "---\nvariables: {name: {required: true}}\n---\n"
        "{% block system %}\n\nYou know {{ name }}.\n\n{% endblock %}\n\n"
        "{# not shown #}\n{% block user %}\nWho is {{ name }}?\n{% endblock %}\n"
    ).render("t", {"name": "Ada"})

    assert (rendered.system, rendered.user) == ("You know Ada.", "Who is Ada?")


def test_a_template_without_system_part_has_none() -> None:
    assert engine("---\n---\n{% block user %}hi{% endblock %}").render("t", {}).system == ""


def test_defaults_and_empty_values_fill_what_nobody_gave() -> None:
    head = f"{TYPES}\n  named: {{default: x}}"
    body = "[{{ text }}{{ count }}{{ ratio }}{{ flag }}{{ many }}{{ fields }}{{ named }}]"

    assert user(head, body) == "[false[]{}x]"


def test_none_counts_as_left_out() -> None:
    assert user("variables: {a: {default: x}}", "{{ a }}", {"a": None}) == "x"


def test_lists_and_maps_are_shown_as_json() -> None:
    values = {"many": ["a", 1], "fields": {"k": "ü"}}
    assert user(TYPES, "{{ many }} {{ fields }}", values) == '["a", 1] {"k": "ü"}'


def test_conditionals_are_booleans_and_know_earlier_ones() -> None:
    head = (
        "variables: {items: list, code: string}\n"
        "conditionals:\n  some: items | length > 0\n  long: code | length > 3\n"
        "  both: some and long\n"
    )
    body = "{{ some }} {{ long }} {{ both }}"

    assert user(head, body, {"items": ["x"], "code": "abcd"}) == "true true true"
    assert user(head, body, {"code": "abcd"}) == "false true false"


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "needs the variable 'must'"),
        ({"must": 3}, "'must': it is an integer, not a string"),
        ({"must": "a", "count": "3"}, "'count': it is a string, not an integer"),
        ({"must": "a", "count": True}, "'count': it is a boolean, not an integer"),
        ({"must": "a", "ratio": float("nan")}, "'ratio'"),
        ({"must": "a", "ratio": True}, "'ratio': it is a boolean, not a number"),
        ({"must": "a", "flag": 1}, "'flag': it is an integer, not a boolean"),
        ({"must": "a", "many": "x"}, "'many': it is a string, not a list"),
        ({"must": "a", "many": [object()]}, "'many': it holds a object"),
        ({"must": "a", "fields": []}, "'fields': it is a list, not a map"),
        ({"must": "a", "fields": {1: 2}}, "'fields': it has a key that is no text"),
        ({"must": "a", "level": "c"}, "Use a, b"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable(variables: dict[str, Any], words: str) -> None:
    head = f"{TYPES}\n  must: {{required: true}}\n  level: {{enum: [a, b]}}"
    body = "{{ must }}"

    with pytest.raises(TemplateError, match=re.escape(words)):
        user(head, body, variables)


def test_a_users_unknown_variable_is_refused_and_injected_extras_are_not() -> None:
    head = "variables: {code: string, language: {default: text}}"
    extras = {"language": "go", "code": "injected", "unrelated": object()}

    assert user(head, "{{ code }} {{ language }}", {"code": "x"}, extras=extras) == "x go"
    assert user(head, "{{ code }}", {"code": "x", "more": 1}) == "x"
    with pytest.raises(TemplateError, match=r"has no variable 'cod'.*It has code, language"):
        user(head, "{{ code }}", {"cod": "x"}, strict=True)


def test_texts_of_a_command_line_become_the_declared_types() -> None:
    made = engine(f"---\n{TYPES}\n---\n{{% block user %}}x{{% endblock %}}")
    texts = {
        "text": "1",
        "count": "3",
        "ratio": "0.5",
        "flag": "yes",
        "many": "a, b",
        "fields": '{"k": 1}',
    }

    assert made.from_texts("t", texts) == {
        "text": "1",
        "count": 3,
        "ratio": 0.5,
        "flag": True,
        "many": ["a", "b"],
        "fields": {"k": 1},
    }
    for wrong in ({"count": "x"}, {"flag": "maybe"}, {"fields": "[1]"}, {"nope": "1"}):
        with pytest.raises(TemplateError):
            made.from_texts("t", wrong)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{{ nam }}", "variable 'nam' is not declared: did you mean 'name'"),
        ("{{ nam|default('x') }}", "is not declared"),
        ("{% if nam is defined %}x{% endif %}", "is not declared"),
        ("{{ fields.nope }}", "'nope' is undefined"),
        ("{{ fields['nope'] }}", "'nope' is undefined"),
        ("{% if fields.nope %}x{% endif %}", "'nope' is undefined"),
        ("{{ many[3] }}", "undefined"),
        ("{% if flag %}{% set x = 1 %}{% endif %}{{ x }}", "undefined"),
        ("{{ 'a' if flag }}", "needs an else"),
        ("{{ super() }}", "no parent block"),
        ("{{ 1 + 'a' }}", "does not fit its values"),
    ],
)
def test_an_undefined_name_is_an_error_and_never_empty_text(body: str, words: str) -> None:
    with pytest.raises(TemplateError, match=re.escape(words)) as raised:
        user(f"{TYPES}\n  name: string", f"a\nb\n{body}")
    assert raised.value.line == 13, "two lines below the block"


def test_an_error_never_quotes_the_code() -> None:
    for body in ("{{ code + 1 }}", "{{ {'a': 1}[code] }}", "{{ code|indent(code) }}"):
        with pytest.raises(TemplateError) as raised:
            user("variables: {code: string}", body, {"code": "my secret code"})
        assert "secret" not in str(raised.value)


def test_an_empty_prompt_is_an_error() -> None:
    with pytest.raises(TemplateError, match="empty prompt"):
        user("variables: {code: string}", "{{ code }}  \n")


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("text|fence('py')", "```py\na\nb\n```"),
        ("(text ~ '\n')|fence", "```\na\nb\n```"),
        ("'x ```` y'|fence('md')", "`````md\nx ```` y\n`````"),
        ("'x'|fence('py`\nrm')", "```pyrm\nx\n```"),
        ("text|number_lines", "1 | a\n2 | b"),
        ("text|number_lines(9)", " 9 | a\n10 | b"),
        ("fields.crs|number_lines", "1 | a\r\n2 | b\r3 | c\fd"),
        ("''|number_lines", ""),
        ("text|indent", "a\n    b"),
        ("text|indent(2, true)", "  a\n  b"),
        ("many|join(', ')", "x, y"),
        ("'many'|join('-')", "m-a-n-y"),
        ("[fields]|join(attribute='k')", "v"),
        ("text|upper|replace('A', 'c')", "c\nB"),
        ("'a b'|title", "A B"),
        ("'abcdef'|truncate(3)", "abc…"),
        ("many|map('upper')|list", '["X", "Y"]'),
        ("many|select('eq', 'x')|list", '["x"]'),
        ("many|reverse|join", "yx"),
        ("[3, 1]|sort", "[1, 3]"),
        ("[1, 2]|sum", "3"),
        ("2.567|round(1)", "2.6"),
        ("{'k': many}|tojson", '{"k": ["x", "y"]}'),
        ("'\"'|tojson", '"\\""'),
        ("fields.items()|first|join('=')", "k=v"),
        ("fields.get('z', 'none')", "none"),
        ("'a,b'.split(',')|length", "2"),
        ("'a b  c'.split()|length", "3"),
        ("'a\nb\n'.splitlines()", '["a", "b"]'),
        ("'Ab'.upper().lower().startswith('a')", "true"),
        ("fields.k ~ '/' ~ fields['k'] ~ 1", "v/v1"),
        ("'abc'[1:] + 'x' * 2", "bcxx"),
        ("range(3)|list", "[0, 1, 2]"),
        ("2 ** 3 % 5", "3"),
    ],
)
def test_expressions_give_what_jinja_gives(expression: str, shown: str) -> None:
    values = {"text": "a\nb", "many": ["x", "y"], "fields": {"k": "v", "crs": "a\r\nb\rc\fd"}}
    assert user(TYPES, f">{{{{ {expression} }}}}", values) == f">{shown}"


def test_statements_work() -> None:
    body = (
        "{% for a in many if a != 'x' %}{{ loop.index }}{{ a }}{{ ', ' if not loop.last else '' }}"
        "{% else %}none{% endfor %}{% for k, v in fields|items %} {{ k }}={{ v }}{% endfor %}"
        "{% with b = 1 %} {{ b }}{% endwith %}{% set c %} {{ count }}{% endset %}{{ c }}"
        "{% filter upper %} up{% endfilter %}{% block inner %} in{% endblock %}"
    )
    values = {"many": ["x", "y", "z"], "fields": {"k": "v"}, "count": 7}

    assert user(TYPES, body, values) == "1y, 2z k=v 1 7 UP in"


def test_a_rendering_stops_at_its_time_by_the_clock_it_was_given() -> None:
    ticks = iter(range(1000))
    made = engine(
        "---\n---\n{% block user %}{% for i in range(9) %}{{ i }}{% endfor %}{% endblock %}",
        clock=lambda: float(next(ticks)),
        limits=Limits(seconds=5),
    )
    with pytest.raises(TemplateError, match="takes longer than 5 s"):
        made.render("t", {})


def test_a_file_of_ten_megabytes_passes_with_line_numbers() -> None:
    code = "x = 'forty characters of code, more or less'\n" * 200_000
    shown = user("variables: {code: string}", "{{ code|number_lines|fence('py') }}", {"code": code})

    assert shown.endswith("\n200000 | x = 'forty characters of code, more or less'\n```")


@pytest.mark.alone
def test_rendering_a_compiled_template_is_fast() -> None:
    made = engine(
        "---\nvariables: {code: string}\n---\n{% block user %}{{ code|fence }}{% endblock %}"
    )
    made.warm()
    started = time.perf_counter()
    for _ in range(100):
        made.render("t", {"code": "x = 1\n" * 50})

    assert (time.perf_counter() - started) / 100 < 0.005, "0.02 ms on an idle machine"


NASTY = st.text(
    st.one_of(
        st.sampled_from("{}%#`'\"\\\r\n|<&\u2028\0"), st.characters(exclude_categories=["Cs"])
    )
)


@settings(max_examples=100, deadline=None)
@given(st.one_of(NASTY, st.sampled_from(["{{ x }}", "{% raw %}", "{#", "{% endblock %}", "```"])))
def test_a_value_comes_out_verbatim(value: str) -> None:
    shown = user("variables: {code: string}", "<{{ code }}>{{ code | fence }}", {"code": value})

    assert shown.startswith(f"<{value}>```")
    fenced = shown[len(value) + 2 :]
    marks = fenced[: fenced.index("\n")]
    assert marks not in value
    assert fenced.removeprefix(f"{marks}\n").removesuffix(marks).startswith(value)


NAMES = st.sampled_from(["alpha", "beta", "gamma", "delta", "omega"])
USES = st.sampled_from(
    [
        "{{{{ {0} }}}}",
        "{{{{ {0}|default('quiet') }}}}",
        "{{{{ {0} or 'quiet' }}}}",
        "{{% if {0} is defined %}}quiet{{% endif %}}",
        "{{% if {0} %}}quiet{{% endif %}}",
        "{{% for a in {0} %}}quiet{{% endfor %}}",
        "{{% set b = {0} %}}quiet",
        "{{{{ [{0}]|length }}}}",
        "{{% if false %}}{{{{ {0} }}}}{{% endif %}}quiet",
    ]
)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(NAMES, st.text(max_size=5)),
    st.lists(st.tuples(NAMES, USES), min_size=1, max_size=4),
)
def test_an_undeclared_variable_never_renders_silently(
    variables: dict[str, str], uses: list[tuple[str, str]]
) -> None:
    declared = ", ".join(f"{name}: string" for name in variables)
    body = "x" + "".join(use.format(name) for name, use in uses)
    undeclared = {name for name, _ in uses} - set(variables)

    if undeclared:
        # Even a value that was handed in does not make up for the missing declaration.
        given_too = {**variables, **dict.fromkeys(undeclared, "given")}
        with pytest.raises(TemplateError, match="is not declared"):
            user(f"variables: {{{declared}}}", body, given_too)
    else:
        assert user(f"variables: {{{declared}}}", body, variables).startswith("x")
