"""A strategy as users write their own: `strategy = "aiex_lsp.llm.strategies_example:ByKind"`.

Sensitive code stays on this machine, quick tasks go to the fastest provider, large contexts to
the cheapest, all else is balanced by load (design document, "Custom Selection Strategies").
"""

from __future__ import annotations

from collections.abc import Sequence

from aiex_lsp.llm.strategies import CandidateView, CostOptimized, LoadBalanced, Ranked
from aiex_lsp.llm.types import RequestFacts

QUICK_TOKENS = 500
"""A task whose answer may take fewer tokens is quick."""

LARGE_TOKENS = 10_000
"""A context of more tokens is large."""


class ByKind:
    """Chooses by what kind of request it is."""

    def __init__(self) -> None:
        self._balanced = LoadBalanced()
        self._fastest = LoadBalanced(price_weight=0.0)
        self._cheapest = CostOptimized()

    def rank(self, candidates: Sequence[CandidateView], request: RequestFacts) -> Sequence[Ranked]:
        """Return the candidates, the best first.

        Remote ones are left out of sensitive requests, even where nobody else is there.
        """
        if request.sensitive:
            local = [one for one in candidates if one.is_local]
            remote = [one for one in candidates if not one.is_local]
            why = f"remote, and the text holds {request.sensitive[0]}"
            left_out = [Ranked(one, note=why, left_out=True) for one in remote]
            return [*self._balanced.rank(local, request), *left_out]
        if request.max_tokens < QUICK_TOKENS:
            return self._fastest.rank(candidates, request)
        if request.input_tokens > LARGE_TOKENS:
            return self._cheapest.rank(candidates, request)
        return self._balanced.rank(candidates, request)
