"""A GGUF model inside this process, by llama.cpp: no account, no network, no other program."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from aiex_lsp.config.settings import ProviderSettings, RateLimits
from aiex_lsp.errors import FailureKind, ProviderError
from aiex_lsp.llm.adapters.base import Adapter, AdapterContext
from aiex_lsp.llm.adapters.llama_engine import Engine, Job, Outcome, process_pool
from aiex_lsp.llm.gguf import GgufInfo, read_gguf
from aiex_lsp.llm.models_install import find_model, model_files
from aiex_lsp.llm.types import (
    Chunk,
    Finish,
    FinishReason,
    Health,
    Heartbeat,
    ModelCall,
    ModelInfo,
    Text,
    Thinking,
    Usage,
)

MAX_WINDOW = 8192
"""Tokens of context by default: memory grows with it (180 MB for the default model)."""

REPEAT_PENALTY = 1.1
"""Small models fall into loops without it: of three answers of the default model two repeated a
line up to 34 times and did not end by themselves, with it none did."""

SMALL_MODEL_BYTES = 1 << 30
"""Files below this get the penalty; larger models do not loop, and code does repeat itself."""

HEARTBEAT_SECONDS = 2.0
"""A sign of life this often while a model loads or another answer is made."""


class EmbeddedAdapter(Adapter):
    """The engine is loaded with the first call and shared by all adapters of this process."""

    type: ClassVar[str] = "embedded"
    default_rate_limits: ClassVar[RateLimits] = RateLimits()

    def __init__(self, settings: ProviderSettings, context: AdapterContext) -> None:
        super().__init__(settings, context)
        self._engines: dict[Path, Engine] = {}
        self._infos: dict[tuple[Path, int], GgufInfo] = {}

    @property
    def local(self) -> bool:
        """Return True: nothing leaves this process."""
        return True

    async def stream(self, call: ModelCall) -> AsyncIterator[Chunk]:
        """Yield the answer's chunks; closing it stops the engine before it returns."""
        info = await asyncio.to_thread(self._resolve, call.model)
        engine = self._engine(info)
        loop = asyncio.get_running_loop()
        items: asyncio.Queue[Mapping[str, Any] | Outcome] = asyncio.Queue()
        job = Job(
            _body(call, info.size < SMALL_MODEL_BYTES), lambda item: _hand_over(loop, items, item)
        )
        answer = _Answer(self.name, info.path.stem)
        if not engine.loaded:
            yield Heartbeat("loading the model")
        elif engine.busy:
            yield Heartbeat("waiting for the model's other answer")
        engine.submit(job)
        ended = False
        try:
            while not ended:
                try:
                    item = await asyncio.wait_for(items.get(), HEARTBEAT_SECONDS)
                except TimeoutError:
                    if not job.running:
                        yield Heartbeat(
                            "waiting for the model" if engine.loaded else "loading the model"
                        )
                    continue
                if isinstance(item, Outcome):
                    ended = True
                    yield answer.finish(item)
                else:
                    for chunk in answer.chunks(item):
                        yield chunk
        finally:
            if not ended and job.cancel():
                await asyncio.shield(_drain(items))

    async def check_health(self) -> Health:
        """Return whether the engine and a usable model file are installed; loads nothing."""
        started = self.context.monotonic()
        try:
            await asyncio.to_thread(self._resolve, "")
        except ProviderError as error:
            return Health("error", error=str(error))
        elapsed = self.context.monotonic() - started
        return Health("healthy", response_time_ms=max(0.0, elapsed * 1000))

    async def list_models(self) -> list[ModelInfo]:
        """Return the model files there are; the id is the file's name without `.gguf`."""
        infos = await asyncio.to_thread(self._installed)
        return [
            ModelInfo(
                id=info.path.stem,
                provider=self.name,
                local=True,
                context_window=self._window(info),
                loaded=(engine := self._engines.get(info.path)) is not None and engine.loaded,
                quantization=info.quantization,
                parameters=info.size_label,
                chat=info.chat_template,
            )
            for info in infos
        ]

    async def default_model(self) -> str:
        """Return the configured default model, else the preferred file's. Raises NOT_CONFIGURED."""
        if self.settings.default_model:
            return self.settings.default_model
        return (await asyncio.to_thread(self._resolve, "")).path.stem

    def count_tokens(self, call: ModelCall) -> int | None:
        """Return the exact tokens of a call's messages; None until loaded. Blocks 2 ms."""
        for path, engine in self._engines.items():
            if engine.loaded and call.model in ("", path.stem):
                return engine.count_tokens(_messages(call))
        return None

    async def aclose(self) -> None:
        """Give the engines back; the last adapter's call frees the memory."""
        engines = list(self._engines.values())
        self._engines.clear()
        for engine in engines:
            await asyncio.to_thread(process_pool().release, engine)

    def _engine(self, info: GgufInfo) -> Engine:
        engine = self._engines.get(info.path)
        if engine is None:
            engine = process_pool().acquire(info.path, self._window(info))
            self._engines[info.path] = engine
        return engine

    def _window(self, info: GgufInfo) -> int:
        wanted = self.settings.context_window or MAX_WINDOW
        return min(wanted, info.context_length or wanted)

    def _installed(self) -> list[GgufInfo]:
        files = model_files(self.settings.model_path, self.context.models_dir)
        return [info for path in files if (info := self._read(path)[0]) is not None]

    def _read(self, path: Path) -> tuple[GgufInfo | None, str | None]:
        try:
            stamp = path.stat().st_mtime_ns
        except OSError:
            stamp = 0
        known = self._infos.get((path, stamp))
        if known is not None:
            return known, None
        info, problem = read_gguf(path)
        if info is not None:
            self._infos[path, stamp] = info
        return info, problem

    def _resolve(self, model: str) -> GgufInfo:
        """Return the file that `model` names, "" the preferred one. Blocks for its metadata."""
        if find_spec("xllamacpp") is None:
            raise self._error(
                FailureKind.NOT_CONFIGURED,
                "the engine for a model in this process is not installed",
                "Install `aiex-lsp[embedded]`",
            )
        path = find_model(self.settings.model_path, self.context.models_dir)
        if path is None:
            configured = self.settings.model_path
            raise self._error(
                FailureKind.NOT_CONFIGURED,
                f"there is no file {Path(configured).name}"
                if configured
                else "no model is installed",
                "Run `aiex-lsp models install`",
            )
        if model and path.stem != model:
            files = model_files(self.settings.model_path, self.context.models_dir)
            named = next((file for file in files if file.stem == model), None)
            if named is None:
                raise self._error(
                    FailureKind.MODEL_NOT_FOUND,
                    f"there is no model {model}",
                    f"Use {path.stem}, or install another: `aiex-lsp models install FILE`",
                )
            path = named
        info, problem = self._read(path)
        if info is None:
            raise self._error(
                FailureKind.NOT_CONFIGURED,
                f"{path.name} cannot be used: {problem}",
                "Run `aiex-lsp models install` to get a good one",
            )
        return info

    def _error(self, kind: FailureKind, what: str, step: str) -> ProviderError:
        return ProviderError(kind, f"{self.name}: {what}", step, provider=self.name)


class _Answer:
    """What one generation has brought so far."""

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


def _body(call: ModelCall, small: bool) -> dict[str, Any]:
    body: dict[str, Any] = {
        "messages": _messages(call),
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


def _messages(call: ModelCall) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in call.messages]


def _hand_over(
    loop: asyncio.AbstractEventLoop,
    items: asyncio.Queue[Mapping[str, Any] | Outcome],
    item: Mapping[str, Any] | Outcome,
) -> None:
    loop.call_soon_threadsafe(items.put_nowait, item)


async def _drain(items: asyncio.Queue[Mapping[str, Any] | Outcome]) -> None:
    """Return once the engine has stopped."""
    while not isinstance(await items.get(), Outcome):
        pass
