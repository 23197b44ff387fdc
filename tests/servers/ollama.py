"""Ollama's own API, as https://docs.ollama.com/api shows it."""

from __future__ import annotations

import json
from typing import Any

from tests.servers.base import FakeServer, Request, prompt_tokens
from tests.servers.script import Reply, Step, Whole, status

MODEL = "qwen-fake:4b"


class OllamaServer(FakeServer):
    """A server of `/api/chat`, `/api/tags`, `/api/show`, `/api/ps`.

    `largest` is the context length of its models. `cuts` makes it an old version that shortens
    a long prompt silently to half the window; else it refuses, as `truncate: false` asks.
    `refuses` may hold "think" and "think_level".
    """

    dialect = "ollama"
    chat_path = "/api/chat"
    content_type = "application/x-ndjson"

    def __init__(
        self,
        *,
        refuses: tuple[str, ...] = (),
        largest: int = 32_768,
        cuts: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.refuses = refuses
        self.largest = largest
        self.cuts = cuts
        self.capabilities = {"nomic-embed-text:latest": ["embedding"]}
        self.loaded: list[str] = []
        self.models: list[dict[str, Any]] = [
            _model("nomic-embed-text:latest", "2026-05-03T20:12:24.1+02:00", "nomic-bert"),
            _model(MODEL, "2026-05-02T20:12:24.1+02:00", "qwen3"),
            _model("llama-fake:8b", "2026-04-01T20:12:24.1+02:00", "llama"),
        ]

    def events(self, reply: Reply, body: dict[str, Any]) -> list[tuple[str, bytes]]:
        head = {"model": body.get("model", MODEL), "created_at": "2026-05-04T08:52:19.385406Z"}

        def line(message: dict[str, Any], **fields: Any) -> bytes:
            full = {**head, "message": {"role": "assistant", **message}, "done": False, **fields}
            return json.dumps(full, ensure_ascii=False).encode() + b"\n"

        found = [("thinking", line({"content": "", "thinking": t})) for t in reply.thinking]
        found += [("text", line({"content": piece})) for piece in reply.deltas()]
        if reply.finish:
            prompt = prompt_tokens(body)
            window = min(body.get("options", {}).get("num_ctx", 4096), self.largest)
            if prompt > window:
                prompt = window // 2
            tokens = reply.usage or (prompt, len(reply.deltas()) + len(reply.thinking))
            counts = {"prompt_eval_count": tokens[0], "eval_count": tokens[1]}
            done = line({"content": ""}, done=True, done_reason=reply.finish, **counts)
            found.append(("finish", done))
        return found

    def error_event(self) -> bytes:
        return b'{"error":"an error was encountered while running the model: unexpected EOF"}\n'

    def garbage_event(self) -> bytes:
        return b'{"model": "qwen-fake:4b", "mess\n'

    def error(self, code: int, message: str, /, **fields: Any) -> Whole:
        return status(code, {"error": message})

    def refuse(self, request: Request) -> Step | None:
        body = request.json
        name = body["model"]
        if name not in self._names():
            return self.error(404, f"model '{name}' not found")
        if "think" in body and "think" in self.refuses:
            return self.error(400, f'"{name}" does not support thinking')
        if isinstance(body.get("think"), str) and "think_level" in self.refuses:
            return self.error(400, f'think value "{body["think"]}" is not supported for this model')
        window = min(body.get("options", {}).get("num_ctx", 4096), self.largest)
        prompt = prompt_tokens(body)
        if prompt > window and not self.cuts and body.get("truncate") is False:
            inner = {
                "code": 400,
                "message": f"request ({prompt} tokens) exceeds the available context size",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": prompt,
                "n_ctx": window,
            }
            return self.error(400, json.dumps({"error": inner}))
        return None

    def route(self, request: Request) -> Step | None:
        match request.method, request.path:
            case "GET", "/api/tags":
                return status(200, {"models": self.models})
            case "GET", "/api/ps":
                running = [m for m in self.models if m["name"] in self.loaded]
                return status(200, {"models": [{**m, "context_length": 8192} for m in running]})
            case "GET", "/api/version":
                return status(200, {"version": "0.12.9"})
            case "POST", "/api/show":
                return self._show(request.json["model"])
        return None

    def _show(self, name: str) -> Whole:
        if name not in self._names():
            return self.error(404, f"model '{name}' not found")
        return status(
            200,
            {
                "details": next(m["details"] for m in self.models if m["name"] == name),
                "model_info": {
                    "general.architecture": "fake",
                    "fake.context_length": self.largest,
                    "fake.embedding_length": 4096,
                },
                "capabilities": self.capabilities.get(name, ["completion", "tools"]),
            },
        )

    def _names(self) -> set[str]:
        return {model["name"] for model in self.models}


def _model(name: str, modified: str, family: str) -> dict[str, Any]:
    return {
        "name": name,
        "model": name,
        "modified_at": modified,
        "size": 2_500_000_000,
        "digest": "a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72",
        "details": {
            "format": "gguf",
            "family": family,
            "families": [family],
            "parameter_size": "4.0B",
            "quantization_level": "Q4_K_M",
        },
    }
