"""What follows from each failure: the same provider again, the next one, or the end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiex_lsp.config.settings import RetrySettings
from aiex_lsp.errors import FailureKind as Kind
from aiex_lsp.errors import ProviderError
from aiex_lsp.llm.failures import DISPOSITIONS
from aiex_lsp.llm.retrying import Again, GiveUp, NextProvider, RetryBudget, decide


def after(kind, *, retry_after=None, budget=None, random=0.5, visible=False, **given_):
    error = ProviderError(kind, "x", provider="a", retry_after=retry_after, visible=visible)
    facts = {"others": True, "tried": 1, "waited": 0.0, "remaining": 30.0, **given_}
    settings = facts.pop("settings", RetrySettings())
    return decide(
        error,
        settings=settings,
        budget=budget or RetryBudget(lambda: 0.0),
        random=lambda: random,
        **facts,
    )


class TestWhereAnotherProviderCanAnswer:
    @pytest.mark.parametrize("kind", [Kind.TRANSIENT, Kind.TRUNCATED])
    def test_a_transient_fault_is_retried_once_in_under_a_second(self, kind):
        first = after(kind)
        assert isinstance(first, Again)
        assert 0 < first.wait < 1
        assert after(kind, tried=2) == NextProvider()

    def test_but_not_once_its_text_was_seen(self):
        assert after(Kind.TRUNCATED, visible=True) == NextProvider()
        assert isinstance(after(Kind.TRUNCATED, visible=True, others=False), Again)

    def test_a_named_wait_of_up_to_three_seconds_is_waited(self):
        assert after(Kind.RATE_LIMITED, retry_after=3.0) == Again(3.0)
        assert after(Kind.RATE_LIMITED, retry_after=3.1) == NextProvider()
        assert after(Kind.OVERLOADED, retry_after=0.0) == Again(0.0)

    def test_at_once_is_taken_at_its_word_once(self):
        again = after(Kind.RATE_LIMITED, retry_after=0.0, tried=2)
        assert isinstance(again, Again)
        assert again.wait > 0

    def test_named_waits_add_up(self):
        assert after(Kind.RATE_LIMITED, retry_after=2.0, waited=2.0, tried=2) == NextProvider()

    @pytest.mark.parametrize("kind", [Kind.RATE_LIMITED, Kind.OVERLOADED])
    def test_who_has_too_much_to_do_and_names_no_time_is_left_at_once(self, kind):
        assert after(kind) == NextProvider()

    @pytest.mark.parametrize(
        "kind",
        [
            *(Kind.FIRST_TOKEN_TIMEOUT, Kind.STALL, Kind.CONNECT_TIMEOUT, Kind.QUOTA),
            *(Kind.CREDENTIALS, Kind.PERMISSION, Kind.REGION, Kind.MODEL_NOT_FOUND),
            *(Kind.MALFORMED, Kind.OWN_LIMIT, Kind.CIRCUIT_OPEN, Kind.EMPTY, Kind.CONNECT),
        ],
    )
    def test_the_silent_the_refusing_and_the_broken_are_not_asked_again(self, kind):
        assert after(kind) == NextProvider()

    @pytest.mark.parametrize("kind", [Kind.CONTENT_FILTER, Kind.BAD_REQUEST, Kind.DEADLINE])
    def test_what_no_provider_can_help_ends(self, kind):
        assert after(kind) == GiveUp()


class TestWhereThereIsNowhereToGo:
    def test_the_design_documents_backoff_three_tries_in_all(self):
        alone = {"others": False}
        assert after(Kind.TRANSIENT, random=0.0, **alone) == Again(2.0)
        assert after(Kind.TRANSIENT, tried=2, random=1.0, **alone) == Again(5.0)
        assert after(Kind.TRANSIENT, tried=3, **alone) == GiveUp()

    def test_or_what_the_provider_says(self):
        assert after(Kind.RATE_LIMITED, retry_after=17.0, others=False) == Again(17.0)

    def test_unless_there_is_no_time_for_it(self):
        assert after(Kind.RATE_LIMITED, retry_after=17.0, others=False, remaining=16) == GiveUp()
        assert after(Kind.TRANSIENT, others=False, remaining=1.0) == GiveUp()

    def test_a_server_that_is_not_running_is_tried_once_more_soon(self):
        first = after(Kind.CONNECT, others=False)
        assert isinstance(first, Again)
        assert first.wait < 1
        assert after(Kind.CONNECT, others=False, tried=2) == GiveUp()

    def test_a_silent_provider_is_not_asked_again(self):
        assert after(Kind.FIRST_TOKEN_TIMEOUT, others=False) == GiveUp()

    def test_time_limits_scale_by_configuration(self):
        small = RetrySettings(tries=2, backoff=0.01, jitter=0.0)
        assert after(Kind.TRANSIENT, others=False, settings=small) == Again(0.02)
        assert after(Kind.TRANSIENT, others=False, settings=small, tried=2) == GiveUp()


class TestTheBudget:
    def test_three_retries_a_minute_or_a_tenth_of_its_calls(self):
        time = [0.0]
        budget = RetryBudget(lambda: time[0])
        assert [budget.take() for _ in range(4)] == [True, True, True, False]
        time[0] = 61.0
        for _ in range(50):
            budget.call()
        assert [budget.take() for _ in range(6)] == [True] * 5 + [False]

    def test_without_budget_the_next_provider_is_asked(self):
        budget = RetryBudget(lambda: 0.0)
        for _ in range(3):
            budget.take()
        assert after(Kind.TRANSIENT, budget=budget) == NextProvider()
        assert after(Kind.TRANSIENT, budget=budget, others=False) == GiveUp()

    def test_what_is_no_retry_takes_nothing_from_it(self):
        budget = RetryBudget(lambda: 0.0)
        for _ in range(10):
            after(Kind.QUOTA, budget=budget)
        assert budget.take()


@given(
    st.sampled_from(list(Kind)),
    st.booleans(),
    st.integers(1, 12),
    st.floats(0, 10),
    st.floats(0, 400),
    st.one_of(st.none(), st.floats(0, 4000)),
    st.floats(0, 1),
)
def test_whatever_happens_time_and_tries_are_bounded(
    kind, others, tried, waited, remaining, named, random
):
    decision = after(
        kind,
        others=others,
        tried=tried,
        waited=waited,
        remaining=remaining,
        retry_after=named,
        random=random,
    )
    if isinstance(decision, Again):
        assert tried < RetrySettings().tries
        assert 0 <= decision.wait < remaining
        assert DISPOSITIONS[kind].retry != "never"
        if others:
            assert decision.wait <= 3.0
        if named is not None:
            # Who said "at once" and failed again gets a moment all the same.
            assert decision.wait == (named if tried == 1 else max(named, RetrySettings().quick))
    if isinstance(decision, NextProvider):
        assert others
