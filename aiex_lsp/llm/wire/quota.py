"""What a provider says is left of its limits, out of the response headers vendors send.

OpenAI: `x-ratelimit-remaining-requests`, `-tokens` and `x-ratelimit-reset-*` ("6m0s"); Anthropic:
`anthropic-ratelimit-requests-remaining`, `-tokens-remaining`, `-input-tokens-remaining`,
`-output-tokens-remaining` and `*-reset` (RFC 3339). Gateways send OpenAI's names.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiex_lsp.llm.types import Quota
from aiex_lsp.llm.wire.retry_after import duration, their_now

_REQUESTS = ("requests",)
_TOKENS = ("tokens", "input-tokens", "output-tokens", "input_tokens", "output_tokens")

MAX_RESET = 3600.0
"""Seconds; a header that names a later time is not believed (a day's limit has its own error)."""

MINUTE = 60.0


def read_quota(headers: Mapping[str, str], now: float) -> Quota | None:
    """Return what is left, None where the provider tells nothing; `headers` have lower-case names.

    `now` is Unix time. Of several kinds of tokens the scarcest counts.
    """
    now = their_now(headers, now)
    requests = _scarcest(headers, _REQUESTS, now)
    tokens = _scarcest(headers, _TOKENS, now)
    if requests is None and tokens is None:
        return None
    return Quota(*(requests or (None, None)), *(tokens or (None, None)))


def _scarcest(
    headers: Mapping[str, str], names: tuple[str, ...], now: float
) -> tuple[int, float] | None:
    found = [one for name in names if (one := _limit(headers, name, now)) is not None]
    return min(found, default=None)


def _limit(headers: Mapping[str, str], name: str, now: float) -> tuple[int, float] | None:
    for left, reset in (
        (f"anthropic-ratelimit-{name}-remaining", f"anthropic-ratelimit-{name}-reset"),
        (f"x-ratelimit-remaining-{name}", f"x-ratelimit-reset-{name}"),
    ):
        text = headers.get(left, "").strip()
        if not text.isascii() or not text.isdigit() or len(text) > 12:
            continue
        wait = duration(headers.get(reset, ""), now)
        seconds = MINUTE if wait is None else wait
        if 0 < seconds <= MAX_RESET:
            return int(text), seconds
    return None
