"""OpenAI's chat completions: requests, streams, and what models refuse.

https://platform.openai.com/docs/api-reference/chat, with the additions of DeepSeek and vLLM
(`reasoning_content`), OpenRouter (`reasoning`), Mistral (content as a list of parts).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiex_lsp.llm.types import Chunk, FinishReason, ModelCall, Text, Thinking, Usage
from aiex_lsp.llm.wire.reader import StreamReader, VendorFailure, items, mapping, text, whole
from aiex_lsp.llm.wire.think import ThinkSplitter
from aiex_lsp.llm.wire.vendor_errors import VendorError

THINKING_ROOM = {"low": 2048, None: 4096, "medium": 8192, "high": 16384}
"""Tokens beside the answer's own for models whose limit counts their thinking; with less they
stop before the first word (https://platform.openai.com/docs/guides/reasoning)."""


WINDOW_MARGIN = 256
"""Tokens kept free, as our count of the prompt is not the server's."""


@dataclass(frozen=True, slots=True)
class ChatDialect:
    """What one model at one server was seen to accept."""

    limit: str = "max_tokens"
    temperature: bool = True
    stream_options: bool = True
    effort: bool = True
    schema: str | None = "json_schema"
    system: str = "system"
    reasons: bool = False
    most: int | None = None


def chat_body(call: ModelCall, dialect: ChatDialect) -> dict[str, Any]:
    """Return the JSON of a streamed chat completion."""
    reasons = dialect.reasons or (call.effort is not None and dialect.effort)
    answer = call.max_tokens + (THINKING_ROOM[call.effort] if reasons else 0)
    if call.context_window:
        # vLLM refuses a limit that does not fit the window behind the prompt.
        left = call.context_window - (call.input_tokens or 0) - WINDOW_MARGIN
        answer = max(call.max_tokens, min(answer, left))
    body: dict[str, Any] = {
        "model": call.model,
        "messages": _messages(call, dialect.system),
        "stream": True,
    }
    body[dialect.limit] = min(answer, dialect.most or answer)
    if call.temperature is not None and dialect.temperature:
        body["temperature"] = call.temperature
    if dialect.stream_options:
        body["stream_options"] = {"include_usage": True}
    if call.effort and dialect.effort:
        body["reasoning_effort"] = call.effort
    if call.schema is not None and dialect.schema == "json_schema":
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {
                "name": call.schema.name,
                "schema": call.schema.schema,
                "strict": _is_strict(call.schema.schema),
                **({"description": call.schema.description} if call.schema.description else {}),
            },
        }
    elif call.schema is not None and dialect.schema == "json_object":
        body["response_format"] = {"type": "json_object"}
    return body


def learn(error: VendorError, dialect: ChatDialect, body: Mapping[str, Any]) -> ChatDialect:
    """Return the dialect after a refusal of `body`; the same one if the refusal teaches nothing."""
    most = error.most_tokens()
    if most and most < body.get(dialect.limit, 0):
        return replace(dialect, most=most)
    if error.mentions("max_completion_tokens") and "max_tokens" in body:
        return replace(dialect, limit="max_completion_tokens", reasons=True)
    if error.mentions("max_completion_tokens") and "max_completion_tokens" in body:
        return replace(dialect, limit="max_tokens")
    if error.mentions("temperature") and "temperature" in body:
        return replace(dialect, temperature=False, reasons=True)
    if error.mentions("stream_options") and "stream_options" in body:
        return replace(dialect, stream_options=False)
    if error.mentions("reasoning_effort") and "reasoning_effort" in body:
        return replace(dialect, effort=False)
    about_format = any(
        error.mentions(word)
        for word in ("response_format", "json_schema", "json_object", "text.format", "schema")
    )
    if about_format and "response_format" in body:
        was_schema = dialect.schema == "json_schema"
        return replace(dialect, schema="json_object" if was_schema else None)
    if (
        _ROLES.search(error.message)
        and _has_role(body, dialect.system)
        and dialect.system != "user"
    ):
        developer = dialect.system == "system" and "developer" in error.message
        return replace(dialect, system="developer" if developer else "user")
    return dialect


_ROLES = re.compile(r"\broles?\b|system (message|prompt|role)|'(system|developer)'", re.IGNORECASE)
"""How servers, and the chat templates of local models, refuse the system role."""


class ChatReader(StreamReader):
    """Reads the chunks of a chat completion, streamed or whole."""

    def __init__(self, call: ModelCall) -> None:
        super().__init__(call)
        self._splitter = ThinkSplitter()
        self._refused = False

    def read(self, data: Mapping[str, Any]) -> Iterator[Chunk]:
        """Yield the chunks of one event."""
        if data.get("error"):
            raise VendorFailure(data)
        self.model = text(data.get("model")) or self.model
        for choice in items(data.get("choices"))[:1]:
            if choice.get("error"):
                raise VendorFailure(choice)
            # An answer that is not streamed has the same fields under `message`.
            yield from self._delta(mapping(choice.get("delta") or choice.get("message")))
            reason = choice.get("finish_reason")
            if isinstance(reason, str) and reason:
                if reason == "error":
                    raise VendorFailure({"error": {"message": "the model failed"}})
                self.reason = "content_filter" if self._refused else finish_reason(reason)
        usage = data.get("usage") or mapping(data.get("x_groq")).get("usage")
        if isinstance(usage, Mapping):
            self.usage = read_usage(usage)

    def finish(self) -> list[Chunk]:
        """Return what the splitter held back, and the `Finish` chunk."""
        return [*map(self.counted, self._splitter.close()), *super().finish()]

    def _delta(self, delta: Mapping[str, Any]) -> Iterator[Chunk]:
        reasoning = text(delta.get("reasoning_content")) or text(delta.get("reasoning"))
        if reasoning:
            yield self.counted(Thinking(reasoning))
        elif items(delta.get("reasoning_details")):
            yield Thinking()
        content = delta.get("content")
        if isinstance(content, str) and content:
            yield from map(self.counted, self._splitter.feed(content))
        for part in items(content):
            if part.get("type") == "thinking":
                thought = part.get("thinking")
                pieces = thought if isinstance(thought, list) else [{"text": thought}]
                yield self.counted(Thinking("".join(text(p.get("text")) for p in items(pieces))))
            elif piece := text(part.get("text")):
                yield from map(self.counted, self._splitter.feed(piece))
        if refusal := text(delta.get("refusal")):
            self._refused = True
            yield self.counted(Text(refusal))


def read_usage(usage: Mapping[str, Any]) -> Usage:
    """Return the tokens of a `usage` object."""
    completion = mapping(usage.get("completion_tokens_details"))
    prompt = mapping(usage.get("prompt_tokens_details"))
    return Usage(
        input_tokens=whole(usage.get("prompt_tokens")),
        output_tokens=whole(usage.get("completion_tokens")),
        thinking_tokens=whole(completion.get("reasoning_tokens")),
        cached_tokens=whole(prompt.get("cached_tokens"))
        or whole(usage.get("prompt_cache_hit_tokens")),
    )


def finish_reason(reason: str) -> FinishReason:
    """Return our word for a `finish_reason`; unknown ones are a normal end."""
    if reason in ("length", "max_tokens"):
        return "length"
    return "content_filter" if reason in ("content_filter", "safety", "refusal") else "stop"


def _messages(call: ModelCall, system: str) -> list[dict[str, str]]:
    messages: list[dict[str, str]] = []
    for message in call.messages:
        role = system if message.role == "system" else message.role
        if messages and messages[-1]["role"] == role == "user":
            # Templates of local models refuse two turns of the same side.
            messages[-1]["content"] += f"\n\n{message.content}"
        else:
            messages.append({"role": role, "content": message.content})
    return messages


def _has_role(body: Mapping[str, Any], role: str) -> bool:
    return any(message.get("role") == role for message in items(body.get("messages")))


def _is_strict(schema: Any) -> bool:
    """Return whether OpenAI's strict mode takes the schema: closed objects, all required."""
    if isinstance(schema, list):
        return all(map(_is_strict, schema))
    if not isinstance(schema, Mapping):
        return True
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and (
        schema.get("additionalProperties") is not False
        or set(schema.get("required", ())) != set(properties)
    ):
        return False
    return all(map(_is_strict, schema.values()))
