"""The built-in templates: complete, right, small, and good at any window."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.responses.types import ResponseType
from aiex_lsp.templates.check import check_all
from aiex_lsp.templates.engine import Engine
from aiex_lsp.templates.registry import TemplateRegistry
from aiex_lsp.templates.types import INJECT_RULES, RESPONSE_TYPES, Template

IDS = [
    "analyze_general",
    "analyze_maintainability",
    "analyze_performance",
    "analyze_security",
    "code_analysis",
    "document",
    "explain",
    "fix",
    "follow_up",
    "generate_tests",
    "hover",
    "refactor",
]


@pytest.fixture(scope="module")
def registry() -> TemplateRegistry:
    return TemplateRegistry()


@pytest.fixture(scope="module")
def engine(registry: TemplateRegistry) -> Engine:
    return Engine(registry)


def required(template: Template) -> dict[str, Any]:
    return {one.name: f"<{one.name}>" for one in template.variables if one.required}


def test_there_is_one_for_each_task_and_each_analysis_type(registry: TemplateRegistry) -> None:
    assert [one.id for one in registry.all()] == IDS


def test_they_have_no_problems(registry: TemplateRegistry) -> None:
    assert check_all(registry) == []


def test_response_types_are_those_the_parser_knows() -> None:
    assert get_args(ResponseType) == RESPONSE_TYPES


@pytest.mark.parametrize("template_id", IDS)
def test_each_renders_with_nothing_but_what_it_requires(template_id: str, engine: Engine) -> None:
    template = engine._registry.get(template_id)
    shown = engine.render(template_id, required(template))

    assert shown.system
    for value in required(template).values():
        assert value in shown.user
    assert "\n\n\n" not in shown.user, "what is left out leaves no hole"
    assert "None" not in shown.user


@pytest.mark.parametrize("template_id", IDS)
def test_each_shows_all_it_is_given(template_id: str, engine: Engine) -> None:
    template = engine._registry.get(template_id)
    given = {
        one.name: f"<{one.name}>"
        for one in template.variables
        if one.type == "string" and one.enum is None
    }
    shown = engine.render(template_id, given)

    text = shown.system + shown.user
    assert [value for value in given.values() if value not in text] == []


@pytest.mark.parametrize("template_id", IDS)
def test_the_skeleton_is_small(template_id: str, engine: Engine) -> None:
    from aiex_lsp.templates.types import Rendered

    template = engine._registry.get(template_id)
    variables = required(template)
    if template.response_type == "findings":
        variables["json_findings"] = True
    shown: Rendered = engine.render(template_id, variables)

    # About four characters a token: 250 tokens for prose, some more with the JSON's shape.
    limit = 1300 if template.response_type == "findings" else 1000
    assert len(shown.system) + len(shown.user) < limit


def test_no_builtin_task_makes_a_code_action_of_its_own(registry: TemplateRegistry) -> None:
    assert {(one.title, one.kind) for one in registry.all()} == {(None, None)}


def test_answer_lengths(registry: TemplateRegistry) -> None:
    lengths = {one.id: one.max_tokens for one in registry.all()}
    assert {key: value for key, value in lengths.items() if value} == {
        "hover": 300,
        "generate_tests": 4096,
        "fix": 4096,
        "document": 4096,
        "refactor": 4096,
    }


def test_injection_rules_are_the_agreed_ones(registry: TemplateRegistry) -> None:
    used = {one.inject for template in registry.all() for one in template.variables if one.inject}
    assert used <= set(INJECT_RULES)


def test_explain_changes_with_its_level(engine: Engine) -> None:
    shown = {
        level: engine.render("explain", {"code": "x = 1", "level": level}).user
        for level in ("brief", "standard", "detailed")
    }
    assert "## What it does" not in shown["brief"]
    for level in ("standard", "detailed"):
        for section in ("## What it does", "## How it works", "## Things to know"):
            assert section in shown[level]
    assert len(set(shown.values())) == 3


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("general", "bugs"),
        ("performance", "loops"),
        ("security", "injection"),
        ("maintainability", "duplication"),
    ],
)
def test_each_analysis_looks_for_its_own(kind: str, word: str, engine: Engine) -> None:
    own = engine.render(f"analyze_{kind}", {"code": "x = 1"})
    general = engine.render("code_analysis", {"code": "x = 1", "analysis_type": kind})

    assert word in own.user
    assert f"focus on {kind}" in own.system
    assert own == general


def test_an_analysis_numbers_the_lines_and_asks_for_json_only_when_told(engine: Engine) -> None:
    values = {"code": "a\nb", "start_line": 9, "language": "go"}
    plain = engine.render("code_analysis", values).user
    as_json = engine.render("code_analysis", {**values, "json_findings": True}).user

    assert "```go\n 9 | a\n10 | b\n```" in plain
    assert "JSON" not in plain
    assert '"findings": [{"start_line": 9' in as_json


def test_the_designs_conditionals_hold(engine: Engine) -> None:
    small = engine.render("code_analysis", {"code": "x"})
    large = engine.render("code_analysis", {"code": "x" * 1001, "test_files": "test_x.py"})

    assert "large piece of code" not in small.system
    assert "codebase has tests" not in small.system
    assert "large piece of code" in large.system
    assert "codebase has tests: test_x.py" in large.system
    assert "tests should cover" in large.user


def test_tests_are_added_to_what_exists_or_make_a_whole_file(engine: Engine) -> None:
    values = {
        "code": "def f(): ...",
        "language": "python",
        "framework": "pytest",
        "target_file": "tests/test_f.py",
        "import_hint": "from pkg import f",
    }
    new = engine.render("generate_tests", values).user
    more = engine.render("generate_tests", {**values, "existing_tests": "def test_a(): ..."}).user

    assert "Give the complete content of tests/test_f.py" in new
    assert "Write pytest tests" in new
    assert "Import what is tested so: from pkg import f" in new
    assert "additional tests only" in more
    assert "def test_a(): ..." in more
    assert "complete content" not in more


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
CODE = st.one_of(TEXT, st.sampled_from(["{{ code }}", "{% endblock %}", "```\n~~~", "{# #}"]))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(IDS), st.data())
def test_any_context_may_be_left_out_and_values_come_out_verbatim(
    template_id: str, data: st.DataObject
) -> None:
    registry = _shared()
    template = registry.get(template_id)
    values = required(template)
    for variable in template.variables:
        if variable.type != "string" or variable.enum is not None:
            continue
        if variable.required or data.draw(st.booleans()):
            values[variable.name] = data.draw(CODE)
    shown = Engine(registry).render(template_id, values)
    code = values.get("code", "")

    if template.response_type != "findings":
        assert code in shown.user
    assert shown.user.strip()


def _shared(kept: list[TemplateRegistry] = []) -> TemplateRegistry:  # noqa: B006 (made once)
    if not kept:
        kept.append(TemplateRegistry())
    return kept[0]
