"""How many tokens messages take, counted offline.

OpenAI's vocabularies are at hand, so its counts are exact. No other vendor's is: there a bound is
counted that lies above what the engine counts, and moves towards it with the usage that the
provider returns. Too high a count costs a little context; too low a one loses the prompt's head
or the answer's end.
"""

from __future__ import annotations

import asyncio
import math
import re
import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiex_lsp.config.settings import Settings
from aiex_lsp.llm.counting import CountingProcess, CountTexts, count_texts
from aiex_lsp.llm.types import Message


@dataclass(frozen=True, slots=True)
class Encoding:
    """How one family of models is counted.

    `vocabulary` is a name of toktok; `factor` makes its count a bound, `typical` the usual
    count. `per_message` and `base` are the tokens of the chat format.
    """

    vocabulary: str
    factor: float
    typical: float
    per_message: int
    base: int


_O200K = Encoding("o200k_base", 1.0, 1.0, 4, 8)
_CL100K = Encoding("cl100k_base", 1.0, 1.0, 4, 8)
_HARMONY = Encoding("o200k_harmony", 1.0, 1.0, 6, 120)
"""gpt-oss: its format has a preamble of its own."""

# "jev" is toktok's count for a tokenizer that splits digits and knows few words. Measured against
# it on 700 pieces of 3,000 characters in 16 languages (tests/unit/test_llm_tokens.py repeats it in
# small): SmolLM2 0.96 of it on average and 1.34 at most, Mistral 0.99 and 1.39 (1.69 on runs of
# blanks), Qwen 0.86 and 1.05, Claude 2 0.85 and 1.23.
_ANTHROPIC = Encoding("jev", 1.5, 0.95, 8, 24)
"""Later Claude tokenizers than the measured one take up to a third more."""
_OTHER = Encoding("jev", 1.4, 0.95, 8, 48)
"""The base covers a system prompt of the template's own (SmolLM2 has one of 20 tokens)."""

_GPT_OSS = re.compile(r"gpt-oss")
_CL100K_NAMES = re.compile(r"^(openai/)?(gpt-4(-|$)|gpt-3\.5|gpt-35|text-embedding-|davinci-002)")
_O200K_NAMES = re.compile(r"^(openai/)?(gpt-|chatgpt|o[1-9](-|$)|codex-)")

_RECENT = 20
"""Returned counts that are remembered for each model."""

_ENOUGH = 5
"""Returned counts from which on the bound may come down."""

_LEAST_TOKENS = 100
"""Smaller prompts say more about the chat format than about the tokenizer."""

_MARGIN = 1.05
"""Kept above the largest ratio seen."""

_MAX_FACTOR = 6.0
"""A larger one is an accounting of the provider's own (images, tools), not a tokenizer."""

_REMEMBERED = 1024
"""Counts whose factor is remembered, to learn from when the provider answers."""


@dataclass(slots=True)
class _Learned:
    factor: float
    ratios: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))
    counts: OrderedDict[int, float] = field(default_factory=OrderedDict)


class MessageCounter:
    """Counts for one model; call it like a `CountTokens`. Safe in any thread."""

    def __init__(
        self, encoding: Encoding, learned: _Learned, lock: threading.Lock, count: CountTexts
    ) -> None:
        self._count = count
        self._encoding = encoding
        self._learned = learned
        self._lock = lock

    def __call__(self, messages: Sequence[Message]) -> int:
        """Return `safe_count`."""
        return self.safe_count(messages)

    def safe_count(self, messages: Sequence[Message]) -> int:
        """Return tokens that the engine's own count does not exceed. 10 to 50 ms a megabyte."""
        counted, size = self._counted(messages)
        with self._lock:
            factor = self._learned.factor
            # A token is at least a byte; SentencePiece puts a blank before each text.
            tokens = min(math.ceil(counted * factor), size + len(messages))
            total = tokens + self._format(messages)
            self._learned.counts[total] = factor
            self._learned.counts.move_to_end(total)
            while len(self._learned.counts) > _REMEMBERED:
                self._learned.counts.popitem(last=False)
        return total

    def estimate(self, messages: Sequence[Message]) -> int:
        """Return the tokens it most likely is, to show and to price."""
        counted, _size = self._counted(messages)
        with self._lock:
            ratios = self._learned.ratios
            typical = sum(ratios) / len(ratios) if ratios else self._encoding.typical
        return math.ceil(counted * typical) + self._format(messages)

    def _format(self, messages: Sequence[Message]) -> int:
        return self._encoding.per_message * len(messages) + self._encoding.base

    def _counted(self, messages: Sequence[Message]) -> tuple[int, int]:
        texts = [message.content for message in messages]
        size = sum(len(text.encode("utf-8", "replace")) for text in texts)
        return sum(self._count(texts, self._encoding.vocabulary)), size


class TokenCounter:
    """The counters of all models, and what was learned about each from returned usage."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._learned: dict[tuple[str, str], _Learned] = {}
        self._process: CountingProcess | None = None
        self._closed = False

    def preload(self, settings: Settings) -> None:
        """Count in a process of its own from now on; what is likely needed is loaded meanwhile.

        Nothing where this is closed by now: the process would outlive it.
        """
        with self._lock:
            if self._closed:
                return
            self._process = CountingProcess()
        needed = sorted(likely_vocabularies(settings))
        threading.Thread(
            target=self._process.load, args=(needed,), name="vocabularies", daemon=True
        ).start()

    async def aclose(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._closed = True
        if self._process is not None:
            await asyncio.to_thread(self._process.close)

    def for_model(self, provider_type: str, model: str) -> MessageCounter:
        """Return the counter of `model`; loads no vocabulary before it counts (0.2 s once)."""
        encoding = encoding_of(provider_type, model)
        with self._lock:
            learned = self._learned.setdefault((provider_type, model), _Learned(encoding.factor))
        return MessageCounter(encoding, learned, self._lock, self._count)

    def _count(self, texts: Sequence[str], vocabulary: str) -> list[int]:
        return (self._process or count_texts)(texts, vocabulary)

    def calibrate(self, provider_type: str, model: str, estimated: int, actual: int) -> None:
        """Learn from the provider's own count of a prompt that `safe_count` gave `estimated` for.

        The bound rises at once above what was seen; it falls, after several answers, at most
        half of the way: the next file may be in another language.
        """
        encoding = encoding_of(provider_type, model)
        with self._lock:
            learned = self._learned.get((provider_type, model))
            if learned is None or actual < _LEAST_TOKENS:
                return
            factor = learned.counts.pop(estimated, None)
            content = estimated - encoding.base - encoding.per_message
            if factor is None or content <= 0:
                return
            ratio = factor * (actual - encoding.per_message) / content
            if not 0 < ratio <= _MAX_FACTOR:
                return
            learned.ratios.append(ratio)
            needed = max(learned.ratios) * _MARGIN
            if needed > encoding.factor:
                learned.factor = needed
            elif len(learned.ratios) >= _ENOUGH and encoding.factor > 1.0:
                learned.factor = (needed + encoding.factor) / 2


def encoding_of(provider_type: str, model: str) -> Encoding:
    """Return how a model is counted, by its provider's type and its name."""
    name = model.lower()
    if _GPT_OSS.search(name):
        return _HARMONY
    if provider_type == "anthropic" or "claude" in name:
        return _ANTHROPIC
    if provider_type == "openai":
        if _CL100K_NAMES.match(name):
            return _CL100K
        if _O200K_NAMES.match(name):
            return _O200K
    return _OTHER


def likely_vocabularies(settings: Settings) -> set[str]:
    """Return the vocabularies of the providers that the first question may go to."""
    pinned = settings.providers.get(settings.default_provider or "")
    asked = (
        [pinned]
        if pinned is not None
        else [
            one
            for one in settings.providers.values()
            if one.enabled and one.agreed and (one.is_local or one.api_key is not None)
        ]
    )
    usual = {"openai": "gpt-"}
    names = [(one.type, one.default_model or usual.get(one.type, "")) for one in asked]
    return {encoding_of(kind, name).vocabulary for kind, name in names}
