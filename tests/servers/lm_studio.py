"""LM Studio: OpenAI's dialect and its REST API (https://lmstudio.ai/docs/developer/rest)."""

from __future__ import annotations

from typing import Any

from tests.servers.base import Request
from tests.servers.openai import OpenAIServer
from tests.servers.script import Step, Whole, status

MODEL = "qwen-fake-coder"


class LMStudioServer(OpenAIServer):
    """A server of `/v1` and `/api/v1/models`; with `rest="v0"` the older `/api/v0/models`."""

    dialect = "lm_studio"

    def __init__(self, *, rest: str = "v1", **options: Any) -> None:
        super().__init__(**options)
        self.rest = rest
        self.models = [
            {"id": name, "object": "model", "owned_by": "organization_owner"}
            for name in ("text-embedding-nomic", "gemma-fake", MODEL)
        ]
        self.loaded = MODEL

    def error(self, code: int, message: str, /, **fields: Any) -> Whole:
        return status(code, {"error": {"message": message, "type": "invalid_request_error"}})

    def refuse(self, request: Request) -> Step | None:
        name = request.json["model"]
        if name not in {model["id"] for model in self.models}:
            return self.error(404, f'Model "{name}" not found. Please specify a valid model.')
        return super().refuse(request)

    def route(self, request: Request) -> Step | None:
        if (request.method, request.path) == ("GET", f"/api/{self.rest}/models"):
            found = [self._entry(model["id"]) for model in self.models]
            return status(200, {"models" if self.rest == "v1" else "data": found})
        return super().route(request)

    def _entry(self, name: str) -> dict[str, Any]:
        embedding, loaded = "embedding" in name, name == self.loaded
        if self.rest == "v0":
            return {
                "id": name,
                "object": "model",
                "type": "embeddings" if embedding else "llm",
                "quantization": "Q4_K_M",
                "state": "loaded" if loaded else "not-loaded",
                "max_context_length": 32_768,
                **({"loaded_context_length": 4096} if loaded else {}),
            }
        instance = {"id": name, "config": {"context_length": 4096}}
        return {
            "type": "embedding" if embedding else "llm",
            "key": name,
            "display_name": name,
            "quantization": {"name": "Q4_K_M", "bits_per_weight": 4},
            "params_string": None if embedding else "4B",
            "loaded_instances": [instance] if loaded else [],
            "max_context_length": 32_768,
        }
