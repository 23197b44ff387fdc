"""Retries, waits, fallbacks and shared calls as a caller sees them; minutes pass in no time."""

import asyncio
from dataclasses import replace

import pytest

from aiex_lsp.config.settings import RateLimits
from aiex_lsp.errors import AiexError, FailureKind, NoProviderError, ProviderError
from aiex_lsp.events.types import RequestFailed, RequestStarted, ResponseReceived
from aiex_lsp.llm.scope import scope_of, window_name
from aiex_lsp.llm.types import FittedPrompt, Message, Quota, Text
from tests.client_rig import DONE, SILENCE, Heard, Prompt, Rig, provider, settings
from tests.clock import in_virtual_time, unix_time

OK = [Text("well"), DONE]


def now():
    return asyncio.get_running_loop().time()


def failed(kind, retry_after=None, status=500, window=None):
    error = ProviderError(
        kind, f"a: {kind}", "Do x", provider="a", model="m1", retry_after=retry_after, status=status
    )
    error.window = window
    return error


def alone(*scripts, **changes):
    return settings(provider("a", *scripts), **changes)


def pair(*scripts, **changes):
    held = {"default_provider": "a", "fallback_providers": ("b",), **changes}
    return settings(provider("a", *scripts), provider("b", Text("from b"), DONE), **held)


def outcomes(result):
    return [(one.provider, one.outcome) for one in result.answer.attempts]


@in_virtual_time
async def test_one_transient_fault_is_retried_in_under_a_second():
    rig, began = Rig(clock=unix_time), now()
    result = await rig.ask(pair([failed(FailureKind.TRANSIENT)], OK))
    assert outcomes(result) == [("a", "transient"), ("a", "ok")]
    assert 0 < now() - began < 1


@in_virtual_time
async def test_alone_it_backs_off_as_the_design_document_says_and_then_fails():
    rig, began, heard = Rig(clock=unix_time), now(), Heard()
    with pytest.raises(ProviderError) as caught:
        await rig.ask(alone(*[[failed(FailureKind.OVERLOADED)]] * 5), heard)
    assert caught.value.kind is FailureKind.OVERLOADED
    assert len(rig.adapters["a"].calls) == 3
    assert 6 <= now() - began <= 8
    assert any("again in" in text for what, text in heard.events if what == "status")


@in_virtual_time
async def test_a_named_wait_is_waited_and_binds_the_next_call_too():
    rig, began = Rig(clock=unix_time), now()
    held = pair([failed(FailureKind.RATE_LIMITED, retry_after=2.0)], OK)
    assert outcomes(await rig.ask(held)) == [("a", "rate_limited"), ("a", "ok")]
    assert now() - began == pytest.approx(2.0, abs=0.1)


@in_virtual_time
async def test_a_long_named_wait_falls_back_and_the_next_call_does_not_even_ask():
    rig = Rig(clock=unix_time)
    held = pair([failed(FailureKind.RATE_LIMITED, retry_after=20.0, status=429)], OK)
    assert outcomes(await rig.ask(held)) == [("a", "rate_limited"), ("b", "ok")]
    later = await rig.ask(held, prompt=Prompt("other"))
    assert outcomes(later) == [("b", "ok")]
    assert len(rig.adapters["a"].calls) == 1
    await asyncio.sleep(21)
    assert outcomes(await rig.ask(held, prompt=Prompt("third"))) == [("a", "ok")]


@in_virtual_time
async def test_a_silent_provider_is_asked_once():
    rig, began = Rig(clock=unix_time), now()
    result = await rig.ask(pair(SILENCE))
    assert outcomes(result) == [("a", "first_token_timeout"), ("b", "ok")]
    assert now() - began == pytest.approx(15.0, abs=0.1)
    assert len(rig.adapters["a"].calls) == 1


@in_virtual_time
async def test_an_answer_that_breaks_off_late_still_gets_the_time_for_another():
    rig, heard = Rig(clock=unix_time), Heard()
    script = (Text("half"), 10.0, Text(" of"), 10.0, Text(" it"), 10.0, failed(FailureKind.STALL))
    result = await rig.ask(pair(*script), heard)
    assert result.text == heard.shown == "from b"
    assert ("restart", "b") in heard.events


@in_virtual_time
async def test_a_cut_stream_alone_begins_anew_once():
    rig, heard = Rig(clock=unix_time), Heard()
    result = await rig.ask(alone([Text("half"), failed(FailureKind.TRUNCATED)], OK), heard)
    assert result.text == heard.shown == "well"


@in_virtual_time
async def test_five_failures_open_the_circuit_and_the_sixth_call_asks_nobody():
    rig = Rig(clock=unix_time)
    held = alone(SILENCE, first_token_timeout=1.0)
    for n in range(5):
        with pytest.raises(ProviderError):
            await rig.ask(held, prompt=Prompt(str(n)))
    began = now()
    with pytest.raises(NoProviderError) as caught:
        await rig.ask(held)
    assert now() == began
    assert "a" in caught.value.reasons
    assert len(rig.adapters["a"].calls) == 5
    assert len(str(caught.value)) <= 200


@in_virtual_time
async def test_retries_are_a_tenth_of_the_calls_or_three_a_minute():
    rig = Rig(clock=unix_time)
    held = pair(*[[failed(FailureKind.TRANSIENT)]] * 99)
    results = [outcomes(await rig.ask(held, prompt=Prompt(str(n)))) for n in range(2)]
    assert [len(one) for one in results] == [3, 3]
    assert sum(len(one) - 2 for one in results) == 2
    await rig.ask(held, prompt=Prompt("x"))
    assert len(rig.adapters["a"].calls) <= 6


class Shrinking(Prompt):
    """Fits any budget from `tokens` on; wants ten times as much."""

    def fit(self, budget, count, *, small_model=False):
        wanted = 10 * self.tokens
        if budget is not None and budget < self.tokens:
            raise AiexError(f"it needs {self.tokens} tokens, the model takes {budget}", "Ask less")
        tokens = wanted if budget is None else min(wanted, budget)
        return FittedPrompt((Message("user", f"{self.text} {tokens}"),), tokens)


@in_virtual_time
async def test_a_prompt_refused_as_too_long_is_sent_again_only_compressed():
    rig = Rig(clock=unix_time)
    held = alone([failed(FailureKind.CONTEXT_TOO_LONG, status=400)], OK)
    result = await rig.ask(held, prompt=Shrinking(tokens=500))
    assert outcomes(result) == [("a", "context_too_long"), ("a", "ok")]
    first, second = rig.adapters["a"].calls
    assert second.input_tokens <= 0.75 * first.input_tokens


@in_virtual_time
async def test_or_goes_to_a_larger_window_whole():
    rig = Rig(clock=unix_time)
    held = settings(
        provider("a", [failed(FailureKind.CONTEXT_TOO_LONG, status=400)], window=8000),
        provider("b", window=100_000),
        default_provider="a",
        fallback_providers=("b",),
    )
    await rig.client.models(held.providers["b"], held)
    result = await rig.ask(held, prompt=Shrinking(tokens=500))
    assert outcomes(result) == [("a", "context_too_long"), ("b", "ok")]
    assert rig.adapters["b"].calls[0].input_tokens == 5000


@in_virtual_time
async def test_what_cannot_be_compressed_is_refused_and_not_sent_again():
    rig = Rig(clock=unix_time)
    held = alone([failed(FailureKind.CONTEXT_TOO_LONG, status=400)], OK)
    with pytest.raises(ProviderError) as caught:
        await rig.ask(held, prompt=Prompt(tokens=5000))
    assert caught.value.kind is FailureKind.CONTEXT_TOO_LONG
    assert len(rig.adapters["a"].calls) == 1


class TestOwnLimits:
    @in_virtual_time
    async def test_who_is_over_the_limit_falls_back_where_that_is_sooner(self):
        rig = Rig(clock=unix_time)
        held = pair()
        a = replace(held.providers["a"], rate_limits=RateLimits(1, None))
        held = replace(held, providers={**held.providers, "a": a})
        assert outcomes(await rig.ask(held)) == [("a", "ok")]
        result = await rig.ask(held, prompt=Prompt("other"))
        assert result.answer.provider == "b"
        assert len(rig.adapters["a"].calls) == 1

    @in_virtual_time
    async def test_alone_it_fails_at_once_with_the_time_or_waits_and_says_so(self):
        rig, heard = Rig(clock=unix_time), Heard()
        held = settings(provider("a", rate_limits=RateLimits(1, None)))
        await rig.ask(held)
        began = now()
        with pytest.raises(ProviderError) as caught:
            await rig.ask(held, prompt=Prompt("other"))
        assert now() == began
        assert caught.value.kind is FailureKind.OWN_LIMIT
        await asyncio.sleep(40)
        result = await rig.ask(held, heard, prompt=Prompt("other"))
        assert outcomes(result) == [("a", "ok")]
        assert now() - began == pytest.approx(60, abs=0.1)
        said = [text for what, text in heard.events if what == "status"]
        assert "waiting 20 s for a's limit of requests" in said

    @in_virtual_time
    async def test_tokens_are_settled_to_what_was_used_and_compressed_to_what_is_left(self):
        rig = Rig(clock=unix_time)
        held = settings(provider("a", rate_limits=RateLimits(None, 6000), window=50_000))
        window = window_name(scope_of(held.providers["a"]))
        await rig.ask(held, prompt=Shrinking(tokens=300))
        assert (await rig.store.usage(window)).tokens == 15
        await rig.ask(held, prompt=Shrinking("b", tokens=700))
        # 7,000 and an answer of 1,000 do not fit a minute of 6,000; 4,985 of them do.
        assert rig.adapters["a"].calls[-1].input_tokens == 6000 - 15 - 1000

    @in_virtual_time
    @pytest.mark.parametrize(
        ("error", "used"),
        [
            (failed(FailureKind.CONNECT, status=None), (0, 0)),
            (failed(FailureKind.BAD_REQUEST, status=400), (1, 0)),
            (failed(FailureKind.STALL, status=None), (1, 10)),
        ],
    )
    async def test_what_was_not_used_is_given_back(self, error, used):
        rig = Rig(clock=unix_time)
        limits = RateLimits(50, 100_000)
        held = settings(provider("a", error, rate_limits=limits))
        with pytest.raises(ProviderError):
            await rig.ask(held)
        usage = await rig.store.usage(window_name(scope_of(held.providers["a"])))
        assert (usage.requests, usage.tokens) == used

    @in_virtual_time
    async def test_what_the_headers_say_holds_the_next_request(self):
        rig = Rig(clock=unix_time)
        one = provider(
            "a", Quota(0, 5.0, None, None), Text("x"), DONE, rate_limits=RateLimits(50, None)
        )
        await rig.ask(settings(one))
        began = now()
        await rig.ask(settings(one), prompt=Prompt("other"))
        assert now() - began == pytest.approx(5.0, abs=0.1)


@in_virtual_time
async def test_identical_requests_in_flight_share_one_call():
    rig, one, two = Rig(clock=unix_time), Heard(), Heard()
    held = alone(Text("a "), 5.0, Text("b"), DONE)
    first, second = await asyncio.gather(rig.ask(held, one), rig.ask(held, two))
    assert first.text == second.text == one.shown == two.shown == "a b"
    assert len(rig.adapters["a"].calls) == 1
    assert sorted([first.answer.cached, second.answer.cached]) == [False, True]


@in_virtual_time
async def test_uncacheable_ones_do_not():
    rig, held = Rig(clock=unix_time), alone(5.0, Text("b"), DONE)
    await asyncio.gather(rig.ask(held, cacheable=False), rig.ask(held, cacheable=False))
    assert len(rig.adapters["a"].calls) == 2


@in_virtual_time
async def test_events_tell_each_attempt_and_a_cached_answer_is_no_request():
    rig = Rig(clock=unix_time)
    held = pair([failed(FailureKind.OVERLOADED, status=529)])
    await rig.ask(held)
    await rig.ask(held)
    started = [e for e in rig.events if isinstance(e, RequestStarted)]
    assert [(e.provider, e.attempt, e.prompt_length) for e in started] == [("a", 1, 5), ("b", 2, 5)]
    (error,) = [e for e in rig.events if isinstance(e, RequestFailed)]
    assert (error.provider, error.error, error.status) == ("a", "overloaded", 529)
    answers = [e for e in rig.events if isinstance(e, ResponseReceived)]
    assert [(e.provider, e.cached, e.output_tokens) for e in answers] == [
        ("b", False, 5),
        ("b", True, 0),
    ]


@in_virtual_time
async def test_a_cancelled_call_counts_against_nobody_and_is_told():
    rig, held = Rig(clock=unix_time), alone(SILENCE)
    for n in range(10):
        task = asyncio.create_task(rig.ask(held, prompt=Prompt(str(n))))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    circuits = await rig.store.circuits([f"{scope_of(held.providers['a'])}/m1"])
    assert (circuits[0].state, circuits[0].failure_count) == ("closed", 0)
    assert {e.error for e in rig.events if isinstance(e, RequestFailed)} == {"cancelled"}
    assert rig.adapters["a"].closed_midway == 10


class TestSecrets:
    @in_virtual_time
    async def test_local_only_keeps_them_on_this_machine(self):
        rig = Rig(detect=lambda text: ("AWS access key, line 1",), clock=unix_time)
        held = settings(provider("cloud"), provider("mine", is_local=True), secrets="local_only")
        assert (await rig.ask(held)).answer.provider == "mine"
        with pytest.raises(NoProviderError) as caught:
            await rig.ask(replace(held, providers={"cloud": held.providers["cloud"]}))
        assert "AWS access key" in caught.value.reasons["cloud"]

    @in_virtual_time
    async def test_block_asks_nobody(self):
        rig = Rig(detect=lambda text: ("AWS access key, line 1",), clock=unix_time)
        with pytest.raises(NoProviderError):
            await rig.ask(settings(provider("mine", is_local=True), secrets="block"))
        assert not rig.adapters or not rig.adapters["mine"].calls

    @in_virtual_time
    async def test_nobody_looks_where_it_changes_nothing(self):
        looked = []
        rig = Rig(detect=lambda text: looked.append(text) or (), clock=unix_time)
        await rig.ask(settings(provider("a"), provider("b")))
        assert not looked


@in_virtual_time
async def test_a_list_of_models_that_hangs_costs_five_seconds_once():
    rig, held = Rig(clock=unix_time), alone()
    await rig.ask(held)
    asked = []

    async def hangs():
        asked.append(now())
        await asyncio.Event().wait()

    adapter = rig.adapters["a"]
    adapter.list_models = hangs
    rig.client._pool.forget_models(adapter)
    began = now()
    for n in range(3):
        assert outcomes(await rig.ask(held, prompt=Prompt(str(n)))) == [("a", "ok")]
    assert now() - began == pytest.approx(5.0, abs=0.1)
    assert len(asked) == 1


@in_virtual_time
async def test_a_provider_nobody_reached_is_told_as_a_failure_of_no_request():
    rig, held = Rig(clock=unix_time), pair()
    await rig.ask(held)

    async def unreachable():
        await asyncio.sleep(0.5)
        raise failed(FailureKind.CONNECT, status=None)

    adapter = rig.adapters["a"]
    adapter.list_models = unreachable
    rig.client._pool.forget_models(adapter)
    result = await rig.ask(held, prompt=Prompt("again"))
    assert outcomes(result)[-1] == ("b", "ok")
    told = [e for e in rig.events if isinstance(e, RequestFailed)]
    assert [(e.provider, e.attempt, e.error) for e in told] == [("a", 0, "connect")] * len(told)
    assert told[0].duration == pytest.approx(0.5)


@in_virtual_time
async def test_an_adapter_whose_model_was_chosen_away_is_closed_after_an_hour():
    rig, held = Rig(clock=unix_time), alone()
    await rig.ask(held)
    first, closed = rig.adapters.pop("a"), []

    async def close():
        closed.append("first")

    first.aclose = close
    await asyncio.sleep(1800)
    other = replace(held.providers["a"], headers={"x": "other"})
    await rig.ask(replace(held, providers={"a": other}), prompt=Prompt("soon"))
    assert not closed
    await asyncio.sleep(1801)
    third = replace(held.providers["a"], headers={"x": "third"})
    await rig.ask(replace(held, providers={"a": third}), prompt=Prompt("late"))
    assert closed == ["first"]


class TestOfThoseWhoShareACall:
    @in_virtual_time
    async def test_a_failure_costs_one_retry_and_all_ask_again_together(self):
        rig = Rig(clock=unix_time)
        broken = [failed(FailureKind.TRANSIENT)]
        held = settings(provider("a", broken, broken, OK))
        results = await asyncio.gather(*(rig.ask(held) for _ in range(6)))
        assert [one.text for one in results] == ["well"] * 6
        assert len(rig.adapters["a"].calls) == 3

    @in_virtual_time
    async def test_each_waits_only_as_long_as_its_own_call_may_take(self):
        rig, began = Rig(clock=unix_time), now()
        slow = alone(Text("a"), 8.0, Text("b"), 8.0, Text("c"), DONE)
        first = asyncio.create_task(rig.ask(slow))
        await asyncio.sleep(1)
        with pytest.raises(ProviderError) as caught:
            await rig.ask(replace(slow, max_duration=5.0))
        assert caught.value.kind is FailureKind.DEADLINE
        assert now() - began == pytest.approx(6.0, abs=0.1)
        assert (await first).text == "abc"
