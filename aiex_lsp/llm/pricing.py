"""What an answer costs, by a price list that comes with the installation and never phones home."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiex_lsp.llm.types import Price, Usage

if TYPE_CHECKING:
    from genai_prices.types import PriceCalculation

_KNOWN_PROVIDERS = {"anthropic": "anthropic", "openai": "openai"}
"""Our provider types whose models the price list knows by the vendor's own names."""

DESIGN_PRICES = {
    "claude-3-opus-20240229": Price(0.015, 0.075),
    "claude-3-sonnet-20240229": Price(0.003, 0.015),
    "claude-3-haiku-20240307": Price(0.00025, 0.00125),
    "gpt-4": Price(0.03, 0.06),
    "gpt-4-turbo": Price(0.01, 0.03),
    "gpt-3.5-turbo": Price(0.0015, 0.002),
}
"""US dollars per thousand tokens, from the design document; for what the list lacks."""


def preload() -> None:
    """Read the price list, 0.2 s of it, before there is an answer to price. For a thread."""
    price("openai", "gpt-4")


def price(provider_type: str, model: str) -> Price | None:
    """Return US dollars per thousand tokens; None where the price is unknown.

    The first call takes 0.2 s: the price list is large.
    """
    if provider_type not in _KNOWN_PROVIDERS or not model:
        return None
    one_way = _calculate(provider_type, model, Usage(input_tokens=1000))
    other = _calculate(provider_type, model, Usage(output_tokens=1000))
    if one_way is None or other is None:
        return DESIGN_PRICES.get(model)
    return Price(float(one_way.total_price), float(other.total_price))


def price_of(provider_type: str, model: str, usage: Usage) -> float | None:
    """Return US dollars for `usage`, cached tokens at their own price; None if unknown."""
    if provider_type not in _KNOWN_PROVIDERS or not model:
        return None
    found = _calculate(provider_type, model, usage)
    if found is not None:
        return float(found.total_price)
    listed = DESIGN_PRICES.get(model)
    if listed is None:
        return None
    return (
        usage.input_tokens * listed.input_per_1k + usage.output_tokens * listed.output_per_1k
    ) / 1000


def _calculate(provider_type: str, model: str, usage: Usage) -> PriceCalculation | None:
    import genai_prices

    # A name with a vendor before it ("anthropic/claude-…") is a gateway's: OpenRouter's.
    provider = "openrouter" if "/" in model else _KNOWN_PROVIDERS[provider_type]
    cached = min(usage.cached_tokens, usage.input_tokens)
    counted = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=cached or None,
    )
    try:
        found = genai_prices.calc_price(counted, model, provider_id=provider)
    except (LookupError, ValueError):
        return None
    return (
        found if found.total_price > 0 or not (usage.input_tokens or usage.output_tokens) else None
    )
