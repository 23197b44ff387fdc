"""`templates check`: each mistake with its file, line, and the nearest right word."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiex_lsp.templates.check import check, check_all
from aiex_lsp.templates.registry import TemplateRegistry

HEAD_MISTAKES = {
    "responce_type: general": "did you mean 'response_type'",
    "response_type: code_explanaton": "did you mean 'code_explanation'",
    "author: me": "'author' is not a key",
    "id: No Good": "the id must be",
    "title: 3": "title must be text",
    "name: [a]": "name must be text, it is a list",
    "category: Two Words": "category must be",
    "version: true": "version must be",
    "max_tokens: many": "max_tokens must be",
    "max_tokens: 0": "max_tokens must be",
    "temperature: 3": "temperature must be",
    "kind: aiex.mine": "a kind needs a title",
    "extends: explan": "did you mean 'explain'",
    "variables: [code]": "variables must map",
    "conditionals: x": "conditionals must map",
    "variables: {code: {type: strng}}": "'strng' is not a type: did you mean 'string'",
    "variables: {code: strng}": "did you mean 'string'",
    "variables: {code: {tpye: string}}": "did you mean 'type'",
    "variables: {code: {inject: langauge}}": "did you mean 'language'",
    "variables: {code: {required: 1}}": "required must be",
    "variables: {code: {required: true, default: x}}": "choose one",
    "variables: {code: {default: 3}}": "the default of 'code' is an integer, not a string",
    "variables: {code: {type: integer, default: '3'}}": "is a string, not an integer",
    "variables: {code: {type: list, default: x}}": "is a string, not a list",
    "variables: {code: {default: c, enum: [a, b]}}": "is not one of a, b",
    "variables: {code: {enum: [yes, no]}}": "a value of enum is a boolean",
    "variables: {code: {enum: x}}": "enum must be a list",
    "variables: {code: 3}": "must be a type",
    "variables: {2code: string}": "cannot be the name",
    "variables: {code: {description: 3}}": "description must be text",
    "variables: {code: string}\nconditionals: {code: 'true'}": "is a variable too",
    "variables: {code: string}\nconditionals: {long: 3}": "must be an expression",
    "variables: {code: string}\nconditionals: {loop: '1'}": "cannot be the name",
    "variables: {code: string}\nconditionals: {long: 'cod'}": "'cod' is not declared",
    "variables: {code: string}\nconditionals: {long: 'code >'}": "syntax error",
    "variables: {code: string}\nconditionals: {long: 'a) b'}": "conditional 'long'",
    "variables: {code: string}\nunused: 1\nunused: 2": "twice",
}


def problems_of(path: Path) -> list[tuple[int, str, str]]:
    return [(one.line, one.severity, one.message) for one in check(path)]


@pytest.mark.parametrize("head", HEAD_MISTAKES)
def test_a_mistake_in_the_head_is_told_with_its_line(head: str, tmp_path: Path) -> None:
    path = tmp_path / "t.md.j2"
    body = "{% block user %}x{{ code }}{% endblock %}"
    extra = "" if "variables:" in head else "\nvariables: {code: string}"
    path.write_text(f"---\n# a comment\n\n{head}{extra}\n---\n{body}\n")

    found = problems_of(path)

    line = 4 + head.count("\n")
    assert (line, True) in [(at, HEAD_MISTAKES[head] in what) for at, _, what in found], found
    assert all(one.path == str(path) for one in check(path))


@pytest.mark.parametrize(
    "kind", ["source.fixAll", "quickfix", "refactor.extract", "aiex", "x.aiex.y"]
)
def test_a_kind_outside_our_names_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "t.md.j2"
    path.write_text(f"---\ntitle: T\nkind: {kind}\n---\n{{% block user %}}x{{% endblock %}}\n")
    assert [(line, "must begin with" in what) for line, _, what in problems_of(path)] == [(3, True)]


@pytest.mark.parametrize(
    "kind", ["aiex.mine", "aiex.explain.short", "quickfix.aiex.x", "refactor.rewrite.aiex.x"]
)
def test_our_kinds_are_fine(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "t.md.j2"
    path.write_text(f"---\ntitle: T\nkind: {kind}\n---\n{{% block user %}}x{{% endblock %}}\n")
    assert problems_of(path) == []


BODY_MISTAKES = {
    "{{ cod }}": "'cod' is not declared: did you mean 'code'",
    "{% if missing %}a{% endif %}": "'missing' is not declared",
    "{% for a in count %}{{ a }}{% endfor %}": "loops over 'count', which is of type integer",
    "{{ code.name }}": "'code' is of type string and has no fields",
    "{{ code|uper }}": "filter 'uper' is not available: did you mean 'upper'",
    "{% if code is defind %}a{% endif %}": "did you mean 'defined'",
    "{{ code.spilt() }}": "did you mean 'split'",
    "{{ code }": "syntax error",
    "{% if code %}a": "syntax error",
    "{% nonsense %}": "syntax error",
    "{% include 'explain' %}": "include is not available",
    "{{ super() }}": "super() has nothing to show",
}


@pytest.mark.parametrize("body", BODY_MISTAKES)
def test_a_mistake_in_the_body_is_told_with_its_line(body: str, tmp_path: Path) -> None:
    path = tmp_path / "t.md.j2"
    path.write_text(
        "---\nvariables:\n  code: string\n  count: integer\n---\n\n"
        f"{{% block user %}}\n{{{{ code }}}}{{{{ count }}}}\n{body}\n{{% endblock %}}\n"
    )
    found = problems_of(path)

    expected = (9, "error", True)
    at_the_end = (10, "error", True)  # what is not closed is noticed further down
    told = [(line, severity, BODY_MISTAKES[body] in what) for line, severity, what in found]
    assert expected in told or ("syntax" in BODY_MISTAKES[body] and at_the_end in told), found


def test_what_is_declared_and_not_used_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "t.md.j2"
    path.write_text(
        "---\nvariables:\n  a: string\n  b: string\n  c: string\nconditionals:\n  d: c\n"
        "  e: true and c\n---\n{% block user %}{{ a }}{% if d %}x{% endif %}y{% endblock %}\n"
    )
    assert problems_of(path) == [
        (4, "warning", "variable 'b' is declared but not used"),
        (8, "warning", "conditional 'e' is not used"),
    ]


def test_blocks_that_nobody_shows_are_told(tmp_path: Path) -> None:
    path = tmp_path / "t.md.j2"
    path.write_text("---\n---\nloose text\n{% block usr %}x{% endblock %}\n{% set a = 1 %}\n")

    found = problems_of(path)

    assert [line for line, _, _ in found] == [2, 3, 4, 5]
    text = " ".join(what for _, _, what in found)
    assert "stands outside the blocks" in text
    assert "has no block user" in text
    assert "block 'usr' is never shown" in text


def test_inheritance_counts(tmp_path: Path) -> None:
    (tmp_path / "base.md.j2").write_text(
        "---\nvariables: {code: string, tone: string}\nconditionals: {long: code | length > 3}\n"
        "---\n{% block user %}{{ code }}{{ tone }}{% if long %}!{% endif %}"
        "{% block end %}{% endblock %}{% endblock %}\n"
    )
    child = tmp_path / "child.md.j2"
    child.write_text(
        "---\nextends: base\nvariables:\n  tone: {default: dry}\n  extra: string\n---\n"
        "{% block end %}{{ code }}{{ long }}\n{{ nope }}{% endblock %}\n"
        "{% block ende %}x{% endblock %}\n"
    )
    assert problems_of(child) == [
        (5, "warning", "variable 'extra' is declared but not used"),
        (8, "error", "variable 'nope' is not declared"),
        (
            9,
            "error",
            "block 'ende' is never shown: it is not system, user or a block of 'base'",
        ),
    ]


def test_a_parents_type_holds_for_the_childs_default(tmp_path: Path) -> None:
    path = tmp_path / "t.md.j2"
    path.write_text(
        "---\nextends: code_analysis\nvariables:\n  analysis_type:\n    default: style\n---\n"
    )
    assert [(line, "is not one of general" in what) for line, _, what in problems_of(path)] == [
        (5, True)
    ]


def test_a_folder_and_a_template_can_be_checked(tmp_path: Path) -> None:
    (tmp_path / "a.md.j2").write_text("---\nx: 1\n---\n{% block user %}a{% endblock %}")
    (tmp_path / "b.md.j2").write_text("---\n---\n{% block user %}{{ b }}{% endblock %}")
    (tmp_path / "c.j2").write_text("")
    registry = TemplateRegistry([("user", tmp_path)])

    assert [Path(one.path).name for one in check(tmp_path)] == ["a.md.j2", "b.md.j2", "c.j2"]
    assert [one.line for one in check(registry.get("a"), registry)] == [2]
    assert len(check_all(registry)) == 3


def test_what_is_no_template_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("x")

    assert "does not exist" in check(tmp_path / "nope.md.j2")[0].message
    assert "names end in .md.j2" in check(tmp_path / "notes.md")[0].message
