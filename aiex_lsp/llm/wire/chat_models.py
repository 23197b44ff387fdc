"""Model lists of OpenAI and the servers that speak its dialect."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aiex_lsp.llm.types import ModelInfo
from aiex_lsp.llm.wire.reader import items, mapping, text, whole

_NOT_CHAT = re.compile(
    r"embed|rerank|whisper|\btts\b|-tts|dall-e|moderation|transcri|stable-diffusion|\bsora|"
    r"realtime|-audio|audio-|gpt-image|-image\b|image-\d|speech|guard\b|bge-|clip\b|flux",
    re.IGNORECASE,
)
"""By name, as OpenAI's list tells nothing else; a gateway's other models are taken to chat."""

_NOT_CHAT_AT_OPENAI = re.compile(
    r"davinci|babbage|instruct|codex|computer-use|search|deep-research|-pro\b|chatgpt"
)
"""Of OpenAI's own models those that only its other endpoints serve, or that are retired."""

_SPECIAL = re.compile(r"mini|nano|preview|latest|-\d{4}-\d{2}-\d{2}|-\d{4}\b|^o\d|:free|turbo|oss")


def chat_models(body: Any, provider: str, *, local: bool) -> list[ModelInfo]:
    """Return the models of `GET /models`, the newest general chat model first.

    Order beyond that: chat models before others, loaded before not loaded, general before small,
    dated and preview ones, newer before older.
    """
    root = mapping(body)
    listed = items(root.get("data")) or items(root.get("models")) or items(body)
    models = [_model(entry, provider, local) for entry in listed]
    return sorted((model for model in models if model.id), key=_preference)


def _model(entry: Mapping[str, Any], provider: str, local: bool) -> ModelInfo:
    name = text(entry.get("id")) or text(entry.get("name"))
    meta, top = mapping(entry.get("meta")), mapping(entry.get("top_provider"))
    created = entry.get("created")
    owner = text(entry.get("owned_by"))
    status = text(mapping(entry.get("status")).get("value"))
    return ModelInfo(
        id=name,
        provider=provider,
        local=local,
        context_window=(
            whole(meta.get("n_ctx"))
            or whole(entry.get("max_model_len"))
            or whole(entry.get("context_length"))
            or whole(entry.get("context_window"))
            or whole(entry.get("max_context_length"))
            or whole(meta.get("n_ctx_train"))
            or None
        ),
        max_output_tokens=whole(top.get("max_completion_tokens")) or None,
        loaded={"loaded": True, "unloaded": False}.get(status),
        chat=_chats(entry, name, owner),
        created=float(created) if isinstance(created, int | float) and created > 0 else None,
    )


def _chats(entry: Mapping[str, Any], name: str, owner: str) -> bool:
    kind = text(entry.get("type"))
    if kind:
        return kind in ("llm", "vlm", "chat", "model", "language", "text")
    outputs = mapping(entry.get("architecture")).get("output_modalities")
    if isinstance(outputs, list):
        return "text" in outputs
    if _NOT_CHAT.search(name):
        return False
    at_openai = owner in ("openai", "system", "openai-internal")
    return not (at_openai and _NOT_CHAT_AT_OPENAI.search(name))


def _preference(model: ModelInfo) -> tuple[bool, bool, bool, float, str]:
    special = _SPECIAL.search(model.id) is not None
    return (not model.chat, model.loaded is not True, special, -(model.created or 0.0), model.id)
