"""The tasks as a whole: a real project on disk, real HTTP, and what the user is given."""

import json
import os
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from aiex_lsp.app import App
from aiex_lsp.context.types import DiagnosticInfo, WorkspaceView
from aiex_lsp.edits.plan import result_of
from aiex_lsp.errors import AnswerError, DisabledError, EditError, NoProviderError, UsageError
from aiex_lsp.syntax.languages import language_of_path
from aiex_lsp.tasks.types import TaskRequest
from aiex_lsp.text.snapshot import Snapshot, Span
from tests.servers.openai import OpenAIServer
from tests.servers.script import Reply

CART = '''"""A cart."""

from decimal import Decimal


class Cart:
    """What is bought."""

    def __init__(self) -> None:
        self.items: list[Decimal] = []

    def total(self, tax: Decimal) -> Decimal:
        """Return the price with tax."""
        return sum(self.items) * (1 + tax)


def unrelated() -> int:
    return 42
'''
TESTS = """from decimal import Decimal

from shop.cart import Cart


def test_empty():
    assert Cart().total(Decimal(0)) == 0
"""
EXPLANATION = """`total` adds tax to the sum of the items.

## How it works

It sums `items` and multiplies with **tax rate** plus one.
"""
NEW_TEST = """Here you go:

```python
import pytest
from shop.cart import Cart


@pytest.mark.parametrize("tax", [0, 1])
def test_total(tax):
    assert Cart().total(tax) == 0
```

It checks an empty cart.
"""


@dataclass
class Heard:
    text: str = ""
    status: list[str] = field(default_factory=list)

    def on_status(self, message: str) -> None:
        self.status.append(message)

    def on_delta(self, text: str) -> None:
        self.text += text

    def on_restart(self, provider: str) -> None:
        self.text = ""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "pyproject.toml": '[project]\nname = "shop"\ndependencies = ["attrs>=24"]\n',
        "AGENTS.md": "Always use Decimal for money.\n",
        ".env": "TOKEN=hunter2hunter2\n",
        ".gitignore": "build/\n",
        "src/shop/__init__.py": "",
        "src/shop/cart.py": CART,
        "tests/test_cart.py": TESTS,
    }
    for name, text in files.items():
        path = tmp_path / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "work"


class Rig:
    def __init__(self, app: App, server: OpenAIServer, root: Path) -> None:
        self.app, self.server, self.root = app, server, root
        self.tasks = app.tasks
        self.opened: dict[str, Snapshot] = {}

    def request(self, at: str, name: str = "src/shop/cart.py", **more: object) -> TaskRequest:
        path = self.root / name
        text = path.read_text() if path.exists() else ""
        snapshot = self.opened.get(path.as_uri()) or Snapshot(
            path.as_uri(), text, language_of_path(name), 1
        )
        offset = snapshot.text.index(at)
        span = more.pop("span", Span(offset, offset))
        view = WorkspaceView((self.root,), self.opened.get)
        return TaskRequest(snapshot, span, self.app.settings, view, **more)

    @property
    def sent(self) -> str:
        """The messages of the last request, as text."""
        messages = self.server.generations[-1].json["messages"]
        return "\n".join(message["content"] for message in messages)


@pytest.fixture
def rig(project: Path, tmp_path: Path) -> Callable:
    @asynccontextmanager
    async def make(answer: str | Callable = EXPLANATION, config: str = "", **reply: object):
        def replying(body):
            text = answer(body) if callable(answer) else answer
            return Reply(text, **reply)

        async with OpenAIServer(answer=replying) as server:
            file = tmp_path / "config.toml"
            file.write_text(
                f'default_provider = "gateway"\n{config}\n[providers.gateway]\n'
                f'type = "openai"\nbase_url = "{server.base_url}"\ncontext_window = 8000\n'
            )
            env = {"HOME": str(tmp_path), "AIEX_STATE_DIR": str(tmp_path / "state")}
            app = App.create(project, {}, file, env | {"PATH": os.environ["PATH"]})
            try:
                yield Rig(app, server, project)
            finally:
                await app.aclose()

    return make


class TestExplain:
    async def test_the_symbol_under_the_cursor_is_explained_and_parsed(self, rig):
        async with rig() as here:
            heard = Heard()
            result = await here.tasks.explain(here.request("sum(self.items)"), heard)
            assert result.markdown == EXPLANATION == heard.text
            assert result.summary == "total adds tax to the sum of the items."
            assert "How it works" in [section.title for section in result.sections]
            assert "tax rate" in result.concepts
            assert "items" in {reference.text for reference in result.code_references}
            assert result.answer.provider == "gateway"
            assert "def total" in here.sent
            assert "unrelated" not in here.sent.split("Explain")[-1]

    async def test_the_context_is_the_projects_and_never_its_secrets(self, rig):
        async with rig() as here:
            await here.tasks.explain(here.request("sum(self.items)"), Heard())
            assert "Always use Decimal" in here.sent
            assert "attrs" in here.sent
            assert "from decimal import Decimal" in here.sent
            assert "hunter2" not in here.sent

    async def test_unsaved_text_is_what_counts(self, rig):
        async with rig() as here:
            uri = (here.root / "src/shop/cart.py").as_uri()
            here.opened[uri] = Snapshot(uri, CART.replace("1 + tax", "7 + tax"), "python", 5)
            await here.tasks.explain(here.request("sum(self.items)"), Heard())
            assert "7 + tax" in here.sent
            assert "1 + tax" not in here.sent

    @pytest.mark.parametrize("level", ["brief", "standard", "detailed"])
    async def test_each_level_asks_for_something_else(self, rig, level):
        async with rig() as here:
            request = here.request("sum(self.items)", options={"level": level})
            await here.tasks.explain(request, Heard())
            assert ("step by step" in here.sent) == (level == "detailed")
            assert ("three short bullet points" in here.sent) == (level == "brief")

    async def test_an_unknown_level_names_the_known_ones(self, rig):
        async with rig() as here:
            with pytest.raises(UsageError, match="brief, standard, detailed"):
                await here.tasks.explain(here.request("sum", options={"level": "x"}), Heard())
            assert not here.server.generations

    async def test_an_answer_cut_at_the_limit_says_so(self, rig):
        async with rig(finish="length") as here:
            result = await here.tasks.explain(here.request("sum(self.items)"), Heard())
            assert result.markdown.startswith(EXPLANATION)
            assert "cut" in result.markdown

    async def test_a_secrets_file_is_never_sent(self, rig):
        async with rig() as here:
            with pytest.raises(DisabledError, match="never sent"):
                await here.tasks.explain(here.request("TOKEN", ".env"), Heard())
            assert not here.server.generations

    @pytest.mark.parametrize(
        "config",
        [
            "[features]\nenabled = false",
            '[features]\ndisabled_languages = ["python"]',
            '[features]\ndisabled_folders = ["src/shop"]',
        ],
    )
    async def test_nothing_is_sent_where_it_is_switched_off(self, rig, config):
        async with rig(config=config) as here:
            with pytest.raises(DisabledError):
                await here.tasks.explain(here.request("sum(self.items)"), Heard())
            assert not here.server.generations


class TestFollowUp:
    async def test_the_question_goes_with_the_code_and_the_earlier_answers(self, rig):
        async with rig() as here:
            first = await here.tasks.explain(here.request("sum(self.items)"), Heard())
            second = await here.tasks.follow_up(
                here.request(
                    "sum", options={"answer_id": first.answer.id, "question": "Why Decimal?"}
                ),
                Heard(),
            )
            assert "Why Decimal?" in here.sent
            assert "adds tax" in here.sent
            await here.tasks.follow_up(
                here.request(
                    "sum", options={"answer_id": second.answer.id, "question": "And rounding?"}
                ),
                Heard(),
            )
            assert "Why Decimal?" in here.sent
            assert "And rounding?" in here.sent

    @pytest.mark.parametrize(
        "options", [{"answer_id": "gone", "question": "x"}, {"answer_id": "gone", "question": " "}]
    )
    async def test_an_answer_nobody_knows_is_a_clear_error(self, rig, options):
        async with rig() as here:
            with pytest.raises(UsageError):
                await here.tasks.follow_up(here.request("sum", options=options), Heard())


class TestAnalyze:
    @staticmethod
    def findings(*items: dict) -> str:
        return json.dumps({"summary": "One problem.", "findings": list(items)})

    async def test_findings_lie_on_the_lines_they_name(self, rig):
        line = CART[: CART.index("return sum")].count("\n") + 1
        found = {
            "message": "An int sum hides an empty cart.",
            "severity": "error",
            "category": "bug",
            "start_line": line,
            "end_line": line,
            "suggestion": "Start from Decimal(0).",
            "quote": None,
        }
        async with rig(self.findings(found)) as here:
            heard = Heard()
            request = here.request("sum(self.items)")
            result = await here.tasks.analyze(request, heard)
            (finding,) = result.findings
            assert request.snapshot.slice(finding.span) == "return sum(self.items) * (1 + tax)"
            assert (finding.severity, finding.category) == ("error", "bug")
            assert f"Line {line}" in result.markdown
            assert heard.text == result.markdown
            assert f"{line}" in here.sent

    async def test_a_quote_wins_over_a_line_the_model_miscounted(self, rig):
        found = {"message": "m", "start_line": 1, "quote": "(1 + tax)"}
        async with rig(self.findings(found)) as here:
            request = here.request("sum(self.items)")
            result = await here.tasks.analyze(request, Heard())
            assert request.snapshot.slice(result.findings[0].span) == "(1 + tax)"

    async def test_a_line_outside_the_code_does_not_leave_it(self, rig):
        async with rig(self.findings({"message": "m", "start_line": 4000})) as here:
            request = here.request("sum(self.items)")
            result = await here.tasks.analyze(request, Heard())
            assert "def total" in request.snapshot.slice(result.findings[0].span)

    async def test_prose_is_understood_too(self, rig):
        line = CART[: CART.index("return sum")].count("\n") + 1
        async with rig(f"1. **Line {line}** (high): sums ints.\n") as here:
            result = await here.tasks.analyze(here.request("sum(self.items)"), Heard())
            assert [one.severity for one in result.findings] == ["error"]

    async def test_the_schema_reaches_the_provider(self, rig):
        async with rig(self.findings()) as here:
            result = await here.tasks.analyze(
                here.request("sum(self.items)", options={"analysis_type": "security"}), Heard()
            )
            body = here.server.generations[-1].json
            assert body["response_format"]["type"] == "json_schema"
            assert "injection" in here.sent
            assert result.findings == ()


class TestGenerateTests:
    async def test_they_join_the_existing_file(self, rig):
        async with rig(NEW_TEST) as here:
            result = await here.tasks.generate_tests(here.request("sum(self.items)"), Heard())
            (edit,) = result.plan.files
            assert edit.uri == (here.root / "tests/test_cart.py").as_uri() == result.target_uri
            text = result_of(edit)
            assert text.startswith(TESTS.split("def")[0].split("\n\nfrom")[0])
            assert "def test_empty" in text
            assert "def test_total" in text
            assert text.count("import Cart") == 1
            assert text.count("import pytest") == 1
            assert result.language == "python"
            assert "empty cart" in result.explanation
            assert "pytest tests" in here.sent
            assert "from shop.cart import ..." in here.sent
            assert "def test_empty" in here.sent

    async def test_else_a_file_is_created_where_the_project_keeps_them(self, rig):
        async with rig(NEW_TEST) as here:
            (here.root / "src/shop/price.py").write_text("def price():\n    return 1\n")
            request = here.request("return 1", "src/shop/price.py")
            result = await here.tasks.generate_tests(request, Heard())
            (edit,) = result.plan.files
            assert edit.create
            assert edit.uri == (here.root / "tests/test_price.py").as_uri()
            assert edit.new_text == NEW_TEST.split("```python\n")[1].split("```")[0]

    async def test_an_open_test_file_counts_as_the_editor_has_it(self, rig):
        async with rig(NEW_TEST) as here:
            uri = (here.root / "tests/test_cart.py").as_uri()
            here.opened[uri] = Snapshot(uri, "# unsaved\n" + TESTS, "python", 9)
            result = await here.tasks.generate_tests(here.request("sum(self.items)"), Heard())
            assert result.plan.files[0].version == 9
            assert result_of(result.plan.files[0]).startswith("# unsaved\n")

    @pytest.mark.parametrize(
        ("answer", "why"),
        [
            ("I would test the total with taxes.", "no code"),
            ("```python\ndef test_a(:\n```", "does not parse"),
            ("```python\ndef test_a():\n    assert tot", "cut off"),
        ],
    )
    async def test_an_answer_that_cannot_be_used_changes_nothing_and_is_not_lost(
        self, rig, answer, why
    ):
        async with rig(answer) as here:
            with pytest.raises(AnswerError, match=why) as caught:
                await here.tasks.generate_tests(here.request("sum(self.items)"), Heard())
            assert caught.value.text == answer
            assert "gateway" in str(caught.value)
            assert len(str(caught.value)) <= 200

    async def test_code_cut_at_the_token_limit_is_not_used(self, rig):
        async with rig(NEW_TEST, finish="length") as here:
            with pytest.raises(AnswerError, match="cut off"):
                await here.tasks.generate_tests(here.request("sum(self.items)"), Heard())

    async def test_a_test_file_in_another_encoding_is_left_alone(self, rig):
        async with rig(NEW_TEST) as here:
            (here.root / "tests/test_cart.py").write_bytes("# größer\n".encode("latin-1"))
            with pytest.raises(EditError, match="UTF-8"):
                await here.tasks.generate_tests(here.request("sum(self.items)"), Heard())
            assert not here.server.generations

    async def test_a_folder_of_tests_that_links_out_of_the_workspace_gets_none(self, rig):
        async with rig(NEW_TEST) as here:
            outside = here.root.parent / "outside"
            (here.root / "tests").rename(outside)
            (here.root / "tests").symlink_to(outside)
            with pytest.raises(EditError, match="outside the workspace"):
                await here.tasks.generate_tests(here.request("sum(self.items)"), Heard())
            assert sorted(path.name for path in outside.iterdir()) == ["test_cart.py"]

    async def test_a_test_file_that_links_out_of_the_workspace_is_left_alone(self, rig):
        async with rig(NEW_TEST) as here:
            outside = here.root.parent / "outside.py"
            link = here.root / "tests/test_cart.py"
            link.unlink()
            link.symlink_to(outside)
            for text in (None, "import x\n"):
                if text is not None:
                    outside.write_text(text)
                with pytest.raises(EditError, match="outside the workspace"):
                    await here.tasks.generate_tests(here.request("sum(self.items)"), Heard())
            assert outside.read_text() == "import x\n"
            assert not here.server.generations

    async def test_an_ignored_test_file_is_neither_read_nor_taken_for_absent(self, rig):
        async with rig(NEW_TEST) as here:
            (here.root / ".gitignore").write_text("tests/test_cart.py\n")
            with pytest.raises(EditError, match="is there, but ignored"):
                await here.tasks.generate_tests(here.request("sum(self.items)"), Heard())
            assert not here.server.generations

    async def test_a_buffer_without_a_file_and_a_workspace_is_told_to_be_saved(self, rig):
        async with rig(NEW_TEST) as here:
            buffer = Snapshot("untitled:Untitled-1", CART, "python", 1)
            request = TaskRequest(buffer, Span(250, 250), here.app.settings)
            with pytest.raises(UsageError, match="Save it first"):
                await here.tasks.generate_tests(request, Heard())


class TestRun:
    TEMPLATE = """---
id: {id}
name: Ask
response_type: {kind}
variables:
  code: {{type: string, required: true, inject: code}}
  tone: {{type: string, default: plain, enum: [plain, pirate]}}
---
{{% block user %}}Speak {{{{ tone }}}}: {{{{ code }}}}{{% endblock %}}
"""

    def add(self, here: Rig, kind: str, name: str = "own") -> None:
        folder = here.root / ".aiex/templates"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.md.j2").write_text(self.TEMPLATE.format(id=name, kind=kind))

    async def test_a_workspace_template_runs_with_its_variables(self, rig):
        async with rig() as here:
            self.add(here, "general")
            options = {"template": "own", "variables": {"tone": "pirate"}}
            result = await here.tasks.run(here.request("sum", options=options), Heard())
            assert result.markdown == EXPLANATION
            assert "Speak pirate:" in here.sent

    async def test_its_response_type_decides_what_comes_back(self, rig):
        async with rig(NEW_TEST) as here:
            self.add(here, "test_generation")
            request = here.request("sum(self.items)", options={"template": "own"})
            result = await here.tasks.run(request, Heard())
            assert "def test_total" in result_of(result.plan.files[0])

    async def test_code_is_not_written_by_the_built_in_model_unless_named(self, rig):
        async with rig() as here:
            settings = here.app.settings
            only = {"embedded": settings.providers["embedded"]}
            alone = replace(settings, providers=only, default_provider=None)
            for template in ("generate_tests", "fix"):
                request = here.request("sum(self.items)", options={"template": template})
                request = replace(request, settings=alone)
                for task in (here.tasks.run(request, Heard()), here.tasks.render_prompt(request)):
                    with pytest.raises(NoProviderError, match="too small to write code"):
                        await task

    async def test_an_own_template_for_tests_is_told_what_the_task_knows(self, rig):
        async with rig(NEW_TEST) as here:
            (here.root / ".aiex/templates").mkdir(parents=True)
            (here.root / ".aiex/templates/own.md.j2").write_text(
                "---\nid: own\nextends: generate_tests\n---\n"
                "{% block system %}Own words.{% endblock %}\n"
            )
            options = {"template": "own"}
            request = here.request("sum(self.items)", options=options)
            await here.tasks.run(request, Heard())
            assert "Own words." in here.sent
            assert "pytest" in here.sent
            assert "def test_empty" in here.sent
            assert here.server.generations[-1].json["max_tokens"] == 4096
            shown = await here.tasks.render_prompt(request)
            assert "\n".join(one.content for one in shown.messages) == here.sent

    @pytest.mark.parametrize(
        ("options", "why"),
        [
            ({"template": "explian"}, "explain"),
            ({"template": "explain", "variables": {"lvl": 1}}, "lvl"),
            ({}, "template"),
        ],
    )
    async def test_wrong_names_are_told(self, rig, options, why):
        async with rig() as here:
            with pytest.raises(Exception, match=why) as caught:
                await here.tasks.run(here.request("sum", options=options), Heard())
            assert len(str(caught.value)) <= 200


class TestRenderPrompt:
    @pytest.mark.parametrize("task", ["explain", "analyze", "generateTests", "hover"])
    async def test_it_shows_to_the_byte_what_is_then_sent(self, rig, task):
        async with rig(NEW_TEST) as here:
            request = here.request("sum(self.items)", options={"task": task})
            shown = await here.tasks.render_prompt(request)
            assert not here.server.generations
            run = {"generateTests": here.tasks.generate_tests, "hover": here.tasks.hover}.get(
                task, getattr(here.tasks, task, None)
            )
            await run(here.request("sum(self.items)"), Heard())
            sent = here.server.generations[-1].json["messages"]
            assert [(m.role, m.content) for m in shown.messages] == [
                (m["role"], m["content"]) for m in sent
            ]
            assert shown.input_tokens > 0
            assert (shown.provider, shown.model) == ("gateway", "gpt-fake")


class TestHover:
    async def test_the_second_hover_asks_nobody(self, rig):
        async with rig() as here:
            assert here.tasks.hover_cached(here.request("sum(self.items)")) is None
            first = await here.tasks.hover(here.request("sum(self.items)"), Heard())
            again = await here.tasks.hover(here.request("Return the price"), Heard())
            assert len(here.server.generations) == 1
            assert again.markdown == first.markdown
            assert again.answer.cached
            assert here.tasks.hover_cached(here.request("1 + tax")) is not None
            assert here.tasks.hover_cached(here.request("return 42")) is None

    async def test_changed_code_is_explained_anew(self, rig):
        async with rig() as here:
            await here.tasks.hover(here.request("sum(self.items)"), Heard())
            uri = (here.root / "src/shop/cart.py").as_uri()
            here.opened[uri] = Snapshot(uri, CART.replace("1 + tax", "2 + tax"), "python", 2)
            await here.tasks.hover(here.request("sum(self.items)"), Heard())
            assert len(here.server.generations) == 2

    async def test_an_answer_that_saw_secrets_is_not_shown_under_another_policy(self, rig):
        async with rig() as here:
            request = here.request("sum(self.items)")
            await here.tasks.hover(request, Heard())
            known = request.settings.providers
            strict = replace(known["gateway"], secrets="block")
            settings = replace(request.settings, providers={**known, "gateway": strict})
            assert here.tasks.hover_cached(request) is not None
            assert here.tasks.hover_cached(replace(request, settings=settings)) is None


async def test_diagnostics_in_range_are_told(rig):
    async with rig('{"findings": []}') as here:
        request = here.request("sum(self.items)")
        start = request.snapshot.text.index("sum(self")
        wrong = DiagnosticInfo(Span(start, start + 3), "Returns int here", "error", "pyright")
        await here.tasks.analyze(replace(request, diagnostics=(wrong,)), Heard())
        assert "Returns int here" in here.sent


async def test_without_configuration_code_is_not_written_by_the_built_in_model(project, tmp_path):
    env = {"HOME": str(tmp_path), "OLLAMA_URL": "http://127.0.0.1:9", "LM_STUDIO_URL": ""}
    file = tmp_path / "none.toml"
    file.write_text("[providers.ollama]\nenabled = false\n[providers.lm_studio]\nenabled = false\n")
    app = App.create(project, {}, file, env)
    path = project / "src/shop/cart.py"
    snapshot = Snapshot(path.as_uri(), CART, "python")
    request = TaskRequest(snapshot, Span(250, 250), app.settings, WorkspaceView((project,)))
    with pytest.raises(NoProviderError) as caught:
        await app.tasks.generate_tests(request, Heard())
    await app.aclose()
    assert "too small" in str(caught.value)
    assert "Ollama" in str(caught.value)
