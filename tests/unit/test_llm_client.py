"""What a caller of the client gets, whatever its providers do; the providers are scripted."""

import asyncio
import time
from dataclasses import replace

import pytest

from aiex_lsp.config.settings import Secret, TaskSettings
from aiex_lsp.errors import ConfigError, FailureKind, NoProviderError, ProviderError, UsageError
from aiex_lsp.llm.adapters.base import AdapterContext
from aiex_lsp.llm.types import Finish, Heartbeat, Text, Thinking, Usage
from tests.client_rig import DONE, SILENCE, Heard, Prompt, Rig, Scripted, provider, settings
from tests.clock import in_virtual_time


async def test_the_named_provider_answers_and_the_answer_says_so():
    heard = Heard()
    held = settings(provider("a"), provider("b", Text("from "), Thinking("hm"), Text("b"), DONE))
    result = await Rig().ask(held, heard, provider="b")
    assert result.text == "from b" == heard.shown
    assert (result.answer.provider, result.answer.model) == ("b", "m1")
    assert result.answer.usage.output_tokens == 5
    assert [a.outcome for a in result.answer.attempts] == ["ok"]
    assert not result.answer.cached


async def test_thinking_is_never_part_of_the_answer():
    held = settings(provider("a", Thinking("secret plan"), Text("42"), DONE))
    assert (await Rig().ask(held)).text == "42"


@pytest.mark.parametrize("kind", [FailureKind.OVERLOADED, FailureKind.CREDENTIALS])
async def test_a_failure_before_the_first_token_falls_back_in_the_configured_order(kind):
    held = settings(
        provider("a", kind),
        provider("b", FailureKind.CONNECT),
        provider("c"),
        default_provider="a",
        fallback_providers=("b", "c"),
    )
    heard = Heard()
    result = await Rig().ask(held, heard)
    assert result.answer.provider == "c"
    assert [(a.provider, a.outcome) for a in result.answer.attempts] == [
        ("a", kind.value),
        ("b", "connect"),
        ("c", "ok"),
    ]
    assert ("restart", "b") not in heard.events
    assert any("asking b" in text for what, text in heard.events if what == "status")
    # An editor shows the last of a burst of messages: that one has to tell of the failure.
    last = [text for what, text in heard.events if what == "status"][-1]
    assert last.startswith("b failed (connect), asking c (")


async def test_a_cut_stream_begins_anew_elsewhere_and_the_listener_is_told():
    held = settings(
        provider("a", Text("half an ans"), FailureKind.TRUNCATED),
        provider("b", Text("whole"), DONE),
        default_provider="a",
        fallback_providers=("b",),
    )
    heard = Heard()
    result = await Rig().ask(held, heard)
    assert result.text == "whole" == heard.shown
    assert ("restart", "b") in heard.events


async def test_a_stream_without_a_finish_is_never_shown_as_an_answer():
    with pytest.raises(ProviderError) as caught:
        await Rig().ask(settings(provider("a", Text("half"))))
    assert caught.value.kind is FailureKind.TRUNCATED
    assert caught.value.visible


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ((Text("  \n"), DONE), FailureKind.EMPTY),
        ((Thinking("…"), Finish("length", Usage(1, 1))), FailureKind.EMPTY),
        ((Text("I "), Finish("content_filter", Usage())), FailureKind.CONTENT_FILTER),
    ],
)
async def test_answers_that_are_none_are_errors(script, kind):
    with pytest.raises(ProviderError) as caught:
        await Rig().ask(settings(provider("a", *script)))
    assert caught.value.kind is kind
    assert len(str(caught.value)) <= 200
    assert "a" in str(caught.value)


async def test_a_content_refusal_is_not_shopped_around():
    held = settings(
        provider("a", FailureKind.CONTENT_FILTER),
        provider("b"),
        default_provider="a",
        fallback_providers=("b",),
    )
    with pytest.raises(ProviderError) as caught:
        await Rig().ask(held)
    assert caught.value.provider == "a"


@pytest.mark.parametrize(
    ("script", "limits", "kind"),
    [
        ((SILENCE,), {"first_token_timeout": 0.05}, FailureKind.FIRST_TOKEN_TIMEOUT),
        ((SILENCE,), {"request_timeout": 0.05}, FailureKind.FIRST_TOKEN_TIMEOUT),
        ((Heartbeat(), SILENCE), {"request_timeout": 0.05}, FailureKind.FIRST_TOKEN_TIMEOUT),
        ((Text("a"), SILENCE), {"stall_timeout": 0.05}, FailureKind.STALL),
        ((Thinking("a"), SILENCE), {"stall_timeout": 0.05}, FailureKind.STALL),
        ((Text("a"), SILENCE), {"max_duration": 0.05}, FailureKind.DEADLINE),
    ],
)
@in_virtual_time
async def test_silence_ends_by_the_limit_that_was_set_and_closes_the_stream(script, limits, kind):
    rig = Rig()
    started = time.monotonic()
    with pytest.raises(ProviderError) as caught:
        await rig.ask(settings(provider("a", *script), **limits))
    assert caught.value.kind is kind
    assert f"raise {next(iter(limits))}" in str(caught.value)
    assert time.monotonic() - started < 2
    assert rig.adapters["a"].closed_midway == 1


async def test_a_time_that_is_over_before_anybody_is_asked_is_told_as_that():
    with pytest.raises(ProviderError) as caught:
        await Rig().ask(settings(provider("a"), request_timeout=1e-9))
    assert str(caught.value) == (
        "The time was over before a could be asked. "
        "Ask again, choose another provider, or raise request_timeout."
    )


async def test_cancelling_closes_the_stream_before_it_returns():
    rig, one = Rig(), provider("a", Text("x"), SILENCE)
    adapter = rig.adapters["a"] = Scripted(one, AdapterContext())
    task = asyncio.create_task(rig.ask(settings(one)))
    await adapter.silent.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert rig.adapters["a"].closed_midway == 1


async def test_a_call_for_a_local_provider_stays_local():
    held = settings(
        provider("mine", FailureKind.CONNECT, is_local=True),
        provider("cloud"),
        provider("other", is_local=True),
        default_provider="mine",
        fallback_providers=("cloud", "other"),
    )
    result = await Rig().ask(held)
    assert result.answer.provider == "other"


async def test_unless_the_tasks_own_list_names_the_remote_one():
    held = settings(
        provider("mine", FailureKind.CONNECT, is_local=True),
        provider("cloud"),
        default_provider="mine",
        tasks={"explain": TaskSettings(fallback_providers=("cloud",))},
    )
    assert (await Rig().ask(held)).answer.provider == "cloud"


async def test_the_same_question_is_answered_from_the_cache_until_it_is_too_old():
    rig, held = Rig(), settings(provider("a"))
    first, second = await rig.ask(held), await rig.ask(held)
    assert (first.answer.cached, second.answer.cached) == (False, True)
    assert second.answer.cost == 0.0
    assert first.answer.id != second.answer.id
    rig.now += 3601
    assert not (await rig.ask(held)).answer.cached


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.1},
        {"max_tokens": 7},
        {"prompt": Prompt("other")},
        {"cacheable": False},
        {"model": "m2"},
    ],
)
async def test_another_question_is_not(change):
    rig, held = Rig(), settings(provider("a"))
    await rig.ask(held)
    assert not (await rig.ask(held, **change)).answer.cached


async def test_a_cached_answer_is_not_shared_across_privacy_settings():
    rig, held = Rig(), settings(provider("a"))
    await rig.ask(held)
    assert not (await rig.ask(replace(held, secrets="allow"))).answer.cached


async def test_an_answer_cut_at_the_token_limit_is_not_kept():
    rig, held = Rig(), settings(provider("a", Text("x"), Finish("length", Usage(1, 1))))
    await rig.ask(held)
    assert not (await rig.ask(held)).answer.cached


async def test_input_and_answer_stay_within_the_window():
    rig = Rig()
    await rig.ask(settings(provider("a", window=2000)), max_tokens=4096)
    call = rig.adapters["a"].calls[0]
    assert call.max_tokens == 2000 - 10
    assert call.context_window == 2000


async def test_a_prompt_too_long_for_one_goes_to_a_larger_window():
    held = settings(
        provider("small", window=2000),
        provider("large", window=100_000),
        default_provider="small",
        fallback_providers=("large",),
    )
    result = await Rig().ask(held, prompt=Prompt(tokens=5000))
    assert result.answer.provider == "large"
    assert result.answer.attempts[0].outcome == "context_too_long"


async def test_defaults_of_the_design_document():
    rig = Rig()
    await rig.ask(settings(provider("a", window=100_000)))
    assert (rig.adapters["a"].calls[0].temperature, rig.adapters["a"].calls[0].max_tokens) == (
        0.7,
        1000,
    )


async def test_a_tasks_settings_win():
    rig = Rig()
    task = TaskSettings(temperature=0.2, max_tokens=50, provider="b", model="m9")
    await rig.ask(settings(provider("a"), provider("b"), tasks={"explain": task}))
    call = rig.adapters["b"].calls[0]
    assert (call.temperature, call.max_tokens, call.model) == (0.2, 50, "m9")


@pytest.mark.parametrize(("name", "error"), [("anthropc", UsageError), ("off", ConfigError)])
async def test_a_provider_that_cannot_be_named_is_a_clear_error(name, error):
    held = settings(provider("anthropic"), provider("off", enabled=False))
    with pytest.raises(error) as caught:
        await Rig().ask(held, provider=name)
    assert name in str(caught.value)


class TestNothingConfigured:
    EMBEDDED = replace(provider("embedded", is_local=True, configured=False), type="embedded")
    OLLAMA = provider("ollama", is_local=True, configured=False)
    CLOUD = provider("cloud", agreed=False, api_key=Secret("k"))

    async def test_a_local_server_that_answers_is_used(self):
        held = settings(self.CLOUD, self.OLLAMA, self.EMBEDDED)
        assert (await Rig(["ollama"]).ask(held)).answer.provider == "ollama"

    async def test_else_the_embedded_model_and_it_says_that_larger_ones_answer_better(self):
        held = settings(self.CLOUD, self.OLLAMA, self.EMBEDDED)
        answer = (await Rig().ask(held)).answer
        assert answer.provider == "embedded"
        assert answer.note is not None
        assert "larger" in answer.note
        assert "\n" not in answer.note

    async def test_a_cloud_key_alone_is_never_used_without_consent(self):
        held = settings(self.CLOUD)
        with pytest.raises(NoProviderError) as caught:
            await Rig().ask(held)
        assert caught.value.reasons == {"cloud": "not agreed to yet"}

    async def test_naming_it_in_the_call_is_consent(self):
        held = settings(self.CLOUD, self.EMBEDDED)
        assert (await Rig().ask(held, provider="cloud")).answer.provider == "cloud"

    async def test_the_embedded_model_writes_no_code_unless_it_is_named(self):
        held = settings(self.EMBEDDED)
        unwanted = {"embedded": "the built-in model is too small to write code"}
        with pytest.raises(NoProviderError) as caught:
            await Rig().ask(held, unwanted=unwanted)
        assert "too small" in str(caught.value)
        assert len(str(caught.value)) <= 200
        named = await Rig().ask(held, unwanted=unwanted, provider="embedded")
        assert named.answer.provider == "embedded"


async def test_round_robin_takes_turns():
    rig, held = Rig(), settings(provider("a"), provider("b"), strategy="round_robin")
    asked = [(await rig.ask(held, cacheable=False)).answer.provider for _ in range(4)]
    assert sorted(asked[:2]) == sorted(asked[2:]) == ["a", "b"]


async def test_local_affinity_never_leaves_the_machine_while_there_is_a_local_one():
    held = settings(provider("cloud"), provider("mine", FailureKind.CONNECT, is_local=True))
    with pytest.raises(ProviderError) as caught:
        await Rig().ask(held, strategy="local_affinity")
    assert caught.value.provider == "mine"


async def test_when_all_fail_the_message_names_what_happened():
    held = settings(
        provider("a", FailureKind.CREDENTIALS),
        provider("b", FailureKind.CONNECT),
        default_provider="a",
        fallback_providers=("b",),
    )
    with pytest.raises(NoProviderError) as caught:
        await Rig().ask(held)
    assert set(caught.value.reasons) == {"a", "b"}
    assert len(str(caught.value)) <= 200
