"""Folders of templates: overriding, inheritance, changes, and what a bad file does not break."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiex_lsp.errors import TemplateError
from aiex_lsp.templates.engine import Engine
from aiex_lsp.templates.registry import TemplateRegistry

USER = "{{% block user %}}{0}{{% endblock %}}\n"


def write(folder: Path, name: str, head: str, body: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.md.j2"
    path.write_text(f"---\n{head}\n---\n{body}", encoding="utf-8")
    return path


def folders(tmp_path: Path) -> tuple[Path, Path, TemplateRegistry]:
    user, workspace = tmp_path / "user", tmp_path / "workspace"
    return user, workspace, TemplateRegistry([("user", user), ("workspace", workspace)])


def test_the_workspace_overrides_the_user_who_overrides_the_builtin(tmp_path: Path) -> None:
    user, workspace, registry = folders(tmp_path)
    engine = Engine(registry)
    code = {"code": "x = 1"}
    assert "x = 1" in engine.render("hover", code).user

    write(user, "hover", "id: hover", USER.format("the user's"))
    assert registry.reload_if_changed()
    assert engine.render("hover", code).user == "the user's"

    write(workspace, "other-name", "id: hover", USER.format("the workspace's"))
    assert registry.reload_if_changed()
    assert engine.render("hover", code).user == "the workspace's"
    assert registry.get("hover").source == "workspace"

    (workspace / "other-name.md.j2").unlink()
    (user / "hover.md.j2").unlink()
    assert registry.reload_if_changed()
    assert registry.get("hover").source == "builtin"
    assert not registry.reload_if_changed()


def test_a_new_file_appears_and_a_changed_one_changes(tmp_path: Path) -> None:
    user, _, registry = folders(tmp_path)
    engine = Engine(registry)
    with pytest.raises(TemplateError, match="no template 'mine'"):
        registry.get("mine")

    write(user, "mine", "title: Mine\nkind: aiex.mine", USER.format("one"))
    registry.reload_if_changed()
    assert engine.render("mine", {}).user == "one"
    assert registry.get("mine") is registry.get("mine")

    write(user, "mine", "title: Mine!\nkind: aiex.mine", USER.format("three"))
    registry.reload_if_changed()
    assert (engine.render("mine", {}).user, registry.get("mine").title) == ("three", "Mine!")


def test_a_template_is_made_of_its_whole_head(tmp_path: Path) -> None:
    write(
        tmp_path,
        "full",
        "id: full_one\nname: Full\ncategory: engine\nversion: 1.2\ndescription: All of it\n"
        "response_type: findings\ntitle: Do it\nkind: refactor.rewrite.aiex.do\n"
        "max_tokens: 77\ntemperature: 0\n"
        "variables:\n  code: {type: string, required: true, inject: code, description: The code}\n"
        "  level: {type: integer, default: 2, enum: [1, 2]}\n"
        "conditionals: {high: level > 1}",
        USER.format("{{ code }}{{ level }}{{ high }}"),
    )
    registry = TemplateRegistry([("user", tmp_path)])
    one = registry.get("full_one")

    assert registry.problems == []
    assert (one.name, one.category, one.version, one.description) == (
        "Full",
        "engine",
        "1.2",
        "All of it",
    )
    assert (one.response_type, one.title, one.kind) == (
        "findings",
        "Do it",
        "refactor.rewrite.aiex.do",
    )
    assert (one.max_tokens, one.temperature, one.source) == (77, 0.0, "user")
    code, level = one.variables
    assert (code.required, code.inject, code.description) == (True, "code", "The code")
    assert (level.type, level.default, level.enum) == ("integer", 2, (1, 2))
    assert dict(one.conditionals) == {"high": "level > 1"}


def test_extends_inherits_head_variables_conditionals_and_blocks(tmp_path: Path) -> None:
    write(
        tmp_path,
        "mine",
        "extends: code_analysis\ntitle: Check SQL\nkind: aiex.analyze.sql\n"
        "variables:\n  analysis_type: {default: security}\n  dialect: {default: sqlite}",
        "{% block focus %}Look at {{ dialect }} queries. {{ super() }}{% endblock %}\n",
    )
    registry = TemplateRegistry([("workspace", tmp_path)])
    mine = registry.get("mine")
    shown = Engine(registry).render("mine", {"code": "x = 1", "test_files": "t.py"})

    assert registry.problems == []
    assert (mine.response_type, mine.category, mine.title) == ("findings", "engine", "Check SQL")
    assert "focus on security" in shown.system
    assert "The codebase has tests: t.py" in shown.system
    assert "Look at sqlite queries. Look for injection" in shown.user
    assert "1 | x = 1" in shown.user


def test_a_file_that_extends_its_own_id_extends_what_it_overrides(tmp_path: Path) -> None:
    user, workspace, registry = folders(tmp_path)
    write(user, "hover", "extends: hover\nname: U", "{% block user %}{{ super() }}U{% endblock %}")
    write(workspace, "hover", "extends: hover", "{% block user %}{{ super() }}W{% endblock %}")
    registry.reload_if_changed()

    shown = Engine(registry).render("hover", {"code": "x = 1"}).user
    assert "x = 1" in shown
    assert shown.endswith("UW")
    assert registry.get("hover").max_tokens == 300


def test_an_override_reaches_those_who_extend_it(tmp_path: Path) -> None:
    write(
        tmp_path, "base", "id: code_analysis\nextends: code_analysis",
        "{% block focus %}Look for typos.{% endblock %}",
    )  # fmt: skip
    shown = Engine(TemplateRegistry([("workspace", tmp_path)])).render(
        "analyze_security", {"code": "x"}
    )

    assert "Look for typos." in shown.user
    assert "focus on security" in shown.system


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("extends: mine", "extends itself"),
        ("extends: code_analysi", "does not exist: did you mean 'code_analysis'"),
        ("extends: second", "in turn"),
        ("extends: broken", "cannot be used"),
    ],
)
def test_a_wrong_extends_is_a_problem_at_its_line(head: str, words: str, tmp_path: Path) -> None:
    write(tmp_path, "second", "extends: mine")
    write(tmp_path, "broken", "id: broken", "{% block user %}{{ nope }}{% endblock %}")
    path = write(tmp_path, "mine", f"name: Mine\n{head}")

    registry = TemplateRegistry([("workspace", tmp_path)])

    found = [one for one in registry.problems if one.path == str(path)]
    assert [one.line for one in found] == [3]
    assert words in " ".join(one.message for one in registry.problems)
    with pytest.raises(TemplateError, match="cannot be used"):
        registry.get("mine")


def test_a_long_line_of_ancestors_ends(tmp_path: Path) -> None:
    for index in range(30):
        write(tmp_path, f"t{index:02}", f"extends: t{index + 1:02}")
    write(tmp_path, "t30", "id: t30", USER.format("x"))

    registry = TemplateRegistry([("workspace", tmp_path)])

    assert registry.get("t30").id == "t30"
    with pytest.raises(TemplateError):
        registry.get("t00")


def test_a_bad_file_loses_no_other_template_and_no_overridden_one(tmp_path: Path) -> None:
    bad = write(tmp_path, "explain", "id: explain", "{% block user %}{{ oops {% endblock %}")
    write(tmp_path, "good", "id: good", USER.format("x"))
    registry = TemplateRegistry([("user", tmp_path)])

    assert registry.get("good").id == "good"
    assert registry.get("explain").source == "builtin"
    assert [(one.path, one.severity) for one in registry.problems] == [(str(bad), "error")]


def test_two_files_of_one_folder_cannot_have_one_id(tmp_path: Path) -> None:
    write(tmp_path, "a", "id: same", USER.format("first"))
    second = write(tmp_path, "b", "name: B\nid: same", USER.format("second"))
    registry = TemplateRegistry([("user", tmp_path)])

    assert Engine(registry).render("same", {}).user == "first"
    assert [(one.path, one.line) for one in registry.problems] == [(str(second), 3)]


def test_an_unknown_id_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"'explian'.*Did you mean explain"):
        TemplateRegistry().get("explian")


def test_windows_line_ends_and_a_bom_are_fine(tmp_path: Path) -> None:
    text = "\ufeff---\nid: win\nvariables: {a: string}\n---\n{% block user %}\n<{{ a }}>\n"
    (tmp_path / "win.md.j2").write_bytes((text + "{% endblock %}").replace("\n", "\r\n").encode())

    assert Engine(TemplateRegistry([("user", tmp_path)])).render("win", {"a": "x"}).user == "<x>"


def test_many_threads_may_read_render_and_reload(tmp_path: Path) -> None:
    write(tmp_path, "mine", "variables: {a: string}", USER.format("{{ a }}"))
    registry = TemplateRegistry([("user", tmp_path)])
    engine = Engine(registry)
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for round_ in range(20):
                if number == 0:
                    body = USER.format("{{ a }}" + "." * round_)
                    write(tmp_path, f"extra{round_ % 2}", "variables: {a: string}", body)
                registry.reload_if_changed()
                assert engine.render("mine", {"a": f"{number}"}).user == f"{number}"
                assert registry.all()
        except BaseException as error:  # noqa: BLE001 (told to the main thread)
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []


_PIECES = st.lists(
    st.sampled_from(
        ["---\n", "id: mine\n", "id: hover\n", "title: T\n", "kind: aiex.t\n", "extends: explain\n",
         "extends: nowhere\n", "variables:\n", "  a: string\n", "  a: {type: list}\n", "x: [\n",
         "{% block user %}", "{{ a }}", "{{ b }}", "{% endblock %}\n", "text", "\r\n", "é"]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(text=_PIECES, there=st.booleans())
def test_what_is_typed_has_the_problems_it_has_once_it_is_saved(text: str, there: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        user = Path(folder) / "user"
        write(user, "other", "variables: {a: string}", USER.format("{{ a }}"))
        path = user / "mine.md.j2"
        if there:
            write(user, "mine", "variables: {a: string}", USER.format("{{ a }}"))
        registry = TemplateRegistry([("user", user)])
        before = (registry.all(), registry.problems)
        typed = registry.check_text(path, text)
        assert (registry.all(), registry.problems) == before, "what is typed does not hold"
        path.write_text(text, encoding="utf-8", newline="")
        registry.reload_if_changed()
        assert typed == [one for one in registry.problems if one.path == str(path)]


def test_files_that_are_no_templates_of_the_folders_are_not_checked(tmp_path: Path) -> None:
    user, _, registry = folders(tmp_path)
    assert registry.check_text(tmp_path / "elsewhere.md.j2", "") is None
    assert registry.check_text(user / "notes.txt", "") is None
    assert registry.check_text(user / "new.md.j2", "") != []


def test_other_folders_are_read_at_the_next_look(tmp_path: Path) -> None:
    user, workspace, registry = folders(tmp_path)
    added = tmp_path / "added"
    write(workspace, "one", "id: one", USER.format("1"))
    write(added, "two", "id: two", USER.format("2"))
    registry.reload_if_changed()
    registry.use([("user", user), ("workspace", added)])
    assert registry.reload_if_changed()
    ids = {template.id for template in registry.all()}
    assert "two" in ids
    assert "one" not in ids
    assert "explain" in ids
    registry.use([("user", user), ("workspace", added)])
    assert not registry.reload_if_changed()
