"""Anthropic's messages API: requests, stream events, and what models refuse.

https://docs.claude.com/en/api/messages, https://docs.claude.com/en/docs/build-with-claude/streaming
and the types of Anthropic's SDK.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aiex_lsp.llm.types import (
    Chunk,
    FinishReason,
    Heartbeat,
    ModelCall,
    ModelInfo,
    Text,
    Thinking,
    Usage,
)
from aiex_lsp.llm.wire.reader import StreamReader, VendorFailure, items, mapping, text, whole
from aiex_lsp.llm.wire.think import ThinkSplitter
from aiex_lsp.llm.wire.vendor_errors import VendorError

THINKING_BUDGET = {"low": 2048, "medium": 8192, "high": 16384}
"""Tokens of thinking; Anthropic's least is 1,024."""

_STOP_REASONS: Mapping[str, FinishReason] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}


@dataclass(frozen=True, slots=True)
class MessagesDialect:
    """What one model was seen to accept.

    `thinking`: "adaptive" with an effort (Claude 4.6 and later), else "enabled" with a budget.
    `schema`: by forced "tool", by "format" (models that think do not take a forced tool), or None.
    `thinks`: the model thinks unasked, within `max_tokens`. `most`: the largest `max_tokens`.
    """

    temperature: bool = True
    thinking: str | None = "adaptive"
    schema: str | None = "tool"
    thinks: bool = False
    most: int | None = None


def messages_body(call: ModelCall, dialect: MessagesDialect) -> dict[str, Any]:
    """Return the JSON of a streamed message."""
    thinking = dialect.thinking if call.effort else None
    room = 0
    if call.effort and thinking:
        room = THINKING_BUDGET[call.effort]
    elif dialect.thinks:
        room = THINKING_BUDGET["medium"]
    limit = min(call.max_tokens + room, dialect.most or call.max_tokens + room)
    body: dict[str, Any] = {
        "model": call.model,
        "max_tokens": limit,
        "messages": [
            {"role": message.role, "content": message.content}
            for message in call.messages
            if message.role != "system"
        ],
        "stream": True,
    }
    system = "\n\n".join(m.content for m in call.messages if m.role == "system")
    if system:
        body["system"] = system
    if call.temperature is not None and dialect.temperature and not thinking:
        # Anthropic's scale ends at 1.
        body["temperature"] = min(call.temperature, 1.0)
    if thinking == "adaptive":
        body["thinking"] = {"type": "adaptive"}
        body["output_config"] = {"effort": call.effort}
    elif thinking == "enabled":
        body["thinking"] = {"type": "enabled", "budget_tokens": min(room, limit - 1)}
    if call.schema is not None:
        form = "format" if thinking and dialect.schema else dialect.schema
        _ask_for_json(body, call, form)
    return body


def _ask_for_json(body: dict[str, Any], call: ModelCall, form: str | None) -> None:
    assert call.schema is not None
    if form == "tool":
        body["tools"] = [
            {
                "name": call.schema.name,
                "description": call.schema.description or "Give the answer.",
                "input_schema": call.schema.schema,
            }
        ]
        body["tool_choice"] = {"type": "tool", "name": call.schema.name}
    elif form == "format":
        wanted = {"type": "json_schema", "schema": call.schema.schema}
        body["output_config"] = {**body.get("output_config", {}), "format": wanted}


def learn(error: VendorError, dialect: MessagesDialect, body: Mapping[str, Any]) -> MessagesDialect:
    """Return the dialect after a refusal of `body`; the same one if the refusal teaches nothing.

    Matched by the names of fields that were sent, as the wording changes.
    """
    message = error.message.lower()
    most = error.most_tokens()
    if most and most < whole(body.get("max_tokens")):
        return replace(dialect, most=most)
    if "tool_choice" in body and ("tool_choice" in message or "forces tool use" in message):
        # "Thinking may not be enabled when tool_choice forces tool use": this model thinks unasked.
        return replace(dialect, schema="format", thinks="thinking" in message or dialect.thinks)
    sent_format = "format" in mapping(body.get("output_config"))
    if sent_format and any(w in message for w in ("format", "schema", "structured output")):
        return replace(dialect, schema=None)
    if "temperature" in body and "temperature" in message:
        # The models without temperature are those that think unasked.
        return replace(dialect, temperature=False, thinks=True)
    if "thinking" in body and any(
        w in message for w in ("thinking", "effort", "output_config", "budget_tokens")
    ):
        adaptive = dialect.thinking == "adaptive"
        return replace(dialect, thinking="enabled" if adaptive else None)
    if "tools" in body and "tool" in message:
        return replace(dialect, schema=None)
    if sent_format and "output_config" in message:
        return replace(dialect, schema=None)
    return dialect


class MessagesReader(StreamReader):
    """Reads the events of a streamed message, or a whole one."""

    def __init__(self, call: ModelCall) -> None:
        super().__init__(call)
        self._splitter = ThinkSplitter()
        self._raw: dict[str, Any] = {}

    def read(self, data: Mapping[str, Any]) -> Iterator[Chunk]:
        """Yield the chunks of one event; unknown events may come and are passed over."""
        match data.get("type"):
            case "error":
                raise VendorFailure(data)
            case "ping":
                yield Heartbeat()
            case "message_start":
                message = mapping(data.get("message"))
                self.model = text(message.get("model")) or self.model
                self._count(message.get("usage"))
                yield Heartbeat()
            case "content_block_start":
                yield from self._block(mapping(data.get("content_block")))
            case "content_block_delta":
                yield from self._delta(mapping(data.get("delta")))
            case "message_delta":
                self._count(data.get("usage"))
                self._stop(mapping(data.get("delta")).get("stop_reason"))
            case "message_stop":
                self.ended = True
            case "message":
                self.model = text(data.get("model")) or self.model
                for block in items(data.get("content")):
                    yield from self._block(block)
                self._count(data.get("usage"))
                self._stop(data.get("stop_reason"))
            case _ if data.get("error"):
                raise VendorFailure(data)

    def finish(self) -> list[Chunk]:
        """Return what the splitter held back, and the `Finish` chunk."""
        return [*map(self.counted, self._splitter.close()), *super().finish()]

    def _block(self, block: Mapping[str, Any]) -> Iterator[Chunk]:
        match block.get("type"):
            case "text":
                yield from self._text(text(block.get("text")))
            case "thinking" | "redacted_thinking":
                yield self.counted(Thinking(text(block.get("thinking"))))
            case "tool_use" if block.get("input"):
                import json

                yield self.counted(Text(json.dumps(block["input"], ensure_ascii=False)))

    def _delta(self, delta: Mapping[str, Any]) -> Iterator[Chunk]:
        match delta.get("type"):
            case "text_delta":
                yield from self._text(text(delta.get("text")))
            case "thinking_delta":
                yield self.counted(Thinking(text(delta.get("thinking"))))
            case "input_json_delta":
                if piece := text(delta.get("partial_json")):
                    yield self.counted(Text(piece))
            case _:
                # Signatures and what will come: a sign of life.
                yield Heartbeat()

    def _text(self, piece: str) -> Iterator[Chunk]:
        if piece:
            yield from map(self.counted, self._splitter.feed(piece))

    def _stop(self, reason: Any) -> None:
        if isinstance(reason, str) and reason:
            self.reason = _STOP_REASONS.get(reason, "stop")

    def _count(self, usage: Any) -> None:
        """Take the counts; later ones are cumulative, absent ones keep the earlier."""
        if not isinstance(usage, Mapping):
            return
        self._raw.update({key: value for key, value in usage.items() if value is not None})
        read = whole(self._raw.get("cache_read_input_tokens"))
        details = mapping(self._raw.get("output_tokens_details"))
        self.usage = Usage(
            input_tokens=whole(self._raw.get("input_tokens"))
            + read
            + whole(self._raw.get("cache_creation_input_tokens")),
            output_tokens=whole(self._raw.get("output_tokens")),
            thinking_tokens=whole(details.get("thinking_tokens")),
            cached_tokens=read,
        )


def model_info(entry: Mapping[str, Any], provider: str, *, local: bool) -> ModelInfo:
    """Return one entry of `GET /v1/models`."""
    try:
        created = datetime.fromisoformat(text(entry.get("created_at"))).timestamp()
    except (ValueError, OverflowError, OSError):
        created = None
    return ModelInfo(
        id=text(entry.get("id")),
        provider=provider,
        local=local,
        context_window=whole(entry.get("max_input_tokens")) or None,
        max_output_tokens=whole(entry.get("max_tokens")) or None,
        created=created if created and created > 0 else None,
    )


def preference(entry: Mapping[str, Any]) -> tuple[bool, bool, str]:
    """Return the sort key of a model, to be reversed: active, of the middle line, newest."""
    name = text(entry.get("id"))
    line = text(entry.get("line")) or ("sonnet" if "sonnet" in name else "")
    active = text(entry.get("lifecycle")) in ("", "active")
    return (active, line == "sonnet", text(entry.get("created_at")))
