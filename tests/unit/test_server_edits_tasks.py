"""Fix, document and refactor in the editor: actions, params, refusals, running again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from aiex_lsp.edits.plan import plan_for
from aiex_lsp.errors import AnswerError
from aiex_lsp.llm.types import Listener
from aiex_lsp.tasks.types import TaskRequest
from tests.e2e import profiles
from tests.editor import RequestFailed
from tests.scripted import Gate, World, edit_result, fail
from tests.session import session

URI = "file:///w/calc.py"
CODE = "def add(a, b):\n    return a + c\n\n\ndef sub(a, b):\n    return a - b\n"
ADD = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 5}}
PROSE = "Use `b`:\n\n```python\nreturn a + b\n```\n"
NO_CODE = AnswerError("The answer has no code", "Ask again", text=PROSE)


def place(line: int, start: int, end: int) -> dict:
    return {
        "start": {"line": line, "character": start},
        "end": {"line": line, "character": end},
    }


UNDEFINED = {
    "range": place(1, 15, 16),
    "severity": 1,
    "code": "F821",
    "source": "ruff",
    "message": "Undefined name `c`",
    "data": {"fix": [1, {"x": None}]},
    "relatedInformation": [
        {"location": {"uri": URI, "range": place(0, 8, 14)}, "message": "parameters"},
        {"location": {"uri": "file:///w/.env", "range": place(0, 0, 4)}, "message": "elsewhere"},
    ],
}
UNUSED = {"range": place(1, 4, 16), "severity": 2, "source": "vulture", "message": "unused code"}


def changes(old: str, new: str):
    async def step(request: TaskRequest, _listener: Listener):
        text = request.snapshot.text
        return edit_result(plan_for(request.snapshot, text.replace(old, new), label="Fix `add`"))

    return step


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "state", fix=changes("a + c", "a + b"))


def asking(*diagnostics: dict, at: dict | None = None, **context) -> dict:
    return {
        "textDocument": {"uri": URI},
        "range": at or place(1, 4, 4),
        "context": {"diagnostics": list(diagnostics), **context},
    }


async def offered(world: World, params: dict, profile=None) -> list[dict]:
    async with session(world, profiles.vscode() if profile is None else profile) as editor:
        editor.open(URI, CODE)
        return await editor.request("textDocument/codeAction", params)


class TestActions:
    async def test_each_diagnostic_of_a_line_is_an_action_that_carries_it(self, world):
        found = await offered(world, asking(UNDEFINED, UNUSED, only=["quickfix"]))
        assert [(a["title"], a["kind"]) for a in found] == [
            ("Fix: Undefined name `c`", "quickfix.aiex.fix"),
            ("Fix: unused code", "quickfix.aiex.fix"),
        ]
        assert [a["diagnostics"] for a in found] == [[UNDEFINED], [UNUSED]]
        assert [a["command"]["arguments"] for a in found] == [
            [{"textDocument": {"uri": URI, "version": 1}, "range": d["range"], "diagnostic": d}]
            for d in (UNDEFINED, UNUSED)
        ]
        for action in found:
            assert "isPreferred" not in action
            assert "edit" not in action
            assert action["tags"] == [1]

    async def test_unasked_only_fixes_are_offered_and_only_for_diagnostics(self, world):
        assert await offered(world, asking(triggerKind=2)) == []
        found = await offered(world, asking(UNDEFINED, triggerKind=2))
        assert [a["kind"] for a in found] == ["quickfix.aiex.fix"]

    async def test_asked_for_all_the_fix_comes_first(self, world):
        found = await offered(world, asking(UNDEFINED, triggerKind=1))
        assert found[0]["kind"] == "quickfix.aiex.fix"
        assert "refactor.rewrite.aiex.document" in [a["kind"] for a in found]

    async def test_other_kinds_bring_no_fix(self, world):
        found = await offered(world, asking(UNDEFINED, only=["refactor"]))
        assert {a["kind"] for a in found} == {
            "refactor.rewrite.aiex.document",
            "refactor.rewrite.aiex.refactor",
        }
        assert await offered(world, asking(UNDEFINED, only=["source.fixAll"])) == []

    async def test_a_selection_can_be_refactored_but_not_documented(self, world):
        at = {"start": {"line": 0, "character": 0}, "end": {"line": 5, "character": 16}}
        found = await offered(world, asking(at=at, only=["refactor"]))
        assert [(a["title"], a["kind"]) for a in found] == [
            ("Refactor selection", "refactor.rewrite.aiex.refactor")
        ]

    async def test_the_same_message_twice_tells_where(self, world):
        again = {**UNDEFINED, "range": place(1, 11, 12)}
        found = await offered(world, asking(UNDEFINED, again, only=["quickfix"]))
        assert [a["title"] for a in found] == [
            "Fix: Undefined name `c` (2:16)",
            "Fix: Undefined name `c` (2:12)",
        ]

    async def test_a_long_message_is_shortened_to_one_line(self, world):
        long = {**UNUSED, "message": "no\nmatch " + "for this overload " * 20}
        (found,) = await offered(world, asking(long, only=["quickfix"]))
        assert found["title"].startswith("Fix: no match for this overload")
        assert len(found["title"]) <= 85
        assert found["diagnostics"] == [long]

    async def test_findings_of_aiex_can_be_fixed_its_configuration_problems_not(self, world):
        finding = {**UNUSED, "source": "aiex", "code": "bug"}
        problem = {**UNUSED, "source": "aiex", "message": "unknown key"}
        found = await offered(world, asking(finding, problem, only=["quickfix"]))
        assert [a["diagnostics"] for a in found] == [[finding]]

    async def test_a_diagnostic_outside_the_text_is_no_action(self, world):
        gone = {**UNUSED, "range": place(99, 0, 1)}
        assert await offered(world, asking(gone, only=["quickfix"])) == []

    async def test_a_client_of_plain_commands_gets_them(self, world):
        (found, *_) = await offered(world, asking(UNDEFINED), profiles.bare())
        assert (found["title"], found["command"]) == ("Fix: Undefined name `c`", "aiex/fix")


class TestFix:
    async def test_the_action_applies_the_edit_and_the_task_knows_the_diagnostic(self, world):
        async with session(world, profiles.neovim()) as editor:
            editor.open(URI, CODE)
            (action, *_) = await editor.request("textDocument/codeAction", asking(UNDEFINED))
            command = action["command"]
            answer = await editor.command(command["command"], *command["arguments"])
            assert list(answer) == ["accepted"]
            await editor.until(lambda: editor.edits)
            assert editor.documents[URI] == CODE.replace("a + c", "a + b")
        ((name, request),) = world.tasks.asked
        (info,) = request.diagnostics
        assert name == "fix"
        assert CODE[info.span.start : info.span.end] == "c"
        assert (info.message, info.severity) == ("Undefined name `c`", "error")
        assert (info.source, info.code) == ("ruff", "F821")
        assert info.related == (
            "calc.py:1: parameters: def add(a, b):",
            ".env:1: elsewhere",
        )
        assert request.span == info.span

    @pytest.mark.parametrize(
        ("params", "named"),
        [
            ({}, "`diagnostic` is missing"),
            ({"diagnostic": []}, "`diagnostic` must be an object"),
            ({"diagnostic": {"message": "x"}}, "`diagnostic.range`"),
            ({"diagnostic": {"range": place(1, 0, 1)}}, "`diagnostic.message`"),
            ({"diagnostic": {"range": place(99, 0, 1), "message": "x"}}, "`diagnostic.range`"),
        ],
    )
    async def test_wrong_params_are_named(self, world, params, named):
        async with session(world, profiles.vscode()) as editor:
            editor.open(URI, CODE)
            with pytest.raises(RequestFailed) as failed:
                await editor.request("aiex/fix", {"textDocument": {"uri": URI}, **params})
        assert failed.value.code == -32602
        assert named in failed.value.message

    async def test_related_places_that_are_malformed_are_left_out(self, world):
        odd = [None, {}, {"location": {"uri": 1}}, {"location": {"uri": "x", "range": {}}}]
        diagnostic = {**UNDEFINED, "relatedInformation": odd}
        async with session(world, profiles.vscode()) as editor:
            editor.open(URI, CODE)
            params = {"textDocument": {"uri": URI}, "diagnostic": diagnostic}
            await editor.request("aiex/fix", params)
        assert world.tasks.asked[0][1].diagnostics[0].related == ()


@pytest.mark.parametrize("task", ["document", "refactor"])
async def test_an_instruction_reaches_the_task(world, task):
    world.tasks.script[task] = changes("a + c", "a + b")
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        result = await editor.request(f"aiex/{task}", {**ADD, "instruction": "in one line"})
        assert result["targetUri"] == URI
        assert editor.apply(result["edit"]) == {"applied": True}
        assert editor.documents[URI] == CODE.replace("a + c", "a + b")
        with pytest.raises(RequestFailed, match="instruction"):
            await editor.request(f"aiex/{task}", {**ADD, "instruction": 7})
    assert world.tasks.asked[0][1].options == {"instruction": "in one line"}


class TestUnusedAnswers:
    async def test_a_command_tells_why_and_shows_what_the_model_wrote(self, world):
        world.tasks.script["refactor"] = fail(NO_CODE)
        async with session(world, profiles.neovim()) as editor:
            editor.open(URI, CODE)
            await editor.command("aiex/refactor", ADD)
            await editor.until(lambda: editor.messages)
            assert editor.messages == ["The answer has no code. Ask again."]
            (shown,) = editor.shown
            assert PROSE in shown["text"]
            assert "The answer has no code" in shown["text"]
            assert editor.edits == []
            assert editor.documents[URI] == CODE

    async def test_a_client_that_shows_no_documents_gets_it_as_messages(self, world):
        world.tasks.script["refactor"] = fail(NO_CODE)
        async with session(world, profiles.bare()) as editor:
            editor.open(URI, CODE)
            await editor.command("aiex/refactor", ADD)
            await editor.until(lambda: len(editor.messages) == 2)
            assert "return a + b" in editor.messages[0]

    async def test_a_request_gets_it_with_the_error(self, world):
        world.tasks.script["refactor"] = fail(NO_CODE)
        async with session(world, profiles.vscode()) as editor:
            editor.open(URI, CODE)
            with pytest.raises(RequestFailed) as failed:
                await editor.request("aiex/refactor", ADD)
            assert failed.value.code == -32803
            (answer,) = [m for m in editor.received if "error" in m]
            assert answer["error"]["data"] == {"text": PROSE}
            assert editor.shown == []


class TestRefusals:
    async def test_an_edit_the_editor_refuses_is_shown_as_a_diff(self, world):
        async with session(world, profiles.vscode()) as editor:
            refusal = {"applied": False, "failureReason": "the buffer is read-only"}
            editor.answers["workspace/applyEdit"] = lambda _params: refusal
            editor.open(URI, CODE)
            params = {"textDocument": {"uri": URI}, "diagnostic": UNDEFINED}
            await editor.command("aiex/fix", params)
            await editor.until(lambda: editor.shown)
            assert "-    return a + c\n+    return a + b\n" in editor.shown[0]["text"]
            assert "read-only" in editor.messages[0]
            assert editor.documents[URI] == CODE

    async def test_a_read_only_file_is_told_before_a_model_is_asked(self, world, tmp_path):
        path = tmp_path / "calc.py"
        path.write_text(CODE)
        path.chmod(0o444)
        async with session(world, profiles.vscode()) as editor:
            editor.open(path.as_uri(), CODE)
            params = {"textDocument": {"uri": path.as_uri()}, "diagnostic": UNDEFINED}
            await editor.command("aiex/fix", params)
            await editor.until(lambda: editor.messages)
            assert editor.messages == [
                "calc.py is read-only; nothing was changed. Make it writable first."
            ]
            assert world.tasks.asked == []
            assert editor.edits == []

    async def test_a_stale_edit_runs_again_where_the_code_is_now(self, world):
        gate = world.tasks.script["fix"] = Gate(changes("a + c", "a + b"))
        async with session(world, profiles.vscode()) as editor:
            editor.answers["window/showMessageRequest"] = {"title": "Run again"}
            editor.open(URI, CODE)
            params = {"textDocument": {"uri": URI}, "diagnostic": UNDEFINED}
            await editor.command("aiex/fix", params)
            await gate.begun.wait()
            editor.change(URI, {"range": place(0, 0, 0), "text": "# 😀\n"})
            editor.change(URI, {"range": place(2, 15, 16), "text": "c + 0"})
            world.tasks.script["fix"] = changes("a + c + 0", "a + b + 0")
            gate.opened.set()
            await editor.until(lambda: editor.edits)
            assert editor.documents[URI] == "# 😀\n" + CODE.replace("a + c", "a + b + 0")
            (asked,) = editor.requests("window/showMessageRequest")
            assert "changed at the same place" in asked["message"]
            assert "return a + b" in editor.shown[0]["text"]
        first, second = (request for _, request in world.tasks.asked)
        assert first.snapshot.version == 1
        assert second.snapshot.version == 3
        (info,) = second.diagnostics
        text = second.snapshot.text
        assert text[info.span.start : info.span.end].startswith("c")
        assert second.span == info.span

    async def test_dismissed_it_does_not_run_again(self, world):
        gate = world.tasks.script["fix"] = Gate(changes("a + c", "a + b"))
        async with session(world, profiles.vscode()) as editor:
            editor.open(URI, CODE)
            params = {"textDocument": {"uri": URI}, "diagnostic": UNDEFINED}
            await editor.command("aiex/fix", params)
            await gate.begun.wait()
            editor.change(URI, {"range": place(1, 15, 16), "text": "d"})
            gate.opened.set()
            await editor.until(lambda: editor.requests("window/showMessageRequest"))
            assert gate.calls == 1
            assert editor.edits == []

    async def test_a_client_that_cannot_be_asked_is_told(self, world):
        capabilities = profiles.neovim()
        del capabilities["window"]["showMessage"]
        gate = world.tasks.script["fix"] = Gate(changes("a + c", "a + b"))
        async with session(world, capabilities) as editor:
            editor.open(URI, CODE)
            params = {"textDocument": {"uri": URI}, "diagnostic": UNDEFINED}
            await editor.command("aiex/fix", params)
            await gate.begun.wait()
            editor.change(URI, {"range": place(1, 15, 16), "text": "d"})
            gate.opened.set()
            await editor.until(lambda: editor.messages)
            assert "Run the task again" in editor.messages[0]

    async def test_a_stale_request_is_answered_with_what_it_would_have_done(self, world):
        gate = world.tasks.script["fix"] = Gate(changes("a + c", "a + b"))
        async with session(world, profiles.vscode()) as editor:
            editor.open(URI, CODE)
            params = {"textDocument": {"uri": URI}, "diagnostic": UNDEFINED}
            _, answer = editor.start("aiex/fix", params)
            await gate.begun.wait()
            editor.change(URI, {"range": place(1, 15, 16), "text": "d"})
            gate.opened.set()
            with pytest.raises(RequestFailed):
                await answer
            (failed,) = [m for m in editor.received if "error" in m]
            assert "+    return a + b" in failed["error"]["data"]["text"]


async def test_two_tasks_at_once_on_one_document_do_not_disturb_each_other(world):
    """The second edit waits until the editor has told of the first, and is placed by it."""
    first = world.tasks.script["fix"] = Gate(changes("a + c", "a\n        + b"))
    second = world.tasks.script["refactor"] = Gate(changes("a - b", "-b + a"))
    async with session(world, profiles.neovim()) as editor:

        def applies_and_tells_later(params):
            editor.edits.append(params)
            text = dict(editor.documents)
            answer = editor.apply(params["edit"])
            new, editor.documents = editor.documents[URI], text
            if answer["applied"]:
                loop = asyncio.get_running_loop()
                loop.call_later(0.02, lambda: editor.change(URI, {"text": new}))
            return answer

        editor.answers["workspace/applyEdit"] = applies_and_tells_later
        editor.open(URI, CODE)
        params = {"textDocument": {"uri": URI}, "diagnostic": UNDEFINED}
        await editor.command("aiex/fix", params)
        at_sub = {"textDocument": {"uri": URI}, "position": {"line": 4, "character": 5}}
        await editor.command("aiex/refactor", at_sub)
        await first.begun.wait()
        await second.begun.wait()
        first.opened.set()
        second.opened.set()
        await editor.until(lambda: editor.versions[URI] == 3)
        expected = CODE.replace("a + c", "a\n        + b").replace("a - b", "-b + a")
        assert editor.documents[URI] == expected
        assert len(editor.edits) == 2
        assert editor.messages == []


async def test_an_edit_the_editor_only_says_it_made_is_sent_again(world):
    """Neovim drops an edit of a version that is not its newest, and answers that it applied it."""
    async with session(world, profiles.neovim()) as editor:

        def typed_before(params):
            editor.edits.append(params)
            if len(editor.edits) > 1:
                answer = editor.apply(params["edit"])
                editor.change(URI, {"text": editor.documents[URI]})
                return answer
            loop = asyncio.get_running_loop()
            start = {"range": place(0, 0, 0), "text": "# typed\n"}
            loop.call_later(0.01, lambda: editor.change(URI, start))
            return {"applied": True}

        editor.answers["workspace/applyEdit"] = typed_before
        editor.open(URI, CODE)
        params = {"textDocument": {"uri": URI}, "diagnostic": UNDEFINED, "wait": True}
        result = await editor.command("aiex/fix", params)
        assert result["applied"] is True
        assert len(editor.edits) == 2
        assert editor.documents[URI] == "# typed\n" + CODE.replace("a + c", "a + b")
        assert editor.messages == []


async def test_an_edit_that_never_lands_is_told(world):
    async with session(world, profiles.neovim()) as editor:

        def typing(params):
            editor.edits.append(params)
            start = {"range": place(0, 0, 0), "text": "#\n"}
            asyncio.get_running_loop().call_later(0.01, lambda: editor.change(URI, start))
            return {"applied": True}

        editor.answers["workspace/applyEdit"] = typing
        editor.open(URI, CODE)
        params = {"textDocument": {"uri": URI}, "diagnostic": UNDEFINED, "wait": True}
        result = await editor.command("aiex/fix", params)
        assert result["applied"] is False
        assert len(editor.edits) == 3
        assert editor.messages == [
            "The editor did not make the edit, though it says so. Run the task again."
        ]
        assert "+    return a + b" in editor.shown[0]["text"]


async def test_the_prompt_of_a_fix_can_be_seen_with_its_diagnostic(world):
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        params = {"textDocument": {"uri": URI}, "task": "fix", "diagnostic": UNDEFINED}
        await editor.request("aiex/renderPrompt", params)
    ((name, request),) = world.tasks.asked
    assert name == "render_prompt"
    assert request.options["task"] == "fix"
    assert [one.message for one in request.diagnostics] == ["Undefined name `c`"]


async def test_a_template_whose_answer_is_code_is_applied_by_its_action(world):
    world.tasks.script["run"] = changes("a + c", "a + b")
    async with session(world, profiles.emacs()) as editor:
        editor.open(URI, CODE)
        result = await editor.command("aiex/run", {**ADD, "template": "haiku", "wait": True})
        assert result["applied"] is True
        assert editor.documents[URI] == CODE.replace("a + c", "a + b")
