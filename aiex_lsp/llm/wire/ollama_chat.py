"""Ollama's `/api/chat` and its model lists: https://docs.ollama.com/api."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aiex_lsp.llm.types import Chunk, Heartbeat, ModelCall, ModelInfo, Thinking, Usage
from aiex_lsp.llm.wire.reader import StreamReader, VendorFailure, items, mapping, text, whole
from aiex_lsp.llm.wire.think import ThinkSplitter
from aiex_lsp.llm.wire.vendor_errors import VendorError

STEP = 1024
"""Tokens; a window that differs a little each time would load the model anew each time."""

LEAST_WINDOW = 4096
"""Tokens; Ollama's own default."""

COUNTER_ERROR = 0.7
"""Our count of a prompt's tokens differs from the model's by less than this share."""

THINKING_ROOM = {"low": 2048, None: 4096, "medium": 8192, "high": 16384}
"""Tokens beside the answer's own: `num_predict` counts a model's thinking too."""


@dataclass(frozen=True, slots=True)
class ShownModel:
    """What `/api/show` tells: the model's own context length in tokens, and whether it thinks."""

    window: int | None = None
    thinks: bool = False


@dataclass(frozen=True, slots=True)
class OllamaDialect:
    """What one model was seen to accept: `think` is "level", "switch" or None; `schema` or not."""

    think: str | None = "level"
    schema: bool = True


def chat_body(call: ModelCall, dialect: OllamaDialect, model: ShownModel) -> dict[str, Any]:
    """Return the JSON of a streamed chat, with a window as large as the call needs."""
    answer = call.max_tokens + (THINKING_ROOM[call.effort] if model.thinks else 0)
    options: dict[str, Any] = {
        "num_ctx": needed_window(call, answer, model.window),
        "num_predict": answer,
    }
    if call.temperature is not None:
        options["temperature"] = call.temperature
    body: dict[str, Any] = {
        "model": call.model,
        "messages": [{"role": m.role, "content": m.content} for m in call.messages],
        "stream": True,
        # Since 0.12.6 an error instead of a prompt cut silently; older versions ignore both.
        "truncate": False,
        "shift": False,
        "options": options,
    }
    if call.effort and dialect.think:
        body["think"] = call.effort if dialect.think == "level" else True
    if call.schema is not None and dialect.schema:
        body["format"] = call.schema.schema
    return body


def needed_window(call: ModelCall, answer: int, largest: int | None) -> int:
    """Return `num_ctx` in tokens: what the call asks or needs, never more than the model has.

    `answer` is the longest answer, `largest` the model's own context length, None if unknown.
    """
    if call.context_window:
        window = call.context_window
    else:
        prompt = call.input_tokens or sum(len(m.content) for m in call.messages) // 3
        # A tenth more, as our count is not the model's.
        need = prompt + prompt // 10 + answer
        window = max(LEAST_WINDOW, -(-need // STEP) * STEP)
    return min(window, largest) if largest else window


def learn(error: VendorError, dialect: OllamaDialect, body: Mapping[str, Any]) -> OllamaDialect:
    """Return the dialect after a refusal of `body`; the same one if the refusal teaches nothing.

    Ollama says `"x" does not support thinking`, and for models with a switch only
    `think value "low" is not supported for this model`.
    """
    message = error.message.lower()
    if "think" in body and "think" in message:
        switch = dialect.think == "level" and "does not support thinking" not in message
        return replace(dialect, think="switch" if switch else None)
    if "format" in body and any(w in message for w in ("format", "schema", "grammar")):
        return replace(dialect, schema=False)
    return dialect


class OllamaReader(StreamReader):
    """Reads the lines of a streamed chat.

    `window` is the `num_ctx` that was sent, `certain` if the model is known to have that much.
    """

    def __init__(self, call: ModelCall, window: int, *, certain: bool = False) -> None:
        super().__init__(call)
        self._splitter = ThinkSplitter()
        self._window = window
        self._certain = certain

    def read(self, data: Mapping[str, Any]) -> Iterator[Chunk]:
        """Yield the chunks of one line."""
        if data.get("error"):
            raise VendorFailure(data)
        self.model = text(data.get("model")) or self.model
        message = mapping(data.get("message"))
        if thought := text(message.get("thinking")):
            yield self.counted(Thinking(thought))
        if piece := text(message.get("content")):
            yield from map(self.counted, self._splitter.feed(piece))
        if data.get("done") is not True:
            return
        reason = text(data.get("done_reason"))
        if reason == "load":
            yield Heartbeat("loading the model")
            return
        evaluated, answered = whole(data.get("prompt_eval_count")), whole(data.get("eval_count"))
        self._check(evaluated)
        if evaluated or answered:
            estimate = self.call.input_tokens or 0
            # A prompt that lies in Ollama's cache is not counted again by versions before 0.6.
            self.usage = Usage(evaluated or estimate, answered, estimated=not evaluated)
        self.reason = "length" if reason == "length" else "stop"
        self.ended = True

    def finish(self) -> list[Chunk]:
        """Return what the splitter held back, and the `Finish` chunk."""
        return [*map(self.counted, self._splitter.close()), *super().finish()]

    def _check(self, evaluated: int) -> None:
        """Refuse an answer to a prompt of which the model saw a part only.

        A small count alone, well within a window the model is known to have, is no cut: old
        versions of Ollama leave out what lies in their prompt cache.
        """
        expected = self.call.input_tokens
        if not evaluated or not expected:
            return
        full = evaluated >= self._window - 1
        may_be_cut = not self._certain or expected > self._window * COUNTER_ERROR
        share = COUNTER_ERROR if self._certain else COUNTER_ERROR**2
        if full or (may_be_cut and evaluated < expected * share):
            raise VendorFailure(
                {
                    "error": {
                        "type": "exceed_context_size_error",
                        "message": "the prompt was cut",
                        "n_prompt_tokens": expected,
                        "n_ctx": max(evaluated, 1) if not full else self._window,
                    }
                }
            )


def tagged_models(
    tags: Any, running: Any, provider: str, *, local: bool
) -> list[tuple[ModelInfo, str]]:
    """Return the models of `/api/tags` with `/api/ps`, and when each was changed.

    Loaded ones first, then the most recently changed.
    """
    loaded = {_name(entry): entry for entry in items(mapping(running).get("models"))}
    found: list[tuple[ModelInfo, str]] = []
    for entry in items(mapping(tags).get("models")):
        name = _name(entry)
        details = mapping(entry.get("details"))
        remote = bool(entry.get("remote_host") or entry.get("remote_model"))
        remote = remote or is_cloud(name)
        info = ModelInfo(
            id=name,
            provider=provider,
            # Ollama's cloud models run elsewhere, although the server is on this machine.
            local=local and not remote,
            context_window=whole(mapping(loaded.get(name)).get("context_length")) or None,
            loaded=name in loaded,
            quantization=text(details.get("quantization_level")) or None,
            parameters=text(details.get("parameter_size")) or None,
            chat="bert" not in text(details.get("family")) and "embed" not in name,
        )
        if name:
            found.append((info, text(entry.get("modified_at"))))
    found.sort(key=lambda pair: _moment(pair[1]), reverse=True)
    found.sort(key=lambda pair: (not pair[0].chat, not pair[0].local, not pair[0].loaded))
    return found


def is_cloud(model: str) -> bool:
    """Return whether a model by its name runs at ollama.com."""
    return model.endswith((":cloud", "-cloud"))


def shown_model(show: Any) -> ShownModel:
    """Return what `/api/show` tells about a model; nothing is known where it failed."""
    capabilities = mapping(show).get("capabilities")
    thinks = isinstance(capabilities, list) and "thinking" in capabilities
    return ShownModel(context_length(show), thinks)


def shown(model: ModelInfo, show: Any) -> ModelInfo:
    """Return the model with what `/api/show` tells: context length and what it can do."""
    capabilities = mapping(show).get("capabilities")
    chat = "completion" in capabilities if isinstance(capabilities, list) else model.chat
    return replace(model, context_window=context_length(show) or model.context_window, chat=chat)


def context_length(show: Any) -> int | None:
    """Return the model's own context length in tokens, from `model_info`."""
    for key, value in mapping(mapping(show).get("model_info")).items():
        if key.endswith(".context_length"):
            return whole(value) or None
    return None


def _name(entry: Mapping[str, Any]) -> str:
    return text(entry.get("model")) or text(entry.get("name"))


def _moment(modified: str) -> float:
    try:
        return datetime.fromisoformat(modified[:19]).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0
