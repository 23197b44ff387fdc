"""What a provider's headers say is left of its limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiex_lsp.llm.types import Quota
from aiex_lsp.llm.wire.quota import read_quota
from aiex_lsp.llm.wire.retry_after import retry_after

NOW = 1_767_225_600.0
"""2026-01-01T00:00:00Z"""


@pytest.mark.parametrize(
    ("headers", "quota"),
    [
        # https://platform.openai.com/docs/guides/rate-limits
        (
            {
                "x-ratelimit-limit-requests": "60",
                "x-ratelimit-remaining-requests": "59",
                "x-ratelimit-remaining-tokens": "149984",
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-reset-tokens": "6m0s",
            },
            Quota(59, 1.0, 149984, 360.0),
        ),
        # https://docs.claude.com/en/api/rate-limits
        (
            {
                "anthropic-ratelimit-requests-limit": "50",
                "anthropic-ratelimit-requests-remaining": "49",
                "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:30Z",
                "anthropic-ratelimit-input-tokens-remaining": "30000",
                "anthropic-ratelimit-input-tokens-reset": "2026-01-01T00:00:20Z",
                "anthropic-ratelimit-output-tokens-remaining": "8000",
                "anthropic-ratelimit-output-tokens-reset": "2026-01-01T00:00:10Z",
            },
            Quota(49, 30.0, 8000, 10.0),
        ),
        ({"x-ratelimit-remaining-requests": "3"}, Quota(3, 60.0, None, None)),
        ({"content-type": "text/event-stream"}, None),
        ({"x-ratelimit-remaining-requests": "many"}, None),
        ({"x-ratelimit-remaining-requests": "-1"}, None),
        # Already over, or a day's limit: nothing a minute's window could hold to.
        (
            {"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "-5"},
            None,
        ),
        (
            {"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "23h59m"},
            None,
        ),
    ],
)
def test_headers_as_vendors_send_them(headers, quota):
    assert read_quota(headers, NOW) == quota


@given(
    st.dictionaries(
        st.sampled_from(
            [
                *("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
                *("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
                "anthropic-ratelimit-tokens-remaining",
                "anthropic-ratelimit-tokens-reset",
            ]
        ),
        st.one_of(st.text(max_size=20), st.integers().map(str), st.floats().map(str)),
    )
)
def test_whatever_headers_hold_nothing_fails_and_nothing_negative_comes_out(headers):
    quota = read_quota(headers, NOW)
    if quota is not None:
        for left, wait in (
            (quota.requests, quota.requests_reset),
            (quota.tokens, quota.tokens_reset),
        ):
            assert (left is None) == (wait is None)
            assert left is None or left >= 0
            assert wait is None or 0 < wait <= 3600


@pytest.mark.parametrize("wrong", [-7200.0, -60.0, 0.0, 60.0, 7200.0])
def test_points_in_time_are_told_by_the_providers_clock_however_wrong_this_one_is(wrong):
    date = {"date": "Thu, 01 Jan 2026 00:00:00 GMT"}
    when = {**date, "retry-after": "Thu, 01 Jan 2026 00:00:20 GMT"}
    assert retry_after(when, NOW + wrong) == 20.0
    limit = {
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:30Z",
    }
    assert retry_after({**date, **limit}, NOW + wrong) == 30.0
    assert read_quota({**date, **limit}, NOW + wrong) == Quota(0, 30.0, None, None)


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 01 Jan 99999 00:00:00 GMT"])
def test_a_date_that_is_none_changes_nothing(date):
    when = {"date": date, "retry-after": "Thu, 01 Jan 2026 00:00:20 GMT"}
    assert retry_after(when, NOW) == 20.0
