"""OpenAI's chat completions, as https://platform.openai.com/docs/api-reference/chat shows them."""

from __future__ import annotations

import json
from typing import Any

from tests.servers.base import FakeServer, Request, prompt_tokens
from tests.servers.script import Reply, Step, Whole, status

MODEL = "gpt-fake"

REFUSALS = {
    "max_tokens": (
        "Unsupported parameter: 'max_tokens' is not supported with this model. "
        "Use 'max_completion_tokens' instead.",
        "unsupported_parameter",
    ),
    "temperature": (
        "Unsupported value: 'temperature' does not support 0.7 with this model. "
        "Only the default (1) value is supported.",
        "unsupported_value",
    ),
    "stream_options": ("Unrecognized request argument supplied: stream_options", None),
    "reasoning_effort": ("Unrecognized request argument supplied: reasoning_effort", None),
    "json_schema": (
        "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this "
        "model. Learn more about supported models.",
        None,
    ),
    "json_object": ("'response_format' is not supported by this model", None),
    "system": ("Unsupported value: 'messages[0].role' does not support 'system'", None),
}
"""What OpenAI's models and old gateways refuse, in their words; a server `refuses` some of it."""


class OpenAIServer(FakeServer):
    """A server of `/v1/chat/completions` and `/v1/models`."""

    dialect = "openai"
    chat_path = "/v1/chat/completions"
    base_path = "/v1"

    def __init__(self, *, refuses: tuple[str, ...] = (), **options: Any) -> None:
        super().__init__(**options)
        self.refuses = refuses
        self.models: list[dict[str, Any]] = [
            {"id": MODEL, "object": "model", "created": 1_750_000_000, "owned_by": "openai"},
            {"id": "gpt-older", "object": "model", "created": 1_600_000_000, "owned_by": "openai"},
            {
                "id": "text-embedding-3-large",
                "object": "model",
                "created": 1_760_000_000,
                "owned_by": "system",
            },
        ]

    def events(self, reply: Reply, body: dict[str, Any]) -> list[tuple[str, bytes]]:
        head = {
            "id": "chatcmpl-fake",
            "object": "chat.completion.chunk",
            "created": 1_750_000_000,
            "model": body.get("model", MODEL),
        }

        def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            return _sse({**head, "choices": [choice], **reply.extra})

        found = [("start", event({"role": "assistant", "content": "", "refusal": None}))]
        found += [("thinking", event({"reasoning_content": t})) for t in reply.thinking]
        found += [("text", event({"content": piece})) for piece in reply.deltas()]
        if reply.finish:
            found.append(("finish", event({}, reply.finish)))
        if body.get("stream_options", {}).get("include_usage") and reply.finish:
            tokens = reply.usage or (prompt_tokens(body), len(reply.deltas()))
            usage = {
                "prompt_tokens": tokens[0],
                "completion_tokens": tokens[1],
                "total_tokens": sum(tokens),
                "prompt_tokens_details": {"cached_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": len(reply.thinking)},
            }
            found.append(("usage", _sse({**head, "choices": [], "usage": usage})))
        if reply.finish:
            found.append(("end", b"data: [DONE]\n\n"))
        return found

    def error_event(self) -> bytes:
        return _sse(
            {"error": {"message": "The server had an error", "type": "server_error", "code": None}}
        )

    def error(self, code: int, message: str, /, **fields: Any) -> Whole:
        body = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
        return status(code, {"error": {**body, **fields}})

    def unauthorized(self) -> Whole:
        said = "Incorrect API key provided: sk-wrong****************key. You can find your API key"
        return self.error(401, said, code="invalid_api_key")

    def refuse(self, request: Request) -> Step | None:
        body = request.json
        if body["model"] not in {model["id"] for model in self.models}:
            said = f"The model `{body['model']}` does not exist or you do not have access to it."
            return self.error(404, said, code="model_not_found")
        sent = {*body, body.get("response_format", {}).get("type")}
        sent |= {message["role"] for message in body["messages"]}
        for name in self.refuses:
            if name in sent:
                message, code = REFUSALS[name]
                param = {"json_schema": "response_format", "system": "messages[0].role"}
                return self.error(400, message, code=code, param=param.get(name, name))
        return None

    def route(self, request: Request) -> Step | None:
        if (request.method, request.path) == ("GET", f"{self.base_path}/models"):
            return status(200, {"object": "list", "data": self.models})
        return None


def _sse(data: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"
