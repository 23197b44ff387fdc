"""Fix, document, refactor and own templates: what is asked, what is changed, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from aiex_lsp.errors import AnswerError, NoProviderError, ProviderError, UsageError
from aiex_lsp.text.snapshot import Span
from tests.edit_rig import edit_rig, fenced, new_text

CART = '''"""A cart."""

import json


class Cart:
    def __init__(self):
        self.items = []

    def total(self, tax):
        return sum(self.items) * (1 + taxx)


def load(path):
    with open(path) as file:
        return json.load(file)


def report(cart):
    total = cart.total(0.2)
    print("Total: ", total)
    print("Items: ", len(cart.items))
'''
FILES = {"shop/cart.py": CART, "pyproject.toml": '[project]\nname = "shop"\n'}
FIXED = "    def total(self, tax):\n        return sum(self.items) * (1 + tax)\n"
PROSE = "You should rename `taxx` to `tax`, then it works as you expect it to work."


class TestFix:
    async def test_the_method_around_the_diagnostic_is_asked_about_and_changed(self, tmp_path):
        answer = fenced(FIXED, after="\nThe parameter is called `tax`.\n")
        async with edit_rig(tmp_path, answer, files=FILES) as rig:
            request = rig.diagnostic(
                "shop/cart.py",
                "taxx",
                'Undefined name "taxx"',
                source="ruff",
                code="F821",
                related=("cart.py:10: declared here: def total(self, tax):",),
            )
            result = await rig.tasks.fix(request, rig.heard)
            assert new_text(result) == CART.replace("taxx", "tax")
            assert result.target_uri == request.snapshot.uri
            assert "called `tax`" in result.explanation
            assert result.language == "python"
            sent = rig.sent()
            assert 'error [ruff F821]: Undefined name "taxx"' in sent
            assert "In line 2 of the code: return sum(self.items) * (1 + taxx)" in sent
            assert "Exactly at: taxx" in sent
            assert "See also cart.py:10: declared here" in sent
            assert "def load" not in sent.split("Code from")[1]

    async def test_the_change_is_as_small_as_it_can_be(self, tmp_path):
        async with edit_rig(tmp_path, fenced(FIXED), files=FILES) as rig:
            request = rig.diagnostic("shop/cart.py", "taxx", "Undefined")
            (edit,) = (await rig.tasks.fix(request, rig.heard)).plan.files
            assert sum(len(one.old_text) + len(one.new_text) for one in edit.replacements) < 12

    async def test_outside_of_any_symbol_the_lines_around_are_asked_about(self, tmp_path):
        text = "import os\nimport sys\n\n\ndef f():\n    return sys.path\n"
        async with edit_rig(tmp_path, fenced("import sys"), files={"a.py": text}) as rig:
            request = rig.diagnostic("a.py", "import os", "`os` imported but unused")
            result = await rig.tasks.fix(request, rig.heard)
            assert new_text(result) == text.replace("import os\n", "")
            assert "import sys" in rig.sent()

    async def test_an_import_the_fix_needs_goes_to_the_others(self, tmp_path):
        text = "import os\n\n\ndef f():\n    return json.dumps(os.name)\n"
        answer = fenced("import json\n\ndef f():\n    return json.dumps(os.name)\n")
        async with edit_rig(tmp_path, answer, files={"a.py": text}) as rig:
            result = await rig.tasks.fix(rig.diagnostic("a.py", "json", "Undefined"), rig.heard)
            new = new_text(result)
            assert sorted(new.split("\n\n\n")[0].splitlines()) == ["import json", "import os"]
            assert new.split("\n\n\n")[1] == text.split("\n\n\n")[1]

    async def test_a_problem_without_a_place_is_told_too(self, tmp_path):
        async with edit_rig(tmp_path, fenced(FIXED), files=FILES) as rig:
            request = rig.request("shop/cart.py", "taxx", options={"problem": "NameError: taxx"})
            result = await rig.tasks.fix(request, rig.heard)
            assert "Problem:\nNameError: taxx" in rig.sent()
            assert new_text(result) == CART.replace("taxx", "tax")

    async def test_one_attribute_of_a_huge_class_does_not_send_the_class(self, tmp_path):
        methods = "".join(f"    def m{i}(self):\n        return {i}\n\n" for i in range(100))
        text = f"class Big:\n    limit = 10O\n    other = 2\n\n{methods}"
        answer = fenced("class Big:\n    limit = 100\n    other = 2\n")
        async with edit_rig(tmp_path, answer, files={"a.py": text}) as rig:
            request = rig.diagnostic("a.py", "10O", "invalid decimal literal")
            await rig.tasks.fix(request, rig.heard)
            assert "def m99" not in rig.sent().split("Code from")[1]


class TestRepair:
    async def test_an_answer_of_prose_is_asked_for_once_more_with_the_reason(self, tmp_path):
        async with edit_rig(tmp_path, PROSE, fenced(FIXED), files=FILES) as rig:
            request = rig.diagnostic("shop/cart.py", "taxx", "Undefined")
            result = await rig.tasks.fix(request, rig.heard)
            assert new_text(result) == CART.replace("taxx", "tax")
            assert rig.calls == 2
            first, again = (call.json["messages"] for call in rig.server.generations)
            assert again[: len(first)] == first
            assert [one["role"] for one in again[len(first) :]] == ["assistant", "user"]
            assert again[-2]["content"] == PROSE
            assert "no code" in again[-1]["content"]
            assert any(one.startswith("asking again: ") for one in rig.heard.status)
            assert rig.heard.text == fenced(FIXED)

    async def test_both_calls_are_in_usage_cost_and_attempts(self, tmp_path):
        async with edit_rig(tmp_path, PROSE, fenced(FIXED), files=FILES) as rig:
            request = rig.diagnostic("shop/cart.py", "taxx", "Undefined")
            answer = (await rig.tasks.fix(request, rig.heard)).answer
            assert len(answer.attempts) == 2
        (tmp_path / "b").mkdir()
        async with edit_rig(tmp_path / "b", fenced(FIXED), files=FILES) as rig:
            request = rig.diagnostic("shop/cart.py", "taxx", "Undefined")
            single = (await rig.tasks.fix(request, rig.heard)).answer
        assert answer.usage.input_tokens > single.usage.input_tokens
        assert answer.usage.output_tokens > single.usage.output_tokens

    async def test_after_a_second_try_it_is_an_honest_failure_that_keeps_the_text(self, tmp_path):
        async with edit_rig(tmp_path, "Well.", PROSE, files=FILES) as rig:
            request = rig.diagnostic("shop/cart.py", "taxx", "Undefined")
            with pytest.raises(AnswerError) as caught:
                await rig.tasks.fix(request, rig.heard)
            assert rig.calls == 2
            assert caught.value.text == PROSE
            told = str(caught.value)
            assert told.startswith("gateway (gpt-fake, asked twice): ")
            assert told.lower().count("nothing was changed") == 1
            assert len(told) <= 200

    async def test_an_answer_cut_at_the_limit_is_not_asked_for_again(self, tmp_path):
        async with edit_rig(tmp_path, fenced(FIXED), files=FILES, finish="length") as rig:
            request = rig.diagnostic("shop/cart.py", "taxx", "Undefined")
            with pytest.raises(AnswerError, match="cut off"):
                await rig.tasks.fix(request, rig.heard)
            assert rig.calls == 1

    async def test_where_the_second_call_fails_the_first_answer_is_not_lost(self, tmp_path):
        async with edit_rig(tmp_path, PROSE, files=FILES) as rig:
            rig.server.answer = _then_refused(rig.server.answer)
            request = rig.diagnostic("shop/cart.py", "taxx", "Undefined")
            with pytest.raises(AnswerError) as caught:
                await rig.tasks.fix(request, rig.heard)
            assert caught.value.text == PROSE

    async def test_an_answer_of_no_use_is_not_kept_for_the_next_time(self, tmp_path):
        async with edit_rig(tmp_path, PROSE, PROSE, fenced(FIXED), files=FILES) as rig:
            request = rig.diagnostic("shop/cart.py", "taxx", "Undefined")
            with pytest.raises(AnswerError):
                await rig.tasks.fix(request, rig.heard)
            result = await rig.tasks.fix(request, rig.heard)
            assert new_text(result) == CART.replace("taxx", "tax")

    async def test_tests_are_asked_for_once_more_too(self, tmp_path):
        tests = "from shop.cart import load\n\n\ndef test_load():\n    assert load\n"
        answers = ("```python\ndef test_a(:\n```", fenced(tests))
        async with edit_rig(tmp_path, *answers, files=FILES) as rig:
            request = rig.request("shop/cart.py", "json.load")
            result = await rig.tasks.generate_tests(request, rig.heard)
            assert "def test_load" in new_text(result)
            assert "does not parse" in rig.sent()


def _then_refused(first):
    from tests.servers.script import Reply

    asked = []

    def answer(body):
        asked.append(body)
        return first(body) if len(asked) == 1 else Reply("no", status=401)

    return answer


class TestDocument:
    async def test_a_function_gets_its_docstring(self, tmp_path):
        documented = (
            'def load(path):\n    """Return what the JSON file holds."""\n'
            "    with open(path) as file:\n        return json.load(file)\n"
        )
        async with edit_rig(tmp_path, fenced(documented), files=FILES) as rig:
            result = await rig.tasks.document(rig.request("shop/cart.py", "load(path)"), rig.heard)
            head = "def load(path):\n"
            doc = '    """Return what the JSON file holds."""\n'
            assert new_text(result) == CART.replace(head, head + doc)
            assert "Form: " in rig.sent()

    async def test_outside_of_any_symbol_there_is_nothing_to_document(self, tmp_path):
        async with edit_rig(tmp_path, "x", files={"a.py": "x = 1\ny = 2\nprint(x)\n"}) as rig:
            with pytest.raises(UsageError, match="no symbol"):
                await rig.tasks.document(rig.request("a.py", "print"), rig.heard)
            assert rig.calls == 0

    async def test_code_changed_beside_the_comment_is_refused(self, tmp_path):
        changed = 'def load(path):\n    """Return it."""\n    return json.loads(path.read_text())\n'
        async with edit_rig(tmp_path, fenced(changed), files=FILES) as rig:
            with pytest.raises(AnswerError):
                await rig.tasks.document(rig.request("shop/cart.py", "load(path)"), rig.heard)


class TestRefactor:
    async def test_an_instruction_is_told_and_only_the_selected_lines_change(self, tmp_path):
        start = CART.index('    print("Total')
        lines = CART[start:]
        new = '    print("Total:", total)\n    print("Items:", len(cart.items))\n'
        async with edit_rig(tmp_path, fenced(new), files=FILES) as rig:
            request = rig.request(
                "shop/cart.py",
                Span(start + 6, len(CART) - 3),
                options={"instruction": "no blank\nbefore the values"},
            )
            result = await rig.tasks.refactor(request, rig.heard)
            assert new_text(result) == CART.replace(lines, new)
            assert "Also follow this wish: no blank before the values" in rig.sent()

    async def test_a_template_without_the_variable_does_not_lose_the_instruction(self, tmp_path):
        own = "---\nid: mine\nname: M\nresponse_type: code_generation\nvariables:\n"
        own += (
            "  code: {type: string, inject: code}\n---\n{% block user %}{{ code }}{% endblock %}\n"
        )
        config = '[tasks.refactor]\ntemplate = "mine"\n'
        files = {**FILES, ".aiex/templates/mine.md.j2": own}
        async with edit_rig(tmp_path, fenced("x"), files=files, config=config) as rig:
            request = rig.request("shop/cart.py", "load", options={"instruction": "faster"})
            with pytest.raises(UsageError, match="no variable `instruction`"):
                await rig.tasks.refactor(request, rig.heard)

    async def test_long_code_is_asked_for_by_parts(self, tmp_path):
        body = "".join(f"    step_{i} = compute({i})\n" for i in range(300))
        text = f"def long(compute):\n{body}    return step_0\n"
        answer = (
            "<<<<<<< SEARCH\n    step_7 = compute(7)\n    step_8 = compute(8)\n=======\n"
            "    step_7 = compute(70)\n    step_8 = compute(8)\n>>>>>>> REPLACE\nOne step.\n"
        )
        async with edit_rig(tmp_path, answer, files={"a.py": text}, window=32000) as rig:
            result = await rig.tasks.refactor(rig.request("a.py", "long("), rig.heard)
            assert new_text(result) == text.replace("compute(7)\n", "compute(70)\n")
            assert "<<<<<<< SEARCH" in rig.sent()
            assert "replaces the whole code" not in rig.sent()

    async def test_code_that_no_window_holds_is_refused_with_the_limit(self, tmp_path):
        body = "".join(f"    step_{i} = compute({i})\n" for i in range(2000))
        text = f"def long(compute):\n{body}    return step_0\n"
        async with edit_rig(tmp_path, "x", files={"a.py": text}, window=8000) as rig:
            with pytest.raises((ProviderError, NoProviderError), match=r"[\d,]+ tokens") as caught:
                await rig.tasks.refactor(rig.request("a.py", "long("), rig.heard)
            assert "Select less" in str(caught.value)
            assert rig.calls == 0

    async def test_blank_lines_are_no_code(self, tmp_path):
        async with edit_rig(tmp_path, "x", files={"a.py": "\n\n\n"}) as rig:
            with pytest.raises(UsageError, match="no code"):
                await rig.tasks.refactor(rig.request("a.py", Span(1, 1)), rig.heard)

    @pytest.mark.parametrize("task", ["fix", "document", "refactor"])
    async def test_the_built_in_model_writes_no_code_unless_named(self, tmp_path, task):
        async with edit_rig(tmp_path, "x", files=FILES) as rig:
            settings = rig.app.settings
            only = {"embedded": settings.providers["embedded"]}
            alone = replace(settings, providers=only, default_provider=None)
            request = replace(rig.request("shop/cart.py", "load(path)"), settings=alone)
            with pytest.raises(NoProviderError, match="too small to write code"):
                await getattr(rig.tasks, task)(request, rig.heard)


class TestRun:
    OWN = (
        "---\nid: typed\ntitle: Add types\nkind: refactor.rewrite.aiex.typed\n"
        "response_type: code_generation\nvariables:\n"
        "  code: {type: string, required: true, inject: code}\n---\n"
        "{% block user %}Add types: {{ code }}{% endblock %}\n"
    )

    async def test_a_template_that_gives_code_is_an_edit(self, tmp_path):
        typed = CART[CART.index("def load") : CART.index("\n\ndef report")]
        typed = typed.replace("load(path)", "load(path: str) -> object")
        files = {**FILES, ".aiex/templates/typed.md.j2": self.OWN}
        async with edit_rig(tmp_path, fenced(typed), files=files) as rig:
            request = rig.request("shop/cart.py", "load(path)", options={"template": "typed"})
            result = await rig.tasks.run(request, rig.heard)
            assert new_text(result) == CART.replace("load(path)", "load(path: str) -> object")

    async def test_a_template_that_extends_document_keeps_its_rules(self, tmp_path):
        own = "---\nid: doc_de\nextends: document\n---\n{% block system %}Deutsch.{% endblock %}\n"
        changed = "def load(path):\n    return 1\n"
        files = {**FILES, ".aiex/templates/doc_de.md.j2": own}
        async with edit_rig(tmp_path, fenced(changed), files=files) as rig:
            request = rig.request("shop/cart.py", "load(path)", options={"template": "doc_de"})
            with pytest.raises(AnswerError):
                await rig.tasks.run(request, rig.heard)
            assert "Deutsch." in rig.sent()


class TestRenderPrompt:
    @pytest.mark.parametrize("task", ["fix", "document", "refactor"])
    async def test_it_shows_to_the_byte_what_is_then_sent(self, tmp_path: Path, task: str):
        async with edit_rig(tmp_path, PROSE, files=FILES) as rig:
            request = rig.diagnostic("shop/cart.py", "taxx", "Undefined")
            options = {"task": task, "instruction": "briefly"}
            request = replace(request, options=options)
            shown = await rig.tasks.render_prompt(request)
            assert rig.calls == 0
            with pytest.raises(AnswerError):
                await getattr(rig.tasks, task)(request, rig.heard)
            assert "\n".join(one.content for one in shown.messages) == rig.sent(0)
