"""Anthropic's messages API, as its documentation on streaming shows it (docs.claude.com)."""

from __future__ import annotations

import json
from typing import Any

from tests.servers.base import FakeServer, Request, prompt_tokens
from tests.servers.script import Reply, Step, Whole, status

MODEL = "claude-sonnet-fake"

REFUSALS = {
    "temperature": "`temperature` is deprecated for this model.",
    "adaptive": "adaptive thinking is not supported on this model",
    "enabled": '"thinking.type.enabled" is not supported for this model. '
    'Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.',
    "tool_choice": "Thinking may not be enabled when tool_choice forces tool use.",
    "format": "output_config.format: structured outputs are not supported on this model",
}
"""What some models refuse, in the API's words; a server `refuses` some of it."""

_STOP = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}


class AnthropicServer(FakeServer):
    """A server of `/v1/messages` and `/v1/models`."""

    dialect = "anthropic"
    chat_path = "/v1/messages"
    base_path = "/v1"

    def __init__(self, *, refuses: tuple[str, ...] = (), **options: Any) -> None:
        super().__init__(**options)
        self.refuses = refuses
        self.models: list[dict[str, Any]] = [
            _model("claude-opus-fake", "2026-03-01T00:00:00Z", 1_000_000),
            _model(MODEL, "2026-02-01T00:00:00Z", 200_000),
            _model("claude-sonnet-older", "2025-02-01T00:00:00Z", 200_000),
        ]

    def authorized(self, request: Request) -> bool:
        return self.key is None or request.headers.get("x-api-key") == self.key

    def events(self, reply: Reply, body: dict[str, Any]) -> list[tuple[str, bytes]]:
        tokens = reply.usage or (prompt_tokens(body), len(reply.deltas()))
        found = [("start", _event("message_start", message=_message(body, tokens[0])))]
        index = 0
        if reply.thinking:
            block = {"type": "thinking", "thinking": "", "signature": ""}
            found.append(("start", _event("content_block_start", index=0, content_block=block)))
            for thought in reply.thinking:
                delta = {"type": "thinking_delta", "thinking": thought}
                found.append(("thinking", _event("content_block_delta", index=0, delta=delta)))
            delta = {"type": "signature_delta", "signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrk"}
            found.append(("start", _event("content_block_delta", index=0, delta=delta)))
            found.append(("start", _event("content_block_stop", index=0)))
            index = 1
        tool = body.get("tool_choice", {}).get("name")
        block = {"type": "text", "text": ""}
        if tool:
            block = {"type": "tool_use", "id": "toolu_01", "name": tool, "input": {}}
        found.append(("start", _event("content_block_start", index=index, content_block=block)))
        found.append(("start", _event("ping")))
        for piece in reply.deltas():
            delta = {"type": "text_delta", "text": piece}
            if tool:
                delta = {"type": "input_json_delta", "partial_json": piece}
            found.append(("text", _event("content_block_delta", index=index, delta=delta)))
        found.append(("block_end", _event("content_block_stop", index=index)))
        if reply.finish:
            reason = "tool_use" if tool else _STOP.get(reply.finish, reply.finish)
            delta = {"stop_reason": reason, "stop_sequence": None}
            usage = {"output_tokens": tokens[1]}
            found.append(("finish", _event("message_delta", delta=delta, usage=usage)))
            found.append(("end", _event("message_stop")))
        return found

    def error_event(self) -> bytes:
        return _event("error", error={"type": "overloaded_error", "message": "Overloaded"})

    def garbage_event(self) -> bytes:
        return b'event: content_block_delta\ndata: {"type": "content_bl\n\n'

    def error(self, code: int, message: str, /, **fields: Any) -> Whole:
        error = {"type": "invalid_request_error", "message": message, **fields}
        return status(code, {"type": "error", "error": error, "request_id": "req_011"})

    def unauthorized(self) -> Whole:
        return self.error(401, "invalid x-api-key", type="authentication_error")

    def refuse(self, request: Request) -> Step | None:
        body = request.json
        if body["model"] not in {model["id"] for model in self.models}:
            return self.error(404, f"model: {body['model']}", type="not_found_error")
        sent = {*body, *body.get("output_config", {}), body.get("thinking", {}).get("type")}
        for name in self.refuses:
            if name in sent:
                return self.error(400, REFUSALS[name])
        return None

    def route(self, request: Request) -> Step | None:
        if (request.method, request.path) != ("GET", "/v1/models"):
            return None
        size = int(request.query.get("limit", "20"))
        ids = [model["id"] for model in self.models]
        start = ids.index(request.query["after_id"]) + 1 if "after_id" in request.query else 0
        page = self.models[start : start + size]
        return status(
            200,
            {
                "data": page,
                "has_more": start + size < len(self.models),
                "first_id": page[0]["id"] if page else None,
                "last_id": page[-1]["id"] if page else None,
            },
        )


def _event(kind: str, **fields: Any) -> bytes:
    data = json.dumps({"type": kind, **fields}, ensure_ascii=False)
    return f"event: {kind}\ndata: {data}\n\n".encode()


def _message(body: dict[str, Any], tokens: int) -> dict[str, Any]:
    return {
        "id": "msg_fake",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": body.get("model", MODEL),
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": tokens, "output_tokens": 1, "cache_read_input_tokens": 0},
    }


def _model(name: str, created: str, window: int) -> dict[str, Any]:
    return {
        "type": "model",
        "id": name,
        "display_name": name.replace("-", " ").title(),
        "created_at": created,
        "max_input_tokens": window,
        "max_tokens": 64_000,
        "lifecycle": "active",
    }
