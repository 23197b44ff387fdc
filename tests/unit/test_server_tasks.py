"""The methods that ask a model: results, commands, streaming, cancellation, failures."""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from aiex_lsp.errors import FailureKind, NoProviderError, ProviderError, TemplateUseError
from aiex_lsp.llm.types import Listener
from aiex_lsp.tasks.types import TaskRequest
from tests.e2e import profiles
from tests.editor import Editor, RequestFailed
from tests.scripted import (
    ANSWER,
    Gate,
    World,
    edit_result,
    explanation,
    fail,
    new_file,
    review,
    say,
)
from tests.session import session

URI = "file:///w/calc.py"
CODE = "def add(a, b):\n    return a + b\n"
ADD = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 5}}
OPT_IN = {"aiex": {"showMarkdown": True, "commandLinks": True}}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "state")


@pytest.mark.parametrize("profile", profiles.all_profiles().items(), ids=lambda p: p[0])
async def test_explain_answers_the_request_with_the_contracts_result(world, profile):
    async with session(world, profile[1]) as editor:
        editor.open(URI, CODE)
        result = await editor.request("aiex/explain", {**ADD, "level": "brief"})
    assert result == {
        "markdown": "Adds two numbers.",
        "summary": "Adds two numbers.",
        "sections": [{"level": 1, "title": "What", "content": "it does", "children": []}],
        "codeReferences": [],
        "concepts": ["sum"],
        "answer": {
            "id": "a1",
            "provider": "scripted",
            "model": "small",
            "usage": {"inputTokens": 10, "outputTokens": 5},
            "cost": 0.0012,
            "durationMs": 12.0,
            "cached": False,
            "attempts": [
                {"provider": "scripted", "model": "small", "outcome": "ok", "durationMs": 12.0}
            ],
        },
    }
    name, request = world.tasks.asked[0]
    assert name == "explain"
    assert request.options == {"level": "brief"}
    assert request.snapshot.text == CODE
    assert (request.span.start, request.span.end) == (5, 5)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({}, "textDocument"),
        ({"textDocument": URI}, "textDocument"),
        ({"textDocument": {"uri": "file:///w/other.py"}}, "other.py"),
        ({**ADD, "level": "huge"}, "level"),
        ({**ADD, "position": {"line": -1, "character": 0}}, "position.line"),
        ({**ADD, "position": {"line": 99, "character": 0}}, "position"),
        ({**ADD, "range": {"start": {"line": 0, "character": 0}}}, "range.end"),
        ({**ADD, "provider": 5}, "provider"),
        ({**ADD, "workDoneToken": {}}, "workDoneToken"),
        ([], "params"),
    ],
)
async def test_wrong_params_are_named(world, params, named):
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        with pytest.raises(RequestFailed) as as_request:
            await editor.request("aiex/explain", params)
        with pytest.raises(RequestFailed) as as_command:
            await editor.command("aiex/explain", params)
    for failed in (as_request.value, as_command.value):
        assert failed.code == -32602
        assert named in failed.message
    assert world.tasks.asked == []


async def test_a_jsonrpc_key_inside_params_is_answered(world):
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        params = {**ADD, "template": "haiku", "variables": {"x": {"jsonrpc": "2.0", "id": 7}}}
        await editor.request("aiex/run", params)
    assert world.tasks.asked[0][1].options["variables"] == {"x": {"jsonrpc": "2.0", "id": 7}}


async def test_streamed_deltas_join_to_the_result(world):
    async def restarts(_request: TaskRequest, listener: Listener):
        for delta in ("It ", "broke"):
            listener.on_delta(delta)
        listener.on_restart("second")
        for delta in ("Adds ", "two ", "numbers.", "\n"):
            listener.on_delta(delta)
            await asyncio.sleep(0)
        return explanation("Adds two numbers.\n")

    world.tasks.script["explain"] = restarts
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        result = await editor.request("aiex/explain", {**ADD, "partialResultToken": "p"})
        assert {"restart": True, "provider": "second"} in editor.progress("p")
        assert editor.joined_deltas("p") == result["markdown"]
        order = [m.get("method", "answer") for m in editor.received]
        assert order.index("answer", order.index("$/progress")) > len(order) - 2


@pytest.mark.parametrize("final", ["Adds two numbers. And a note.", "Something else."])
async def test_deltas_join_to_the_result_even_where_the_text_was_reworked(world, final):
    world.tasks.script["explain"] = say("Adds ", "two numbers.", result=explanation(final))
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        result = await editor.request("aiex/explain", {**ADD, "partialResultToken": 3})
        assert editor.joined_deltas(3) == result["markdown"] == final


async def test_a_burst_of_deltas_is_joined_but_nothing_is_lost(world, tmp_path):
    text = [f"{i} " for i in range(500)]

    async def burst(_request: TaskRequest, listener: Listener):
        for piece in text:
            listener.on_delta(piece)
        return explanation("".join(text))

    world.tasks.script["explain"] = burst
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        await editor.request("aiex/explain", {**ADD, "partialResultToken": "p"})
        assert editor.joined_deltas("p") == "".join(text)
        assert len(editor.progress("p")) < 5


async def test_work_done_token_of_the_request_gets_begin_and_end(world):
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        await editor.request("aiex/explain", {**ADD, "workDoneToken": "w"})
        kinds = [value["kind"] for value in editor.progress("w")]
        assert kinds[0] == "begin"
        assert kinds[-1] == "end"
        assert editor.progress("w")[0]["title"] == "Explain `add`"
        assert editor.requests("window/workDoneProgress/create") == []


async def test_cancelling_a_request_stops_the_call_and_answers_32800(world):
    gate = world.tasks.script["explain"] = Gate()
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        request_id, answer = editor.start("aiex/explain", {**ADD, "workDoneToken": "w"})
        await gate.begun.wait()
        editor.cancel(request_id)
        with pytest.raises(RequestFailed) as failed:
            await answer
        assert failed.value.code == -32800
        assert gate.cancelled.is_set()
        assert editor.progress("w")[-1]["kind"] == "end"
        assert editor.messages == []


async def test_a_command_answers_at_once_and_then_delivers(world):
    gate = world.tasks.script["explain"] = Gate(say("Adds."))
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        accepted = await editor.command("aiex/explain", ADD)
        assert accepted == {"accepted": "aiex-1"}
        await gate.begun.wait()
        gate.opened.set()
        shown = await editor.until(lambda: editor.shown)
    assert shown[0]["takeFocus"] is False
    assert "Adds." in shown[0]["text"]
    assert "scripted · small · $0.0012" in shown[0]["text"]
    path = Path(shown[0]["uri"].removeprefix("file://"))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert path.is_relative_to(world.state_dir)


async def test_texts_shown_as_documents_are_removed_at_the_next_start(world):
    left = world.state_dir / "shown" / "999999999" / "old.md"
    left.parent.mkdir(parents=True)
    left.write_text("old")
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        await editor.request("aiex/explain", ADD)
        await editor.until(lambda: not left.exists())


async def test_opted_in_clients_get_a_view_that_grows(world):
    steps = [asyncio.Event() for _ in range(2)]

    async def slowly(_request: TaskRequest, listener: Listener):
        listener.on_delta("Adds ")
        await steps[0].wait()
        listener.on_delta("two.")
        await steps[1].wait()
        return explanation("Adds two.")

    world.tasks.script["explain"] = slowly
    async with session(world, profiles.vscode(), options=OPT_IN) as editor:
        editor.open(URI, CODE)
        accepted = await editor.command("aiex/explain", ADD)
        shown = lambda: editor.notifications("aiex/showMarkdown")  # noqa: E731
        await editor.until(shown)
        steps[0].set()
        await editor.until(lambda: shown()[-1]["markdown"] == "Adds two.")
        steps[1].set()
        await editor.until(lambda: shown()[-1]["final"])
        assert {view["id"] for view in shown()} == {accepted["accepted"]}
        assert shown()[0] == {
            "id": accepted["accepted"],
            "title": "Explain `add`",
            "markdown": "Adds ",
            "final": False,
        }
        assert shown()[-1]["markdown"].startswith("Adds two.")
        assert editor.shown == []


async def test_a_client_that_can_nothing_is_told_by_a_message(world):
    world.tasks.script["explain"] = say("**Adds** `two`.")
    async with session(world, profiles.bare()) as editor:
        editor.open(URI, CODE)
        await editor.command("aiex/explain", ADD)
        await editor.until(lambda: editor.messages)
        assert editor.messages[0].startswith("Adds two.")
        assert editor.requests("window/workDoneProgress/create") == []


async def test_a_document_the_client_does_not_show_becomes_a_message(world):
    async with session(world, profiles.neovim()) as editor:
        editor.answers["window/showDocument"] = {"success": False}
        editor.open(URI, CODE)
        await editor.command("aiex/explain", ADD)
        await editor.until(lambda: editor.messages)
        assert "Adds two numbers." in editor.messages[0]


async def test_a_command_that_waits_answers_with_the_result_and_shows_nothing(world):
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        result = await editor.command("aiex/explain", {**ADD, "wait": True})
        assert result["markdown"] == "Adds two numbers."
        assert editor.shown == []


async def _cancel_by_id(editor: Editor, _request_id: int, accepted: str) -> None:
    assert await editor.request("aiex/cancel", {"id": accepted}) == {"cancelled": True}


async def _cancel_by_progress(editor: Editor, _request_id: int, _accepted: str) -> None:
    create = await editor.until(lambda: editor.requests("window/workDoneProgress/create"))
    await editor.until(lambda: editor.progress(create[0]["token"]))
    editor.notify("window/workDoneProgress/cancel", {"token": create[0]["token"]})


@pytest.mark.parametrize("cancel", [_cancel_by_id, _cancel_by_progress])
async def test_a_command_is_cancelled(world, cancel):
    gate = world.tasks.script["explain"] = Gate()
    async with session(world, profiles.vscode(), options=OPT_IN) as editor:
        editor.open(URI, CODE)
        accepted = await editor.command("aiex/explain", ADD)
        await gate.begun.wait()
        await cancel(editor, 0, accepted["accepted"])
        async with asyncio.timeout(5):
            await gate.cancelled.wait()
        await editor.request("aiex/templates")
        assert editor.messages == []
        assert editor.shown == []
        assert await editor.request("aiex/cancel", {"id": accepted["accepted"]}) == {
            "cancelled": False
        }


async def test_a_waiting_command_is_cancelled_like_a_request(world):
    gate = world.tasks.script["explain"] = Gate()
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        params = {"command": "aiex/explain", "arguments": [{**ADD, "wait": True}]}
        request_id, answer = editor.start("workspace/executeCommand", params)
        await gate.begun.wait()
        editor.cancel(request_id)
        with pytest.raises(RequestFailed, match="-32800"):
            await answer
        assert gate.cancelled.is_set()


async def test_progress_of_a_client_that_never_takes_the_token_holds_nothing_up(world):
    async with session(world, profiles.vscode()) as editor:
        editor.answers["window/workDoneProgress/create"] = Editor.SILENT
        editor.open(URI, CODE)
        await editor.command("aiex/explain", ADD)
        await editor.until(lambda: editor.shown)
        assert editor.notifications("$/progress") == []


ERRORS = [
    ProviderError(
        FailureKind.CREDENTIALS,
        "anthropic refuses the key",
        "Set ANTHROPIC_API_KEY",
        provider="anthropic",
    ),
    NoProviderError("No provider answers", "Start ollama"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: type(e).__name__)
async def test_a_failure_is_one_short_message_and_the_server_goes_on(world, error):
    world.tasks.script["explain"] = fail(error)
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        with pytest.raises(RequestFailed) as failed:
            await editor.request("aiex/explain", ADD)
        assert (failed.value.code, failed.value.message) == (-32803, str(error))
        assert editor.messages == []
        await editor.command("aiex/explain", ADD)
        await editor.until(lambda: editor.messages)
        assert editor.messages == [str(error)]
        world.tasks.script["explain"] = say("Fine.")
        assert (await editor.request("aiex/explain", ADD))["markdown"] == "Fine."


async def test_a_fault_of_ours_tells_neither_traceback_nor_code(world):
    world.tasks.script["explain"] = fail(RuntimeError(f"bad: {CODE} sk-secret"))
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        with pytest.raises(RequestFailed) as failed:
            await editor.request("aiex/explain", ADD)
        await editor.command("aiex/explain", ADD)
        await editor.until(lambda: editor.messages)
        assert failed.value.code == -32603
        told = str(editor.received)
    assert "sk-secret" not in told
    assert "Traceback" not in told


@pytest.mark.parametrize("cost", [object(), float("nan")])
async def test_a_result_that_is_no_json_is_answered_too(world, cost):
    world.tasks.script["explain"] = say(
        result=replace(explanation(), answer=replace(ANSWER, cost=cost))
    )
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        with pytest.raises(RequestFailed, match="-32603: aiex-lsp failed inside"):
            await editor.request("aiex/explain", ADD)
        world.tasks.script["explain"] = say("Fine.")
        assert (await editor.request("aiex/explain", ADD))["markdown"] == "Fine."


async def test_a_view_that_was_begun_is_closed_on_failure(world):
    async def breaks(_request: TaskRequest, listener: Listener):
        listener.on_delta("Adds ")
        await asyncio.sleep(0.01)
        raise ERRORS[0]

    world.tasks.script["explain"] = breaks
    async with session(world, profiles.vscode(), options=OPT_IN) as editor:
        editor.open(URI, CODE)
        await editor.command("aiex/explain", ADD)
        await editor.until(lambda: editor.messages)
        last = editor.notifications("aiex/showMarkdown")[-1]
        assert last["final"] is True
        assert "anthropic refuses the key" in last["markdown"]


async def test_a_document_closed_while_the_answer_comes_is_still_explained(world):
    gate = world.tasks.script["explain"] = Gate(say("Late."))
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        _, answer = editor.start("aiex/explain", ADD)
        await gate.begun.wait()
        editor.close(URI)
        gate.opened.set()
        assert (await answer)["markdown"] == "Late."


async def test_follow_up_needs_only_the_answer(world):
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        await editor.request("aiex/explain", ADD)
        await editor.request("aiex/followUp", {"answerId": "a1", "question": "Why?"})
        with pytest.raises(RequestFailed, match="answerId"):
            await editor.request("aiex/followUp", {"answerId": "zz", "question": "Why?"})
    name, request = world.tasks.asked[-1]
    assert name == "follow_up"
    assert request.snapshot.text == CODE
    assert request.options == {"answer_id": "a1", "question": "Why?"}


async def test_render_prompt_tells_what_would_be_sent(world):
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        result = await editor.request("aiex/renderPrompt", {**ADD, "task": "generateTests"})
        with pytest.raises(RequestFailed, match="task"):
            await editor.request("aiex/renderPrompt", ADD)
    assert result["messages"] == [{"role": "user", "content": "Explain f"}]
    assert result["estimatedCost"] is None
    assert world.tasks.asked[0][1].options["task"] == "generate_tests"


async def test_methods_about_the_registry_and_models(world):
    async with session(world, profiles.neovim()) as editor:
        templates = await editor.request("aiex/templates")
        models = await editor.command("aiex/models", {"provider": "ollama"})
        selected = await editor.request("aiex/selectProvider", {"provider": "ollama"})
        back = await editor.request("aiex/selectProvider", {})
    assert templates == [
        {
            "id": "haiku",
            "title": "Write a haiku",
            "category": "general",
            "variables": [
                {
                    "name": "mood",
                    "type": "string",
                    "required": False,
                    "default": "calm",
                    "description": "",
                }
            ],
            "responseType": "general",
            "kind": "aiex.haiku",
        }
    ]
    assert models == [
        {
            "provider": "ollama",
            "id": "small",
            "local": True,
            "contextWindow": 4096,
            "price": {"inputPer1k": 0.0, "outputPer1k": 0.0},
        }
    ]
    assert selected == {"provider": "ollama", "model": None, "strategy": None}
    assert back == {"provider": None, "model": None, "strategy": None}


async def test_analyze_publishes_its_findings_and_shows_its_text(world):
    world.tasks.script["analyze"] = review("a + b")
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        result = await editor.request("aiex/analyze", {**ADD, "analysisType": "security"})
        await editor.until(lambda: editor.diagnostics.get(URI))
        place = {"start": {"line": 1, "character": 11}, "end": {"line": 1, "character": 16}}
        assert result["findings"] == [
            {
                "range": place,
                "severity": "warning",
                "category": "general",
                "message": "Look here",
                "suggestion": "Do so",
            }
        ]
        assert editor.diagnostics[URI] == [
            {
                "range": place,
                "severity": 2,
                "code": "general",
                "source": "aiex",
                "message": "Look here\nDo so",
            }
        ]
        await editor.command("aiex/analyze", ADD)
        await editor.until(lambda: editor.shown)
        assert "Some remarks." in editor.shown[0]["text"]


async def test_unknown_commands_and_too_many_arguments_are_refused(world):
    async with session(world, profiles.neovim()) as editor:
        with pytest.raises(RequestFailed, match="aiex/nonsense"):
            await editor.command("aiex/nonsense")
        with pytest.raises(RequestFailed, match="one object"):
            await editor.command("aiex/explain", ADD, ADD)
        with pytest.raises(RequestFailed, match="-32601"):
            await editor.request("aiex/nonsense", {})


async def test_a_template_gives_its_own_title_and_whatever_its_type_is(world):
    plan = new_file("file:///w/test_calc.py", "def test_add(): ...\n")

    async def step(_request: TaskRequest, listener: Listener):
        listener.on_delta("```python")
        await asyncio.sleep(0.01)
        return edit_result(plan)

    world.tasks.script["run"] = step
    async with session(world, profiles.vscode(), options=OPT_IN) as editor:
        editor.open(URI, CODE)
        await editor.command("aiex/run", {**ADD, "template": "haiku"})
        await editor.until(lambda: editor.edits)
        views = editor.notifications("aiex/showMarkdown")
        assert views[-1]["title"] == "Write a haiku: `add`"
        assert views[-1]["final"] is True
        assert "One test." in views[-1]["markdown"]
        world.tasks.script["run"] = review("a + b")
        result = await editor.request("aiex/run", {**ADD, "template": "haiku"})
        assert len(result["findings"]) == 1


async def test_a_token_taken_after_the_work_has_ended_is_still_begun_and_ended(world):
    async with session(world, profiles.vscode()) as editor:
        editor.answers["window/workDoneProgress/create"] = Editor.SILENT
        editor.open(URI, CODE)
        await editor.command("aiex/explain", ADD)
        await editor.until(lambda: editor.shown)
        (create,) = [m for m in editor.received if m.get("method", "").endswith("/create")]
        editor.send({"id": create["id"], "result": None})
        kinds = lambda: [v["kind"] for v in editor.progress(create["params"]["token"])]  # noqa: E731
        await editor.until(lambda: kinds() == ["begin", "end"])


async def test_a_request_is_cancelled_by_its_own_progress(world):
    gate = world.tasks.script["explain"] = Gate()
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        _, answer = editor.start("aiex/explain", {**ADD, "workDoneToken": "w"})
        await gate.begun.wait()
        editor.notify("window/workDoneProgress/cancel", {"token": "w"})
        with pytest.raises(RequestFailed, match="-32800"):
            await answer
        assert gate.cancelled.is_set()


async def test_a_waiting_commands_own_token_wins(world):
    async with session(world, profiles.vscode()) as editor:
        editor.open(URI, CODE)
        asked = {"command": "aiex/explain", "arguments": [{**ADD, "wait": True}]}
        await editor.request("workspace/executeCommand", {**asked, "workDoneToken": "own"})
        assert [v["kind"] for v in editor.progress("own")] == ["begin", "report", "end"]
        assert editor.requests("window/workDoneProgress/create") == []


@pytest.mark.parametrize("method", ["aiex/run", "aiex/renderPrompt"])
async def test_a_template_named_or_filled_wrongly_is_a_wrong_parameter(world, method):
    error = TemplateUseError("Template haiku cannot use this value of 'mood'", "Use calm")
    world.tasks.script["run"] = world.tasks.script["render_prompt"] = fail(error)
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        with pytest.raises(RequestFailed, match=r"-32602.*mood"):
            await editor.request(method, {**ADD, "template": "haiku"})


async def test_the_prompt_of_a_follow_up_is_rendered(world):
    async with session(world, profiles.neovim()) as editor:
        editor.open(URI, CODE)
        asked = {"task": "followUp", "answerId": "a1", "question": "Why?"}
        await editor.request("aiex/renderPrompt", {**ADD, **asked})
    options = world.tasks.asked[0][1].options
    assert (options["answer_id"], options["question"]) == ("a1", "Why?")
