"""llama.cpp's chat completions as the engine in this process hands them over: plain dicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiex_lsp.errors import FailureKind, ProviderError
from aiex_lsp.llm.types import (
    Chunk,
    Finish,
    FinishReason,
    Heartbeat,
    ModelCall,
    Text,
    Thinking,
    Usage,
)

REPEAT_PENALTY = 1.1
"""Small models fall into loops without it: of three answers of the default model two repeated a
line up to 34 times and did not end by themselves, with it none did. Larger models get none: code
does repeat itself."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended: `error` is what the engine raised, or the exception of loading it."""

    error: Exception | None = None
    loading: bool = False
    cancelled: bool = False


class LlamaAnswer:
    """What one generation has brought so far, chunk by chunk."""

    def __init__(self, provider: str, model: str) -> None:
        self._provider = provider
        self._model = model
        self._reason: FinishReason | None = None
        self._usage = Usage()
        self._visible = False

    def chunks(self, item: Mapping[str, Any]) -> list[Chunk]:
        """Return what one chunk of the engine says. Raises `ProviderError` if it is an error."""
        if isinstance(item.get("error"), Mapping):
            raise self._failure(item["error"])
        chunks: list[Chunk] = []
        if isinstance(progress := item.get("prompt_progress"), Mapping):
            done, total = progress.get("processed", 0), progress.get("total", 0)
            if total:
                chunks.append(Heartbeat(f"reading the prompt {100 * done // total}%"))
        for choice in item.get("choices") or ():
            delta = choice.get("delta") or {}
            if thinking := delta.get("reasoning_content"):
                chunks.append(Thinking(thinking))
            if text := delta.get("content"):
                self._visible = True
                chunks.append(Text(text))
            if reason := choice.get("finish_reason"):
                self._reason = "length" if reason == "length" else "stop"
        if isinstance(usage := item.get("usage"), Mapping):
            details = usage.get("prompt_tokens_details") or {}
            self._usage = Usage(
                input_tokens=usage.get("prompt_tokens", 0),
                output_tokens=usage.get("completion_tokens", 0),
                cached_tokens=details.get("cached_tokens", 0),
            )
        return chunks

    def finish(self, outcome: Outcome) -> Finish:
        """Return the last chunk. Raises `ProviderError` if the answer did not come to its end."""
        if outcome.error is not None:
            if outcome.loading:
                raise self._error(
                    FailureKind.NOT_CONFIGURED,
                    f"the engine cannot load {self._model}",
                    "Choose another GGUF file, or run `aiex-lsp models install`",
                ) from outcome.error
            raise self._error(
                FailureKind.BAD_REQUEST,
                f"the engine refused the request ({type(outcome.error).__name__})",
                "Try another model, or tell us of it",
            ) from outcome.error
        if self._reason is None:
            raise self._error(
                FailureKind.TRUNCATED, "the engine stopped before the answer's end", "Try again"
            )
        return Finish(self._reason, self._usage, self._model)

    def _failure(self, error: Mapping[str, Any]) -> ProviderError:
        if error.get("type") == "exceed_context_size_error":
            return self._error(
                FailureKind.CONTEXT_TOO_LONG,
                f"the prompt has {error.get('n_prompt_tokens')} tokens, the model takes "
                f"{error.get('n_ctx')}",
                "Select less code, or use a model with a larger window",
            )
        status = error.get("code")
        refused = isinstance(status, int) and 400 <= status < 500
        kind = FailureKind.BAD_REQUEST if refused else FailureKind.TRANSIENT
        return self._error(kind, "the engine reports an error", "Try again, or use another model")

    def _error(self, kind: FailureKind, what: str, step: str) -> ProviderError:
        return ProviderError(
            kind,
            f"{self._provider}: {what}",
            step,
            provider=self._provider,
            model=self._model,
            visible=self._visible,
        )


def request_body(call: ModelCall, small: bool) -> dict[str, Any]:
    """Return a chat completion in the engine's dialect; `small` is of the model."""
    body: dict[str, Any] = {
        "messages": plain_messages(call),
        "max_tokens": call.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
        # A chunk after each batch of the prompt: the place where a long one can be stopped.
        "return_progress": True,
        "cache_prompt": True,
    }
    if small:
        body["repeat_penalty"] = REPEAT_PENALTY
    if call.temperature is not None:
        body["temperature"] = call.temperature
    if call.schema is not None:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": call.schema.name, "schema": dict(call.schema.schema)},
        }
    return body


def plain_messages(call: ModelCall) -> list[dict[str, str]]:
    """Return the messages as the engine takes them."""
    return [{"role": message.role, "content": message.content} for message in call.messages]
