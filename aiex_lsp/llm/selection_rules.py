"""Who may not be asked, or only after the others, each with a reason that a user understands."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiex_lsp.config.settings import ProviderSettings
from aiex_lsp.errors import NoProviderError
from aiex_lsp.llm.types import CompletionRequest, RequestFacts, Standing

NEEDS_KEY = frozenset({"anthropic", "openai"})
"""Types whose vendors refuse calls without a key; OpenAI's is also spoken by keyless servers."""

OPENAI_HOST = "api.openai.com"

ROUGH = 0.7
"""The count of a prompt is rough: a window this share of it may still be large enough."""


@dataclass(frozen=True, slots=True)
class Barred:
    """Why a provider is left out. `wait`: seconds until it may be asked, None if that is no help.

    `only_if_others`: it is asked all the same where nobody else is left. `circuit`: an open
    circuit bars it, which users can reset.
    """

    reason: str
    wait: float | None = None
    only_if_others: bool = False
    circuit: bool = False


def has_access(provider: ProviderSettings) -> bool:
    """Return whether nothing speaks against asking: a key, headers, or an address without keys."""
    if provider.api_key is not None or provider.headers:
        return True
    keyless_address = provider.type == "openai" and OPENAI_HOST not in provider.base_url
    return keyless_address or provider.type not in NEEDS_KEY


def unusable(one: ProviderSettings, request: CompletionRequest) -> str | None:
    """Return why the settings or the call rule a provider out, None if they do not."""
    if one.off:
        return one.off
    if not one.agreed:
        return "not agreed to yet"
    if not has_access(one):
        return "no key"
    return request.unwanted.get(one.type)


def kept_here(one: ProviderSettings, policy: str, facts: RequestFacts | None) -> str | None:
    """Return why the text may not go to a provider because of secrets in it, None if it may."""
    if policy not in ("local_only", "block") or facts is None or not facts.sensitive:
        return None
    found = f"the text holds secrets ({listed(facts.sensitive)})"
    if policy == "block":
        return f"{found}, which it may not have"
    return None if one.is_local else f"{found}, which stay on this machine"


def barred(
    standing: Standing,
    model: str | None,
    facts: RequestFacts | None,
    first_token: float | None,
) -> Barred | None:
    """Return why a provider cannot be asked as it stands now, None if it can.

    `first_token` is what it is measured to take, None where that is not to be relied on.
    """
    circuit, hold = standing.circuit, standing.not_before
    if circuit.state == "open" and standing.retry_in > 0:
        count = f"{circuit.failure_count} failures" if circuit.failure_count > 1 else "failures"
        reason = f"left alone after {count}, tried again in {duration(standing.retry_in)}"
        return Barred(reason, standing.retry_in, circuit=True)
    if hold is not None and hold.hard and standing.not_before_in > 0:
        left = duration(standing.not_before_in)
        reason = f"asked to be left alone for {left} more: {hold.kind}"
        return Barred(reason, standing.not_before_in)
    if facts is not None and standing.window is not None and standing.window < facts.least_tokens:
        reason = (
            f"its window of {standing.window:,} tokens is too small for "
            f"about {rounded(facts.least_tokens):,}"
        )
        return Barred(reason, only_if_others=standing.window >= ROUGH * facts.least_tokens)
    if model is not None and standing.known_models is not None:
        reason = _missing(model, standing.known_models)
        if reason:
            return Barred(reason, only_if_others=True)
    if facts is not None and first_token is not None and first_token > facts.seconds_left:
        took, left = duration(first_token), duration(facts.seconds_left)
        reason = f"its first token takes about {took}, and {left} are left"
        return Barred(reason, only_if_others=True)
    return None


def behind(standing: Standing, longest_wait: float, chance: float | None) -> str | None:
    """Return why a provider is asked only after the others, None if it is not.

    Waits for limits up to `longest_wait` seconds are waited. `chance` (0 to 1) is drawn anew for
    each call, None where a recovering provider is asked all the same.
    """
    hold = standing.not_before
    if hold is not None and standing.not_before_in > 0:
        left = duration(standing.not_before_in)
        return f"after the others: {hold.kind}, tried again in {left}"
    if standing.limit_wait > longest_wait:
        if math.isinf(standing.limit_wait):
            return "after the others: this request is larger than its limit of a minute"
        return f"after the others: its limit has room in {duration(standing.limit_wait)}"
    if standing.circuit.state == "half_open":
        return "after the others: it is being tried again"
    if chance is not None and standing.ramp < 1.0 and chance >= standing.ramp:
        return f"after the others: recovering, it gets {standing.ramp:.0%} of its calls"
    return None


def nobody(
    left_out: Mapping[str, str],
    bars: Mapping[str, Barred],
    request: CompletionRequest,
) -> NoProviderError:
    """Return the error of a call that nobody is left for: why for each, and what to do."""
    unwanted = [reason for reason in request.unwanted.values() if reason in left_out.values()]
    if unwanted and not bars:
        return NoProviderError(
            f"No provider for {request.task}: {unwanted[0]}",
            "Start Ollama or LM Studio, set a provider in config.toml, or name embedded",
            reasons=left_out,
        )
    # Who may be asked soon stands first: a long text is cut at its end.
    order = sorted(left_out, key=lambda name: _wait(bars.get(name)))
    told = [f"{name}: {left_out[name]}" for name in order]
    only = len(order) == 1
    what = (
        f"{order[0]} cannot be asked: {left_out[order[0]]}"
        if only
        else f"No provider can be asked ({'; '.join(told)})"
    )
    return NoProviderError(what, _next_step(left_out, bars), reasons=left_out)


def _wait(bar: Barred | None) -> float:
    return math.inf if bar is None or bar.wait is None else bar.wait


def _next_step(left_out: Mapping[str, str], bars: Mapping[str, Barred]) -> str:
    soonest = min((_wait(bar) for bar in bars.values()), default=math.inf)
    if math.isfinite(soonest):
        step = f"Ask again in {duration(soonest)}"
        circuits = any(bar.circuit for bar in bars.values())
        return f"{step}, or reset its circuit (aiex/resetCircuit)" if circuits else step
    if any("which stay on this machine" in reason for reason in left_out.values()):
        return "Take the secrets out of the code, or start a local model"
    if any("window of" in reason for reason in left_out.values()):
        return "Ask about less code, or set up a model with a larger window"
    return "Run `aiex-lsp config show` and set one up"


def blocked(sensitive: Sequence[str], names: Sequence[str]) -> NoProviderError:
    """Return the error of a call whose secrets may go to nobody."""
    reason = f"the text holds secrets ({listed(sensitive)})"
    return NoProviderError(
        f"Nobody was asked: {reason}, and [privacy] secrets is block",
        "Take them out of the code, or set secrets to redact or local_only",
        reasons=dict.fromkeys(names, reason),
    )


def duration(seconds: float) -> str:
    """Return a time as people say it, rounded up."""
    whole = max(1, math.ceil(seconds))
    return f"{whole} s" if whole < 120 else f"{math.ceil(whole / 60)} min"


def rounded(count: int) -> int:
    """Return a count with two leading digits."""
    digits = max(0, len(str(count)) - 2)
    return round(count, -digits)


def listed(names: Sequence[str], most: int = 3) -> str:
    """Return names joined, the rest of many counted."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def has_model(model: str, known: Sequence[str]) -> bool:
    """Return whether a provider's list holds a model; lists leave aliases and tags out."""
    stem = model.removesuffix("-latest").removesuffix(":latest")
    return any(one in (model, stem) or one.startswith((f"{stem}-", f"{stem}:")) for one in known)


def _missing(model: str, known: Sequence[str]) -> str:
    if has_model(model, known):
        return ""
    near = difflib.get_close_matches(model, known, 1)
    return f"it has no model {model[:60]!r}" + (f", but {near[0]!r}" if near else "")
